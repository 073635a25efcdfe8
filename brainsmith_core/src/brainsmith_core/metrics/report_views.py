"""Figures of reports as one flat mapping by name, for callers that want numbers and not metrics."""

from __future__ import annotations

from collections.abc import Iterable

from ..formats.json_values import JSONValue
from ..metric import Metric, Stage

__all__ = ["SYNTHESIS", "named_figures"]

#: The stages at which a design is synthesised, not yet placed.
SYNTHESIS = (Stage.HLS, Stage.OOC, Stage.SYNTH)

#: From the least to the most faithful.
_FAITHFUL = (
    *(Stage.MODEL, Stage.BUILD, Stage.ESTIMATE, Stage.HLS, Stage.FIFO, Stage.COSIM, Stage.RTLSIM),
    *(Stage.POWER, Stage.OOC, Stage.SYNTH, Stage.PLACE, Stage.ROUTE, Stage.BOARD),
)


def named_figures(metrics: Iterable[Metric]) -> dict[str, JSONValue]:
    """Return the figures by name, those of a part of the design with its scope in brackets.

    Of several stages the most faithful one counts, of several figures of one stage the last. What is missing isn't
    there.

    Args:
        metrics: the figures.

    Example:
        >>> whole = Metric(name="timing.setup.wns_ns", value=0.0, unit="ns", stage=Stage.ROUTE)
        >>> clock = Metric(name="timing.setup.wns_ns", value=0.5, unit="ns", stage=Stage.ROUTE, scope={"clock": "b"})
        >>> named_figures([whole, clock])
        {'timing.setup.wns_ns': 0.0, 'timing.setup.wns_ns[clock=b]': 0.5}
    """
    present = [each for each in metrics if each.is_present]
    return {_key(each): each.value for each in sorted(present, key=lambda each: _FAITHFUL.index(each.stage))}


def _key(metric: Metric) -> str:
    scope = ",".join(f"{key}={value}" for key, value in metric.scope.items())
    return f"{metric.name}[{scope}]" if scope else metric.name
