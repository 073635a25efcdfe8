"""`brainsmith finn analyse`, and the reference page of the views."""

from __future__ import annotations

import doctest
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.cli.main import run
from brainsmith_finn_legacy.analysis.cycle_formulas import FORMULAS

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "analysis.md"

Analyse = Callable[..., tuple[int, str, str]]


@pytest.fixture
def analyse(capsys: pytest.CaptureFixture[str]) -> Analyse:
    """Run the command; return exit code, stdout and stderr."""

    def call(*words: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(["finn", "analyse", *map(str, words)])
        out, err = capsys.readouterr()
        code = left.value.code or 0
        assert isinstance(code, int)
        return code, out, err

    return call


def test_a_build_is_shown_layer_by_layer(analyse: Analyse, finn_output: Callable[..., Path]) -> None:
    top = {"LUT": 3000, "SRL": 10, "FF": 5000, "BRAM_36K": 2, "BRAM_18K": 3, "DSP": 0}
    routed = {"(top)": top, "StreamingDataflowPartition_1_MVAU_hls_0": {**top, "LUT": 660}}
    code, out, _ = analyse(finn_output(post_synth_resources=routed))
    assert code == 0
    (row,) = [line.split() for line in out.splitlines() if "MVAU_hls_0 *" in line]
    assert row == ["MVAU_hls_0", "*", "PE=1", "SIMD=2", "48", "0%", "330", "660", "route", "2", "-"]
    assert "* bottleneck: 48 cycles; estimated 2,083,333 frames/s; multipliers work 89% of the time" in out
    assert "Prediction" not in out


def test_a_prediction_is_shown_beside_what_was_built(analyse: Analyse, finn_output: Callable[..., Path]) -> None:
    code, out, _ = analyse(finn_output(), "--target-fps", "4e6", "--fold", "Thresholding_rtl_0:PE=3")
    assert code == 0
    assert "2,083,333 -> 4,166,667 frames/s, target met; bottleneck MVAU_hls_0; error of the cycles: 0%" in out
    (row,) = [line.split() for line in out.splitlines() if "Thresholding_rtl_0" in line and "PE=3" in line]
    assert row == ["Thresholding_rtl_0", "PE=1", "PE=3", "12", "4", "formula", "100..300", "0"]


def test_notes_go_to_stderr(analyse: Analyse, finn_output: Callable[..., Path]) -> None:
    _, out, err = analyse(finn_output(model=False), "--clock-ns", "5")
    assert "note: the build's model isn't there" in err
    assert "2,083,333 -> 4,166,667 frames/s; " in out


def test_all_is_one_json_document(analyse: Analyse, finn_output: Callable[..., Path]) -> None:
    folder = finn_output()
    found: dict[str, Any] = json.loads(analyse(folder, "--json")[1])
    assert [*found] == ["performance", "timing", "memory", "resources", "efficiency", "prediction"]
    assert found["prediction"] is None
    assert found["timing"]["met"] is None
    predicted = json.loads(analyse(folder, "--json", "--fold", "MVAU_hls_0:PE=2,SIMD=4")[1])
    assert predicted["prediction"]["layers"][1]["cycles"] == 12


@pytest.mark.parametrize("fold", ["MVAU_hls_0", "MVAU_hls_0:PE", "MVAU_hls_0:PE=x", ":PE=2", "MVAU_hls_0:PE=7"])
def test_a_folding_that_makes_no_sense_is_wrong_usage(
    analyse: Analyse, finn_output: Callable[..., Path], fold: str
) -> None:
    code, _, err = analyse(finn_output(), "--fold", fold)
    assert code == 2
    assert "MVAU_hls_0" in err


def test_a_folder_that_is_not_there_is_missing(analyse: Analyse, tmp_path: Path) -> None:
    code, _, err = analyse(tmp_path / "nothing")
    assert code == 3
    assert "doesn't exist" in err


def test_the_examples_of_the_page_are_true(finn_output: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    finn_output().rename(finn_output().parent / "out")
    monkeypatch.chdir(finn_output().parent)
    found = doctest.testfile(str(PAGE), module_relative=False)
    assert (found.failed, found.attempted > 5) == (0, True)


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_every_formula_is_on_the_page_with_its_source(name: str) -> None:
    (row,) = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| `{name}`")]
    assert FORMULAS[name].source in row
    if FORMULAS[name].exact:
        assert FORMULAS[name].text in row
