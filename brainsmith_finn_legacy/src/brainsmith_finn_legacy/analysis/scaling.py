"""What a build would give with another folding, throughput or clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Literal

import attrs

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import from_data, to_data

from .build_figures import BuildFigures
from .cycle_formulas import formula_of
from .folding import WEIGHT_BITS, Folding, check_folding, folding_for
from .layers import RESOURCES, Layer, layers_of
from .resource_formulas import Estimate, predict_resources

__all__ = ["LayerPrediction", "ScalingPrediction", "ScalingTarget", "predict"]

Method = Literal["formula", "scaled", "unchanged", "unknown"]


@attrs.frozen(kw_only=True)
class ScalingTarget:
    """What is to change; what isn't given stays as it was built.

    Args:
        folding: parallelism by layer and FINN's attribute (`{"MVAU_hls_0": {"PE": 4}}`); after `target_fps`, if that
            too is given.
        target_fps: frames/s that FINN shall fold for.
        clock_ns: the clock's period.
        mvau_wwidth_max: FINN's setting of that name: how wide in bits a PE's weights may become, with `target_fps`.
    """

    folding: dict[str, dict[str, int]] = attrs.field(factory=dict)
    target_fps: float | None = None
    clock_ns: float | None = None
    mvau_wwidth_max: int = WEIGHT_BITS

    def __attrs_post_init__(self) -> None:
        for name in ("target_fps", "clock_ns"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigurationError(f"{name}={value} must be above 0")
        if not self.folding and self.target_fps is None and self.clock_ns is None:
            raise ConfigurationError("nothing is to change", hint="give folding, target_fps or clock_ns")

    @classmethod
    def of(cls, value: ScalingTarget | Mapping[str, object] | float, throughput_fps: float | None) -> ScalingTarget:
        """Return the target that a value says: a mapping with its fields, or a factor on the throughput.

        Raises:
            ConfigurationError: if it is none, or a factor is given and the throughput isn't known.
        """
        if isinstance(value, ScalingTarget):
            return value
        if isinstance(value, Mapping):
            return from_data(cls, dict(value), "target_scale")
        if isinstance(value, bool) or not isinstance(value, int | float):
            text = f"a scaling target can't be a {type(value).__name__}"
            raise ConfigurationError(text, hint="give a ScalingTarget, its fields in a mapping, or a factor")
        if throughput_fps is None:
            raise ConfigurationError("a factor needs the build's throughput, which isn't known", hint="give target_fps")
        return cls(target_fps=value * throughput_fps)


@attrs.frozen(kw_only=True)
class LayerPrediction:
    """What a layer would be.

    Args:
        layer: its name.
        op_type: its operator.
        folding_before: the parallelism that it was built with.
        folding: the parallelism asked for, or chosen as FINN would.
        cycles_before: cycles for a frame, as FINN estimated them.
        cycles: cycles for a frame; None if they can't be said.
        method: `formula`: FINN's own, which gives exactly FINN's figure for the folding that was built; `scaled`:
            FINN's figure in proportion to the parallelism, since attributes are missing or the formula is another
            version's; `unchanged`: the folding is; `unknown`: the operator's formula isn't known here.
        error: the relative error to be expected: 0 for FINN's own formula; None where it can't be said.
        formula: the formula in FINN's names, with its source.
        resources: what it would need, by metric.
    """

    layer: str
    op_type: str
    folding_before: dict[str, int]
    folding: dict[str, int]
    cycles_before: int | None
    cycles: int | None
    method: Method
    error: float | None
    formula: str = ""
    resources: dict[str, Estimate] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ScalingPrediction:
    """What a build would give; at FINN's stage `estimate`: no FIFOs, no width converters, no timing closure.

    Args:
        target: what was asked for.
        layers: all layers.
        clock_ns: the clock's period; None if no report tells it and none was given.
        max_cycles: cycles of the slowest layer; None if a layer's can't be said.
        bottleneck: that layer, or "".
        throughput_fps: 1e9 / clock_ns / max_cycles.
        throughput_before_fps: the same for what was built.
        latency_ns: the sum of all layers' cycles times clock_ns, as FINN has it; None unless the layers are one chain.
        meets_target: whether the throughput asked for is reached.
        totals: resources of all layers, by metric.
        error: the greatest relative error of the layers' cycles; None where that of one can't be said.
        notes: what to keep in mind.
        simulated: whether it rests on simulated figures.
    """

    target: ScalingTarget
    layers: tuple[LayerPrediction, ...]
    clock_ns: float | None
    max_cycles: int | None
    bottleneck: str
    throughput_fps: float | None
    throughput_before_fps: float | None
    latency_ns: float | None
    meets_target: bool | None
    totals: dict[str, Estimate]
    error: float | None
    notes: tuple[str, ...] = ()
    simulated: bool = False

    def to_dict(self) -> dict[str, JSONValue]:
        """Return it as JSON data."""
        return to_data(self)


def predict(build: BuildFigures, target: ScalingTarget | Mapping[str, object] | float) -> ScalingPrediction:
    """Return what a build would give with another folding, throughput or clock.

    Args:
        build: its figures; with its model the prediction is exact, without it proportional.
        target: what is to change.

    Raises:
        ConfigurationError: if the build has no estimates, or doesn't allow what is asked for.
    """
    layers = layers_of(build)
    if not layers:
        text = f"{build.name} has no estimate of its layers' cycles"
        raise ConfigurationError(text, hint="a prediction needs FINN's estimate_layer_cycles.json")
    before = max((layer.cycles or 0 for layer in layers.values()), default=0)
    throughput_before = _fps(build.clock_ns, before)
    wanted = ScalingTarget.of(target, throughput_before)
    clock = wanted.clock_ns or build.clock_ns
    folding, notes = _foldings(layers, wanted, clock)
    found = tuple(_layer(layer, folding.get(name, {})) for name, layer in layers.items())
    slowest = max(found, key=lambda each: each.cycles or 0) if all(each.cycles is not None for each in found) else None
    throughput = _fps(clock, slowest.cycles if slowest else None)
    return ScalingPrediction(
        target=wanted,
        layers=found,
        clock_ns=clock,
        max_cycles=slowest.cycles if slowest else None,
        bottleneck=slowest.layer if slowest else "",
        throughput_fps=throughput,
        throughput_before_fps=throughput_before,
        latency_ns=_latency(build, layers, found, clock),
        meets_target=_meets(wanted, throughput),
        totals=_totals(found),
        error=_worst_error(found),
        notes=(*notes, *_remarks(build, found)),
        simulated=build.simulated,
    )


def _foldings(layers: Mapping[str, Layer], wanted: ScalingTarget, clock: float | None) -> tuple[Folding, list[str]]:
    folding: Folding = {}
    notes: list[str] = []
    if wanted.target_fps is not None:
        if clock is None:
            raise ConfigurationError("target_fps needs the clock, which no report tells", hint="give clock_ns")
        folding, kept = folding_for(layers, int(1e9 / clock / wanted.target_fps), wanted.mvau_wwidth_max)
        if len(kept) == len(layers):
            text = f"which folding FINN would choose for {wanted.target_fps:g} frames/s can't be said"
            raise ConfigurationError(
                text, hint="that needs the build's model with its layers' attributes; or give folding"
            )
        if kept:
            notes.append(f"FINN's choice of folding can't be said for {_few(kept)}: they keep theirs")
    check_folding(layers, wanted.folding)
    for name, changes in wanted.folding.items():
        folding[name] = {**folding.get(name, {}), **changes}
    return folding, notes


def _layer(layer: Layer, changes: Mapping[str, int]) -> LayerPrediction:
    known = formula_of(layer.op_type)
    folding = {**layer.folding, **changes}
    cycles, method, error = _cycles(layer, folding)
    return LayerPrediction(
        layer=layer.name,
        op_type=layer.op_type,
        folding_before=layer.folding,
        folding=folding,
        cycles_before=layer.cycles,
        cycles=cycles,
        method=method,
        error=error,
        formula=f"{known.text} ({known.source})" if known else "",
        resources=predict_resources(layer, folding),
    )


def _cycles(layer: Layer, folding: Mapping[str, int]) -> tuple[int | None, Method, float | None]:
    """Return the cycles with another folding, how they were obtained, and the error to be expected."""
    if folding == layer.folding:
        return layer.cycles, "unchanged", 0.0 if layer.cycles is not None else None
    formula = formula_of(layer.op_type)
    if formula is None:
        return None, "unknown", None
    try:
        # A formula that doesn't give what FINN reported is that of another version.
        if formula.compute(layer.attributes) == layer.cycles:
            return formula.compute(layer.folded(folding)), "formula", 0.0
    except KeyError:
        pass  # an attribute isn't known; the reports alone allow a proportion
    return _scaled(layer, folding, exact=formula.exact)


def _scaled(layer: Layer, folding: Mapping[str, int], *, exact: bool) -> tuple[int | None, Method, float | None]:
    now = layer.folding
    contradicted = layer.multiplies and layer.macs is not None and layer.multipliers is None
    if layer.cycles is None or set(now) != set(folding) or contradicted:
        return None, "unknown", None
    work, parallel = layer.cycles * prod(now.values()), prod(folding.values())
    # The cycles of a product formula are whole, so rounding is the only error; it is at most one cycle.
    whole = work % parallel == 0
    cycles = max(1, work // parallel)
    return cycles, "scaled", (0.0 if whole else 1 / cycles) if exact else None


def _fps(clock_ns: float | None, cycles: int | None) -> float | None:
    return 1e9 / clock_ns / cycles if clock_ns and cycles else None


def _meets(wanted: ScalingTarget, throughput: float | None) -> bool | None:
    if wanted.target_fps is None or throughput is None:
        return None
    # FINN rounds the cycles of a frame down, so a folding that just meets the target may be off by the last digit.
    return throughput >= wanted.target_fps * (1 - 1e-9)


def _latency(
    build: BuildFigures, layers: Mapping[str, Layer], found: Iterable[LayerPrediction], clock: float | None
) -> float | None:
    """Return FINN's latency if that of the build is the sum of all layers, as where none runs beside another."""
    path = build.find("perf.critical_path_cycles")
    cycles = [each.cycles for each in found]
    if path is None or clock is None or path.number != sum(layer.cycles or 0 for layer in layers.values()):
        return None
    known = [each for each in cycles if each is not None]
    return sum(known) * clock if len(known) == len(cycles) else None


