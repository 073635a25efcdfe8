"""Explorations with real FINN builds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.executor import RunnerFactory
from brainsmith_dse import DesignSpace, HWCompilerSpace, SearchConfig, explore

pytestmark = [pytest.mark.finn, pytest.mark.slow]

MODEL = Path(__file__).parents[3] / "examples" / "digits" / "model.onnx"


@pytest.fixture
def finn() -> RunnerFactory:
    from brainsmith_finn_legacy.environments import FINNEnvironmentManager

    try:
        FINNEnvironmentManager().find(None)
    except MissingRequirementError as error:
        pytest.skip(f"needs a real FINN environment: {error.message}")
    return create_build_runner_factory("legacy_finn")


def test_real_builds_give_the_same_figures_however_many_run_at_once(finn: RunnerFactory, tmp_path: Path) -> None:
    def figures(parallel: int) -> list[Any]:
        space = DesignSpace(
            model_path=MODEL,
            hw_compiler_space=HWCompilerSpace(config_flags={"target_fps": {"values": [60_000, 2_000_000]}}),
            search_config=SearchConfig(parallel_builds=parallel),
            targets=[{"board": ["Pynq-Z1", "Ultra96"], "clock_ns": 10}],
        )
        results = explore(space, finn, output_dir=tmp_path / str(parallel))
        assert (results.success_count, results.total_combinations) == (4, 4)
        assert not any(result.simulated for result in results.evaluations)
        return [
            [config.config_flags for config in results.pareto_optimal],
            [
                (result.config_id, result.metrics.throughput, result.metrics.raw_metrics["util.lut"])
                for result in results.evaluations
                if result.metrics
            ],
        ]

    alone, together = figures(1), figures(3)
    assert alone == together
    (_, slow, small), (_, fast, large), *_ = alone[1]
    assert fast > 10 * slow
    assert large > small
