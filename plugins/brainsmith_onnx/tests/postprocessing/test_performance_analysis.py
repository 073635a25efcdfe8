"""The step `performance_analysis`: what the reports say of a build's speed, and nothing that they don't."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage
from brainsmith_core.testing import StepSuite
from brainsmith_onnx.postprocessing.performance import run

MakeContext = Callable[..., StepContext]
STEP = "performance_analysis"


class TestConformance(StepSuite):
    step, kind = STEP, "postprocessing"
    parameters: ClassVar[dict[str, Any]] = {"target_fps": 100}


def figure(name: str, value: Any, unit: str, stage: Stage = Stage.ESTIMATE, **more: Any) -> Metric:
    source = MetricSource(file=f"report/{name}.json")
    return Metric(name=name, value=value, unit=unit, stage=stage, source=source, **more)


def layer(name: str, cycles: int) -> Metric:
    return figure("perf.cycles", cycles, "cycles", scope={"layer": name})


ESTIMATES = (
    figure("perf.throughput_fps", 1000.0, "frames/s"),
    figure("perf.clk_mhz", 100.0, "MHz"),
    figure("perf.latency_us", 30.0, "µs"),
    layer("first", 1000),
    layer("second", 990),
    layer("third", 500),
)

TIMING = (
    figure("timing.fmax_mhz", 125.0, "MHz", Stage.ROUTE),
    figure("timing.setup.wns_ns", 2.0, "ns", Stage.ROUTE),
    figure("timing.crit.startpoint", "a/C", "string", Stage.ROUTE),
    figure("timing.crit.logic_levels", 7, "count", Stage.ROUTE),
    figure("timing.crit.logic_levels", 3, "count", Stage.SYNTH),
)


def report(context: StepContext) -> Any:
    return json.loads((Path(context.report_dir) / f"{STEP}.json").read_bytes())


def by_name(outcome: StepOutcome) -> dict[str, Metric]:
    return {metric.name + metric.scope.get("layer", ""): metric for metric in outcome.metrics}


@pytest.mark.parametrize(("target", "met"), [(1000, True), (1001, False), (999.5, True)])
def test_the_target_is_met_if_the_throughput_reaches_it(make_context: MakeContext, target: float, met: bool) -> None:
    context = make_context(STEP, metrics=ESTIMATES, flags={"target_fps": target})
    outcome = run(context)
    found = report(context)["throughput_analysis"]
    assert found["meets_target"]["value"] is met
    assert found["ratio"]["value"] == 1000 / target
    assert found["headroom"]["value"] == 1000 / target - 1
    assert by_name(outcome)["perf.meets_target"].value is met
    assert by_name(outcome)["perf.meets_target"].source.file == "report/perf.throughput_fps.json"
    assert outcome.warnings == (() if met else (f"the target of {target} frames/s isn't met: 1000 frames/s",))


def test_a_target_of_the_step_comes_before_the_flag(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=ESTIMATES, flags={"target_fps": 5000}, target_fps=500)
    run(context)
    assert report(context)["throughput_analysis"]["meets_target"]["value"] is True


def test_without_a_target_nobody_knows_whether_it_is_met(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=ESTIMATES)
    outcome = run(context)
    found = report(context)["throughput_analysis"]["meets_target"]
    assert found["status"] == "missing"
    assert "target_fps" in found["reason"]
    assert by_name(outcome)["perf.meets_target"].status is MetricStatus.MISSING


@pytest.mark.parametrize("target", [0, -3, "fast", True])
def test_a_target_that_is_no_number_is_refused(make_context: MakeContext, target: Any) -> None:
    with pytest.raises(ConfigurationError, match="target_fps must be a number"):
        run(make_context(STEP, metrics=ESTIMATES, flags={"target_fps": target}))


def test_the_throughput_is_that_of_the_most_faithful_stage(make_context: MakeContext) -> None:
    simulation = figure("perf.throughput_fps", 900.0, "frames/s", Stage.RTLSIM)
    context = make_context(STEP, metrics=[*ESTIMATES, simulation], flags={"target_fps": 950})
    run(context)
    found = report(context)["throughput_analysis"]
    assert (found["measured"]["value"], found["measured"]["stage"]) == (900.0, "rtlsim")
    assert found["meets_target"]["value"] is False


def test_each_layer_has_its_time_and_its_share(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=ESTIMATES)
    outcome = run(context)
    rows = report(context)["latency_analysis"]["breakdown"]
    assert {name: row["latency_us"]["value"] for name, row in rows.items()} == {"first": 10, "second": 9.9, "third": 5}
    assert sum(row["share"] for row in rows.values()) == pytest.approx(1)
    assert by_name(outcome)["perf.layer_latency_usthird"].value == 5
    assert by_name(outcome)["perf.layer_latency_usthird"].source.formula == "cycles / clk_mhz"


def test_layers_near_the_slowest_are_bottlenecks_too(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=ESTIMATES)
    outcome = run(context)
    found = report(context)["bottleneck"]
    assert found["layers"] == ["first", "second"]
    assert found["gain_if_unfolded"]["value"] == 2
    assert found["throughput_if_unfolded"]["value"] == 2000
    assert found["balance"]["value"] == pytest.approx(0.83)
    assert by_name(outcome)["perf.bottleneck_layers"].value == ["first", "second"]
    context = make_context(STEP, metrics=ESTIMATES, bottleneck_fraction=0.2)
    run(context)
    found = report(context)["bottleneck"]
    assert found["layers"] == ["first", "second", "third"]
    assert "all of them together" in found["gain_if_unfolded"]["reason"]


def test_the_clock_is_limited_by_the_critical_path(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=[*ESTIMATES, *TIMING])
    outcome = run(context)
    found = report(context)["clock"]
    assert (found["used"]["value"], found["fmax"]["value"], found["slack_ns"]["value"]) == (100, 125, 2)
    assert found["headroom"]["value"] == 0.25
    assert found["throughput_at_fmax"]["value"] == 1250
    assert found["critical_startpoint"]["value"] == "a/C"
    assert found["critical_logic_levels"]["value"] == 7
    assert by_name(outcome)["timing.clock_headroom"].stage is Stage.ROUTE


def test_the_slowest_layer_is_that_of_the_longest_period(make_context: MakeContext) -> None:
    periods = [
        figure("timing.estimated_period_ns", ns, "ns", Stage.HLS, scope={"layer": name})
        for name, ns in (("first", 3.1), ("second", 4.2))
    ]
    context = make_context(STEP, metrics=[*ESTIMATES, *periods])
    run(context)
    assert report(context)["clock"]["slowest_layer"]["value"] == "second"
    assert report(context)["latency_analysis"]["breakdown"]["first"]["estimated_period_ns"]["value"] == 3.1


def test_without_reports_all_is_missing_and_says_why(make_context: MakeContext) -> None:
    context = make_context(STEP, flags={"target_fps": 100})
    outcome = run(context)
    found = report(context)
    for part in ("measured", "meets_target", "ratio"):
        assert "no report of this build holds" in found["throughput_analysis"][part]["reason"]
    assert found["latency_analysis"]["breakdown"]["status"] == "missing"
    assert found["bottleneck"]["status"] == "missing"
    assert "no timing report" in found["clock"]["fmax"]["reason"]
    present = {metric.name for metric in outcome.metrics if metric.is_present}
    assert present == {"perf.target_fps"}


def test_what_comes_of_simulated_figures_is_simulated(make_context: MakeContext) -> None:
    simulated = [figure(m.name, m.value, m.unit, scope=m.scope, status=MetricStatus.SIMULATED) for m in ESTIMATES]
    context = make_context(STEP, metrics=simulated, flags={"target_fps": 100})
    outcome = run(context)
    assert report(context)["simulated"] is True
    present = [metric for metric in outcome.metrics if metric.is_present and metric.name != "perf.target_fps"]
    assert {metric.status for metric in present} == {MetricStatus.SIMULATED}
    assert report(context)["throughput_analysis"]["meets_target"]["status"] == "simulated"


def test_simulated_figures_do_not_count_beside_measured_ones(make_context: MakeContext) -> None:
    simulated = figure("perf.throughput_fps", 5.0, "frames/s", Stage.BOARD, status=MetricStatus.SIMULATED)
    context = make_context(STEP, metrics=[*ESTIMATES, simulated])
    run(context)
    assert report(context)["throughput_analysis"]["measured"]["value"] == 1000
    assert report(context)["simulated"] is False
