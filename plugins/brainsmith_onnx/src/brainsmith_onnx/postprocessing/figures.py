"""The figures of a build as a step needs them: the most faithful one, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage

__all__ = ["IMPLEMENTED", "RUNNING", "Figure", "Figures", "derived"]

#: Where something ran, or was said to run, most faithful first.
RUNNING: Final = (Stage.BOARD, Stage.RTLSIM, Stage.ESTIMATE)

#: Where something was implemented, or was said to be, most faithful first.
IMPLEMENTED: Final = (Stage.ROUTE, Stage.PLACE, Stage.SYNTH, Stage.OOC, Stage.HLS, Stage.ESTIMATE)

#: Stages whose figures are facts about the model and the run, whatever the backend.
_FACTS = (Stage.MODEL, Stage.BUILD)


@attrs.frozen(kw_only=True)
class Figure:
    """A figure with what it is made of, or the reason why there is none.

    Args:
        value: the figure, or None.
        unit: its unit.
        stage: where in the flow it was obtained; None where there is no figure.
        simulated: whether anything that it is made of is simulated.
        source: the report that it stands in, or that its first part stands in.
        formula: how it was calculated, or "".
        reason: why there is none, or "".
    """

    value: JSONValue = None
    unit: str = ""
    stage: Stage | None = None
    simulated: bool = False
    source: MetricSource = attrs.field(factory=MetricSource)
    formula: str = ""
    reason: str = ""

    @property
    def number(self) -> float | None:
        """The value as a number, or None if it isn't one."""
        value = self.value
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    @classmethod
    def missing(cls, reason: str, unit: str = "") -> Figure:
        """Return a figure that there is none of.

        Example:
            >>> Figure.missing("no power was measured").to_data()
            {'value': None, 'status': 'missing', 'reason': 'no power was measured'}
        """
        return cls(reason=reason, unit=unit)

    @classmethod
    def of(cls, metric: Metric) -> Figure:
        """Return what a metric says."""
        return cls(
            value=metric.value,
            unit=metric.unit,
            stage=metric.stage,
            simulated=metric.status is MetricStatus.SIMULATED,
            source=metric.source,
            formula=metric.source.formula or "",
        )

    def to_data(self) -> dict[str, JSONValue]:
        """Return plain JSON data: the value with all that is known of it, or the reason why there is none."""
        if self.value is None:
            return {"value": None, "status": "missing", "reason": self.reason}
        data: dict[str, JSONValue] = {
            "value": self.value,
            "unit": self.unit,
            "status": "simulated" if self.simulated else "measured",
            "stage": self.stage.value if self.stage else None,
        }
        if self.source.file:
            data["source"] = self.source.file
        if self.formula:
            data["formula"] = self.formula
        return data

    def to_metric(self, name: str, scope: Mapping[str, str] | None = None, stage: Stage = Stage.BUILD) -> Metric:
        """Return the figure as a metric of a name; missing where there is none.

        Args:
            name: a name of the vocabulary.
            scope: what it is about.
            stage: the stage of a figure that has none.
        """
        source = attrs.evolve(self.source, field="", formula=self.formula or None)
        present = MetricStatus.SIMULATED if self.simulated else MetricStatus.MEASURED
        return Metric(
            name=name,
            value=self.value,
            unit=self.unit,
            stage=self.stage or stage,
            scope=dict(scope or {}),
            status=MetricStatus.MISSING if self.value is None else present,
            source=source,
        )


def derived(value: JSONValue, unit: str, formula: str, *inputs: Figure, reason: str = "") -> Figure:
    """Return a figure calculated from others; it is missing if one of them is, and simulated if one of them is.

    Args:
        value: the result, or None where it can't be calculated.
        unit: its unit.
        formula: how it was calculated.
        inputs: what it was calculated from, the one that names its stage and report first.
        reason: why there is no result although nothing is missing.

    Example:
        >>> derived(2.0, "ratio", "a / b", Figure.missing("no a")).reason
        'no a'
    """
    for each in inputs:
        if each.value is None:
            return Figure.missing(each.reason, unit)
    if value is None:
        return Figure.missing(reason, unit)
    first = inputs[0] if inputs else Figure()
    return Figure(
        value=value,
        unit=unit,
        stage=first.stage,
        simulated=any(each.simulated for each in inputs),
        source=first.source,
        formula=formula,
    )


class Figures:
    """All figures of a build so far; where there are measured ones of the hardware, simulated ones don't count.

    Args:
        metrics: what `Workspace.read_metrics` gives.

    Example:
        >>> figure = Metric(name="util.lut", value=10, unit="count", stage=Stage.ESTIMATE)
        >>> Figures([figure]).best(("util.lut",), IMPLEMENTED).value
        10
    """

    def __init__(self, metrics: Iterable[Metric]) -> None:
        present = [metric for metric in metrics if metric.is_present]
        measured = any(m.status is MetricStatus.MEASURED and m.stage not in _FACTS for m in present)
        kept = [m for m in present if not measured or m.status is MetricStatus.MEASURED]
        self._whole: dict[tuple[str, Stage], Metric] = {}
        self._layers: dict[tuple[str, Stage], dict[str, Metric]] = {}
        for metric in kept:
            if not metric.scope:
                self._whole[metric.name, metric.stage] = metric
            elif metric.scope.keys() == {"layer"}:
                self._layers.setdefault((metric.name, metric.stage), {})[metric.scope["layer"]] = metric

    @property
    def is_simulated(self) -> bool:
        """Whether any figure of the whole design is simulated."""
        return any(metric.status is MetricStatus.SIMULATED for metric in self._whole.values())

    def best(self, names: Sequence[str], stages: Sequence[Stage]) -> Figure:
        """Return the figure of the whole design from the most faithful stage.

        Args:
            names: names of the vocabulary that say it, best first.
            stages: most faithful first.
        """
        for stage in stages:
            for name in names:
                found = self._whole.get((name, stage))
                if found is not None:
                    return Figure.of(found)
        return Figure.missing(f"no report of this build holds {' or '.join(names)}")

    def by_layer(self, name: str, stages: Sequence[Stage]) -> dict[str, Figure]:
        """Return the figure of each layer from the most faithful stage that has any, in the report's order."""
        for stage in stages:
            found = self._layers.get((name, stage))
            if found:
                return {layer: Figure.of(metric) for layer, metric in found.items()}
        return {}

    def at(self, name: str, stage: Stage | None) -> Figure:
        """Return the figure of the whole design from one stage."""
        return self.best((name,), (stage,) if stage else ())
