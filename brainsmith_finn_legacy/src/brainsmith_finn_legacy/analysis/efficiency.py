"""How well each layer uses what it takes: against the bottleneck, which sets the pace of the whole."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import to_data

from .build_figures import BuildFigures
from .layers import Layer, layers_of
from .resource_usage import ResourceUsage

__all__ = ["LayerEfficiency", "ResourceEfficiency", "analyse_efficiency", "mac_utilisation"]


@attrs.frozen(kw_only=True)
class LayerEfficiency:
    """How well a layer uses what it takes.

    Args:
        layer: its name.
        op_type: its operator.
        cycles: cycles that it works for a frame.
        idle: part of the time that it waits for the bottleneck: 1 - cycles / max_cycles.
        shares: part of what all layers take, by metric.
        fps_alone: frames/s that it would reach by itself at the build's clock.
        fps_per_lut: frames/s of the whole for each LUT of the layer; None if it has none or that isn't known.
        macs_per_cycle: multiplications with additions that it could do in a cycle (PE x SIMD); None for other
            operators.
        utilisation: part of these that it does, over the time of a frame: macs / (macs_per_cycle x max_cycles).
        is_bottleneck: whether it has the most cycles.
    """

    layer: str
    op_type: str
    cycles: int | None
    idle: float | None
    shares: dict[str, float]
    fps_alone: float | None
    fps_per_lut: float | None
    macs_per_cycle: int | None
    utilisation: float | None
    is_bottleneck: bool


@attrs.frozen(kw_only=True)
class ResourceEfficiency:
    """How well a build uses what it takes.

    Args:
        stage: the stage whose resources are meant: the most faithful one that has layers.
        layers: all layers.
        max_cycles: cycles of the bottleneck.
        bottlenecks: the layers with the most cycles.
        throughput_fps: estimated frames/s; None if the clock isn't known.
        idle_lut_fraction: part of all layers' LUTs that waits, on average over a frame.
        utilisation: part of all multipliers' work that is done, over the time of a frame.
        oversized: layers that wait for more than half of the time and take more than a tenth of the LUTs: fold them
            less.
        simulated: whether it rests on simulated figures.
    """

    stage: str
    layers: tuple[LayerEfficiency, ...]
    max_cycles: int
    bottlenecks: tuple[str, ...]
    throughput_fps: float | None
    idle_lut_fraction: float | None
    utilisation: float | None
    oversized: tuple[str, ...]
    simulated: bool = False

    def to_dict(self) -> dict[str, JSONValue]:
        """Return it as JSON data."""
        return to_data(self)


def analyse_efficiency(usage: ResourceUsage) -> ResourceEfficiency:
    """Return how well each layer uses what it takes.

    Args:
        usage: what each layer takes at each stage.

    Raises:
        ConfigurationError: if no report tells the layers' cycles.
    """
    build = usage.build
    layers = layers_of(build)
    slowest = max((layer.cycles or 0 for layer in layers.values()), default=0)
    if not slowest:
        text = f"{build.name} has no estimate of its layers' cycles"
        raise ConfigurationError(text, hint="efficiency needs FINN's estimate_layer_cycles.json")
    stage, counts = _resources(usage, layers)
    sums: dict[str, float] = {}
    for each in counts.values():
        for name, value in each.items():
            sums[name] = sums.get(name, 0) + value
    fps = _fps(build, slowest)
    found = tuple(_layer(layer, counts.get(name, {}), sums, slowest, build, fps) for name, layer in layers.items())
    return ResourceEfficiency(
        stage=stage,
        layers=found,
        max_cycles=slowest,
        bottlenecks=tuple(each.layer for each in found if each.is_bottleneck),
        throughput_fps=fps,
        idle_lut_fraction=_idle(found),
        utilisation=mac_utilisation(layers, slowest),
        oversized=tuple(
            each.layer for each in found if (each.idle or 0) > 0.5 and each.shares.get("util.lut", 0) > 0.1
        ),
        simulated=usage.simulated,
    )


def _resources(usage: ResourceUsage, layers: dict[str, Layer]) -> tuple[str, dict[str, dict[str, float]]]:
    """Return the most faithful stage that knows all layers with their LUTs, and what they take there."""
    for stage in reversed(usage.stages):
        if all("util.lut" in stage.layers.get(name, {}) for name in layers):
            return stage.stage, {name: stage.layers[name] for name in layers}
    return "", {}


def _layer(
    layer: Layer, counts: dict[str, float], sums: dict[str, float], slowest: int, build: BuildFigures, fps: float | None
) -> LayerEfficiency:
    lut = counts.get("util.lut")
    parallel = layer.multipliers
    return LayerEfficiency(
        layer=layer.name,
        op_type=layer.op_type,
        cycles=layer.cycles,
        idle=None if layer.cycles is None else 1 - layer.cycles / slowest,
        shares={name: value / sums[name] for name, value in counts.items() if sums[name]},
        fps_alone=_fps(build, layer.cycles) if layer.cycles else None,
        fps_per_lut=fps / lut if fps and lut else None,
        macs_per_cycle=parallel,
        utilisation=layer.macs / (parallel * slowest) if layer.macs is not None and parallel else None,
        is_bottleneck=layer.cycles == slowest,
    )


def _fps(build: BuildFigures, cycles: int) -> float | None:
    return 1e9 / build.clock_ns / cycles if build.clock_ns else None


def _idle(found: tuple[LayerEfficiency, ...]) -> float | None:
    parts = [(each.shares.get("util.lut"), each.idle) for each in found]
    known = [share * idle for share, idle in parts if share is not None and idle is not None]
    return sum(known) if known and len(known) == len(parts) else None


def mac_utilisation(layers: Mapping[str, Layer], slowest: int) -> float | None:
    """Return the part of all multipliers' work that is done, over the time of a frame; None if a layer's isn't known.

    Args:
        layers: the layers.
        slowest: cycles of the slowest one.
    """
    multiplying = [layer for layer in layers.values() if layer.multiplies]
    macs = [layer.macs for layer in multiplying if layer.macs is not None]
    parallel = [layer.multipliers for layer in multiplying if layer.multipliers is not None]
    whole = multiplying and len(macs) == len(parallel) == len(multiplying)
    return sum(macs) / (sum(parallel) * slowest) if whole and slowest else None
