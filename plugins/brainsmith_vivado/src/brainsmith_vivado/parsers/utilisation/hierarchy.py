"""`report_utilization -hierarchical`: a row for each instance."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...figures import WHOLE, Figures, Scope
from ...tables.cells import exact_number
from ...tables.records import Row, Section, Table
from .hierarchy_checks import Column, Counts, Instance, check_instances
from .resources import column_of
from .sites import check_totals

__all__ = ["InstanceNames", "find_gaps", "read_hierarchy"]

_TEXTS = {"Module": "instance.module", "PR Attribute": "instance.pr_attribute"}
#: With `-hierarchical_percentages`: `1019(0.48%)`.
_SHARED = re.compile(r"([0-9.]+)\s*\(\s*((?:<\s*)?[0-9.]+)%\s*\)")
#: A damaged table could have any number of levels, and paths as long as the file.
_DEEPEST = 200
#: Blanks by which a row is indented more than the one above it.
_STEP = 2
#: So many rows may stand out of order before it is taken that the table isn't in order at all.
_STRAY = 5


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
        known = row.indent if row.lost is None else min(row.indent, row.lost)
        while self._indents and self._indents[-1] >= known:
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


def find_gaps(rows: Sequence[Row]) -> None:
    """Mark rows above which another one must be missing: the instances of one are listed in the order of their names.

    Example:
        >>> rows = [Row(["top"]), Row(["a"], 2), Row(["y"], 4), Row(["x"], 4)]
        >>> find_gaps(rows)
        >>> rows[3].lost  # there must have been another instance, of which `x` is a part
        2
    """
    last: list[tuple[int, str]] = []
    strays = []
    for row in rows:
        while last and last[-1][0] > row.indent:
            last.pop()
        name = row.cells[0]
        if last and last[-1][0] == row.indent:
            if name <= last[-1][1] and row.indent > _STEP and name[:1] != "(":
                strays.append(row)
            last.pop()
        last.append((row.indent, "" if name[:1] == "(" else name))
    if len(strays) <= max(_STRAY, len(rows) // 50):
        for row in strays:
            row.lost = row.indent - _STEP


def read_hierarchy(section: Section, table: Table, figures: Figures) -> None:
    """Add what each instance uses; a name in brackets is what an instance uses beside its sub-instances."""
    columns = _columns(section, table, figures)
    texts = [(index, _TEXTS[name], name) for index, name in enumerate(table.columns) if name in _TEXTS]
    names = InstanceNames()
    find_gaps(table.rows)
    instances: list[Instance] = []
    for row in table.rows:
        if not names.enter(row):
            figures.remark("rows without the row above them", f'"{row.cells[0]}"')
            continue
        scope = names.scope
        instances.append(Instance(names.depth, scope, _put_instance(figures, row, columns, scope)))
        for index, name, heading in texts:
            if row.cells[index]:
                figures.put(name, row.cells[index], heading, scope)
    check_instances(figures, columns, instances)
    check_totals(figures)


def _columns(section: Section, table: Table, figures: Figures) -> list[Column]:
    """Return the columns of counts."""
    columns: list[Column] = []
    for index, heading in enumerate(table.columns[1:], 1):
        resource = column_of(heading)
        if resource is not None:
            columns.append(Column(index, f"util.{resource}", heading))
        elif heading not in _TEXTS:
            figures.remark("unknown column", f'"{heading}" in "{section.title}"')
    return columns


def _put_instance(figures: Figures, row: Row, columns: Sequence[Column], scope: Scope) -> Counts:
    cells = row.cells
    counts: Counts = [exact_number(cells[column.index]) for column in columns]
    if None in counts:
        for place, column in enumerate(columns):
            if counts[place] is None:
                counts[place] = _put_shared(figures, cells[column.index], column, scope)
    figures.put_row([(column.name, column.heading) for column in columns], counts, scope)
    return counts


def _put_shared(figures: Figures, text: str, column: Column, scope: Scope) -> int | float | None:
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
