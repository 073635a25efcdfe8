"""Predictions for another folding, throughput or clock, on a small build in files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_finn_legacy import ResourceUtilizationTracker
from brainsmith_finn_legacy.analysis import ScalingPrediction, ScalingTarget
from brainsmith_finn_legacy.analysis.layers import Layer
from brainsmith_finn_legacy.analysis.resource_formulas import predict_resources

from .conftest import COUNTS, CYCLES, LAYERS

Predict = Callable[..., ScalingPrediction]


@pytest.fixture
def predict(finn_output: Callable[..., Path], plugins: PluginManager) -> Predict:
    """Predict what the small build would give."""

    def run(target: Any, **reports: Any) -> ScalingPrediction:
        return ResourceUtilizationTracker(plugins).predict_scaling_behavior(finn_output(**reports), target)

    return run


def test_a_folding_gives_finns_own_cycles_and_resources(predict: Predict) -> None:
    found = predict({"folding": {"MVAU_hls_0": {"PE": 2, "SIMD": 4}}})
    first = {each.layer: each for each in found.layers}["MVAU_hls_0"]
    assert (first.cycles_before, first.cycles, first.method, first.error) == (48, 12, "formula", 0)
    assert first.formula == "MW / SIMD x MH / PE x prod(numInputVectors) x TH (matrixvectoractivation.py)"
    # 1.1 x (PE x (multipliers, adder tree and accumulator of SIMD inputs)), before and after
    before, after = 2 * 1 * 4 + 4 * 3 + 7, 2 * (4 * 1 * 4 + 4 * 7 + 7)
    assert first.resources["util.lut"].value == round(330 + 1.1 * (after - before))
    assert (found.bottleneck, found.max_cycles) == ("MVAU_hls_1", 32)
    assert found.throughput_fps == pytest.approx(1e8 / 32)
    assert found.throughput_before_fps == pytest.approx(1e8 / 48)
    assert found.latency_ns == pytest.approx((12 + 12 + 32) * 10)
    assert (found.error, found.notes, found.meets_target, found.simulated) == (0, (), None, False)
    json.dumps(found.to_dict())


def test_a_throughput_is_folded_for_as_finn_would(predict: Predict) -> None:
    found = predict(ScalingTarget(target_fps=4_000_000))
    assert {each.layer: each.folding for each in found.layers} == {
        "Thresholding_rtl_0": {"PE": 1},
        "MVAU_hls_0": {"PE": 1, "SIMD": 4},
        "MVAU_hls_1": {"PE": 1, "SIMD": 2},
    }
    assert found.meets_target
    assert found.max_cycles == 24


def test_a_factor_multiplies_the_throughput(predict: Predict) -> None:
    found = predict(2)
    assert found.target.target_fps == pytest.approx(2e8 / 48)
    assert found.meets_target


def test_another_clock_changes_the_time_only(predict: Predict) -> None:
    found = predict({"clock_ns": 5.0})
    assert found.throughput_fps == pytest.approx(2e8 / 48)
    assert found.latency_ns == pytest.approx(460)
    assert {each.method for each in found.layers} == {"unchanged"}
    assert {each.method for each in found.totals.values()} == {"unchanged"}
    assert found.totals["util.lut"].value == 747


def test_a_target_that_is_out_of_reach_says_so(predict: Predict) -> None:
    found = predict({"target_fps": 1e9})
    assert found.meets_target is False


def test_thresholds_have_bounds_only(predict: Predict) -> None:
    found = predict({"folding": {"Thresholding_rtl_0": {"PE": 3}}})
    first = found.layers[0]
    assert (first.cycles, first.method) == (4, "formula")
    lut = first.resources["util.lut"]
    assert (lut.value, lut.low, lut.high, lut.method) == (None, 100, 300, "bounds")
    assert first.resources["util.bram_18k"].value == 0
    total = found.totals["util.lut"]
    assert (total.value, total.low, total.high) == (None, 747, 947)


def test_without_a_model_cycles_are_in_proportion(predict: Predict) -> None:
    found = predict({"folding": {"MVAU_hls_0": {"PE": 2}}}, model=False)
    first = found.layers[1]
    assert (first.cycles, first.method, first.error) == (24, "scaled", 0)
    assert first.resources["util.lut"].method == "bounds"
    assert "the build's model isn't there" in found.notes[0]
    rounded = predict({"folding": {"MVAU_hls_0": {"PE": 5}}}, model=False).layers[1]
    assert rounded.cycles == 9
    assert rounded.error == pytest.approx(1 / 9)


def test_without_a_model_nobody_can_say_how_finn_would_fold(predict: Predict) -> None:
    with pytest.raises(ConfigurationError, match="can't be said") as caught:
        predict({"target_fps": 1e6}, model=False)
    assert "model" in (caught.value.hint or "")


def test_a_formula_of_another_version_is_not_used(predict: Predict) -> None:
    cycles = {**CYCLES, "Thresholding_rtl_0": 24}
    found = predict({"folding": {"Thresholding_rtl_0": {"PE": 2}}}, estimate_layer_cycles=cycles)
    assert (found.layers[0].cycles, found.layers[0].method) == (12, "scaled")
    assert found.latency_ns is None  # the critical path isn't the sum of these layers


def test_reports_that_contradict_each_other_give_no_prediction(predict: Predict) -> None:
    counts = {**COUNTS, "MVAU_hls_0": {"op_mac_2bx2b": 960}}
    target = {"folding": {"MVAU_hls_0": {"PE": 2}}}
    found = predict(target, model=False, op_and_param_counts=counts)
    assert (found.layers[1].cycles, found.layers[1].method) == (None, "unknown")
    assert (found.max_cycles, found.throughput_fps, found.latency_ns, found.error) == (None, None, None, None)
    assert "can't be said for MVAU_hls_0" in found.notes[-1]


def test_many_layers_are_not_all_named(predict: Predict) -> None:
    odd = [f"Odd_hls_{index}" for index in range(8)]
    layers = {**LAYERS, **{name: {"PE": 1} for name in odd}}
    found = predict({"target_fps": 4e6}, layers=layers, estimate_layer_cycles={**CYCLES, **dict.fromkeys(odd, 1)})
    assert found.layers[-1].method == "unchanged"
    (note,) = found.notes
    assert note.endswith(f"can't be said for {', '.join(odd[:5])} and 3 more: they keep theirs")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({}, "nothing is to change"),
        ({"target_fps": -1.0}, "must be above 0"),
        ({"clock_ns": 0.0}, "must be above 0"),
        ({"target_fsp": 1.0}, "target_fsp"),
        ("fast", "can't be a str"),
        (True, "can't be a bool"),
        ({"folding": {"MVAU_hls_0": {"PE": 7}}}, "doesn't divide MH=8"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(predict: Predict, target: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        predict(target)


def test_a_build_without_estimates_is_refused() -> None:
    figure = Metric(name="util.lut", value=1, unit="count", stage=Stage.ROUTE)
    with pytest.raises(ConfigurationError, match="no estimate of its layers' cycles"):
        ResourceUtilizationTracker().predict_scaling_behavior([figure], 2)


def test_a_clock_that_no_report_tells_must_be_given() -> None:
    cycles = Metric(name="perf.cycles", value=8, unit="cycles", stage=Stage.ESTIMATE, scope={"layer": "MVAU_hls_0"})
    tracker = ResourceUtilizationTracker()
    with pytest.raises(ConfigurationError, match="a factor needs"):
        tracker.predict_scaling_behavior([cycles], 2)
    with pytest.raises(ConfigurationError, match="needs the clock"):
        tracker.predict_scaling_behavior([cycles], {"target_fps": 100.0})
    found = tracker.predict_scaling_behavior([cycles], {"folding": {"MVAU_hls_0": {"PE": 2}}})
    assert (found.throughput_fps, found.layers[0].method, found.totals) == (None, "unknown", {})
    assert tracker.predict_scaling_behavior([cycles], {"clock_ns": 5.0}).throughput_fps == pytest.approx(2e8 / 8)


def mvau(**changes: Any) -> Layer:
    known = {key: tuple(value) if isinstance(value, list) else value for key, value in LAYERS["MVAU_hls_0"].items()}
    resources = {"util.lut": 1000.0, "util.dsp": 0.0, "util.bram_18k": 1.0, "util.uram": 0.0}
    attributes = {**known, "MW": 512, "MH": 512, **changes}
    return Layer(name="MVAU_hls_0", op_type="MVAU_hls", attributes=attributes, cycles=1, resources=resources)


@pytest.mark.parametrize(
    ("changes", "folding", "name", "now", "then"),
    [
        # 512 x 512 weights of two bits, two at once: 131072 words of 4 bits; then 16384 of 32, 2048 of 256 bits
        ({}, {"SIMD": 16}, "util.bram_18k", 32, 32),
        ({}, {"SIMD": 16, "PE": 8}, "util.bram_18k", 32, 30),
        ({"SIMD": 1, "weightDataType": "BINARY"}, {"SIMD": 2}, "util.bram_18k", 16, 16),
        ({"SIMD": 1}, {"SIMD": 4}, "util.bram_18k", 32, 32),
        ({"ram_style": "distributed"}, {"SIMD": 4}, "util.bram_18k", 0, 0),
        ({"mem_mode": "external"}, {"SIMD": 4}, "util.bram_18k", 0, 0),
        ({"mem_mode": "internal_embedded", "MW": 8, "MH": 8}, {"SIMD": 4}, "util.bram_18k", 0, 0),
        ({"MW": 32, "MH": 32, "SIMD": 32}, {"PE": 4}, "util.bram_18k", 2, 8),
        ({"ram_style": "ultra"}, {"SIMD": 64}, "util.uram", 32, 2),
        ({"mem_mode": "internal_embedded"}, {"SIMD": 64}, "util.uram", 32, 2),
        ({"resType": "dsp"}, {"SIMD": 4, "PE": 2}, "util.dsp", 2, 8),
    ],
)
def test_memories_and_multipliers_follow_finns_formulas(
    changes: dict[str, Any], folding: dict[str, int], name: str, now: float, then: float
) -> None:
    layer = mvau(**changes)
    layer.resources[name] = now
    found = predict_resources(layer, folding)[name]
    assert (found.method, found.value) == ("formula", then)


def test_a_figure_that_the_formula_does_not_give_has_bounds() -> None:
    layer = mvau()
    layer.resources["util.bram_18k"] = 77
    found = predict_resources(layer, {"SIMD": 4})["util.bram_18k"]
    assert (found.value, found.low, found.high) == (None, 77, 154)


@pytest.mark.parametrize(
    ("changes", "extra"),
    [
        ({"resType": "dsp"}, 0),
        ({"ram_style": "distributed"}, 0),
        ({"mem_mode": "internal_embedded", "MW": 8, "MH": 8}, 0),
        ({"ram_style_thresholds": "distributed"}, 0),
        ({"inputDataType": "UINT2"}, 0),
    ],
)
def test_luts_grow_with_the_parallelism_whatever_the_memories_are(changes: dict[str, Any], extra: int) -> None:
    found = predict_resources(mvau(**changes), {"SIMD": 4, "PE": 2})["util.lut"]
    assert found.method == "formula"
    assert found.value is not None
    assert found.value > 1000 + extra


@pytest.mark.parametrize("changes", [{"resType": 3}, {"accDataType": ""}, {"mem_mode": None}])
def test_a_missing_attribute_leaves_bounds(changes: dict[str, Any]) -> None:
    assert predict_resources(mvau(**changes), {"SIMD": 4})["util.lut"].method == "bounds"


def test_without_the_present_folding_nothing_bounds_a_prediction() -> None:
    layer = Layer(name="VVAU_hls_0", op_type="VVAU_hls", resources={"util.lut": 5.0})
    found = predict_resources(layer, {"PE": 2})["util.lut"]
    assert (found.value, found.low, found.high) == (None, 0, None)


def test_rtl_layers_have_bounds_for_dsps() -> None:
    layer = mvau()
    rtl = Layer(name="MVAU_rtl_0", op_type="MVAU_rtl", attributes=layer.attributes, resources={"util.dsp": 4.0})
    assert predict_resources(rtl, {"SIMD": 4})["util.dsp"].method == "bounds"
