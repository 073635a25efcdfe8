"""Tables drawn with `+---+` and `| a | b |`."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import attrs

from .records import Row, Table

__all__ = ["is_rule", "read_box"]

#: Vivado 2018 ends the rules of one table with bars instead of a corner.
_RULE = re.compile(r"\+-+(?:\+-+)*(?:\+|\|+)")
#: ... and its rows with this instead of a bar.
_STATIC = " - Static -"


def is_rule(text: str) -> bool:
    """Return whether a line is a horizontal rule of a table.

    Example:
        >>> is_rule("+----+--+"), is_rule("+---Adders : "), is_rule("+-+")
        (True, False, True)
    """
    return text[-1:] in "+|" and _RULE.fullmatch(text) is not None


@attrs.define
class _Block:
    """The lines between two rules.

    Args:
        rule: the rule above them.
        begin: the place of the first one.
        end: the place behind the last one.
    """

    rule: str
    begin: int
    end: int

    def __len__(self) -> int:
        return self.end - self.begin


def read_box(lines: Sequence[str], start: int) -> tuple[Table, int]:
    """Read the table whose first rule stands at `lines[start]`; return it and the place of the first line after it.

    A table has headings if a rule stands below its first line, or if that line is all that there is: Vivado prints
    a table without rows in both ways. Headings in two lines belong together; the upper one spans several columns.

    Args:
        lines: all lines of the file.
        start: the place of the first rule, from 0.
    """
    blocks, stop = _blocks(lines, start)
    closed = len(blocks[-1]) == 0
    table = Table(columns=[], line=start + 1, closed=closed)
    for block in _take_headings(table, lines, blocks[:-1] if closed else blocks):
        _read_rows(table, lines, block)
    table.distrust()
    return table, stop


def _blocks(lines: Sequence[str], start: int) -> tuple[list[_Block], int]:
    """Return the parts of a table that rules separate, the last of them empty if a rule closes it, and its end."""
    blocks: list[_Block] = []
    for place in range(start, len(lines)):
        text = lines[place].lstrip()
        first = text[:1]
        if first == "|":
            blocks[-1].end = place + 1
        elif first == "+" and is_rule(text := text.rstrip()):
            blocks.append(_Block(text.rstrip("|+") + "+", place + 1, place + 1))
        else:
            return blocks, place
    return blocks, len(lines)


def _take_headings(table: Table, lines: Sequence[str], blocks: list[_Block]) -> list[_Block]:
    """Put the headings into a table, and return the blocks that hold rows."""
    if not blocks or len(blocks[0]) != 1:
        return blocks
    first = blocks[0]
    upper = _cells(_line(lines, first.begin), first.rule)
    if len(blocks) > 1 and blocks[1].rule != first.rule and len(blocks[1]) == 1:
        lower = _cells(_line(lines, blocks[1].begin), blocks[1].rule)
        table.columns = _spanned(upper or [], first.rule, lower or [], blocks[1].rule)
        return blocks[2:]
    table.columns = upper or []
    return blocks[1:]


def _spanned(upper: list[str], upper_rule: str, lower: list[str], lower_rule: str) -> list[str]:
    """Return headings of two lines: the upper one, which may span several columns, and the lower one."""
    begins = _corners(upper_rule)
    above = [bisect_right(begins, place) - 1 for place in _corners(lower_rule)[:-1]]
    if not upper or not lower or max(above) >= len(upper):
        return []
    return [f"{upper[place]} {name}".strip() for place, name in zip(above, lower, strict=True)]


def _line(lines: Sequence[str], place: int) -> str:
    text = lines[place].strip()
    return text.removesuffix(_STATIC) + "|" if text.endswith(_STATIC) else text


def _read_rows(table: Table, lines: Sequence[str], block: _Block) -> None:
    """Add the rows of a block to a table; what isn't one is noted as damaged."""
    columns, rows = table.columns, table.rows
    width = len(columns) or block.rule.count("+") - 1
    lost: int | None = None
    for place in range(block.begin, block.end):
        text = lines[place].strip()
        cells = text[1:-1].split("|")
        if len(cells) != width or text[-1] != "|" or len(text) < 2:
            text = _line(lines, place)
            cut = text[1:-1].split("|") if text[-1] == "|" else []
            cells = cut if len(cut) == width and len(text) > 1 else _at_corners(text, block.rule)
            if len(cells) != width:
                table.damaged.append(place + 1)
                indent = _indent(text[1:])
                lost = indent if lost is None else min(lost, indent)
                continue
        first = cells[0]
        # One blank belongs to the frame.
        indent = len(first) - len(first.lstrip()) - 1 if first[:2] == "  " else 0
        stripped = list(map(str.strip, cells))
        if stripped != columns:  # headings that a damaged table repeats are no row
            rows.append(Row(stripped, indent, place + 1, lost))
            lost = None


def _indent(cell: str) -> int:
    """Return how far the text of a cell is indented; one blank belongs to the frame."""
    return max(0, len(cell) - len(cell.lstrip()) - 1)


def _cells(text: str, rule: str) -> list[str] | None:
    """Return the cells of a line, or None if it doesn't fit to its rule."""
    cells = text[1:-1].split("|")
    if len(cells) != rule.count("+") - 1 or text[-1] != "|":
        return None
    return [cell.strip() for cell in cells]


def _at_corners(text: str, rule: str) -> list[str]:
    """Return the cells of a line in which a name holds a `|` itself, cut where the rule has its corners; else none."""
    if len(text) != len(rule):
        return []
    corners = _corners(rule)
    if any(text[corner] != "|" for corner in corners):
        return []
    return [text[left + 1 : right] for left, right in pairwise(corners)]


def _corners(rule: str) -> list[int]:
    return [place for place, letter in enumerate(rule) if letter == "+"]
