"""Whether a design meets its clocks, which paths are worst, and which FINN layers they are in."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import to_data
from brainsmith_core.metric import Metric, MetricSource, Stage

from .build_figures import BuildFigures
from .instances import InstanceMap

__all__ = ["ClockTiming", "CriticalPath", "TimingClosure", "analyse_timing", "instance_map"]

#: Most faithful first.
_STAGES = (Stage.ROUTE, Stage.PLACE, Stage.SYNTH, Stage.OOC)
_FIELDS = {
    "wns_ns": "timing.setup.wns_ns",
    "tns_ns": "timing.setup.tns_ns",
    "setup_failing": "timing.setup.failing_endpoints",
    "setup_total": "timing.setup.total_endpoints",
    "whs_ns": "timing.hold.whs_ns",
    "ths_ns": "timing.hold.ths_ns",
    "hold_failing": "timing.hold.failing_endpoints",
    "wpws_ns": "timing.pw.wpws_ns",
    "period_ns": "timing.period_ns",
    "fmax_mhz": "timing.fmax_mhz",
}
_PATHS = {"setup": "timing.crit", "hold": "timing.crit_hold"}
_PATH_FIELDS = {
    "slack_ns": "slack_ns",
    "requirement_ns": "requirement_ns",
    "data_delay_ns": "data_delay_ns",
    "logic_delay_ns": "logic_delay_ns",
    "net_delay_ns": "net_delay_ns",
    "logic_levels": "logic_levels",
}


@attrs.frozen(kw_only=True)
class ClockTiming:
    """The timing of a clock, or of the whole design; what its reports don't hold is None.

    Args:
        clock: the clock; "" for the whole design.
        wns_ns: worst setup slack.
        tns_ns: sum of all setup slacks below 0.
        setup_failing: endpoints with a setup slack below 0.
        setup_total: endpoints looked at.
        whs_ns: worst hold slack.
        ths_ns: sum of all hold slacks below 0.
        hold_failing: endpoints with a hold slack below 0.
        wpws_ns: worst slack of a pulse's width.
        period_ns: the clock's period.
        fmax_mhz: 1000 / (period_ns - wns_ns): the clock that the worst setup path would allow.
    """

    clock: str = ""
    wns_ns: float | None = None
    tns_ns: float | None = None
    setup_failing: float | None = None
    setup_total: float | None = None
    whs_ns: float | None = None
    ths_ns: float | None = None
    hold_failing: float | None = None
    wpws_ns: float | None = None
    period_ns: float | None = None
    fmax_mhz: float | None = None


@attrs.frozen(kw_only=True)
class CriticalPath:
    """The worst path of a clock, or from one clock to another.

    Args:
        kind: `setup` or `hold`.
        scope: what it is the worst path of, such as `{"clock": "clk_fpga_0"}`.
        startpoint: the pin where it starts.
        endpoint: the pin where it ends.
        start_layer: the FINN layer of its start, "" for none (shell, interconnect).
        end_layer: the FINN layer of its end.
        slack_ns: its slack. requirement_ns: the time that it may take.
        data_delay_ns: the time that the data take. logic_delay_ns: in cells. net_delay_ns: in wires.
        logic_levels: cells on the way.
        file: the report.
    """

    kind: str
    scope: dict[str, str]
    startpoint: str
    endpoint: str
    start_layer: str
    end_layer: str
    slack_ns: float | None = None
    requirement_ns: float | None = None
    data_delay_ns: float | None = None
    logic_delay_ns: float | None = None
    net_delay_ns: float | None = None
    logic_levels: float | None = None
    file: str = ""

    @property
    def layer(self) -> str:
        """The layer that the path is in: where it ends, else where it starts; "" if neither is a layer."""
        return self.end_layer or self.start_layer


@attrs.frozen(kw_only=True)
class TimingClosure:
    """Timing of a design at the most faithful stage that has reports.

    Args:
        stage: that stage; "" if there is no timing report.
        met: whether all timing is met; None if that can't be said.
        achievable_mhz: the least fmax of all clocks that don't meet theirs, else of the clock with the least slack;
            for a design with one clock, its fmax. None if no report tells.
        whole: the whole design.
        clocks: each clock.
        paths: the worst paths that the reports list, worst slack first.
        layers: the worst setup slack in ns of each layer that one of these paths ends in or starts from.
        metrics: `timing.crit.layer` of each setup path that is in a layer.
        simulated: whether it rests on simulated figures.
    """

    stage: str
    met: bool | None
    achievable_mhz: float | None
    whole: ClockTiming
    clocks: tuple[ClockTiming, ...]
    paths: tuple[CriticalPath, ...]
    layers: dict[str, float]
    metrics: tuple[Metric, ...] = ()
    simulated: bool = False

    def to_dict(self) -> dict[str, JSONValue]:
        """Return it as JSON data."""
        return to_data(self)


def analyse_timing(build: BuildFigures) -> TimingClosure:
    """Return the timing of a design; everything is empty where there is no timing report."""
    stage = next((each for each in _STAGES if any(build.named("timing.setup.wns_ns", each))), None)
    names = _clocks(build, stage)
    clocks = tuple(_clock(build, stage, name) for name in names)
    whole = _clock(build, stage, "")
    found = instance_map(build)
    paths = [*_paths(build, stage, found)]
    paths.sort(key=lambda path: (path.slack_ns is None, path.slack_ns))
    setup = [path for path in paths if path.kind == "setup"]
    return TimingClosure(
        stage=stage.value if stage else "",
        met=_met(build, stage, whole),
        achievable_mhz=_achievable(clocks or (whole,)),
        whole=whole,
        clocks=clocks,
        paths=tuple(paths),
        layers=_slacks(setup),
        metrics=tuple(_layer_metric(build, stage, path) for path in setup if stage and path.layer),
        simulated=build.simulated,
    )


def instance_map(build: BuildFigures) -> InstanceMap:
    """Return which instances of a design are which layers of its estimates."""
    layers = {each.scope["layer"] for each in build.metrics if "layer" in each.scope and each.stage is Stage.ESTIMATE}
    ends = (f"{prefix}.{end}" for prefix in _PATHS.values() for end in ("startpoint", "endpoint"))
    points = [str(each.value) for name in ends for each in build.named(name)]
    instances = [each.scope["instance"] for each in build.metrics if "instance" in each.scope]
    return InstanceMap(layers, [*instances, *points])


def _clocks(build: BuildFigures, stage: Stage | None) -> list[str]:
    found = (each.scope for name in _FIELDS.values() for each in build.named(name, stage))
    return sorted({scope["clock"] for scope in found if [*scope] == ["clock"]}) if stage else []


def _clock(build: BuildFigures, stage: Stage | None, clock: str) -> ClockTiming:
    scope = {"clock": clock} if clock else {}
    figures = {field: build.find(name, stage, **scope) if stage else None for field, name in _FIELDS.items()}
    return ClockTiming(clock=clock, **{field: each.number if each else None for field, each in figures.items()})


def _met(build: BuildFigures, stage: Stage | None, whole: ClockTiming) -> bool | None:
    reported = build.find("timing.met", stage) if stage else None
    if reported is not None:
        return bool(reported.value)
    # Before routing, hold slacks say nothing: the router mends them.
    hold = whole.whs_ns if stage is Stage.ROUTE else None
    slacks = [slack for slack in (whole.wns_ns, hold, whole.wpws_ns) if slack is not None]
    # One slack below 0 is enough to fail; to meet all, the design must be routed and all must be known.
    return False if any(slack < 0 for slack in slacks) else None


def _achievable(clocks: Iterable[ClockTiming]) -> float | None:
    known = [each for each in clocks if each.fmax_mhz is not None]
    failing = [each.fmax_mhz for each in known if each.wns_ns is not None and each.wns_ns < 0]
    if failing:
        return min(each for each in failing if each is not None)
    tightest = min(known, key=lambda each: each.wns_ns if each.wns_ns is not None else float("inf"), default=None)
    return tightest.fmax_mhz if tightest else None


def _paths(build: BuildFigures, stage: Stage | None, found: InstanceMap) -> Iterable[CriticalPath]:
    for kind, prefix in _PATHS.items() if stage else ():
        for end in build.named(f"{prefix}.endpoint", stage):
            start = build.find(f"{prefix}.startpoint", stage, **end.scope)
            figures = {
                field: build.find(f"{prefix}.{name}", stage, **end.scope) for field, name in _PATH_FIELDS.items()
            }
            begin = str(start.value) if start else ""
            # The worst path of the whole is that of a clock, too.
            if not end.scope and any(each.scope and each.value == end.value for each in build.named(end.name, stage)):
                continue
            yield CriticalPath(
                kind=kind,
                scope=dict(end.scope),
                startpoint=begin,
                endpoint=str(end.value),
                start_layer=found.layer_of(begin),
                end_layer=found.layer_of(str(end.value)),
                file=end.source.file,
                **{field: each.number if each else None for field, each in figures.items()},
            )


def _slacks(paths: Iterable[CriticalPath]) -> dict[str, float]:
    worst: dict[str, float] = {}
    for path in paths:
        for layer in {path.start_layer, path.end_layer} - {""}:
            if path.slack_ns is not None:
                worst[layer] = min(path.slack_ns, worst.get(layer, path.slack_ns))
    return worst


def _layer_metric(build: BuildFigures, stage: Stage, path: CriticalPath) -> Metric:
    end = build.find("timing.crit.endpoint", stage, **path.scope)
    origin = end.source if end else MetricSource(file=path.file)
    formula = "FINN's layer in the endpoint's or startpoint's name"
    return Metric(
        name="timing.crit.layer",
        value=path.layer,
        unit="string",
        stage=stage,
        scope=path.scope,
        source=attrs.evolve(origin, field="", formula=formula),
    )
