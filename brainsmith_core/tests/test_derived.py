"""Figures that follow from others: right, with a formula, and missing where an input is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage
from brainsmith_core.metrics.derived import Facts, derive
from brainsmith_core.metrics.vocabulary import Vocabulary, load_definitions
from brainsmith_core.records import Device

VOCABULARY = Vocabulary(load_definitions())
PYNQ = Device(part="xc7z020clg400-1", lut=53_200, ff=106_400, bram_36k=140, uram=0, dsp=220, source="DS190")


def figure(name: str, value: Any, stage: Stage, **scope: str) -> Metric:
    definition = VOCABULARY.get(name)
    assert definition is not None
    return Metric(name=name, value=value, unit=definition.unit, stage=stage, scope=scope)


def derived(metrics: list[Metric], facts: Facts | None = None) -> dict[str, Any]:
    return {metric.name: metric.value for metric in derive(metrics, facts)}


RTLSIM = [
    figure("perf.batch", 10, Stage.RTLSIM),
    figure("perf.batch_cycles", 1100, Stage.RTLSIM),
    figure("perf.latency_cycles", 200, Stage.RTLSIM),
    figure("perf.clk_mhz", 100.0, Stage.RTLSIM),
]


def test_steady_throughput_counts_the_frames_after_the_first() -> None:
    assert derived(RTLSIM) == {"perf.latency_us": 2.0, "perf.steady_throughput_fps": 1e6}


@pytest.mark.parametrize(
    ("name", "value"), [("perf.batch", 1), ("perf.batch", 0), ("perf.batch_cycles", 200), ("perf.batch_cycles", 100)]
)
def test_steady_throughput_is_missing_where_the_pipeline_is_never_full(name: str, value: int) -> None:
    changed = [figure(name, value, Stage.RTLSIM) if each.name == name else each for each in RTLSIM]
    assert "perf.steady_throughput_fps" not in derived(changed)


@pytest.mark.parametrize("left_out", [each.name for each in RTLSIM])
def test_a_figure_is_missing_where_an_input_is(left_out: str) -> None:
    assert "perf.steady_throughput_fps" not in derived([each for each in RTLSIM if each.name != left_out])
    gone = Metric(name=left_out, stage=Stage.RTLSIM, status=MetricStatus.MISSING)
    assert "perf.steady_throughput_fps" not in derived([*(each for each in RTLSIM if each.name != left_out), gone])


def test_figures_of_different_stages_and_scopes_are_not_mixed() -> None:
    mixed = [*RTLSIM[:3], figure("perf.clk_mhz", 100.0, Stage.BOARD)]
    assert derived(mixed) == {}
    scoped = [*RTLSIM[:3], figure("perf.clk_mhz", 100.0, Stage.RTLSIM, output="a")]
    assert derived(scoped) == {}


def test_what_is_there_already_is_not_calculated_again() -> None:
    given_one = figure("perf.steady_throughput_fps", 5.0, Stage.RTLSIM)
    assert "perf.steady_throughput_fps" not in derived([*RTLSIM, given_one])


def test_estimated_clock_and_latency_follow_from_cycles_and_time() -> None:
    metrics = [
        figure("perf.critical_path_cycles", 252, Stage.ESTIMATE),
        figure("perf.latency_ns", 2520.0, Stage.ESTIMATE),
    ]
    assert derived(metrics) == {"perf.clk_mhz": 100.0, "perf.latency_us": 2.52}


def test_the_clock_that_was_asked_for_comes_first() -> None:
    metrics = [figure("perf.max_cycles", 64, Stage.ESTIMATE)]
    assert derived(metrics, Facts(clock_ns=5.0)) == {"perf.clk_mhz": 200.0}
    assert derived([], Facts(clock_ns=5.0)) == {}


@pytest.mark.parametrize(("wns", "fmax"), [(0.0, 100.0), (2.0, 125.0), (-2.5, 80.0)])
def test_the_fastest_clock_follows_from_the_slack_also_from_zero(wns: float, fmax: float) -> None:
    metrics = [figure("timing.setup.wns_ns", wns, Stage.OOC)]
    assert derived(metrics, Facts(clock_ns=10.0)) == {"timing.period_ns": 10.0, "timing.fmax_mhz": fmax}
    assert derived(metrics) == {}


def test_a_slack_as_long_as_the_period_gives_no_clock() -> None:
    metrics = [figure("timing.setup.wns_ns", 10.0, Stage.ROUTE), figure("timing.period_ns", 10.0, Stage.ROUTE)]
    assert derived(metrics) == {}


@pytest.mark.parametrize(("slacks", "met"), [((0.0, 0.0, 0.0), True), ((0.1, -0.001, 2.0), False)])
def test_timing_is_met_where_no_slack_is_negative_and_the_design_is_routed(
    slacks: tuple[float, ...], met: bool
) -> None:
    names = ("timing.setup.wns_ns", "timing.hold.whs_ns", "timing.pw.wpws_ns")

    def at(stage: Stage) -> list[Metric]:
        return [figure(name, slack, stage) for name, slack in zip(names, slacks, strict=True)]

    assert derived(at(Stage.ROUTE)) == {"timing.met": met}
    assert derived(at(Stage.PLACE)) == {}
    assert derived(at(Stage.ROUTE)[:2]) == {}


def test_block_ram_is_counted_in_both_units_for_every_instance() -> None:
    metrics = [figure("util.ramb36", 3, Stage.ROUTE, instance="a"), figure("util.ramb18", 1, Stage.ROUTE, instance="a")]
    assert derived(metrics) == {"util.bram_18k": 7, "util.bram_36k": 3.5}


def test_fractions_come_from_the_device() -> None:
    metrics = [
        figure("util.lut", 5_320, Stage.ESTIMATE),
        figure("util.bram_18k", 560, Stage.ESTIMATE),
        figure("util.uram", 0, Stage.ESTIMATE),
        figure("util.lut", 100, Stage.ESTIMATE, layer="a"),
    ]
    found = {metric.name: metric for metric in derive(metrics, Facts(device=PYNQ))}
    values = {name: metric.value for name, metric in found.items()}
    assert values == {
        "util.lut.available": 53_200,
        "util.lut.fraction": 0.1,
        "util.bram_18k.available": 280,
        "util.bram_18k.fraction": 2.0,
        "util.uram.available": 0,
    }
    assert found["util.lut.available"].source.formula == "total of xc7z020clg400-1 (DS190)"
    assert all(VOCABULARY.problem(metric) == "" for metric in found.values())


def test_the_totals_of_a_report_come_before_those_of_the_device() -> None:
    metrics = [figure("util.lut", 50, Stage.SYNTH), figure("util.lut.available", 100, Stage.SYNTH)]
    assert derived(metrics, Facts(device=PYNQ)) == {"util.lut.fraction": 0.5}


def test_without_a_total_the_fraction_is_missing_and_the_count_stands() -> None:
    assert derived([figure("util.lut", 50, Stage.SYNTH)]) == {}
    partial = Device(part="xc1", lut=None, source="nowhere")
    assert derived([figure("util.lut", 50, Stage.SYNTH)], Facts(device=partial)) == {}


def test_the_estimate_is_compared_with_what_came_out() -> None:
    metrics = [
        figure("util.lut", 100, Stage.ESTIMATE, layer="a"),
        figure("util.lut", 150, Stage.HLS, layer="a"),
        figure("util.lut", 80, Stage.HLS, layer="b"),
        figure("util.dsp", 0, Stage.ESTIMATE),
        figure("util.dsp", 4, Stage.ROUTE),
    ]
    found = derive(metrics)
    assert [(metric.name, metric.value, metric.scope) for metric in found] == [("est_error.lut", 1.5, {"layer": "a"})]


def test_power_on_the_board_gives_efficiency_and_energy() -> None:
    metrics = [figure("perf.throughput_fps", 500.0, Stage.BOARD), figure("power.avg_w", 2.0, Stage.BOARD)]
    assert derived(metrics) == {"perf.fps_per_w": 250.0, "energy.per_frame_mj": 4.0}


def test_the_share_of_logic_in_the_worst_path_is_calculated() -> None:
    metrics = [
        figure("timing.crit.logic_delay_ns", 1.0, Stage.ROUTE, clock="clk"),
        figure("timing.crit.data_delay_ns", 4.0, Stage.ROUTE, clock="clk"),
    ]
    assert derived(metrics) == {"timing.crit.logic_fraction": 0.25}


def test_what_follows_from_a_simulated_figure_is_simulated_and_names_its_file() -> None:
    source = MetricSource(file="a.json", parser="stub", field="N")
    metrics = [
        Metric(name=e.name, value=e.value, unit=e.unit, stage=e.stage, status=MetricStatus.SIMULATED, source=source)
        for e in RTLSIM
    ]
    found = derive(metrics, Facts(device=PYNQ))
    assert {metric.status for metric in found} == {MetricStatus.SIMULATED}
    assert {(metric.source.file, metric.source.field) for metric in found} == {("a.json", "")}


NAMES = [
    *("util.ramb36", "util.ramb18", "util.lut", "util.lut.available", "util.bram_18k", "perf.batch"),
    *("perf.batch_cycles", "perf.latency_cycles", "perf.clk_mhz", "perf.latency_ns", "perf.critical_path_cycles"),
    *("timing.period_ns", "timing.setup.wns_ns", "timing.hold.whs_ns", "timing.pw.wpws_ns", "power.avg_w"),
    *("perf.throughput_fps", "timing.crit.logic_delay_ns", "timing.crit.data_delay_ns"),
]
VALUES = (
    st.integers(-(10**400), 10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, 1, "text", True, [1], 5e-324])
)


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), VALUES, st.sampled_from(list(Stage))), max_size=25),
    st.floats(min_value=5e-324, max_value=1e9),
)
def test_whatever_the_figures_are_what_follows_is_sound(items: list[tuple[str, Any, Stage]], clock: float) -> None:
    metrics = [figure(name, value, stage) for name, value, stage in items]
    for metric in derive(metrics, Facts(device=PYNQ, clock_ns=clock)):
        assert metric.is_present
        assert metric.source.formula
        assert VOCABULARY.problem(metric) == ""
        assert Metric.from_dict(metric.to_dict()) == metric
