"""Super logic regions: what each of them uses, and the wires between them."""

from __future__ import annotations

import re

from ...figures import Figures, Scope
from ...tables.cells import exact_number
from ...tables.records import Section, Table
from .sites import named, put_fraction, walk

__all__ = ["read_crossings", "read_matrix", "read_region_pads", "read_regions"]

_CROSSINGS = "util.slr_crossings"
_ONE_WAY = re.compile(r"(\S+) -> (\S+)")
_PADS = {"IOBs": "util.io", "IPADs": "util.ipad", "OPADs": "util.opad"}


def read_regions(section: Section, table: Table, figures: Figures) -> None:
    """Add what each region uses: the columns are regions, each with a column of percentages."""
    regions = [column for column in table.columns[1:] if not column.endswith("%")]
    for row, path in walk(table.rows, figures):
        cells = dict(zip(table.columns, row.cells, strict=True))
        name, about = named(path, section, figures)
        for region in regions:
            scope = (("slr", region), *about)
            used, share = cells[region], cells.get(f"{region} %", "")
            if figures.put_cell(name, used, row.cells[0], scope) or share:
                put_fraction(figures, name, scope, (used, "", share, ""), row.cells[0])


def read_region_pads(section: Section, table: Table, figures: Figures) -> None:
    """Add the pads and transceivers of each region; the last row sums them up."""
    for row in table.rows:
        cells = dict(zip(table.columns, row.cells, strict=True))
        region = cells.pop("SLR Index")
        if region == "Total":
            _check_pads(cells, figures)
            continue
        scope = (("slr", region),)
        for kind, name in _PADS.items():
            used, share = cells.pop(f"Used {kind}", ""), cells.pop(f"(%){kind}", "")
            if used and figures.put_cell(name, used, f"Used {kind}", scope):
                put_fraction(figures, name, scope, (used, "", share, ""), f"(%){kind}")
        figures.put_cell("util.gt", cells.pop("GTs"), "GTs", scope)
        for column in cells:
            figures.remark("unknown column", f'"{column}" in "{section.title}"')


def _check_pads(cells: dict[str, str], figures: Figures) -> None:
    """Compare the total of the pins with what the whole design uses."""
    total, whole = exact_number(cells.get("Used IOBs", "")), figures.get("util.io")
    if total is not None and whole is not None and total > whole:
        figures.doubt([("util.io", ()), ("util.io.fraction", ())], f"the regions use {total} pins, the design {whole}")


def read_crossings(section: Section, table: Table, figures: Figures) -> None:
    """Add the wires between regions: of a border, in one direction, by the registers at their ends, and all."""
    for row, path in walk(table.rows, figures):
        cells = dict(zip(table.columns, row.cells, strict=True))
        name = row.cells[0]
        if name.startswith("Total"):
            figures.put_cell(_CROSSINGS, cells["Used"], name)
            continue
        scope = _border(path)
        if not figures.put_cell(_CROSSINGS, cells["Used"], name, scope):
            continue
        if cells.get("Fixed"):
            figures.put_cell(f"{_CROSSINGS}.fixed", cells["Fixed"], name, scope)
        if cells.get("Available"):
            figures.put_cell(f"{_CROSSINGS}.available", cells["Available"], name, scope)
        texts = (cells["Used"], cells.get("Available", ""), cells.get("Util%", ""), cells.get("Prohibited", ""))
        put_fraction(figures, _CROSSINGS, scope, texts, name)


def _border(path: list[str]) -> Scope:
    """Return what a row is about: `SLR2 <-> SLR1`, below it `SLR1 -> SLR2`, below that `Using TX_REG only`."""
    for name in path:
        found = _ONE_WAY.fullmatch(name)
        if found:
            way = (("from_slr", found[1]), ("to_slr", found[2]))
            return way if path[-1] == name else (*way, ("registers", path[-1]))
    return (("slr", path[-1]),)


def read_matrix(section: Section, table: Table, figures: Figures) -> None:
    """Add the connections from each region to each other."""
    for row in table.rows:
        for column, text in zip(table.columns[1:], row.cells[1:], strict=True):
            scope = (("from_slr", row.cells[0]), ("to_slr", column))
            figures.put_cell("util.slr_connections", text, table.columns[0], scope)
