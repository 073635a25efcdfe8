"""`report_clock_utilization`."""

from __future__ import annotations

from functools import cache

from ...figures import Figures
from ...mapping import TableSpec, find_spec, load_specs, read_table
from ...tables.records import Document, Section, Table
from ..utilisation.resources import resource_of
from ..utilisation.sites import put_fraction

__all__ = ["read_clocks"]

_CONSTRAINTS = ("LOC", "Clock Region", "Pblock")
_KNOWN = {"Type", "Used", "Available", "Num Fixed", *_CONSTRAINTS}
_CONTROLLED, _ULTRASCALE = "BUFGCTRL", {"BUFGCE", "BUFGCE_DIV", "BUFG_GT", "BUFG_PS", "BUFG_FABRIC"}


@cache
def _specs() -> tuple[TableSpec, ...]:
    return load_specs(__package__, "tables.toml")


def read_clocks(document: Document, figures: Figures) -> None:
    """Add what a report of clock utilisation holds."""
    for section in document.sections:
        for place, table in enumerate(section.tables):
            spec = find_spec(_specs(), section, table)
            if table.columns[:2] == ["Type", "Used"]:
                _read_primitives(section, table, figures)
            elif spec is not None and spec.section.groups and _is_second(section, place):
                figures.remark("table whose title is missing", f'below "{section.title}"')
            elif spec is not None:
                read_table(spec, section, table, figures)
            else:
                what = ", ".join(table.columns) or f"{len(table.rows)} rows without headings"
                figures.remark("unknown table", f'"{section.title}" ({what})')


def _is_second(section: Section, place: int) -> bool:
    """Return whether a table like it stands above: then its own title is damaged, which says what it is about."""
    return any(table.columns == section.tables[place].columns for table in section.tables[:place])


def _read_primitives(section: Section, table: Table, figures: Figures) -> None:
    """Add clock buffers and managers; in UltraScale a `BUFGCTRL` is one of several kinds of global buffers."""
    for column in table.columns:
        if column not in _KNOWN:
            figures.remark("unknown column", f'"{column}" in "{section.title}"')
    kinds = {row.cells[0] for row in table.rows}
    for row in table.rows:
        cells = dict(zip(table.columns, row.cells, strict=True))
        kind = cells["Type"]
        parent = "GLOBAL CLOCK BUFFERs" if kind == _CONTROLLED and kinds & _ULTRASCALE else ""
        resource = resource_of(kind, parent)
        if resource is None:
            figures.remark("unknown row, kept as util.site", f'"{kind}" in "{section.title}"')
        name = f"util.{resource}" if resource else "util.site"
        scope = () if resource else (("site", kind),)
        figures.put_cell(name, cells["Used"], kind, scope)
        figures.put_cell(f"{name}.available", cells.get("Available", ""), kind, scope)
        put_fraction(figures, name, scope, (cells["Used"], cells.get("Available", ""), "", ""), kind)
        if "Num Fixed" in cells:
            figures.put_cell(f"{name}.fixed", cells["Num Fixed"], kind, scope)
        for way in _CONSTRAINTS:
            if way in cells:
                figures.put_cell("clock.constrained", cells[way], kind, (("type", kind), ("by", way)))
