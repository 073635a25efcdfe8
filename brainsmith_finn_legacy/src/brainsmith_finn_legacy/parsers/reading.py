"""What the parsers of FINN's JSON reports share: shapes, scopes, and tables of fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

__all__ = ["Field", "as_object", "entries", "fields", "layer_scope", "loop_scope", "read_object"]

#: FINN writes the reports of a model's loop bodies beside those of the model, with the loop's name at the end.
_LOOP = re.compile(r"_(FINNLoop\w*)\.json\Z")

#: The entry of a report that sums up all layers.
TOTAL = "total"


class Field(NamedTuple):
    """A field of a report and the metric that it gives.

    Args:
        name: the metric.
        unit: its unit.
        signed: whether it may be below 0.
    """

    name: str
    unit: str
    signed: bool = False


def read_object(report: Report) -> dict[str, JSONValue]:
    """Return a report that is one JSON object.

    Raises:
        ReportError: if it is anything else.
    """
    return as_object(report.json(), "the report")


def as_object(value: JSONValue, what: str) -> dict[str, JSONValue]:
    """Return a JSON object; raises ReportError, which names `what`, for anything else."""
    if not isinstance(value, dict):
        raise ReportError(f"{what} should be a JSON object, but is {type(value).__name__}")
    return value


def entries(report: Report) -> Iterator[tuple[str, dict[str, JSONValue]]]:
    """Yield the entries of a report that holds an object for each layer."""
    for layer, values in read_object(report).items():
        yield layer, as_object(values, f'the entry "{layer}"')


def loop_scope(report: Report) -> dict[str, str]:
    """Return the scope of a report of a loop's body; empty for the report of the model itself."""
    found = _LOOP.search(report.name)
    return {"loop": found.group(1)} if found else {}


def layer_scope(report: Report, layer: str) -> dict[str, str]:
    """Return the scope of an entry; the one that sums up all layers is about the whole."""
    scope = loop_scope(report)
    return scope if layer == TOTAL else {**scope, "layer": layer}


def fields(
    report: Report,
    values: Mapping[str, JSONValue],
    table: Mapping[str, Field],
    stage: Stage,
    scope: Mapping[str, str] | None = None,
) -> Iterator[Metric]:
    """Yield the metrics of the fields that a table knows; the others are noted.

    Args:
        report: the file.
        values: its fields.
        table: what each field means.
        stage: where in the flow the figures were obtained.
        scope: what they are about.
    """
    for key, raw in values.items():
        field = table.get(key)
        if field is None:
            note_unknown(report, key, scope)
        else:
            yield report.figure(field.name, raw, field.unit, stage, scope, field=key, signed=field.signed)


def note_unknown(report: Report, key: str, scope: Mapping[str, str] | None = None) -> None:
    """Note a field that no version of FINN known here writes: it is reported, not ignored."""
    where = ".".join((scope or {}).values())
    report.note(f'unknown field "{key}"' + (f" of {where}" if where else ""))
