"""The step `resource_analysis`: counts, fractions of real totals, efficiency, and other devices."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage
from brainsmith_core.records import Device
from brainsmith_core.testing import StepSuite
from brainsmith_onnx.postprocessing import resources
from brainsmith_onnx.postprocessing.device_choice import KnownDevices
from brainsmith_onnx.postprocessing.resources import run

MakeContext = Callable[..., StepContext]
STEP = "resource_analysis"

DEVICES = (
    Device(part="big-1", boards=("Big",), lut=1000, ff=2000, bram_36k=10, uram=0, dsp=20, source="sheet"),
    Device(part="small-1", boards=("Small",), lut=500, ff=1000, bram_36k=2, uram=0, dsp=20, source="sheet"),
    Device(part="odd-1", lut=100, source="sheet"),
    Device(part="unknown-1", source="sheet"),
)


class TestConformance(StepSuite):
    step, kind = STEP, "postprocessing"


@pytest.fixture(autouse=True)
def devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few devices whose totals are easy to reckon with."""
    monkeypatch.setattr(resources, "known_devices", lambda: KnownDevices(DEVICES))


def figure(name: str, value: Any, unit: str = "count", stage: Stage = Stage.ESTIMATE, **more: Any) -> Metric:
    source = MetricSource(file=f"report/{name}.json")
    return Metric(name=name, value=value, unit=unit, stage=stage, source=source, **more)


TOTALS = (
    figure("util.lut", 400),
    figure("util.dsp", 4),
    figure("util.bram_18k", 6, "18 Kb"),
    figure("util.uram", 0),
)
SPEED = figure("perf.throughput_fps", 2000.0, "frames/s")
LAYERS = tuple(figure("util.lut", value, scope={"layer": name}) for name, value in (("a", 100), ("b", 300)))


def report(context: StepContext) -> Any:
    return json.loads((Path(context.report_dir) / f"{STEP}.json").read_bytes())


def by_name(outcome: StepOutcome) -> dict[str, Metric]:
    return {metric.name: metric for metric in outcome.metrics}


def test_fractions_are_of_the_devices_real_totals(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=TOTALS, flags={"board": "Big"})
    run(context)
    found = report(context)
    assert {name: row["value"] for name, row in found["utilization_summary"].items()} == {
        "lut": 0.4,
        "ff": None,
        "dsp": 0.2,
        "bram_18k": 0.3,
        "uram": None,
    }
    assert "no report of this build holds util.ff" in found["utilization_summary"]["ff"]["reason"]
    assert found["utilization_summary"]["uram"]["reason"] == "the device has none of this resource"
    assert found["device"]["part"] == "big-1"
    assert "total of big-1 (sheet)" in found["total"]["lut"]["available"]["formula"]


def test_a_reports_own_total_comes_before_the_devices(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=[*TOTALS, figure("util.lut.available", 800)], flags={"board": "Big"})
    run(context)
    assert report(context)["utilization_summary"]["lut"]["value"] == 0.5


def test_without_a_device_counts_stand_and_fractions_are_missing(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=TOTALS)
    outcome = run(context)
    found = report(context)
    assert found["total"]["lut"]["count"]["value"] == 400
    assert "the device isn't known" in found["utilization_summary"]["lut"]["reason"]
    assert "the device isn't known" in found["next_smaller_device"]["reason"]
    assert by_name(outcome)["device.next_smaller_fits"].status is MetricStatus.MISSING


def test_a_total_that_the_device_does_not_say_is_missing(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=TOTALS, flags={"fpga_part": "odd-1"})
    outcome = run(context)
    assert report(context)["total"]["dsp"]["available"]["reason"] == "it isn't known how many dsp odd-1 has"
    assert outcome.warnings == ("the design doesn't fit on odd-1: lut (400 of 100)",)


def test_the_device_may_be_the_one_in_the_reports(make_context: MakeContext) -> None:
    part = figure("prov.part", "small-1", "string", Stage.BUILD)
    context = make_context(STEP, metrics=[*TOTALS, part])
    run(context)
    assert report(context)["device"]["part"] == "small-1"


def test_each_layer_has_its_share(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=[*TOTALS, *LAYERS], flags={"board": "Big"})
    run(context)
    rows = report(context)["by_layer"]
    assert {name: row["lut"]["share"] for name, row in rows.items()} == {"a": 0.25, "b": 0.75}
    assert {name: row["lut"]["fraction_of_device"] for name, row in rows.items()} == {"a": 0.1, "b": 0.3}


def test_a_sum_that_no_report_holds_is_that_of_the_layers(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=LAYERS, flags={"board": "Big"})
    run(context)
    count = report(context)["total"]["lut"]["count"]
    assert (count["value"], count["formula"]) == (400, "sum of 2 layers")