def _totals(found: Iterable[LayerPrediction]) -> dict[str, Estimate]:
    totals: dict[str, Estimate] = {}
    for name in RESOURCES:
        parts = [each.resources[name] for each in found if name in each.resources]
        if not parts:
            continue
        values = [part.value for part in parts if part.value is not None]
        highs = [part.high for part in parts if part.high is not None]
        methods = {part.method for part in parts}
        totals[name] = Estimate(
            value=sum(values) if len(values) == len(parts) else None,
            low=sum(part.low for part in parts),
            high=sum(highs) if len(highs) == len(parts) else None,
            method="bounds" if len(values) < len(parts) else "unchanged" if methods == {"unchanged"} else "formula",
        )
    return totals


def _worst_error(found: Iterable[LayerPrediction]) -> float | None:
    errors = [each.error for each in found]
    known = [error for error in errors if error is not None]
    return max(known) if known and len(known) == len(errors) else None


def _few(names: list[str]) -> str:
    return ", ".join(names) if len(names) < 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"


def _remarks(build: BuildFigures, found: Iterable[LayerPrediction]) -> list[str]:
    notes = []
    if not build.nodes:
        notes.append(
            "the build's model isn't there: cycles are in proportion to the parallelism, resources within bounds"
        )
    unknown = [f"{each.layer} ({each.op_type})" for each in found if each.method == "unknown"]
    if unknown:
        notes.append(f"the cycles with another folding can't be said for {_few(unknown)}")
    return notes
