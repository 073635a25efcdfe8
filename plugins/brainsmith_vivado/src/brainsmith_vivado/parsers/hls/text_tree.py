"""HLS reports as text: sections between lines of `=`, headings by indentation, and tables below them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import attrs

from ...tables.boxes import is_rule
from ...tables.records import Row

__all__ = ["HlsReport", "HlsTable", "read_text"]

_SECTION = re.compile(r"={10,}\s*")
_TITLE = re.compile(r"(?P<kind>.*?(?:Report)) (?:for|of) '(?P<name>[^']+)'")
_KEY = re.compile(r"[A-Z][A-Za-z ]{1,40}")


@attrs.define
class HlsTable:
    """One table.

    Args:
        section: the title of the section that it stands in.
        path: the headings above it, from the outermost one, such as `Latency/Detail/Loop`; units are left out.
        columns: its headings; two lines of headings are joined.
        rows: what stands below, without rules.
        line: where it begins, from 1.
        damaged: lines that are no rows.
        closed: whether a rule ends it.
    """

    section: str
    path: str
    columns: list[str]
    rows: list[Row] = attrs.field(factory=list)
    line: int = 0
    damaged: list[int] = attrs.field(factory=list)
    closed: bool = True


@attrs.define
class HlsReport:
    """A report of HLS.

    Args:
        kind: what its title calls it, such as `Vitis HLS Report`.
        name: the function that it is about.
        header: what it says of itself: `Version`, `Target device`, ...
        tables: in their order.
        texts: what is said in lines with a bullet, and of pipelines.
    """

    kind: str = ""
    name: str = ""
    header: dict[str, str] = attrs.field(factory=dict)
    tables: list[HlsTable] = attrs.field(factory=list)
    texts: list[str] = attrs.field(factory=list)

    def table(self, section: str, path: str) -> HlsTable | None:
        """Return the first table at a place, or None."""
        return next((each for each in self.tables if (each.section, each.path) == (section, path)), None)


def read_text(text: str) -> HlsReport:
    """Return a report as a tree.

    Args:
        text: the file's content, with line feeds as line ends.
    """
    reader = _Reader(text.split("\n"))
    reader.read()
    return reader.report


class _Reader:
    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.report = HlsReport()
        self.section = ""
        self.headings: list[tuple[int, str]] = []

    def read(self) -> None:
        """Go through the lines once."""
        place = 0
        while place < len(self.lines):
            line = self.lines[place]
            stripped = line.strip()
            first = stripped[:1]
            if first == "+" and is_rule(stripped):
                place = self._table(place)
                continue
            if first == "=":
                self._title(place)
            elif first in "*+" and first:
                self._heading(line)
            elif stripped.startswith("Pipeline-"):
                self.report.texts.append(stripped)
            place += 1

    def _title(self, place: int) -> None:
        """Take a line between two lines of `=`."""
        text = self.lines[place].strip()
        if not text.startswith(("== ", "=== ")):
            return
        if place == 0 or not _SECTION.fullmatch(self.lines[place - 1]):
            return
        title = text.lstrip("= ")
        found = _TITLE.fullmatch(title)
        if found and not self.report.kind:
            self.report.kind, self.report.name = found["kind"], found["name"]
        else:
            self.section = title
        self.headings = []

    def _heading(self, line: str) -> None:
        """Take a line with a bullet: a field of the header, a heading, or a remark."""
        bullet = line.lstrip()
        text = bullet[1:].strip()
        key, colon, value = text.partition(":")
        if colon and value.strip() and not self.section and bullet[0] == "*" and _KEY.fullmatch(key.strip()):
            self.report.header.setdefault(key.strip(), value.strip())
        elif value or bullet[1:2] != " ":
            self.report.texts.append(text)
        else:
            indent = len(line) - len(bullet)
            while self.headings and self.headings[-1][0] >= indent:
                self.headings.pop()
            title = key.strip().removesuffix(" (ns)").removesuffix(" (clock cycles)")
            self.headings.append((indent, title))

    def _table(self, start: int) -> int:
        """Read the table that begins with the rule at `start`; return the place of the line after it."""
        blocks, place, closed = _blocks(self.lines, start)
        path = "/".join(title for _, title in self.headings)
        table = HlsTable(section=self.section, path=path, columns=[], line=start + 1, closed=closed)
        rule = self.lines[start].strip()
        if blocks:
            table.columns = _columns(rule, [text for _, text in blocks[0]])
            for block in blocks[1:]:
                _add_rows(table, rule, block)
        self.report.tables.append(table)
        return place


def _blocks(lines: Sequence[str], start: int) -> tuple[list[list[tuple[int, str]]], int, bool]:
    """Return the lines between the rules of a table, where it ends, and whether a rule ends it."""
    blocks: list[list[tuple[int, str]]] = []
    closed = False
    place = start
    while place < len(lines):
        text = lines[place].strip()
        if text[:1] == "|":
            if closed:
                blocks.append([])
            blocks[-1].append((place + 1, text))
            closed = False
        elif text[:1] == "+" and is_rule(text):
            closed = True
        else:
            break
        place += 1
    return blocks, place, closed and bool(blocks)


def _columns(rule: str, heading: Sequence[str]) -> list[str]:
    """Return the headings; a cell of an upper line may span several columns."""
    corners = _corners(rule)
    names = [""] * (len(corners) - 1)
    for line in heading:
        for begin, end, text in _spans(line):
            for index in range(len(names)):
                if begin <= corners[index] and corners[index + 1] <= end and text:
                    names[index] = f"{names[index]} {text}".strip()
    return names


def _spans(line: str) -> Iterator[tuple[int, int, str]]:
    """Yield begin, end and text of the cells of a line."""
    bars = [place for place, letter in enumerate(line) if letter == "|"]
    for begin, end in pairwise(bars):
        yield begin, end, line[begin + 1 : end].strip()


def _corners(rule: str) -> list[int]:
    return [place for place, letter in enumerate(rule) if letter == "+"]


def _add_rows(table: HlsTable, rule: str, block: Sequence[tuple[int, str]]) -> None:
    width = len(table.columns)
    for line, text in block:
        cells = text[1:-1].split("|")
        if len(cells) != width or text[-1] != "|" or len(text) < 2:
            cut = _at_corners(text, rule)
            if cut is None:
                table.damaged.append(line)
                continue
            cells = cut
        first = cells[0]
        table.rows.append(Row([cell.strip() for cell in cells], len(first) - len(first.lstrip()), line))


def _at_corners(text: str, rule: str) -> list[str] | None:
    """Return the cells of a line in which a text holds a `|` itself: cut where the rule has its corners."""
    corners = _corners(rule)
    if len(text) != len(rule) or any(text[corner] != "|" for corner in corners):
        return None
    return [text[left + 1 : right] for left, right in pairwise(corners)]
