"""The summary of a build: the most faithful stage, whole-design figures only, simulated and measured never mixed."""

from __future__ import annotations

from typing import Any

import pytest

from brainsmith_core.metric import Metric, MetricStatus, Stage
from brainsmith_core.metrics.summary import summarise
from brainsmith_core.metrics.vocabulary import Vocabulary, load_definitions

VOCABULARY = Vocabulary(load_definitions())


def figure(name: str, value: Any, stage: Stage, *, simulated: bool = False, **scope: str) -> Metric:
    definition = VOCABULARY.get(name)
    assert definition is not None
    status = MetricStatus.SIMULATED if simulated else MetricStatus.MEASURED
    return Metric(name=name, value=value, unit=definition.unit, stage=stage, scope=scope, status=status)


def test_no_metrics_give_an_empty_summary() -> None:
    summary = summarise([])
    assert summary.throughput is None
    assert (summary.raw_metrics, summary.stages, summary.simulated) == ({}, {}, False)


@pytest.mark.parametrize(
    ("field", "name", "order"),
    [
        ("throughput", "perf.throughput_fps", [Stage.BOARD, Stage.RTLSIM, Stage.ESTIMATE]),
        ("latency", "perf.latency_us", [Stage.BOARD, Stage.RTLSIM, Stage.ESTIMATE]),
        ("clock_frequency", "perf.clk_mhz", [Stage.BOARD, Stage.RTLSIM, Stage.ESTIMATE]),
        (
            "lut_utilization",
            "util.lut.fraction",
            [Stage.ROUTE, Stage.PLACE, Stage.SYNTH, Stage.OOC, Stage.HLS, Stage.ESTIMATE],
        ),
        ("dsp_utilization", "util.dsp.fraction", [Stage.ROUTE, Stage.ESTIMATE]),
        ("bram_utilization", "util.bram_18k.fraction", [Stage.PLACE, Stage.ESTIMATE]),
        ("uram_utilization", "util.uram.fraction", [Stage.SYNTH, Stage.ESTIMATE]),
        ("total_power", "power.total_w", [Stage.POWER, Stage.OOC]),
        ("accuracy", "accuracy.top1", [Stage.BOARD, Stage.MODEL]),
    ],
)
def test_the_most_faithful_stage_wins(field: str, name: str, order: list[Stage]) -> None:
    metrics = [figure(name, float(index + 1), stage) for index, stage in enumerate(order)]
    for start, stage in enumerate(order):
        summary = summarise(reversed(metrics[start:]))
        assert getattr(summary, field) == start + 1
        assert summary.stages == {field: stage.value}


def test_steady_throughput_comes_before_that_of_a_batch_at_the_same_stage_only() -> None:
    batch = figure("perf.throughput_fps", 10.0, Stage.RTLSIM)
    steady = figure("perf.steady_throughput_fps", 12.0, Stage.RTLSIM)
    board = figure("perf.throughput_fps", 9.0, Stage.BOARD)
    assert summarise([batch, steady]).throughput == 12.0
    assert summarise([batch, steady, board]).throughput == 9.0


def test_the_clock_of_out_of_context_synthesis_is_no_throughput_of_the_accelerator() -> None:
    metrics = [
        figure("perf.throughput_fps", 5.0, Stage.ESTIMATE),
        figure("perf.throughput_fps", 9.0, Stage.OOC),
    ]
    assert summarise(metrics).throughput == 5.0


def test_zero_is_a_value() -> None:
    summary = summarise([figure("util.dsp.fraction", 0.0, Stage.ROUTE), figure("util.dsp.fraction", 0.5, Stage.OOC)])
    assert summary.dsp_utilization == 0.0


def test_only_figures_of_the_whole_design_count() -> None:
    metrics = [
        figure("util.lut", 10, Stage.ESTIMATE, layer="a"),
        figure("util.lut", 30, Stage.ESTIMATE),
        Metric(name="util.dsp", unit="count", stage=Stage.ROUTE, status=MetricStatus.MISSING),
    ]
    assert summarise(metrics).raw_metrics == {"util.lut": 30}


def test_raw_metrics_are_of_the_most_faithful_stage_too() -> None:
    metrics = [figure("util.lut", 10, Stage.ROUTE), figure("util.lut", 30, Stage.ESTIMATE)]
    assert summarise(metrics).raw_metrics == {"util.lut": 10}


def test_of_two_figures_of_one_stage_the_later_one_counts() -> None:
    metrics = [figure("build.wall_s", 9, Stage.BUILD), figure("build.wall_s", 10.5, Stage.BUILD)]
    assert summarise(metrics).raw_metrics == {"build.wall_s": 10.5}


def test_a_simulated_figure_marks_the_summary() -> None:
    metrics = [
        figure("perf.throughput_fps", 5.0, Stage.ESTIMATE, simulated=True),
        figure("build.wall_s", 1, Stage.BUILD),
    ]
    summary = summarise(metrics)
    assert (summary.throughput, summary.simulated) == (5.0, True)
    assert summary.raw_metrics == {"perf.throughput_fps": 5.0, "build.wall_s": 1}


def test_beside_measured_figures_simulated_ones_do_not_count() -> None:
    metrics = [
        figure("perf.throughput_fps", 5.0, Stage.RTLSIM, simulated=True),
        figure("util.lut", 7, Stage.SYNTH),
    ]
    summary = summarise(metrics)
    assert (summary.throughput, summary.simulated) == (None, False)
    assert summary.raw_metrics == {"util.lut": 7}


def test_what_is_measured_of_the_model_and_the_run_stands_beside_simulated_figures() -> None:
    metrics = [
        figure("perf.throughput_fps", 5.0, Stage.ESTIMATE, simulated=True),
        figure("accuracy.top1", 0.9, Stage.MODEL),
    ]
    summary = summarise(metrics)
    assert (summary.throughput, summary.accuracy, summary.simulated) == (5.0, 0.9, True)


def test_text_is_no_figure_of_the_summary() -> None:
    summary = summarise([figure("perf.throughput_fps", "fast", Stage.ESTIMATE)])
    assert summary.throughput is None
    assert summary.raw_metrics == {"perf.throughput_fps": "fast"}
