"""What each layer needs at each stage of the flow, what changes from stage to stage, how far the estimates were off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import to_data
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage

from .build_figures import BuildFigures
from .instances import InstanceMap
from .layers import RESOURCES
from .timing_closure import instance_map

__all__ = ["ResourceUsage", "StageUsage", "estimate_errors", "track"]

#: The stages at which resources are counted, in the order of the flow.
_STAGES = (Stage.ESTIMATE, Stage.HLS, Stage.OOC, Stage.SYNTH, Stage.PLACE, Stage.ROUTE)
#: What makes up 18 Kb equivalents where a report counts the two sizes of block RAM.
_RAMB = {"util.ramb36": 2, "util.ramb18": 1}

#: Resources by metric, and by layer.
Counts = dict[str, float]


@attrs.frozen(kw_only=True)
class StageUsage:
    """What a design needs at a stage of the flow; what no report of the stage holds is missing.

    Args:
        stage: the stage.
        total: the whole design, by metric. After synthesis it holds FIFOs, width converters, DMA and the shell, too.
        layers: each layer, by name and metric.
        fractions: part of the device, by metric, where its totals are known.
        delta_total: change since the stage before that has the figure, by metric; none for and to `hls`, whose total
            is of the layers made with HLS only.
        delta_layers: the same for each layer.
        files: the reports that the figures stand in.
    """

    stage: str
    total: Counts
    layers: dict[str, Counts]
    fractions: Counts
    delta_total: Counts
    delta_layers: dict[str, Counts]
    files: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ResourceUsage:
    """What a design needs over the flow.

    Args:
        stages: the stages that have figures, in the flow's order.
        errors: `est_error.<resource>` of each layer and of the whole, at each later stage: count / estimate.
        unmapped: instances of the implemented design that several partitions have under one name, so that the
            estimates can't tell which is which.
        build: what the figures were read from.
        simulated: whether figures are simulated.
    """

    stages: tuple[StageUsage, ...]
    errors: tuple[Metric, ...]
    unmapped: tuple[str, ...]
    build: BuildFigures = attrs.field(repr=False)
    simulated: bool = False

    def to_dict(self) -> dict[str, JSONValue]:
        """Return it as JSON data, without the figures that it was made from."""
        return {
            "stages": [to_data(each) for each in self.stages],
            "errors": [each.to_dict() for each in self.errors],
            "unmapped": list(self.unmapped),
            "simulated": self.simulated,
        }


def track(build: BuildFigures) -> ResourceUsage:
    """Return what each layer and the whole need at each stage.

    Args:
        build: its figures.
    """
    found = instance_map(build)
    stages: list[StageUsage] = []
    before_total: Counts = {}
    before_layers: dict[str, Counts] = {}
    for stage in _STAGES:
        figures = [each for each in build.metrics if each.stage is stage and _counted(each.name)]
        if not figures:
            continue
        total, layers = _total(figures), _layers(figures, found)
        stages.append(
            StageUsage(
                stage=stage.value,
                total=total,
                layers=layers,
                fractions=_fractions(build, stage),
                delta_total={} if stage is Stage.HLS else _delta(before_total, total),
                delta_layers={
                    name: _delta(before_layers[name], each) for name, each in layers.items() if name in before_layers
                },
                files=tuple(sorted({each.source.file for each in figures if each.source.file})),
            )
        )
        if stage is not Stage.HLS:  # that report's total is of the layers made with HLS, not of the design
            before_total = {**before_total, **total}
        for name, counts in layers.items():
            before_layers[name] = {**before_layers.get(name, {}), **counts}
    return ResourceUsage(
        stages=tuple(stages),
        errors=tuple(estimate_errors(stages, simulated=build.simulated)),
        unmapped=tuple(sorted(found.ambiguous)),
        build=build,
        simulated=build.simulated,
    )


def estimate_errors(stages: Iterable[StageUsage], *, simulated: bool = False) -> list[Metric]:
    """Return how far FINN's estimates were off: what a later stage counts, divided by the estimate.

    Where FINN estimates nothing (0) there is no ratio. After synthesis only layers are compared: the whole holds more
    than the estimate is for.

    Args:
        stages: the stages, the estimate first.
        simulated: whether the figures are simulated.
    """
    found = [*stages]
    if not found or found[0].stage != Stage.ESTIMATE.value:
        return []
    status = MetricStatus.SIMULATED if simulated else MetricStatus.MEASURED
    errors = []
    for later in found[1:]:
        for layer, counts in later.layers.items():
            for name, count in counts.items():
                estimate = found[0].layers.get(layer, {}).get(name)
                if not estimate:
                    continue
                resource = name.removeprefix("util.")
                formula = f"{resource} at {later.stage} / {resource} at estimate"
                source = MetricSource(file=", ".join(later.files), formula=formula)
                errors.append(
                    Metric(
                        name=f"est_error.{resource}",
                        value=count / estimate,
                        unit="ratio",
                        stage=Stage(later.stage),
                        scope={"layer": layer},
                        status=status,
                        source=source,
                    )
                )
    return errors


def _counted(name: str) -> bool:
    return name in RESOURCES or name in _RAMB


def _total(figures: Iterable[Metric]) -> Counts:
    return _counts(each for each in figures if not each.scope)


def _layers(figures: Iterable[Metric], found: InstanceMap) -> dict[str, Counts]:
    """Return the resources of each layer: as its own report has them, else as the instance's."""
    own: dict[str, list[Metric]] = {}
    instances: dict[str, list[Metric]] = {}
    for each in figures:
        if [*each.scope] == ["layer"]:
            own.setdefault(each.scope["layer"], []).append(each)
        elif [*each.scope] == ["instance"]:
            layer = found.layer_of_instance(each.scope["instance"])
            if layer:
                instances.setdefault(layer, []).append(each)
    return {name: _counts(group) for name, group in {**instances, **own}.items()}


def _counts(figures: Iterable[Metric]) -> Counts:
    """Return counts by metric, block RAM in 18 Kb; of two reports the later one counts."""
    counts = {each.name: each.number for each in figures if each.number is not None}
    parts = [factor * counts.pop(name) for name, factor in _RAMB.items() if name in counts]
    if len(parts) == len(_RAMB):
        counts.setdefault("util.bram_18k", sum(parts))
    return {name: counts[name] for name in RESOURCES if name in counts}


def _fractions(build: BuildFigures, stage: Stage) -> Counts:
    found = {name: build.find(f"{name}.fraction", stage) for name in RESOURCES}
    tiles = build.find("util.bram_36k.fraction", stage)
    found["util.bram_18k"] = found["util.bram_18k"] or tiles
    return {name: each.number for name, each in found.items() if each is not None and each.number is not None}


def _delta(before: Mapping[str, float], now: Mapping[str, float]) -> Counts:
    return {name: value - before[name] for name, value in now.items() if name in before}
