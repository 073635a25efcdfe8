"""The tables in an HLS report that list single instances, memories, expressions, registers and ports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from brainsmith_core.formats.json_values import JSONValue

from ...figures import Figures, Scope
from .names import RESOURCES
from .text_tree import HlsTable
from .values import put_text

__all__ = ["numbered", "put_row", "read_details", "read_ports", "read_properties", "record_of"]

#: What a row of each table is about.
_KEYS = {
    "Instance": "instance",
    "DSP": "instance",
    "DSP48": "instance",
    "DSP48E": "instance",
    "Memory": "memory",
    "FIFO": "fifo",
    "Expression": "expression",
    "Multiplexer": "multiplexer",
    "Register": "register",
    "Shift register": "register",
}
#: Counts by table and heading, beside the resources.
_COUNTS: Mapping[str, Mapping[str, str]] = {
    "memory": {
        "Words": "hls.memory.words",
        "Bits": "hls.memory.width_bits",
        "Banks": "hls.memory.banks",
        "W*Bits*Banks": "hls.memory.size_bits",
    },
    "fifo": {"Depth": "fifo.depth", "Bits": "hls.fifo.width_bits", "Size:D*B": "fifo.size_bits"},
}
#: A heading that a table of each kind has: one whose own title is lost stands under that of the table before it.
_TELLING = {
    "instance": "Instance",
    "memory": "Words",
    "fifo": "Depth",
    "expression": "Operation",
    "multiplexer": "Input Size",
    "register": "Const Bits",
}
#: Tables with so many rows that what isn't a resource stands in one record a row.
_RECORDS = ("expression", "multiplexer", "register")
_TOTAL = "Total"
_DIGITS = 18


def read_details(table: HlsTable, figures: Figures, scope: Scope) -> None:
    """Add the rows of a table; a column that doesn't add up to the total below it is left out.

    Args:
        table: the table.
        figures: where to add them.
        scope: the function that they are part of.
    """
    key = _KEYS.get(table.path.removeprefix("Detail/"))
    if key is None or _TELLING[key] not in table.columns:
        figures.remark("unknown table", f'"{table.path}" in "{table.section}"')
        return
    counts = {**RESOURCES, **_COUNTS.get(key, {})}
    places = [place for place, field in enumerate(table.columns) if field in counts and _adds_up(table, place, figures)]
    columns = [(counts[table.columns[place]], table.columns[place]) for place in places]
    texts = [(place, field) for place, field in enumerate(table.columns) if place and field not in counts]
    rows = [row.cells for row in table.rows if row.cells[0] != _TOTAL]
    for cells, label in zip(rows, numbered([cells[0] for cells in rows]), strict=True):
        about = (*scope, (key, label))
        put_row(figures, columns, [cells[place] for place in places], about, zeros=key not in _RECORDS)
        if key in _RECORDS:
            figures.put("hls.detail", record_of(table.columns[1:], cells[1:]), table.path, about)
        else:
            _put_texts(figures, texts, cells, about)


def _put_texts(figures: Figures, texts: Sequence[tuple[int, str]], cells: Sequence[str], scope: Scope) -> None:
    for place, field in texts:
        if field == "Module":
            put_text(figures, "instance.module", cells[place], field, scope)
        elif field == "Expression":
            put_text(figures, "hls.expression", cells[place], field, scope)
        else:
            figures.remark("unknown column", f'"{field}" of the details')


def put_row(
    figures: Figures, columns: Sequence[tuple[str, str]], cells: Sequence[str], scope: Scope, *, zeros: bool
) -> None:
    """Add the counts of a row.

    Args:
        figures: where to add them.
        columns: metric and field of each cell.
        cells: the cells; what isn't a number gives nothing.
        scope: what they are about.
        zeros: whether counts of 0 are added too; where they aren't, they stand in the row's record.
    """
    values = [int(cell) if cell.isdecimal() and cell.isascii() and len(cell) <= _DIGITS else None for cell in cells]
    figures.put_row(columns, values if zeros else [value or None for value in values], scope)


def numbered(names: Sequence[str]) -> list[str]:
    """Return names that are all different: those that come again with a number.

    Example:
        >>> numbered(["a", "b", "a"])
        ['a', 'b', 'a#2']
    """
    seen: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return found


def record_of(fields: Sequence[str], cells: Sequence[str]) -> dict[str, JSONValue]:
    """Return the cells of a row that hold something, by their headings; numbers as such.

    Example:
        >>> record_of(["LUT", "Op", "Pragma"], ["17", "+", ""])
        {'LUT': 17, 'Op': '+'}
    """
    return {
        field: int(cell) if cell.isdecimal() and cell.isascii() and len(cell) <= _DIGITS else cell
        for field, cell in zip(fields, cells, strict=True)
        if cell and cell != "-"
    }


def _adds_up(table: HlsTable, place: int, figures: Figures) -> bool:
    """Return whether the numbers of a column are such, and add up to the total, if there is one."""
    total, found = None, 0
    for row in table.rows:
        text = row.cells[place]
        if not text.isdecimal() or not text.isascii() or len(text) > _DIGITS:
            if text not in ("-", ""):
                figures.remark("unreadable", f'line {row.line} in "{table.path}": {text[:40]!r}')
                return False
            continue
        if row.cells[0] == _TOTAL:
            total = int(text)
        else:
            found += int(text)
    if total is None or total == found:
        return True
    figures.remark("contradictory", f'"{table.columns[place]}" in "{table.path}" adds up to {found}, not {total}')
    return False


def read_ports(table: HlsTable, figures: Figures, scope: Scope) -> None:
    """Add what is said of each port of the hardware."""
    names = numbered([row.cells[0] for row in table.rows])
    for row, name in zip(table.rows, names, strict=True):
        figures.put("hls.port", record_of(table.columns[1:], row.cells[1:]), table.path, (*scope, ("port", name)))


def read_properties(table: HlsTable, figures: Figures, scope: Scope) -> None:
    """Add what a table about interfaces, bursts or pragmas says, row by row."""
    kind = table.path or table.section
    names = numbered([row.cells[0] for row in table.rows])
    for row, name in zip(table.rows, names, strict=True):
        about = (*scope, ("table", kind), ("row", name))
        figures.put("hls.properties", record_of(table.columns[1:], row.cells[1:]), kind, about)
