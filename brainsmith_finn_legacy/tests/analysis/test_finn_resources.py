"""Resources over the flow, and how well they are used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.metric import Metric, MetricStatus, Stage
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_finn_legacy import ResourceUtilizationTracker

P1 = "StreamingDataflowPartition_1_"
HLS = {"MVAU_hls_0": {"LUT": 500, "FF": 300, "BRAM_18K": 0, "DSP48E": 0, "URAM": 0}}
ROUTED = {
    "(top)": {"LUT": 3000, "SRL": 10, "FF": 5000, "BRAM_36K": 2, "BRAM_18K": 3, "DSP": 0},
    "StreamingDataflowPartition_0_IODMA_hls_0": {
        "LUT": 400,
        "SRL": 0,
        "FF": 500,
        "BRAM_36K": 0,
        "BRAM_18K": 1,
        "DSP": 0,
    },
    f"{P1}MVAU_hls_0": {"LUT": 660, "SRL": 0, "FF": 350, "BRAM_36K": 1, "BRAM_18K": 1, "DSP": 0},
    f"{P1}MVAU_hls_1": {"LUT": 634, "SRL": 0, "FF": 250, "BRAM_36K": 0, "BRAM_18K": 0, "DSP": 0},
    f"{P1}Thresholding_rtl_0": {"LUT": 50, "SRL": 0, "FF": 60, "BRAM_36K": 0, "BRAM_18K": 0, "DSP": 0},
    f"{P1}StreamingFIFO_rtl_0": {"LUT": 20, "SRL": 4, "FF": 30, "BRAM_36K": 0, "BRAM_18K": 0, "DSP": 0},
    "StreamingDataflowPartition_2_IODMA_hls_0": {
        "LUT": 410,
        "SRL": 0,
        "FF": 500,
        "BRAM_36K": 0,
        "BRAM_18K": 1,
        "DSP": 0,
    },
}


@pytest.fixture
def tracker(plugins: PluginManager) -> ResourceUtilizationTracker:
    return ResourceUtilizationTracker(plugins)


@pytest.fixture
def routed(finn_output: Callable[..., Path]) -> Path:
    """A build with estimates, HLS and the routed design."""
    return finn_output(estimate_layer_resources_hls=HLS, post_synth_resources=ROUTED)


def test_resources_are_followed_from_stage_to_stage(tracker: ResourceUtilizationTracker, routed: Path) -> None:
    usage = tracker.track_resource_usage(routed)
    estimate, hls, route = usage.stages
    assert [each.stage for each in usage.stages] == ["estimate", "hls", "route"]
    assert estimate.total == {"util.lut": 747, "util.bram_18k": 1, "util.uram": 0, "util.dsp": 0}
    assert estimate.layers["MVAU_hls_0"]["util.lut"] == 330
    assert (estimate.delta_total, estimate.delta_layers) == ({}, {})
    assert hls.delta_layers["MVAU_hls_0"] == {"util.lut": 170, "util.bram_18k": -1, "util.uram": 0, "util.dsp": 0}
    assert hls.delta_total == {}
    assert route.total["util.bram_18k"] == 2 * 2 + 3
    assert route.delta_total == {"util.lut": 3000 - 747, "util.bram_18k": 6, "util.dsp": 0}
    assert route.layers["MVAU_hls_0"] == {"util.lut": 660, "util.ff": 350, "util.bram_18k": 3, "util.dsp": 0}
    assert route.delta_layers["MVAU_hls_0"] == {"util.lut": 160, "util.ff": 50, "util.bram_18k": 3, "util.dsp": 0}
    assert route.delta_layers["MVAU_hls_1"]["util.lut"] == 317
    assert "StreamingFIFO_rtl_0" in route.layers
    assert "StreamingFIFO_rtl_0" not in route.delta_layers
    assert route.files == ("report/post_synth_resources.json",)
    assert usage.unmapped == ("IODMA_hls_0",)
    json.dumps(usage.to_dict())


def test_estimates_are_compared_with_what_came_of_them(tracker: ResourceUtilizationTracker, routed: Path) -> None:
    errors = tracker.track_resource_usage(routed).errors
    found = {(each.scope["layer"], each.name, each.stage): each.value for each in errors}
    assert found == {
        ("MVAU_hls_0", "est_error.lut", Stage.HLS): pytest.approx(500 / 330),
        ("MVAU_hls_0", "est_error.bram_18k", Stage.HLS): 0,
        ("MVAU_hls_0", "est_error.lut", Stage.ROUTE): 2,
        ("MVAU_hls_0", "est_error.bram_18k", Stage.ROUTE): 3,
        ("MVAU_hls_1", "est_error.lut", Stage.ROUTE): 2,
        ("Thresholding_rtl_0", "est_error.lut", Stage.ROUTE): 0.5,
    }
    formulas = {each.source.formula for each in errors if each.stage is Stage.ROUTE}
    assert formulas == {"lut at route / lut at estimate", "bram_18k at route / bram_18k at estimate"}


def test_fractions_are_there_where_the_device_is_known(
    tracker: ResourceUtilizationTracker, finn_output: Callable[..., Path]
) -> None:
    (estimate,) = tracker.track_resource_usage(finn_output()).stages
    assert estimate.fractions == {}
    fraction = Metric(name="util.bram_36k.fraction", value=0.25, unit="fraction", stage=Stage.ROUTE)
    count = Metric(name="util.lut", value=7, unit="count", stage=Stage.ROUTE)
    (route,) = tracker.track_resource_usage([fraction, count]).stages
    assert route.fractions == {"util.bram_18k": 0.25}


def test_without_an_estimate_there_are_no_errors(
    tracker: ResourceUtilizationTracker, finn_output: Callable[..., Path]
) -> None:
    folder = finn_output(estimate_layer_resources=None, post_synth_resources=ROUTED)
    usage = tracker.track_resource_usage(folder)
    assert ([each.stage for each in usage.stages], usage.errors) == (["route"], ())
    nothing = Metric(name="build.steps", value=1, unit="count", stage=Stage.BUILD)
    assert tracker.track_resource_usage([nothing]).stages == ()


def test_simulated_figures_give_simulated_errors(tracker: ResourceUtilizationTracker) -> None:
    def figure(stage: Stage, value: int) -> Metric:
        scope = {"layer": "MVAU_hls_0"}
        return Metric(
            name="util.lut", value=value, unit="count", stage=stage, scope=scope, status=MetricStatus.SIMULATED
        )

    usage = tracker.track_resource_usage([figure(Stage.ESTIMATE, 4), figure(Stage.SYNTH, 6)])
    assert usage.simulated
    assert [(each.value, each.status) for each in usage.errors] == [(1.5, MetricStatus.SIMULATED)]


def test_layers_are_measured_against_the_bottleneck(tracker: ResourceUtilizationTracker, routed: Path) -> None:
    found = tracker.analyze_resource_efficiency(routed)
    assert (found.stage, found.max_cycles, found.bottlenecks) == ("route", 48, ("MVAU_hls_0",))
    assert found.throughput_fps == pytest.approx(1e8 / 48)
    thresholds, first, second = found.layers
    assert (first.is_bottleneck, first.idle, first.macs_per_cycle, first.utilisation) == (True, 0, 2, 1)
    assert second.idle == pytest.approx(1 - 32 / 48)
    assert second.utilisation == pytest.approx(32 / 48)
    assert second.fps_alone == pytest.approx(1e8 / 32)
    assert second.fps_per_lut == pytest.approx(1e8 / 48 / 634)
    assert second.shares["util.lut"] == pytest.approx(634 / (660 + 634 + 50))
    assert "util.dsp" not in second.shares
    assert (thresholds.macs_per_cycle, thresholds.utilisation) == (None, None)
    expected = (634 * (1 - 32 / 48) + 50 * (1 - 12 / 48)) / (660 + 634 + 50)
    assert found.idle_lut_fraction == pytest.approx(expected)
    assert found.utilisation == pytest.approx(128 / (3 * 48))
    assert found.oversized == ()
    json.dumps(found.to_dict())


def test_a_large_layer_that_waits_is_named(
    tracker: ResourceUtilizationTracker, finn_output: Callable[..., Path]
) -> None:
    found = tracker.analyze_resource_efficiency(finn_output())
    assert found.stage == "estimate"
    assert found.oversized == ("Thresholding_rtl_0",)


def test_efficiency_without_resources_or_clock_says_what_it_can(tracker: ResourceUtilizationTracker) -> None:
    cycles = [
        Metric(
            name="perf.cycles", value=value, unit="cycles", stage=Stage.ESTIMATE, scope={"layer": f"MVAU_hls_{value}"}
        )
        for value in (4, 8)
    ]
    found = tracker.analyze_resource_efficiency(cycles)
    assert (found.stage, found.throughput_fps, found.idle_lut_fraction, found.utilisation) == ("", None, None, None)
    assert [(each.idle, each.fps_alone) for each in found.layers] == [(0.5, None), (0.0, None)]


def test_efficiency_needs_cycles(tracker: ResourceUtilizationTracker) -> None:
    figure = Metric(name="util.lut", value=1, unit="count", stage=Stage.ROUTE)
    with pytest.raises(ConfigurationError, match="no estimate of its layers' cycles"):
        tracker.analyze_resource_efficiency([figure])
