"""What the documentation and the examples show is what the package reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from brainsmith_core.build.runner import default_plugins
from brainsmith_core.config import GlobalConfig
from brainsmith_core.errors import MissingRequirementError
from brainsmith_dse.blueprint import _KEYS, _SEARCH_KEYS
from brainsmith_dse.forge_api import forge
from brainsmith_dse.metric_names import SUMMARY_FIELDS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "blueprint.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
DIGITS = ROOT / "examples" / "digits" / "blueprint.yaml"


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_documented_blueprint_is_read(write_blueprint: Callable[..., Path], number: int) -> None:
    space = forge(None, write_blueprint(BLOCKS[number]), plugins=default_plugins())
    assert space.get_total_combinations() >= 1


def test_the_documented_forms_stand_for_what_the_page_says(write_blueprint: Callable[..., Path]) -> None:
    def combinations(word: str) -> int:
        (block,) = (each for each in BLOCKS if word in each)
        return forge(None, write_blueprint(block), plugins=default_plugins()).get_total_combinations()

    assert combinations("name: digits") == 2 * 2 * 10
    assert combinations("xczu3eg") == 2 * 3 + 1
    assert combinations("verify_steps") == 2 * 4 * 10
    assert combinations("Softmax") == 2 * 3 * 2 * 2 * 2 * 2
    assert combinations("change_bit_width") == 2


def test_the_page_names_every_key_and_every_metric_of_the_summary() -> None:
    names = [*_KEYS, *_SEARCH_KEYS, *SUMMARY_FIELDS, *(field.name for field in attrs.fields(GlobalConfig))]
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_the_demo_explores_two_boards_two_clocks_and_ten_frame_rates() -> None:
    try:
        space = forge(None, DIGITS, plugins=default_plugins())
    except MissingRequirementError as error:
        pytest.skip(f"the example's model isn't there: {error.message}")
    assert len({target.board for target in space.targets}) >= 2
    assert len({target.clock_ns for target in space.targets}) >= 2
    assert len(space.hw_compiler_space.config_flags["target_fps"].values) >= 10
    assert space.get_total_combinations() >= 40


def test_the_documented_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not DIGITS.exists():
        pytest.skip("the example isn't there")
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(ROOT)
    assert '"digits_output"' in program
    exec(program.replace('"digits_output"', repr(str(tmp_path / "out"))), {})
    assert "40/40 done: 40 succeeded" in capsys.readouterr().err
    assert (tmp_path / "out" / "exploration_summary.json").is_file()
