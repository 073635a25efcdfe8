from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.config import BuildConfig, GlobalConfig, OutputStage, ProcessingStep
from brainsmith_core.metric import MetricStatus
from brainsmith_stub.figures import content_digest, draw, simulated_metrics

MakeConfig = Callable[..., BuildConfig]

DIGEST_OF_A_MODEL = "0" * 64


def digest(config: BuildConfig, seed: int = 0) -> str:
    return content_digest(config, DIGEST_OF_A_MODEL, seed)


@given(st.text(), st.text())
def test_a_draw_lies_in_its_range(content: str, name: str) -> None:
    assert 5 <= draw(content, name, 5, 15) < 15


def test_draws_are_spread_evenly() -> None:
    draws = [draw(str(number), "x") for number in range(2000)]
    assert 0.47 < sum(draws) / len(draws) < 0.53
    assert min(draws) < 0.01
    assert max(draws) > 0.99


def test_figures_are_the_same_on_every_machine(make_config: MakeConfig) -> None:
    config = make_config(config_flags={"target_fps": 1000})
    first = simulated_metrics(config, digest(config))[0]
    assert (first.name, first.value) == ("perf.throughput_fps", 1083.549075)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "b"},
        {"output_dir": "elsewhere"},
        {"model_path": "/the/same/model/elsewhere.onnx"},
        {"combination_index": 3, "total_combinations": 9, "design_space_id": "d"},
        {"config_flags": {"mock_success_rate": 0.5, "mock_build_seconds": 1}},
        {"global_config": GlobalConfig(log_level="DEBUG", timeout_minutes=1, cache_results=False)},
    ],
)
def test_what_a_build_is_called_and_where_it_runs_changes_no_figure(
    make_config: MakeConfig, change: dict[str, object]
) -> None:
    assert digest(make_config(**change)) == digest(make_config())


@pytest.mark.parametrize(
    "change",
    [
        {"kernels": [("MatMul", ["hls"])]},
        {"transforms": {"cleanup": ["Fold"]}},
        {"build_steps": ["step_a"]},
        {"config_flags": {"target_fps": 10}},
        {"preprocessing": [ProcessingStep(name="cut", type="preprocessing")]},
        {"postprocessing": [ProcessingStep(name="check", type="postprocessing")]},
        {"global_config": GlobalConfig(output_stage=OutputStage.RTL)},
        {"global_config": GlobalConfig(stop_step="step_b")},
        {"global_config": GlobalConfig(input_type="qonnx")},
    ],
)
def test_what_is_built_changes_the_figures(make_config: MakeConfig, change: dict[str, object]) -> None:
    assert digest(make_config(**change)) != digest(make_config())


def test_the_seed_and_the_model_change_the_figures(make_config: MakeConfig) -> None:
    config = make_config()
    digests = {digest(config), digest(config, seed=1), content_digest(config, "1" * 64, 0)}
    assert len(digests) == 3


def test_every_figure_is_simulated_or_missing_and_utilisations_are_fractions(make_config: MakeConfig) -> None:
    kernels = [(f"K{number}", ["hls"]) for number in range(400)]
    for seed in range(50):
        config = make_config(kernels=kernels)
        for metric in simulated_metrics(config, digest(config, seed)):
            assert metric.status in (MetricStatus.SIMULATED, MetricStatus.MISSING)
            if metric.name.endswith(".fraction") and metric.number is not None:
                assert 0 <= metric.number <= 0.95


def test_uram_is_missing_in_some_designs_and_never_zero(make_config: MakeConfig) -> None:
    values = [
        next(m.value for m in simulated_metrics(make_config(), str(n)) if m.name == "util.uram.fraction")
        for n in range(40)
    ]
    assert 5 < values.count(None) < 35
    assert 0 not in values


def test_more_kernels_and_transforms_cost_more(make_config: MakeConfig) -> None:
    small = make_config()
    large = make_config(kernels=[("A", ["hls"])] * 10, transforms={"s": ["t"] * 10})
    before, after = ({m.name: m.number for m in simulated_metrics(c, "same")} for c in (small, large))
    assert (before["complexity_factor"], after["complexity_factor"]) == (0, 2)
    assert (after["kernel_count"], after["transform_count"]) == (10, 10)
    assert after["perf.throughput_fps"] == pytest.approx((before["perf.throughput_fps"] or 0) / 1.2, rel=1e-5)
    assert after["perf.latency_us"] == pytest.approx((before["perf.latency_us"] or 0) * 1.2, rel=1e-5)
