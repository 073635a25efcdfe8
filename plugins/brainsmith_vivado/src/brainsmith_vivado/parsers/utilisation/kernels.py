"""`report_accelerator_utilization`: platform, what it leaves to the user, and each kernel with its instances."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ...figures import Figures, Scope
from ...tables.cells import exact_number
from ...tables.records import Document, Table
from .resources import column_of
from .sites import percentage_fits, put_fraction, walk

__all__ = ["read_kernels"]

_CELL = re.compile(r"([0-9.]+)\s*\[\s*((?:<\s*)?[0-9.]+)%\s*\]")
_PLATFORM, _BUDGET = "Platform", "User Budget"
#: Blanks by which an instance is indented below its kernel.
_STEP = 3
_PARTS = ("Used Resources", "Unused Resources")


def read_kernels(document: Document, figures: Figures) -> None:
    """Add what a report of kernel utilisation holds."""
    for section in document.sections:
        for table in section.tables:
            if table.columns[:1] == ["Name"]:
                _read(table, figures)
            else:
                figures.remark("unknown table", f'"{section.title}" ({", ".join(table.columns)})')


def _read(table: Table, figures: Figures) -> None:
    names = [(index, heading, column_of(heading)) for index, heading in enumerate(table.columns) if index]
    for _, heading, resource in names:
        if resource is None:
            figures.remark("unknown column", f'"{heading}"')
    rows = {row.cells[0]: row.cells for row in table.rows if row.indent == 0}
    for row, path in walk(table.rows, figures, _STEP):
        if len(path) > 1 and (path[0] in (_PLATFORM, _BUDGET)) != (path[-1] in _PARTS):
            figures.remark("rows without the row above them", f'"{row.cells[0]}"')
            continue
        for index, heading, resource in names:
            if resource is not None:
                totals = {name: _used(rows[name][index]) for name in (_PLATFORM, _BUDGET) if name in rows}
                _put(figures, f"util.{resource}", heading, row.cells[index], path, totals)


def _scope(path: list[str]) -> Scope:
    """Return what a row is about: a part of the device, a kernel, or an instance of a kernel."""
    if path[0] in (_PLATFORM, _BUDGET):
        return (("region", path[-1]),)
    return (("kernel", path[0]), *((("instance", path[-1]),) if len(path) > 1 else ()))


def _put(
    figures: Figures, name: str, heading: str, text: str, path: list[str], totals: Mapping[str, float | None]
) -> None:
    scope = _scope(path)
    found = _CELL.fullmatch(text)
    if found is None:
        figures.put_cell(name, text, heading, scope)
        return
    figures.put_cell(name, found[1], heading, scope)
    used, available = exact_number(found[1]), totals.get(_BUDGET)
    if path == [_PLATFORM] and available is not None:
        available += totals.get(_PLATFORM) or 0
    elif path == [_BUDGET]:
        available = None
    if used is None or not available:
        put_fraction(figures, name, scope, (found[1], "", found[2], ""), heading)
    elif percentage_fits(used, available, found[2]):
        whole = f"{_PLATFORM} + {_BUDGET}" if path == [_PLATFORM] else _BUDGET
        figures.put(f"{name}.fraction", used / available, heading, scope, formula=f"used / {whole}")
    else:
        figures.doubt([(name, scope)], f"{heading} of {path[-1]}: {text} of {available}")
        figures.spoil(f"{name}.fraction", found[2], heading, scope)


def _used(text: str) -> int | float | None:
    found = _CELL.fullmatch(text)
    return exact_number(found[1]) if found else exact_number(text)
