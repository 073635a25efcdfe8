"""Small pieces of core: parameters, model files, configuration files, the recorder, the runner, diagnosis."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.build.model_file import check_model_file
from brainsmith_core.build.parameters import checked_parameters
from brainsmith_core.build.recorder import BuildRecorder, ObserverThread
from brainsmith_core.build.runner import BackendBase, create_build_runner_factory
from brainsmith_core.build.workspace import Workspace, read_json, write_json, write_whole
from brainsmith_core.config import BuildConfig, OutputStage
from brainsmith_core.context import Backend, BackendOutcome, BuildContext, BuildFailure
from brainsmith_core.diagnosis.handler import BuildErrorHandler
from brainsmith_core.diagnosis.log_reader import read_log
from brainsmith_core.errors import ConfigurationError, MissingRequirementError, PluginError, did_you_mean
from brainsmith_core.events import BuildEvent
from brainsmith_core.formats.config_file import load_build_config, parse_assignments
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import BackendSpec, Parameter
from brainsmith_core.result import BuildStatus

MakeConfig = Callable[..., BuildConfig]


@given(st.text(max_size=20), st.lists(st.text(max_size=10), max_size=30))
def test_a_suggestion_never_fails(name: str, known: list[str]) -> None:
    text = did_you_mean(name, known)
    assert text == "" or text.startswith(("did you mean", "known: "))


def test_a_suggestion_ignores_case_and_stops_long_lists() -> None:
    assert did_you_mean("PYNQ-z1", ["Pynq-Z1", "Ultra96"]) == 'did you mean "Pynq-Z1"?'
    assert did_you_mean("zzz", [f"name{i}" for i in range(30)]).endswith("and 10 more")


PARAMETERS = (
    Parameter(name="bits", type="int", summary="bit width", default=4, minimum=1, maximum=8),
    Parameter(name="method", type="str", summary="how", required=True, choices=("a", "b")),
    Parameter(name="scale", type="float", summary="factor", default=None),
)


def test_parameters_are_filled_in_and_checked() -> None:
    assert checked_parameters(PARAMETERS, {"method": "a"}, "it") == {"bits": 4, "method": "a", "scale": None}
    assert checked_parameters(PARAMETERS, {"method": "b", "scale": 2}, "it")["scale"] == 2
    assert checked_parameters(PARAMETERS, {"method": "b", "scale": None}, "it")["scale"] is None


@pytest.mark.parametrize(
    ("given_values", "message"),
    [
        ({}, 'needs the parameter "method"'),
        ({"method": "c"}, "known: a, b"),
        ({"method": "a", "bits": 9}, "must be 1 to 8"),
        ({"method": "a", "bits": True}, "must be int"),
        ({"method": "a", "bit": 9}, 'did you mean "bits"?'),
    ],
)
def test_wrong_parameters_are_refused(given_values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_parameters(PARAMETERS, given_values, "it")
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"hello world, this is text\n", b"PK\x03\x04", b"\x89PNG\r\n", b"\x00\x00"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="no ONNX model"):
        check_model_file(path)


def test_a_model_that_cannot_be_read_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no file"):
        check_model_file(tmp_path)
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(ConfigurationError, match="is no file"):
        check_model_file(tmp_path / "pipe.onnx")
    with pytest.raises(MissingRequirementError, match="doesn't exist"):
        check_model_file(tmp_path / "none.onnx")


def test_a_build_file_has_defaults_and_paths_of_its_own_folder(tmp_path: Path) -> None:
    path = tmp_path / "fast.yaml"
    path.write_text("model_path: m.onnx\nconfig_flags: {target_fps: 10}\n")
    config = load_build_config(path, flags={"board": "Pynq-Z1"})
    assert config.id == "fast"
    assert config.model_path == str(tmp_path / "m.onnx")
    assert config.output_dir == str(tmp_path / "builds" / "fast")
    assert config.config_flags == {"target_fps": 10, "board": "Pynq-Z1"}


def test_files_that_a_build_file_names_start_at_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fold.json").write_text("{}")
    (tmp_path / "samples.npz").write_text("")
    path = tmp_path / "b.yaml"
    step = "{name: a, type: postprocessing, parameters: {dataset: samples.npz, top: 1}}"
    path.write_text(f"model_path: m\nconfig_flags: {{folding_config_file: fold.json}}\npostprocessing: [{step}]\n")
    config = load_build_config(path)
    assert config.config_flags == {"folding_config_file": str(tmp_path / "fold.json")}
    assert config.postprocessing[0].parameters == {"dataset": str(tmp_path / "samples.npz"), "top": 1}
    monkeypatch.chdir(tmp_path)
    assert load_build_config(path, flags={"x_file": "fold.json"}).config_flags["x_file"] == str(tmp_path / "fold.json")
    path.write_text("model_path: m\nconfig_flags: {folding_config_file: nowhere.json}\n")
    with pytest.raises(MissingRequirementError, match="nowhere"):
        load_build_config(path)


def test_the_file_of_a_build_reads_back_as_a_build(tmp_path: Path) -> None:
    config = BuildConfig(id="a", model_path="/m.onnx", output_dir="/out", config_flags={"x": [1, None]})
    path = tmp_path / "config.json"
    write_json(path, config.to_dict())
    assert load_build_config(path) == config


def test_text_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigurationError):
        load_build_config(path)
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_build_config(tmp_path)


def test_small_files_that_are_huge_trees_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 8)}]" for n in range(1, 9)]
    path.write_text("\n".join(lines))
    with pytest.raises(ConfigurationError, match="aliases"):
        load_build_config(path)
    path.write_text("a: " + "[" * 5000)
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        load_build_config(path)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("model_path: a\nmodel_path: b\n")
    with pytest.raises(ConfigurationError, match="given twice, first in line 1"):
        load_build_config(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"build_steps": "step_tidy_up"},
        {"kernels": [("MVAU", "hls")]},
        {"kernels": ["MVAU"]},
        {"kernels": "MVAU"},
        {"transforms": {"cleanup": "Fold"}},
        {"transforms": ["Fold"]},
        {"global_config": {"log_level": "INFO"}},
        {"preprocessing": [{"name": "x"}]},
    ],
)
def test_the_constructor_is_as_strict_as_a_file(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        BuildConfig(id="a", model_path="m", output_dir="o", **wrong)


def test_assignments_are_yaml() -> None:
    assert parse_assignments(["a=1", "b=[1, 2]", "c=x=y", "d="]) == {
        "a": 1,
        "b": [1, 2],
        "c": "x=y",
        "d": None,
    }


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"old", sync=True)
    with pytest.raises(TypeError):
        write_whole(path, "no bytes")  # type: ignore[arg-type]  # the fault under test
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_damaged_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{")
    with pytest.raises(ConfigurationError, match="isn't JSON"):
        read_json(path)
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_json(tmp_path / "none.json")


def test_a_workspace_without_files_has_no_result(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.read_result() is None
    assert workspace.read_metrics() == []
    assert workspace.relative(Path("/elsewhere/x")) == "/elsewhere/x"


def test_the_log_keeps_to_its_level(tmp_path: Path) -> None:
    recorder = BuildRecorder("a", tmp_path / "e", tmp_path / "l", "WARNING")
    recorder.log("quiet")
    recorder.log("loud \udcff", "ERROR")
    recorder.close()
    assert (tmp_path / "l").read_text().endswith("ERROR loud ?\n")
    assert "quiet" not in (tmp_path / "l").read_text()


def test_events_that_observers_cannot_take_are_counted() -> None:
    release = threading.Event()
    complaints: list[str] = []

    def observe(event: BuildEvent) -> None:
        release.wait(30)

    thread = ObserverThread([("slow", observe)], complaints.append, capacity=2)
    for _ in range(10):
        thread.post(BuildEvent(kind="x", build_id="a"))
    thread.close(timeout=0.05)
    release.set()
    assert "events were dropped" in complaints[0]


class SimulatedBackend(BackendBase):
    """A backend of the tests that is its own runner."""

    spec = BackendSpec(
        name="self_runner",
        summary="s",
        target="os:getcwd",
        output_stages=(OutputStage.RTL, OutputStage.DATAFLOW_GRAPH),
        simulated=True,
    )

    def build(self, context: BuildContext) -> BackendOutcome:
        return BackendOutcome()


def test_a_backend_can_run_itself(make_config: MakeConfig) -> None:
    backend = SimulatedBackend()
    result = backend.run(make_config())
    assert (result.status, result.backend, result.simulated) == (BuildStatus.SUCCESS, "self_runner", True)
    assert backend.get_backend_name() == "self_runner"
    assert backend.get_supported_output_stages() == [OutputStage.RTL, OutputStage.DATAFLOW_GRAPH]


def test_auto_takes_no_simulation() -> None:
    with pytest.raises(PluginError, match="no real backend"):
        create_build_runner_factory("auto", PluginManager())


def test_an_unknown_backend_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="no_such_backend"):
        create_build_runner_factory("no_such_backend", PluginManager())


def test_auto_takes_the_real_one(plugins: PluginManager) -> None:
    runner = create_build_runner_factory("auto", plugins)()
    assert runner.get_backend_name() == "fake"
    assert runner.get_supported_output_stages() == [OutputStage.DATAFLOW_GRAPH]
    backend: Backend = runner.backend
    assert backend is not create_build_runner_factory("auto", plugins)().backend


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("ERROR: [Common 17-345] A valid license was not found for feature", "licence"),
        ("MemoryError: Unable to allocate 3 GiB", "memory"),
        ("OSError: [Errno 28] No space left on device", "disk"),
        ("vivado: command not found", "environment"),
        ("Timing constraints are not met.", "timing"),
        (
            "ERROR: [Place 30-640] Place Check : This design requires more Slice LUTs cells than are available",
            "resource",
        ),
        ("EOFError: EOF when reading a line", "environment"),
        ("nothing that anybody knows", "unknown"),
    ],
)
def test_errors_have_categories(text: str, category: str) -> None:
    handler = BuildErrorHandler(PluginManager())
    assert handler.categorize_error(text, {}) == category
    assert category in handler.ERROR_CATEGORIES


def test_a_log_says_what_the_message_does_not(tmp_path: Path) -> None:
    log = tmp_path / "vivado.log"
    log.write_text("INFO: fine\nCRITICAL WARNING: [X 1-2] odd\nERROR: [Common 17-345] A valid license was not found\n")
    handler = BuildErrorHandler(PluginManager())
    logs = {"vivado": str(log)}
    assert handler.categorize_error("exit code 1", logs) == "licence"
    report = handler.report(BuildFailure(message="exit code 1"), BuildStatus.FAILED, "backend", logs)
    assert (report.category, report.retryable) == ("licence", True)
    assert report.first_error is not None
    assert report.first_error.line == 3
    text = handler.generate_error_report(BuildConfig(id="a", model_path="m", output_dir="o"), "exit code 1", logs)
    assert "licence: No licence was available" in text
    assert "first error" in text


def test_every_rule_has_a_known_category_and_a_unique_name() -> None:
    offers = PluginManager().offers("brainsmith_error_rules")
    assert offers
    for offer in offers:
        assert offer.record.category in BuildErrorHandler.ERROR_CATEGORIES
    assert len({offer.record.name for offer in offers}) == len(offers)


def test_a_log_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none.log").outcome == "unknown"
    good = tmp_path / "good.log"
    good.write_text("place_design completed successfully\n")
    assert read_log(good).outcome == "ok"
    bad = tmp_path / "bad.log"
    bad.write_text("Build failed\n")
    assert read_log(bad).outcome == "failed"


def test_a_flood_in_a_log_is_read_at_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "flood.log"
    with path.open("wb") as file:
        file.write(b"x" * 17 * 2**20 + b"\nRuntimeError: at the end\n")
    assert read_log(path).errors == 1
    assert path.stat().st_size > 2**24


def test_results_are_json_documents(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"µs": 1.5})
    assert json.loads((tmp_path / "a.json").read_text()) == {"µs": 1.5}
