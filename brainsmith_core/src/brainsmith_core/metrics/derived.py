"""Figures that follow from others, each with its formula; where an input is missing, the figure is missing too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import attrs

from ..formats.json_values import JSONValue
from ..metric import Metric, MetricSource, MetricStatus, Stage
from ..records import Device
from .devices import totals_of
from .report import read_number

__all__ = ["Facts", "derive"]

_IMPLEMENTED = (Stage.OOC, Stage.SYNTH, Stage.PLACE, Stage.ROUTE)
_RUN = (Stage.RTLSIM, Stage.BOARD)
_LATENT = (Stage.ESTIMATE, *_RUN)
_UTILISED = (Stage.ESTIMATE, Stage.HLS, *_IMPLEMENTED)


@attrs.frozen(kw_only=True)
class Facts:
    """What is known of a build beside its reports.

    Args:
        device: the FPGA that it is for.
        clock_ns: the clock period that was asked for.
    """

    device: Device | None = None
    clock_ns: float | None = None


@attrs.frozen
class _Rule:
    """A figure that follows from others of the same stage and scope.

    Args:
        name: its name. unit: its unit.
        stages: where it is calculated.
        inputs: the names that `compute` is called with, in this order.
        formula: what `compute` does, for people.
        compute: gives the value, or None if it has none.
    """

    name: str
    unit: str
    stages: tuple[Stage, ...]
    inputs: tuple[str, ...]
    formula: str
    compute: Callable[..., JSONValue]


def _fmax(period_ns: float, wns_ns: float) -> float | None:
    return 1000 / (period_ns - wns_ns) if period_ns > wns_ns else None


def _steady(batch: float, cycles: float, latency: float, clk_mhz: float) -> float | None:
    """Throughput once the pipeline is full; a batch of one frame never fills it."""
    return (batch - 1) / (cycles - latency) * clk_mhz * 1e6 if batch >= 2 and cycles > latency else None


def _ratio(dividend: float, divisor: float) -> float | None:
    return read_number(dividend / divisor) if divisor > 0 else None


def _clk(cycles: float, ns: float) -> float | None:
    return _ratio(1000 * cycles, ns)


def _energy(fps: float, watts: float) -> float | None:
    return _ratio(1000 * watts, fps)


def _met(*slacks: float) -> bool:
    return all(slack >= 0 for slack in slacks)


_RAMB = ("util.ramb36", "util.ramb18")
_SLACKS = ("timing.setup.wns_ns", "timing.hold.whs_ns", "timing.pw.wpws_ns")
_PERIOD = ("timing.period_ns", "timing.setup.wns_ns")
_PATH = ("timing.crit.logic_delay_ns", "timing.crit.data_delay_ns")
_ESTIMATE = ("perf.critical_path_cycles", "perf.latency_ns")
_BATCH = ("perf.batch", "perf.batch_cycles", "perf.latency_cycles", "perf.clk_mhz")
_BOARD = ("perf.throughput_fps", "power.avg_w")
_TILES = "36 Kb tiles, steps of 0.5"
_STEADY = "(batch - 1) / (batch_cycles - latency_cycles) x clk_mhz x 10^6"

#: In this order; a rule may rely on what an earlier one gave.
_RULES = (
    _Rule("util.bram_18k", "18 Kb", _IMPLEMENTED, _RAMB, "2 x ramb36 + ramb18", lambda a, b: 2 * a + b),
    _Rule("util.bram_36k", _TILES, _IMPLEMENTED, _RAMB, "ramb36 + ramb18 / 2", lambda a, b: a + b / 2),
    _Rule("timing.fmax_mhz", "MHz", _IMPLEMENTED, _PERIOD, "1000 / (period_ns - wns_ns)", _fmax),
    _Rule("timing.met", "bool", (Stage.ROUTE,), _SLACKS, "wns_ns, whs_ns and wpws_ns >= 0, routed", _met),
    _Rule("timing.crit.logic_fraction", "fraction", _IMPLEMENTED, _PATH, "logic_delay_ns / data_delay_ns", _ratio),
    _Rule("perf.clk_mhz", "MHz", (Stage.ESTIMATE,), _ESTIMATE, "1000 x critical_path_cycles / latency_ns", _clk),
    _Rule("perf.latency_us", "µs", _LATENT, ("perf.latency_ns",), "latency_ns / 1000", lambda ns: ns / 1000),
    _Rule("perf.latency_us", "µs", _RUN, _BATCH[2:], "latency_cycles / clk_mhz", _ratio),
    _Rule("perf.steady_throughput_fps", "frames/s", (Stage.RTLSIM,), _BATCH, _STEADY, _steady),
    _Rule("perf.fps_per_w", "frames/s/W", (Stage.BOARD,), _BOARD, "throughput_fps / avg_w", _ratio),
    _Rule("energy.per_frame_mj", "mJ", (Stage.BOARD,), _BOARD, "1000 x avg_w / throughput_fps", _energy),
)

#: A stage and the items of a scope.
_Key = tuple[Stage, tuple[tuple[str, str], ...]]
#: The figures of one stage and scope, by name.
_Group = dict[str, Metric]


def derive(metrics: Iterable[Metric], facts: Facts | None = None) -> list[Metric]:
    """Return the figures that follow from others; those that are there already aren't calculated again.

    Args:
        metrics: all figures of one build.
        facts: what is known of the build beside them.

    Example:
        >>> wide = Metric(name="util.ramb36", value=3, unit="count", stage=Stage.ROUTE)
        >>> narrow = Metric(name="util.ramb18", value=1, unit="count", stage=Stage.ROUTE)
        >>> [(each.name, each.value, each.source.formula) for each in derive([wide, narrow])]
        [('util.bram_18k', 7, '2 x ramb36 + ramb18'), ('util.bram_36k', 3.5, 'ramb36 + ramb18 / 2')]
    """
    known = facts or Facts()
    groups = _grouped(metrics)
    derived: list[Metric] = []
    for (stage, scope), group in groups.items():
        whole = not scope
        found = _clock(stage, group, known) if whole else iter(())
        derived += _added(group, found)
        for rule in _RULES:
            derived += _added(group, _applied(rule, stage, dict(scope), group))
        if whole and stage in _UTILISED:
            derived += _added(group, _fractions(stage, group, known.device))
    derived += _estimate_errors(groups)
    return derived


def _grouped(metrics: Iterable[Metric]) -> dict[_Key, _Group]:
    groups: dict[_Key, _Group] = {}
    for metric in metrics:
        if metric.is_present:
            scope = tuple(sorted(metric.scope.items())) if metric.scope else ()
            groups.setdefault((metric.stage, scope), {})[metric.name] = metric
    return groups


def _added(group: _Group, found: Iterable[Metric]) -> Iterator[Metric]:
    """Put new figures into their group, so that further ones can follow from them."""
    for metric in list(found):
        if metric.name not in group:
            group[metric.name] = metric
            yield metric


def _applied(rule: _Rule, stage: Stage, scope: Mapping[str, str], group: _Group) -> Iterator[Metric]:
    if rule.name in group or stage not in rule.stages:
        return
    inputs = [group[name] for name in rule.inputs if name in group]
    numbers = [_number(metric) for metric in inputs]
    if len(inputs) < len(rule.inputs) or None in numbers:
        return
    value = rule.compute(*numbers)
    if isinstance(value, bool) or read_number(value) is not None:
        yield _metric(rule.name, value, rule.unit, stage, inputs, rule.formula, scope)


def _number(metric: Metric) -> int | float | None:
    return read_number(metric.value) if isinstance(metric.value, int | float) else None


def _metric(
    name: str,
    value: JSONValue,
    unit: str,
    stage: Stage,
    inputs: Sequence[Metric],
    formula: str,
    scope: Mapping[str, str] | None = None,
) -> Metric:
    """Return a derived figure; it comes from the file of its first input and is simulated if any input is."""
    simulated = any(metric.status is MetricStatus.SIMULATED for metric in inputs)
    status = MetricStatus.SIMULATED if simulated else MetricStatus.MEASURED
    origin = inputs[0].source if inputs else MetricSource()
    source = attrs.evolve(origin, field="", formula=formula)
    return Metric(name=name, value=value, unit=unit, stage=stage, scope=dict(scope or {}), status=status, source=source)


def _clock(stage: Stage, group: _Group, facts: Facts) -> Iterator[Metric]:
    """The clock that was asked for, at the stages that rely on it and whose reports don't always hold it."""
    if facts.clock_ns is None:
        return
    mhz = _ratio(1000, facts.clock_ns)
    if stage in (Stage.ESTIMATE, Stage.RTLSIM) and mhz is not None:
        inputs = list(group.values())[:1]
        yield _metric("perf.clk_mhz", mhz, "MHz", stage, inputs, "1000 / synth_clk_period_ns")
    elif stage is Stage.OOC and "timing.setup.wns_ns" in group:
        inputs = [group["timing.setup.wns_ns"]]
        yield _metric("timing.period_ns", facts.clock_ns, "ns", stage, inputs, "synth_clk_period_ns")


