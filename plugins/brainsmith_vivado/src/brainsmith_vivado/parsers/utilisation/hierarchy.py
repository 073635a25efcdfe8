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
_SHARED = re.compile(r"([0-9.]+)\s*\(\s*((?:<\s*)?[0-9.]+)%\s*\)")
#: A damaged table could have any number of levels, and paths as long as the file.
_DEEPEST = 200
#: Blanks by which a row is indented more than the one above it.
_STEP = 2
_LUTS = ("util.lut", "util.lut_logic", "util.lutram", "util.srl")

#: What an instance uses, a number for each column.
_Counts: TypeAlias = "list[int | float | None]"


class InstanceNames:
    """Turns indented names into paths as Vivado writes them: without the top, which is the whole design.

    Where a row is missing, the rows below it would get the path of another instance, so they get none: a row may
    be indented by one step only, and a name in brackets stands directly below the instance that it is a part of.

    Example:
        >>> names = InstanceNames()
        >>> rows = [Row(["top"], 0), Row(["a"], 2), Row(["b"], 4), Row(["c"], 2), Row(["e"], 6)]
        >>> [names.scope if names.enter(row) else None for row in rows]
        [(), (('instance', 'a'),), (('instance', 'a/b'),), (('instance', 'c'),), None]
    """

    def __init__(self) -> None:
        self._indents: list[int] = []
        self._names: list[str] = []
        self._lost: int | None = None

    def enter(self, row: Row) -> bool:
        """Go on to the next row; return whether the row that it belongs to is there."""
        if self._lost is not None and row.indent >= self._lost:
            return False
        self._lost = None
        while self._indents and self._indents[-1] >= row.indent:
            self._indents.pop()
            self._names.pop()
        name = row.cells[0]
        if not self._fits(row.indent, name):
            self._lost = row.indent
            return False
        self._indents.append(row.indent)
        self._names.append(name)
        return True

    @property
    def scope(self) -> Scope:
        """What the last row is about."""
        return (("instance", "/".join(self._names[1:])),) if len(self._names) > 1 else WHOLE

    @property
    def depth(self) -> int:
        """How many names stand above the last row's."""
        return len(self._names) - 1

    def _fits(self, indent: int, name: str) -> bool:
        if not self._indents:
            return indent == 0
        above = self._names[-1]
        own = name[:1] == "(" and name[-1:] == ")"
        if indent - self._indents[-1] != _STEP or above[:1] == "(" or len(self._names) == _DEEPEST:
            return False
        return not own or name[1:-1] == above


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
    columns = _columns(section, table, figures)
    texts = [(index, _TEXTS[name], name) for index, name in enumerate(table.columns) if name in _TEXTS]
    luts = _places(columns)
    names = InstanceNames()
    above: list[tuple[Scope, _Counts]] = []
    for row in table.rows:
        if not names.enter(row):
            figures.remark("rows without the row above them", f'"{row.cells[0]}"')
            continue
        scope = names.scope
        counts = _put_instance(figures, row, columns, scope)
        for index, name, heading in texts:
            if row.cells[index]:
                figures.put(name, row.cells[index], heading, scope)
        _check_luts(figures, row, counts, luts, scope)
        del above[names.depth :]
        if above:
            _check_parent(figures, columns, (scope, counts), above[-1])
        above.append((scope, counts))
    if table.rows:
        check_totals(figures)


def _columns(section: Section, table: Table, figures: Figures) -> list[_Column]:
    """Return the columns of counts."""
    columns: list[_Column] = []
    for index, heading in enumerate(table.columns[1:], 1):
        resource = column_of(heading)
        if resource is not None:
            columns.append(_Column(index, f"util.{resource}", heading))
        elif heading not in _TEXTS:
            figures.remark("unknown column", f'"{heading}" in "{section.title}"')
    return columns


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
    """Refute LUTs that aren't the sum of what they are used as; without all their columns nothing can be said."""
    numbers = [number for number in (counts[place] for place in places) if number is not None]
    if places and len(numbers) == len(places) and numbers[0] != sum(numbers[1:]):
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
