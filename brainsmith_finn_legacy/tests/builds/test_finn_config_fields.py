from __future__ import annotations

from pathlib import Path

import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_finn_legacy.config_fields import checked_value, find_file, names_file
from brainsmith_finn_legacy.environments.records import ConfigField, FINNEnvironment


def field(environment: FINNEnvironment, name: str) -> ConfigField:
    found = environment.description.field(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("target_fps", 1000, 1000),
        ("target_fps", 1000.0, 1000),
        ("target_fps", None, None),
        ("synth_clk_period_ns", 10, 10.0),
        ("standalone_thresholds", True, True),
        ("board", "Pynq-Z1", "Pynq-Z1"),
        ("vitis_opt_strategy", "quick", "quick"),
        ("vitis_opt_strategy", 1, "1"),
        ("generate_outputs", ["estimate_reports"], ["estimate_reports"]),
        ("signature", [1, 2], [1, 2]),
        ("verify_input_npy", "in.npy", "in.npy"),
        ("vivado_power_simulation_type", "timing", "timing"),
        ("loop_body_hierarchy", [["a", "b"]], [["a", "b"]]),
        ("partitioning_configuration", {"num_fpgas": 2}, {"num_fpgas": 2}),
    ],
)
def test_a_right_value_is_taken_in_the_type_of_finns_field(
    environment: FINNEnvironment, name: str, value: JSONValue, expected: JSONValue
) -> None:
    found = checked_value(field(environment, name), value, "FINN")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("target_fps", 1000.5, "must be a whole number, but is float: 1000.5"),
        ("target_fps", True, "must be a whole number, but is bool"),
        ("target_fps", "1000", "must be a whole number, but is str"),
        ("synth_clk_period_ns", "fast", "must be a number"),
        ("synth_clk_period_ns", None, "can't be null"),
        ("minimize_bit_width", 1, "must be true or false"),
        ("board", 7, "must be text"),
        ("auto_fifo_strategy", "live_fifos", 'did you mean "live_fifo"'),
        ("auto_fifo_strategy", True, "can't be True"),
        ("generate_outputs", "bitfile", "must be a list"),
        ("generate_outputs", ["estimate_report"], 'did you mean "estimate_reports"'),
        ("signature", ["a"], "must be a whole number"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(
    environment: FINNEnvironment, name: str, value: JSONValue, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_value(field(environment, name), value, "FINN+ 1.6.1")
    assert message in str(caught.value)
    assert f'flag "{name}" of FINN+ 1.6.1' in str(caught.value)


def test_fields_that_name_files_are_known_by_their_names(environment: FINNEnvironment) -> None:
    files = {each.name for each in environment.description.fields if names_file(each)}
    assert {"folding_config_file", "verify_input_npy", "vitis_floorplan_file"} <= files
    assert not {"output_dir", "board", "config_path"} & files


def test_a_file_is_found_beside_the_model_before_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, here = tmp_path / "model", tmp_path / "here"
    for folder in (beside, here):
        folder.mkdir()
        (folder / "folding.json").write_text("{}")
    monkeypatch.chdir(here)
    assert find_file("folding.json", beside, "flag") == beside / "folding.json"
    (beside / "folding.json").unlink()
    assert find_file("folding.json", beside, "flag") == here / "folding.json"
    assert find_file(str(here / "folding.json"), beside, "flag") == here / "folding.json"


def test_a_missing_file_is_refused_with_the_places_that_were_looked_at(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"doesn't exist") as caught:
        find_file("folding.json", tmp_path, 'flag "folding_config_file"')
    assert str(tmp_path / "folding.json") in str(caught.value)
    with pytest.raises(ConfigurationError, match="must be a path"):
        find_file(3, tmp_path, "flag")


@pytest.mark.parametrize(
    ("text", "message"), [("{", "isn't JSON"), ("[]", "must hold an object"), ('{"a": 1}', "must")]
)
def test_a_file_of_attributes_must_hold_them(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "folding.json").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        find_file("folding.json", tmp_path, "flag")
