"""One figure of a build: what was measured, in which unit, at which point of the flow, of what, and where it stands."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from .formats.json_values import JSONValue, checked_json
from .formats.serialization import from_data, to_data
from .stages import Stage

__all__ = ["Metric", "MetricSource", "MetricStatus", "Stage"]


class MetricStatus(enum.Enum):
    """Whether a figure exists; missing is never zero, and simulated is never measured."""

    MEASURED = "measured"
    MISSING = "missing"
    UNPARSABLE = "unparsable"
    SIMULATED = "simulated"


@attrs.frozen(kw_only=True)
class MetricSource:
    """Where a figure comes from.

    Args:
        file: the report, relative to the build's folder where it lies in it; "" for a figure that no file holds.
        sha256: the file's digest.
        parser: name of the parser, step or backend that gave the figure.
        version: version of the distribution that the parser is part of.
        plugin: name of that distribution.
        field: the source's own name for the figure, such as `throughput[images/s]`.
        formula: for a derived figure, how it was calculated.
    """

    file: str = ""
    sha256: str = ""
    parser: str = ""
    version: str = ""
    plugin: str = ""
    field: str = ""
    formula: str | None = None


_NOWHERE = MetricSource()
_MEASURED, _SIMULATED = MetricStatus.MEASURED, MetricStatus.SIMULATED


def _scope(value: Mapping[str, object]) -> dict[str, str]:
    # Most figures are of the whole design, and most scopes are text already: reports give some 100,000 figures.
    for key, item in value.items():
        if type(key) is not str or type(item) is not str:
            return {str(key): str(item) for key, item in value.items()}
    return dict(value)  # type: ignore[arg-type] # all of them are text


@attrs.frozen(kw_only=True, init=False)
class Metric:
    """A named figure with unit, stage, scope, status and source.

    Args:
        name: a name of the vocabulary (`brainsmith_core.metrics.vocabulary`).
        value: the figure; None unless the status is `measured` or `simulated`.
        unit: the name's unit.
        stage: where in the flow it was obtained.
        scope: what it is about (`layer`, `instance`, `clock`, `slr`, `step`, ...); empty: the whole design.
        status: whether it exists.
        source: where it stands.

    Example:
        >>> Metric(name="util.lut", value=4242, unit="count", stage=Stage.ESTIMATE).is_present
        True
    """

    name: str
    value: JSONValue = None
    unit: str = ""
    stage: Stage
    scope: dict[str, str] = attrs.field(factory=dict)
    status: MetricStatus = MetricStatus.MEASURED
    source: MetricSource = attrs.field(factory=MetricSource)

    # Written out, since large reports give some 100,000 figures: attrs' own takes half as long again.
    def __init__(
        self,
        *,
        name: str,
        value: object = None,
        unit: str = "",
        stage: Stage,
        scope: Mapping[str, object] | None = None,
        status: MetricStatus = MetricStatus.MEASURED,
        source: MetricSource = _NOWHERE,
    ) -> None:
        if (status is _MEASURED or status is _SIMULATED) != (value is not None):
            text = f"metric {name}: value {value!r} doesn't go with status {status.value}"
            raise ValueError(text)
        put = object.__setattr__
        put(self, "name", name)
        put(self, "value", value if type(value) is int else checked_json(value))
        put(self, "unit", unit)
        put(self, "stage", stage)
        put(self, "scope", _scope(scope) if scope else {})
        put(self, "status", status)
        put(self, "source", source)

    @property
    def is_present(self) -> bool:
        """Whether there is a value, measured or simulated."""
        return self.status in (MetricStatus.MEASURED, MetricStatus.SIMULATED)

    @property
    def number(self) -> float | None:
        """The value as a number, or None if it isn't one."""
        return float(self.value) if isinstance(self.value, int | float) else None

    def to_dict(self) -> dict[str, JSONValue]:
        """Return plain JSON data that `from_dict` reads back to an equal object."""
        return to_data(self)

    @classmethod
    def from_dict(cls, data: object) -> Metric:
        """Return the metric that `data` describes; raises ConfigurationError where it is wrong."""
        return from_data(cls, data)
