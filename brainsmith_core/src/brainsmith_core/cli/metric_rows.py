"""Metrics as rows of a table and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable

from ..formats.json_values import JSONValue
from ..metric import Metric
from .output import number

__all__ = ["metrics_as_csv", "metrics_as_rows"]

_HEADINGS = (
    *("name", "value", "unit", "stage", "scope", "status"),
    *("file", "sha256", "parser", "version", "plugin", "field", "formula"),
)

#: Letters of a value in a table; digests and records are cut. CSV and JSON hold all.
_WIDEST = 40


def metrics_as_rows(metrics: Iterable[Metric]) -> list[list[str]]:
    """Return the cells of a table for people: name, value, unit, stage, scope, status."""
    return [
        [each.name, _shown(each.value), each.unit.partition(",")[0], each.stage.value, _scope(each), _status(each)]
        for each in metrics
    ]


def metrics_as_csv(metrics: Iterable[Metric]) -> str:
    """Return CSV with a line of headings; what isn't a number or text is JSON.

    Example:
        >>> from brainsmith_core.metric import Stage
        >>> figure = Metric(name="util.lut", value=3, unit="count", stage=Stage.HLS, scope={"layer": "a"})
        >>> print(metrics_as_csv([figure]).splitlines()[1])
        util.lut,3,count,hls,layer=a,measured,,,,,,,
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEADINGS)
    for each in metrics:
        source = each.source
        writer.writerow(
            [
                *(each.name, _exact(each.value), each.unit, each.stage.value, _scope(each), each.status.value),
                *(source.file, source.sha256, source.parser, source.version, source.plugin, source.field),
                source.formula or "",
            ]
        )
    return out.getvalue()


def _scope(metric: Metric) -> str:
    return ";".join(f"{key}={value}" for key, value in metric.scope.items())


def _status(metric: Metric) -> str:
    return "derived" if metric.source.formula and metric.is_present else metric.status.value


def _exact(value: JSONValue) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    return json.dumps(value, ensure_ascii=False)


def _shown(value: JSONValue) -> str:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return number(value, 6)
    text = str(_exact(value))
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."
