"""Tables without frames, as in timing reports: headings, dashes below them, and rows in which cells may be empty."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .records import Row, Table

__all__ = ["is_underline", "read_columns"]

_DASHES = re.compile(r"-+")
#: No report has nearly as many columns.
_UNDERLINE = re.compile(r"-+(?: +-+){1,200}")
#: Cells stand at least two blanks apart; one blank is part of a cell: `{0.000 5.000}`, `input port clock`.
_CELL = re.compile(r"\S+(?: \S+)*")


def is_underline(text: str) -> bool:
    """Return whether a line underlines several headings.

    Example:
        >>> is_underline("-----   -------"), is_underline("-------")
        (True, False)
    """
    return text[:1] == "-" and _UNDERLINE.fullmatch(text) is not None


class _Layout:
    """Which column a piece of text belongs to, by its place: headings are as wide as the dashes below them.

    Args:
        headings: the line of the headings.
        dashes: the line below it.
    """

    def __init__(self, headings: str, dashes: str) -> None:
        spans = [found.span() for found in _DASHES.finditer(dashes)]
        whole = len(headings.rstrip()) <= spans[-1][1]
        # Dashes that end before the headings do are damaged, and so would be the places of all columns.
        self.names = [headings[begin:end].strip() for begin, end in spans] if whole else []
        self._by_end = {end: index for index, (_, end) in enumerate(spans)}
        self._by_start = {begin: index for index, (begin, _) in enumerate(spans)}
        self._second = spans[1][0]

    def place(self, begin: int, end: int) -> int | None:
        """Return the column of a text; numbers stand below the end of their heading, names below its beginning."""
        if end in self._by_end:
            return self._by_end[end]
        if begin in self._by_start:
            return self._by_start[begin]
        return 0 if begin < self._second else None


def read_columns(lines: Sequence[str], dashes: int) -> tuple[Table, int]:
    """Read the table whose headings are underlined at `lines[dashes]`; return it and the place of the line after it.

    The table ends with the first empty line.

    Args:
        lines: all lines of the file.
        dashes: the place of the dashes, from 0.
    """
    layout = _Layout(lines[dashes - 1], lines[dashes])
    table = Table(columns=layout.names, line=dashes)
    place = dashes + 1
    while place < len(lines) and lines[place].strip():
        row = None if is_underline(lines[place].strip()) else _row(layout, lines[place], place)
        # What the file's end cuts off may look whole: `2801` becomes `280`.
        if row is None or place == len(lines) - 1:
            table.damaged.append(place + 1)
        else:
            table.rows.append(row)
        place += 1
    table.closed = place < len(lines)
    return table, place


def _row(layout: _Layout, line: str, place: int) -> Row | None:
    """Return the row of a line, or None if its texts can't be told apart."""
    if not layout.names:
        return None
    found = [(match[0], *match.span()) for match in _CELL.finditer(line)]
    cells = _by_place(layout, found)
    if cells is None and len(found) == len(layout.names):
        cells = [text for text, _, _ in found]
    if cells is None:
        return None
    return Row(cells, len(line) - len(line.lstrip()), place + 1)


def _by_place(layout: _Layout, found: Sequence[tuple[str, int, int]]) -> list[str] | None:
    cells = [""] * len(layout.names)
    for text, begin, end in found:
        column = layout.place(begin, end)
        if column is None or cells[column]:
            return None
        cells[column] = text
    return cells
