"""`report_utilization -hierarchical`: a row for each instance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import attrs

from ...figures import WHOLE, Figures, Scope
from ...tables.cells import exact_number
from ...tables.records import Row, Section, Table
from .resources import column_of
from .sites import check_totals

__all__ = ["InstanceNames", "read_hierarchy"]

_TEXTS = {"Module": "instance.module", "PR Attribute": "instance.pr_attribute"}
#: With `-hierarchical_percentages`: `1019(0.48%)`.
_SHARED = re.compile(r"([0-9.]+)\s*\(\s*(<?\s*[0-9.]+)%\s*\)")
_LUTS = ("util.lut", "util.lut_logic", "util.lutram", "util.srl")

#: What an instance uses, a number for each column.
_Counts: TypeAlias = "list[int | float | None]"


class InstanceNames:
    """Turns indented names into paths as Vivado writes them: without the top, which is the whole design.

    Example:
        >>> names = InstanceNames()
        >>> [names.scope(row) for row in (Row(["top"], 0), Row(["a"], 2), Row(["b"], 4), Row(["c"], 2))]
        [(), (('instance', 'a'),), (('instance', 'a/b'),), (('instance', 'c'),)]
    """

    def __init__(self) -> None:
        self._indents: list[int] = []
        self._names: list[str] = []

    def scope(self, row: Row) -> Scope:
        """Return what a row is about."""
        while self._indents and self._indents[-1] >= row.indent:
            self._indents.pop()
            self._names.pop()
        self._indents.append(row.indent)
        self._names.append(row.cells[0])
        return (("instance", "/".join(self._names[1:])),) if len(self._names) > 1 else WHOLE

    @property
    def depth(self) -> int:
        """How many names stand above the last row's."""
        return len(self._names) - 1


@attrs.define
class _Column:
    """A column of counts.

    Args:
        index: its place. name: the metric. heading: what the report calls it.
    """

    index: int
    name: str
    heading: str


def read_hierarchy(section: Section, table: Table, figures: Figures) -> None:
    """Add what each instance uses; a name in brackets is what an instance uses beside its sub-instances."""
    columns: list[_Column] = []
    for index, heading in enumerate(table.columns[1:], 1):
        resource = column_of(heading)
        if resource is not None:
            columns.append(_Column(index, f"util.{resource}", heading))
        elif heading not in _TEXTS:
            figures.remark("unknown column", f'"{heading}" in "{section.title}"')
    texts = [(index, _TEXTS[name], name) for index, name in enumerate(table.columns) if name in _TEXTS]
    names = InstanceNames()
    above: list[tuple[Scope, _Counts]] = []
    luts = _places(columns)
    for row in table.rows:
        scope = names.scope(row)
        counts = _put_instance(figures, row, columns, scope)
        for index, name, heading in texts:
            if row.cells[index]:
                figures.put(name, row.cells[index], heading, scope)
        if luts:
            _check_luts(figures, row, counts, luts, scope)
        del above[names.depth :]
        if above:
            _check_parent(figures, columns, (scope, counts), above[-1])
        above.append((scope, counts))
    if table.rows:
        check_totals(figures)


def _places(columns: Sequence[_Column]) -> list[int]:
    """Return the places of the columns of LUTs: their sum, and what it is the sum of; nothing if one is missing."""
    places = {column.name: place for place, column in enumerate(columns)}
    return [places[name] for name in _LUTS] if all(name in places for name in _LUTS) else []


def _put_instance(figures: Figures, row: Row, columns: Sequence[_Column], scope: Scope) -> _Counts:
    cells = row.cells
    counts: _Counts = [exact_number(cells[column.index]) for column in columns]
    if None in counts:
        for place, column in enumerate(columns):
            if counts[place] is None:
                counts[place] = _put_shared(figures, cells[column.index], column, scope)
    figures.put_row([(column.name, column.heading) for column in columns], counts, scope)
    return counts


def _put_shared(figures: Figures, text: str, column: _Column, scope: Scope) -> int | float | None:
    """Add a count with the percentage behind it; return the count."""
    shared = _SHARED.fullmatch(text)
    if shared is None:
        figures.put_cell(column.name, text, column.heading, scope)
        return None
    share, name = exact_number(shared[2]), f"{column.name}.fraction"
    if share is None:
        figures.spoil(name, shared[2], column.heading, scope)
    else:
        figures.put(name, share / 100, column.heading, scope)
    return exact_number(shared[1])


def _check_luts(figures: Figures, row: Row, counts: _Counts, places: Sequence[int], scope: Scope) -> None:
    """Refute LUTs that aren't the sum of what they are used as."""
    numbers = [number for number in (counts[place] for place in places) if number is not None]
    if len(numbers) == len(places) and numbers[0] != sum(numbers[1:]):
        keys = [(name, scope) for name in _LUTS]
        figures.doubt(keys, f"{row.cells[0]}: Total LUTs isn't Logic LUTs + LUTRAMs + SRLs")


def _check_parent(
    figures: Figures, columns: Sequence[_Column], instance: tuple[Scope, _Counts], parent: tuple[Scope, _Counts]
) -> None:
    """Refute figures of an instance that are greater than those of the instance that it is part of."""
    (scope, counts), (above, limits) = instance, parent
    for column, part, whole in zip(columns, counts, limits, strict=True):
        if part is not None and whole is not None and part > whole and column.name != "util.pploc":
            why = f"{column.heading}: {scope[-1][1]} has {part}, more than the instance above it"
            figures.doubt([(column.name, scope), (column.name, above)], why)
