"""The step `resource_analysis`: what each layer and the whole need, of which device, and what it gives for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, MetricSource, Stage
from brainsmith_core.metrics.devices import totals_of
from brainsmith_core.records import Device

from .device_choice import DeviceChoice, known_devices
from .figures import IMPLEMENTED, RUNNING, Figure, Figures, derived
from .report import write_report

__all__ = ["run"]

_STEP = "resource_analysis"

#: Resources of the metric vocabulary, with the unit of their counts.
_RESOURCES = {"lut": "count", "ff": "count", "dsp": "count", "bram_18k": "18 Kb", "uram": "count"}

#: Resources that may be named in a device's totals although a build counts them in other units.
_EFFICIENCY = {"lut": "frames/s/LUT", "dsp": "frames/s/DSP"}
_THROUGHPUT = ("perf.steady_throughput_fps", "perf.throughput_fps")
_POWER_STAGES = (Stage.BOARD, Stage.POWER, *IMPLEMENTED)


def run(context: StepContext) -> StepOutcome:
    """Analyse what a build needs; writes `resource_analysis.json`."""
    figures = Figures(context.workspace.read_metrics())
    limit = context.parameters["max_fraction"]
    assert isinstance(limit, int | float)
    devices = known_devices()
    device = devices.device_of(context.config, context.workspace.read_metrics())
    usage = {name: _Usage.of(name, figures, device) for name in _RESOURCES}
    efficiency = dict(_efficiency(figures, usage))
    used = {name: each.count for name, each in usage.items()}
    choice = DeviceChoice.of(used, device, devices, float(limit))
    data: dict[str, JSONValue] = {
        "simulated": figures.is_simulated,
        "device": _device_data(device),
        "total": {name: each.to_data() for name, each in usage.items()},
        "utilization_summary": {name: each.fraction.to_data() for name, each in usage.items()},
        "by_layer": _by_layer(figures, usage),
        "efficiency_metrics": {name: figure.to_data() for name, figure in efficiency.items()},
        "next_smaller_device": choice.next_smaller(),
        "smallest_device_that_fits": choice.smallest(),
    }
    return StepOutcome(
        metrics=[*_metrics(figures, efficiency), *choice.metrics()],
        artifacts=write_report(context, _STEP, data),
        warnings=choice.warnings(),
    )


@attrs.frozen(kw_only=True)
class _Usage:
    """How much of one resource is used.

    Args:
        count: what the whole design needs.
        available: what the device has.
        fraction: the one divided by the other.
    """

    count: Figure
    available: Figure
    fraction: Figure

    @classmethod
    def of(cls, resource: str, figures: Figures, device: Device | None) -> _Usage:
        name = f"util.{resource}"
        count = figures.best((name,), IMPLEMENTED)
        if count.value is None:
            count = _sum_of_layers(name, figures)
        available = figures.at(f"{name}.available", count.stage)
        if available.value is None:
            available = _total_of(resource, device)
        used, total = count.number, available.number
        ratio = None if used is None or not total else used / total
        fraction = derived(
            ratio, "fraction", "count / available", count, available, reason="the device has none of this resource"
        )
        return cls(count=count, available=available, fraction=fraction)

    def to_data(self) -> dict[str, JSONValue]:
        return {
            "count": self.count.to_data(),
            "available": self.available.to_data(),
            "fraction": self.fraction.to_data(),
        }


def _sum_of_layers(name: str, figures: Figures) -> Figure:
    layers = list(figures.by_layer(name, IMPLEMENTED).values())
    if not layers:
        return Figure.missing(f"no report of this build holds {name}", _RESOURCES[name.removeprefix("util.")])
    total = sum(figure.number or 0.0 for figure in layers)
    return derived(total, layers[0].unit, f"sum of {len(layers)} layers", *layers)


def _total_of(resource: str, device: Device | None) -> Figure:
    if device is None:
        return Figure.missing("the device isn't known: set the flag board or fpga_part")
    total = totals_of(device).get(resource)
    if total is None:
        return Figure.missing(f"it isn't known how many {resource} {device.part} has")
    source = MetricSource(formula=f"total of {device.part} ({device.source})")
    return Figure(value=total, unit="count", stage=Stage.BUILD, source=source, formula=source.formula or "")


def _by_layer(figures: Figures, usage: Mapping[str, _Usage]) -> JSONValue:
    """Return what each layer needs, and how much of all layers' sum that is."""
    rows: dict[str, dict[str, JSONValue]] = {}
    for resource in _RESOURCES:
        layers = figures.by_layer(f"util.{resource}", IMPLEMENTED)
        total = sum(figure.number or 0.0 for figure in layers.values())
        for layer, figure in layers.items():
            share = figure.number / total if total and figure.number is not None else None
            available = usage[resource].available.number
            part = figure.number / available if available and figure.number is not None else None
            row = rows.setdefault(layer, {})
            row[resource] = {**figure.to_data(), "share": share, "fraction_of_device": part}
    if not rows:
        return Figure.missing("no report of this build holds resources by layer").to_data()
    return dict[str, JSONValue](rows)


def _efficiency(figures: Figures, usage: Mapping[str, _Usage]) -> Iterator[tuple[str, Figure]]:
    """Yield what the design gives for what it needs."""
    throughput = figures.best(_THROUGHPUT, RUNNING)
    for resource, unit in _EFFICIENCY.items():
        yield f"throughput_per_{resource}", _per(throughput, usage[resource].count, unit, f"no {resource} is used")
    for resource in ("bram_18k", "uram"):
        figure = _per(throughput, usage[resource].count, f"frames/s/{resource}", f"no {resource} is used")
        yield f"throughput_per_{resource}", figure
    known = figures.best(("perf.fps_per_w",), (Stage.BOARD,))
    if known.value is not None:
        yield "throughput_per_watt", known
        return
    power = figures.best(("power.avg_w", "power.total_w"), _POWER_STAGES)
    yield "throughput_per_watt", _per(throughput, power, "frames/s/W", "the power is 0")


def _per(throughput: Figure, used: Figure, unit: str, reason: str) -> Figure:
    speed, count = throughput.number, used.number
    value = speed / count if speed is not None and count else None
    stages = " and ".join(dict.fromkeys(each.stage.value for each in (throughput, used) if each.stage))
    return derived(value, unit, f"throughput / amount used ({stages})", throughput, used, reason=reason)


def _device_data(device: Device | None) -> JSONValue:
    if device is None:
        return Figure.missing("the device isn't known: set the flag board or fpga_part").to_data()
    return {
        "part": device.part,
        "boards": list(device.boards),
        "totals": dict(totals_of(device)),
        "source": device.source,
    }


def _metrics(figures: Figures, efficiency: Mapping[str, Figure]) -> Iterator[Metric]:
    names = {"throughput_per_lut": "perf.fps_per_lut", "throughput_per_dsp": "perf.fps_per_dsp"}
    if figures.best(("perf.fps_per_w",), (Stage.BOARD,)).value is None:
        names["throughput_per_watt"] = "perf.fps_per_w"
    for key, name in names.items():
        yield efficiency[key].to_metric(name, stage=Stage.ESTIMATE)