def _counts(group: _Group) -> list[str]:
    """The names of the resources that are counted in a group."""
    others = (".fraction", ".available", "_efficiency")
    return [name for name in group if name.startswith("util.") and not name.endswith(others)]


def _fractions(stage: Stage, group: _Group, device: Device | None) -> Iterator[Metric]:
    """What the device has and how much of it is used; a report's own totals come before the device's."""
    totals = totals_of(device) if device else {}
    for name in _counts(group):
        used, resource = group[name], name.removeprefix("util.")
        available = group.get(f"{name}.available")
        if available is None and device is not None and resource in totals:
            formula = f"total of {device.part} ({device.source})"
            available = _metric(f"{name}.available", totals[resource], "count", stage, [used], formula)
            yield available
        fraction = _quotient(used, available)
        if available is not None and fraction is not None:
            formula = f"{resource} / {resource}.available"
            yield _metric(f"{name}.fraction", fraction, "fraction", stage, [used, available], formula)


def _quotient(dividend: Metric, divisor: Metric | None) -> float | None:
    above, below = _number(dividend), _number(divisor) if divisor else None
    return None if above is None or below is None else _ratio(above, below)


def _estimate_errors(groups: Mapping[_Key, _Group]) -> Iterator[Metric]:
    """What later stages say, divided by the estimate for the same scope."""
    for (stage, scope), group in groups.items():
        estimates = groups.get((Stage.ESTIMATE, scope), {})
        if stage is Stage.ESTIMATE or stage not in _UTILISED:
            continue
        for name in _counts(group):
            error = _quotient(group[name], estimates.get(name))
            if error is not None:
                resource = name.removeprefix("util.")
                formula = f"{resource} at {stage.value} / {resource} at estimate"
                inputs = [group[name], estimates[name]]
                yield _metric(f"est_error.{resource}", error, "ratio", stage, inputs, formula, dict(scope))
