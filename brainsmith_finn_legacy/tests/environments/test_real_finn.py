"""With the user's own FINN+ environment; a copy of its record is used, so that nothing of theirs is changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brainsmith_core.cli.main import run
from brainsmith_core.config import OutputStage
from brainsmith_finn_legacy.environments import FINNEnvironment, FINNEnvironmentManager

pytestmark = pytest.mark.finn


@pytest.fixture
def manager(finn_environment: FINNEnvironment, finn_home: Path) -> FINNEnvironmentManager:
    """A home of the test's own, in which the user's environment is an interpreter that has FINN."""
    return FINNEnvironmentManager()


def test_finn_plus_says_what_it_can_do(finn_environment: FINNEnvironment) -> None:
    description = finn_environment.description
    assert (finn_environment.flavour, finn_environment.version) == ("finn-plus", "1.6.1")
    assert len(description.fields) == 74
    assert len(description.estimate_steps) == 11
    assert description.estimate_steps[-1] == "step_generate_estimate_reports"
    assert set(description.default_steps) <= {each.name for each in description.steps}
    assert description.boards["Pynq-Z1"] == "xc7z020clg400-1"
    assert "U250" in description.boards
    assert set(description.output_types) >= {"estimate_reports", "stitched_ip", "bitfile"}
    assert description.distributions["finn-plus"] == "1.6.1"
    assert {"onnx", "qonnx", "numpy"} <= set(description.distributions)
    assert description.unimportable == ()
    period = description.field("synth_clk_period_ns")
    assert period is not None
    assert (period.type, period.default, period.required) == ("float", 10.0, False)
    strategy = description.field("auto_fifo_strategy")
    assert strategy is not None
    assert "live_fifo" in strategy.choices


def test_its_transformations_are_finn_s_and_qonnx_s(finn_environment: FINNEnvironment) -> None:
    found = {each.name: each for each in finn_environment.description.transformations}
    assert len(found) > 200
    assert "finn.transformation.streamline.Streamline" in found
    fold = found["finn.transformation.fpgadataflow.set_folding.SetFolding"]
    assert "target_cycles_per_frame" in [each.name for each in fold.parameters]
    assert "qonnx.transformation.fold_constants.FoldConstants" in found


def test_asked_anew_it_is_the_same_environment(
    finn_environment: FINNEnvironment, manager: FINNEnvironmentManager
) -> None:
    result = manager.validate_finn_environment(finn_environment.python)
    assert result.ok
    assert result.environment is not None
    assert result.environment.identity == finn_environment.identity
    assert result.environment.description == finn_environment.description
    assert OutputStage.DATAFLOW_GRAPH in result.output_stages
    assert manager.find(result.name) == result.environment


def test_the_command_line_lists_its_steps(
    finn_environment: FINNEnvironment, manager: FINNEnvironmentManager, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        run(["finn", "steps", "--finn", str(finn_environment.python), "--json"])
    assert not left.value.code
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert [each["name"] for each in steps if each["estimate"]] == list(finn_environment.description.estimate_steps)