def test_efficiency_is_throughput_divided_by_what_is_used(make_context: MakeContext) -> None:
    power = figure("power.total_w", 4.0, "W", Stage.ROUTE)
    outcome = run(make_context(STEP, metrics=[*TOTALS, SPEED, power], flags={"board": "Big"}))
    found = by_name(outcome)
    assert (found["perf.fps_per_lut"].value, found["perf.fps_per_lut"].unit) == (5, "frames/s/LUT")
    assert found["perf.fps_per_dsp"].value == 500
    assert found["perf.fps_per_w"].value == 500
    assert found["perf.fps_per_w"].source.formula == "throughput / amount used (estimate and route)"


def test_an_efficiency_measured_on_a_board_is_not_calculated_again(make_context: MakeContext) -> None:
    known = figure("perf.fps_per_w", 123.0, "frames/s/W", Stage.BOARD)
    context = make_context(STEP, metrics=[*TOTALS, SPEED, known])
    assert "perf.fps_per_w" not in by_name(run(context))
    assert report(context)["efficiency_metrics"]["throughput_per_watt"]["value"] == 123


def test_nothing_is_divided_by_nothing(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=[figure("util.dsp", 0), SPEED], flags={"board": "Big"})
    outcome = run(context)
    found = report(context)["efficiency_metrics"]
    assert found["throughput_per_dsp"]["reason"] == "no dsp is used"
    assert "power" in found["throughput_per_watt"]["reason"]
    assert by_name(outcome)["perf.fps_per_dsp"].status is MetricStatus.MISSING


def test_what_no_longer_fits_on_the_next_smaller_device_is_named(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=TOTALS, flags={"board": "Big"})
    outcome = run(context)
    found = report(context)["next_smaller_device"]
    assert (found["part"], found["does_not_fit"], found["not_known"]) == ("small-1", ["bram_18k"], [])
    assert found["resources"]["bram_18k"]["available"] == 4
    assert by_name(outcome)["device.next_smaller_fits"].value is False
    assert by_name(outcome)["device.smallest_fit"].value == "big-1"


def test_room_may_be_left(make_context: MakeContext) -> None:
    little = [figure("util.lut", 400), figure("util.bram_18k", 2, "18 Kb"), figure("util.uram", 0)]
    context = make_context(STEP, metrics=little, flags={"board": "Big"})
    assert by_name(run(context))["device.smallest_fit"].value == "small-1"
    context = make_context(STEP, metrics=little, flags={"board": "Big"}, max_fraction=0.7)
    outcome = run(context)
    assert by_name(outcome)["device.smallest_fit"].value == "big-1"
    assert report(context)["next_smaller_device"]["does_not_fit"] == ["lut"]


def test_what_is_not_known_of_a_smaller_device_is_no_yes(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=[figure("util.lut", 50), figure("util.dsp", 1)], flags={"board": "Small"})
    outcome = run(context)
    found = report(context)["next_smaller_device"]
    assert (found["part"], found["does_not_fit"], found["not_known"]) == ("odd-1", [], ["dsp"])
    assert by_name(outcome)["device.next_smaller_fits"].status is MetricStatus.MISSING
    assert by_name(outcome)["device.smallest_fit"].value == "small-1"


def test_a_design_for_which_no_device_is_large_enough_is_said(make_context: MakeContext) -> None:
    context = make_context(STEP, metrics=[figure("util.lut", 5000)], flags={"board": "Big"})
    outcome = run(context)
    assert outcome.warnings == ("the design doesn't fit on big-1: lut (5000 of 1000)",)
    assert report(context)["smallest_device_that_fits"]["reason"] == "no known device has room for it"


def test_without_reports_all_is_missing_and_says_why(make_context: MakeContext) -> None:
    context = make_context(STEP, flags={"board": "odd-1"})
    outcome = run(context)
    found = report(context)
    assert found["by_layer"]["status"] == "missing"
    assert found["smallest_device_that_fits"]["reason"] == "it isn't known what the design needs"
    assert "no device with fewer LUTs than odd-1" in found["next_smaller_device"]["reason"]
    assert not [metric for metric in outcome.metrics if metric.is_present]


def test_what_comes_of_simulated_figures_is_simulated(make_context: MakeContext) -> None:
    simulated = [figure(m.name, m.value, m.unit, status=MetricStatus.SIMULATED) for m in (*TOTALS, SPEED)]
    outcome = run(make_context(STEP, metrics=simulated, flags={"board": "Big"}))
    assert {metric.status for metric in outcome.metrics if metric.is_present} == {MetricStatus.SIMULATED}


def test_the_devices_are_those_of_all_plugins() -> None:
    from brainsmith_onnx.postprocessing.device_choice import known_devices

    order = known_devices().by_size()
    assert "xc7z020clg400-1" in {device.part for device in order}
    assert [device.lut for device in order] == sorted(device.lut or 0 for device in order)
