"""The step `verification`: what FINN's verification left behind becomes figures, and what is missing is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainsmith_core.config import BuildConfig
from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.metric import MetricStatus
from brainsmith_core.testing import StepSuite
from brainsmith_onnx.postprocessing.verification import run

MakeContext = Callable[..., StepContext]
STEP = "verification"
INPUTS = np.array([[3, 1, 0], [1, 3, 0]], np.float32)
EXPECTED = INPUTS[:, :2]


class TestConformance(StepSuite):
    step, kind = STEP, "postprocessing"

    def config(self, folder: Path, **parameters: Any) -> BuildConfig:
        """Ask for a verification, so that there is something to report."""
        return super().config(folder, steps=["streamlined_python"], **parameters)


@pytest.fixture
def pair(tmp_path: Path) -> dict[str, str]:
    """An input and what the tiny model gives for it, as FINN's flags."""
    np.save(tmp_path / "in.npy", INPUTS)
    np.save(tmp_path / "expected.npy", EXPECTED)
    files = {"verify_input_npy": "in.npy", "verify_expected_output_npy": "expected.npy"}
    return {flag: str(tmp_path / name) for flag, name in files.items()}


def leave(context: StepContext, **results: Any) -> None:
    """Leave result files as FINN does."""
    folder = context.workspace.artifacts / "verification_output"
    folder.mkdir()
    for name, value in results.items():
        np.save(folder / f"verify_{name}.npy", value)


def report(context: StepContext) -> Any:
    return json.loads((Path(context.report_dir) / f"{STEP}.json").read_bytes())


def figures(outcome: StepOutcome) -> dict[str, Any]:
    return {f"{metric.name} {metric.scope['step']}": metric.value for metric in outcome.metrics}


def test_results_become_figures(make_context: MakeContext, pair: dict[str, str]) -> None:
    context = make_context(STEP, flags={"verify_steps": ["streamlined_python"], **pair})
    leave(context, streamlined_python_0_SUCCESS=EXPECTED[:1], streamlined_python_1_FAIL=EXPECTED[1:] + 0.5)
    outcome = run(context)
    assert figures(outcome) == {
        "verify.samples streamlined_python": 2,
        "verify.failed streamlined_python": 1,
        "verify.max_abs_error streamlined_python": 0.5,
    }
    assert outcome.warnings == ("verification streamlined_python failed for 1 of 2 samples: 1",)
    assert report(context)["passed"] is False
    assert report(context)["steps"]["streamlined_python"]["first_failed"] == [1]
    assert report(context)["expected_output"]["agrees"] is True
    assert {metric.source.file for metric in outcome.metrics} == {
        "artifacts/verification_output/verify_streamlined_python_1_FAIL.npy"
    }


def test_all_as_expected_is_a_pass(make_context: MakeContext, pair: dict[str, str]) -> None:
    context = make_context(STEP, flags=pair)
    leave(context, initial_python_SUCCESS=EXPECTED[:1])
    outcome = run(context)
    assert report(context)["passed"] is True
    assert outcome.warnings == ()


def test_a_verification_without_a_result_is_missing(make_context: MakeContext, pair: dict[str, str]) -> None:
    context = make_context(STEP, flags={"verify_steps": ["folded_hls_cppsim"], **pair})
    outcome = run(context)
    assert report(context)["steps"]["folded_hls_cppsim"]["status"] == "missing"
    assert {metric.status for metric in outcome.metrics} == {MetricStatus.MISSING}
    assert "folded_hls_cppsim was asked for, but the build has no result of it" in outcome.warnings[0]


def test_an_expected_output_of_another_model_is_said(make_context: MakeContext, pair: dict[str, str]) -> None:
    np.save(pair["verify_expected_output_npy"], EXPECTED + 2)
    context = make_context(STEP, flags=pair, steps=["initial_python"])
    leave(context, initial_python_0_FAIL=EXPECTED[:1])
    outcome = run(context)
    assert "the expected output isn't what the model gives: the greatest difference is 2" in outcome.warnings[1]
    np.save(pair["verify_expected_output_npy"], np.zeros((2, 5)))
    context = make_context(STEP, flags=pair, steps=["initial_python"])
    leave(context, initial_python_0_FAIL=EXPECTED[:1])
    outcome = run(context)
    assert "gives 4 values for the input, the expected output has 10" in outcome.warnings[1]
    assert "has 2 values, the expected output 5" in report(context)["steps"]["initial_python"]["no_error_because"]


def test_a_step_that_must_pass_fails_the_step(make_context: MakeContext, pair: dict[str, str]) -> None:
    context = make_context(STEP, flags=pair, must_pass=True)
    leave(context, initial_python_0_FAIL=EXPECTED[:1])
    with pytest.raises(ConfigurationError, match="initial_python failed for 1 of 1 samples: 0"):
        run(context)
    assert report(context)["passed"] is False


def test_files_may_be_given_to_the_step(make_context: MakeContext, pair: dict[str, str]) -> None:
    files = {"input_npy": pair["verify_input_npy"], "expected_output_npy": pair["verify_expected_output_npy"]}
    context = make_context(STEP, **files)
    leave(context, initial_python_0_SUCCESS=EXPECTED[:1], other_notes=1)
    run(context)
    assert report(context)["expected_output"]["agrees"] is True
    assert report(context)["steps"].keys() == {"initial_python"}


def test_without_an_expected_output_only_the_verdict_is_known(make_context: MakeContext) -> None:
    context = make_context(STEP)
    leave(context, initial_python_0_SUCCESS=EXPECTED[:1])
    outcome = run(context)
    assert figures(outcome)["verify.max_abs_error initial_python"] is None
    found = report(context)["steps"]["initial_python"]
    assert "no expected output is given" in found["no_error_because"]


def test_a_result_beyond_the_expected_output_has_no_error(make_context: MakeContext, pair: dict[str, str]) -> None:
    context = make_context(STEP, flags=pair)
    leave(context, initial_python_7_SUCCESS=EXPECTED[:1])
    run(context)
    assert "has 2 samples" in report(context)["steps"]["initial_python"]["no_error_because"]


def test_an_input_that_the_model_cannot_take_leaves_the_question_open(
    make_context: MakeContext, pair: dict[str, str]
) -> None:
    np.save(pair["verify_input_npy"], np.zeros((2, 7), np.float32))
    context = make_context(STEP, flags=pair)
    leave(context, initial_python_0_SUCCESS=EXPECTED[:1])
    run(context)
    assert report(context)["expected_output"]["agrees"] is None


def test_a_build_that_verified_nothing_is_refused(make_context: MakeContext) -> None:
    with pytest.raises(ConfigurationError, match="the build verified nothing"):
        run(make_context(STEP))


def test_files_that_do_not_fit_are_refused(make_context: MakeContext, pair: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="steps must be a list of verification steps"):
        run(make_context(STEP, steps=[3]))
    np.save(pair["verify_input_npy"], INPUTS[:1])
    with pytest.raises(ConfigurationError, match="input has 1 samples, but the expected output 2"):
        run(make_context(STEP, flags=pair, steps=["initial_python"]))
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(ConfigurationError, match=r"input_npy: .*text\.npy can't be read"):
        run(make_context(STEP, flags=pair, steps=["initial_python"], input_npy=str(tmp_path / "text.npy")))
    np.savez(tmp_path / "two.npz", a=INPUTS)
    with pytest.raises(ConfigurationError, match="holds no single array"):
        run(make_context(STEP, flags=pair, steps=["initial_python"], input_npy=str(tmp_path / "two.npz")))
