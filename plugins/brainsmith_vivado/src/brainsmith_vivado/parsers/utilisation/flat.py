"""`report_utilization`: of the whole design, or of the cells or blocks that the command names."""

from __future__ import annotations

from collections.abc import Callable

from ...figures import Figures
from ...tables.records import Document, Section, Table
from .hierarchy import read_hierarchy
from .regions import read_crossings, read_matrix, read_region_pads, read_regions
from .resources import primitives
from .sites import check_totals, read_sites

__all__ = ["read_utilisation"]

_Reader = Callable[[Section, Table, Figures], None]


def read_utilisation(document: Document, figures: Figures) -> None:
    """Add what a utilisation report holds."""
    for section in document.sections:
        for table in section.tables:
            reader = _reader(table)
            if reader is None:
                what = ", ".join(table.columns) or f"{len(table.rows)} rows without headings"
                figures.remark("unknown table", f'"{section.title}" ({what})')
            else:
                reader(section, table, figures)
    check_totals(figures)


def _reader(table: Table) -> _Reader | None:
    """Return what reads a table; its headings tell, since sections are called differently in each family."""
    columns = table.columns
    for first, needed, reader in _READERS:
        if columns and columns[0] == first and needed in columns:
            return reader
    if columns and columns[0] == "Site Type":
        return read_regions
    return read_matrix if columns and columns[0].startswith("FROM") else None


def _read_registers(section: Section, table: Table, figures: Figures) -> None:
    """Add registers by control signals; each kind is told by the texts in the row."""
    for row in table.rows:
        cells = dict(zip(table.columns, row.cells, strict=True))
        total = cells.pop("Total")
        scope = tuple((name.lower().replace(" ", "_"), text) for name, text in cells.items())
        figures.put_cell("util.ff_by_control", total, "Total", scope)


def _read_primitives(section: Section, table: Table, figures: Figures) -> None:
    for row in table.rows:
        name, used = row.cells[0], row.cells[table.columns.index("Used")]
        figures.put_cell("util.primitive", used, name, (("primitive", name),))
        resource = primitives().get(name)
        if resource is not None and not figures.has(f"util.{resource}"):
            figures.put_cell(f"util.{resource}", used, name)


def _read_cells(section: Section, table: Table, figures: Figures) -> None:
    """Add black boxes or netlists; only the section's title says which of them a table lists."""
    first = next(each for each in section.tables if each.columns == table.columns)
    if table is not first or section.text:  # a damaged title is taken for text
        figures.remark("table whose title is missing", f'below "{section.title}"')
        return
    name = "util.black_box" if "box" in section.title.lower() else "util.netlist"
    for row in table.rows:
        figures.put_cell(name, row.cells[table.columns.index("Used")], row.cells[0], (("module", row.cells[0]),))


#: The first heading of a table, another one that it has, and what reads it.
_READERS: tuple[tuple[str, str, _Reader], ...] = (
    ("Site Type", "Used", read_sites),
    ("Instance", "Module", read_hierarchy),
    ("Total", "Clock Enable", _read_registers),
    ("Ref Name", "Functional Category", _read_primitives),
    ("Ref Name", "Used", _read_cells),
    ("SLR Index", "GTs", read_region_pads),
    ("", "Used", read_crossings),
)
