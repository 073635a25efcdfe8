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
        lines: the lines with their places in the file.
    """

    rule: str
    lines: list[tuple[int, str]] = attrs.field(factory=list)


def read_box(lines: Sequence[str], start: int) -> tuple[Table, int]:
    """Read the table whose first rule stands at `lines[start]`; return it and the place of the first line after it.

    A table has headings if a rule stands below its first line, or if that line is all that there is: Vivado prints
    a table without rows in both ways. Headings in two lines belong together; the upper one spans several columns.

    Args:
        lines: all lines of the file.
        start: the place of the first rule, from 0.
    """
    blocks, stop, closed = _blocks(lines, start)
    table = Table(columns=[], line=start + 1, closed=closed)
    body = _take_headings(table, blocks)
    for block in body:
        _read_rows(table, block)
    table.distrust()
    return table, stop


def _blocks(lines: Sequence[str], start: int) -> tuple[list[_Block], int, bool]:
    """Return the parts of a table that rules separate, where it ends, and whether a rule closes it."""
    blocks: list[_Block] = []
    place = start
    for place in range(start, len(lines)):
        text = lines[place].strip()
        if text[:1] == "|":
            blocks[-1].lines.append((place, text.removesuffix(_STATIC) + "|" if text.endswith(_STATIC) else text))
        elif text[:1] == "+" and is_rule(text):
            blocks.append(_Block(text.rstrip("|+") + "+"))
        else:
            break
    else:
        place += 1
    closed = not blocks[-1].lines
    return (blocks[:-1] if closed else blocks), place, closed


def _take_headings(table: Table, blocks: list[_Block]) -> list[_Block]:
    """Put the headings into a table, and return the blocks that hold rows."""
    if not blocks or len(blocks[0].lines) != 1:
        return blocks
    first = blocks[0]
    if len(blocks) > 1 and blocks[1].rule != first.rule and len(blocks[1].lines) == 1:
        table.columns = _spanned(first, blocks[1])
        return blocks[2:]
    table.columns = _cells(first.lines[0][1], first.rule) or []
    return blocks[1:]


def _spanned(upper: _Block, lower: _Block) -> list[str]:
    """Return headings of two lines: the upper one, which may span several columns, and the lower one."""
    places = _corners(lower.rule)
    begins, wide = _corners(upper.rule), _cells(upper.lines[0][1], upper.rule)
    narrow = _cells(lower.lines[0][1], lower.rule)
    if wide is None or narrow is None:
        return []
    above = [wide[min(bisect_right(begins, place), len(wide)) - 1] for place in places[: len(narrow)]]
    return [f"{upper_name} {name}".strip() for upper_name, name in zip(above, narrow, strict=True)]


def _read_rows(table: Table, block: _Block) -> None:
    """Add the rows of a block to a table; what isn't one is noted as damaged."""
    width = len(table.columns) or block.rule.count("+") - 1
    rows, damaged = table.rows, table.damaged
    for place, text in block.lines:
        cells = text[1:-1].split("|")
        if len(cells) != width or text[-1] != "|" or len(text) < 2:
            cut = _at_corners(text, block.rule)
            if cut is None or len(cut) != width:
                damaged.append(place + 1)
                continue
            cells = cut
        first = cells[0]
        # One blank belongs to the frame.
        indent = len(first) - len(first.lstrip()) - 1 if first[:2] == "  " else 0
        stripped = [cell.strip() for cell in cells]
        if stripped != table.columns:  # headings that a damaged table repeats are no row
            rows.append(Row(stripped, indent, place + 1))


def _cells(text: str, rule: str) -> list[str] | None:
    """Return the cells of a line, or None if it doesn't fit to its rule."""
    cells = text[1:-1].split("|")
    if len(cells) != rule.count("+") - 1 or text[-1] != "|":
        return None
    return [cell.strip() for cell in cells]


def _at_corners(text: str, rule: str) -> list[str] | None:
    """Return the cells of a line in which a name holds a `|` itself: cut where the rule has its corners."""
    if len(text) != len(rule):
        return None
    corners = _corners(rule)
    if any(text[corner] != "|" for corner in corners):
        return None
    return [text[left + 1 : right] for left, right in pairwise(corners)]


def _corners(rule: str) -> list[int]:
    return [place for place, letter in enumerate(rule) if letter == "+"]
