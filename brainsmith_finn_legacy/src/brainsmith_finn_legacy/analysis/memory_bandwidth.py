"""What each layer moves in a cycle and for a frame, and what the whole takes from and gives to external memory."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import to_data
from brainsmith_core.metric import Metric

from .build_figures import BuildFigures
from .layers import Layer, layers_of
from .stream_formulas import Stream, ports_of, stream_of, weight_bits_of

__all__ = ["LayerTraffic", "MemoryBandwidth", "profile"]

#: Weights with these of FINN's `mem_mode` come through a memory port.
_EXTERNAL = ("external", "external_mem")
_MEASURED = ("perf.dram_in_mbps", "perf.dram_out_mbps", "perf.dram_extw_mbps")


@attrs.frozen(kw_only=True)
class LayerTraffic:
    """What a layer moves; a stream is None if attributes are missing or the operator isn't known here.

    Args:
        layer: its name.
        op_type: its operator.
        cycles: cycles that it works for a frame.
        input: activations that go in.
        output: activations that come out.
        weights: weights that it reads; None also for a layer without.
        weight_bits: size of its weights in bits, 0 for a layer without; None if it isn't known.
        weight_memory: FINN's `mem_mode` of a layer with weights, or "".
        external: whether the weights come from external memory.
    """

    layer: str
    op_type: str
    cycles: int | None
    input: Stream | None = None
    output: Stream | None = None
    weights: Stream | None = None
    weight_bits: int | None = None
    weight_memory: str = ""
    external: bool = False


@attrs.frozen(kw_only=True)
class MemoryBandwidth:
    """The traffic of a build.

    Args:
        layers: all layers.
        throughput_fps: the estimated throughput that the MB/s (10^6 bytes/s) are for.
        external_in_mbps: MB/s of the first layer's input; None if it isn't known.
        external_out_mbps: MB/s of the last layer's output.
        external_weight_mbps: MB/s of all weights in external memory.
        weight_bits_per_cycle: weights of all layers in a cycle in which all work.
        measured: figures of reports on external memory (`perf.dram_in_mbps`, ...); they come before calculated ones.
        formula: how MB/s are calculated.
        missing: layers whose streams aren't known.
        simulated: whether it rests on simulated figures.
    """

    layers: tuple[LayerTraffic, ...]
    throughput_fps: float | None
    external_in_mbps: float | None
    external_out_mbps: float | None
    external_weight_mbps: float | None
    weight_bits_per_cycle: int | None
    measured: tuple[Metric, ...] = ()
    formula: str = "bits per cycle x words per frame x frames/s / 8e6"
    missing: tuple[str, ...] = ()
    simulated: bool = False

    def to_dict(self) -> dict[str, JSONValue]:
        """Return it as JSON data."""
        return to_data(self)


def profile(build: BuildFigures) -> MemoryBandwidth:
    """Return what each layer and the whole move.

    Args:
        build: its figures, and its model for the widths.
    """
    layers = [*layers_of(build).values()]
    slowest = max((layer.cycles or 0 for layer in layers), default=0)
    fps = 1e9 / build.clock_ns / slowest if build.clock_ns and slowest else None
    found = tuple(_traffic(layer, fps) for layer in layers)
    first, last = (found[0].input, found[-1].output) if found else (None, None)
    missing = tuple(each.layer for each in found if each.weight_bits is None or each.input is None)
    weights = [] if missing else [each for each in found if each.weights is not None]
    return MemoryBandwidth(
        layers=found,
        throughput_fps=fps,
        external_in_mbps=first.mbps if first else None,
        external_out_mbps=last.mbps if last else None,
        external_weight_mbps=_external(weights) if found and not missing and fps else None,
        weight_bits_per_cycle=_together(weights) if found and not missing else None,
        measured=tuple(each for name in _MEASURED for each in build.named(name)),
        missing=missing,
        simulated=build.simulated,
    )


def _external(layers: Iterable[LayerTraffic]) -> float:
    return sum((each.weights.mbps or 0.0 for each in layers if each.external and each.weights), 0.0)


def _together(layers: Iterable[LayerTraffic]) -> int:
    return sum(each.weights.bits_per_cycle for each in layers if each.weights)


def _traffic(layer: Layer, fps: float | None) -> LayerTraffic:
    ports = ports_of(layer.operator)
    streams = [stream_of(port, layer.attributes, fps) if port else None for port in ports or (None, None, None)]
    mode = layer.attributes.get("mem_mode") if ports and ports[2] else ""
    return LayerTraffic(
        layer=layer.name,
        op_type=layer.op_type,
        cycles=layer.cycles,
        input=streams[0],
        output=streams[1],
        weights=streams[2],
        weight_bits=weight_bits_of(layer.operator, layer.attributes),
        weight_memory=mode if isinstance(mode, str) else "",
        external=mode in _EXTERNAL,
    )
