"""Reports as text: cut a file into its reports, and read each of them into a tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import attrs

from .boxes import is_rule, read_box
from .columns import is_underline, read_columns
from .records import Document, Section

__all__ = ["MARK", "begins_report", "read_document", "read_documents"]

#: Begins the header of a report.
MARK = "\n| Tool Version"
_FIELD = re.compile(r"[A-Za-z][A-Za-z ]*")
_HEADING = re.compile(r"(?:([0-9]+(?:\.[0-9]+)*)\.?\s+)?(\S.*)")
_ENTRY = re.compile(r"[0-9]+(?:\.[0-9]+)*\.?\s+\S")
_CONTENTS = "Table of Contents"
_TIMING = re.compile(r"^(?:Timing (?:Summary )?Report|\| (?:Timer Settings|Design Timing Summary))", re.MULTILINE)
#: How far into a report its title can stand; the command before it can be long.
_HEAD = 16 * 1024
#: Where a timing report begins to list paths: they are no tables, and most of the file.
_DETAILS = ("\n| Timing Details", "\nSlack")


def begins_report(text: str) -> Iterator[int]:
    """Yield the places in a text at which the header of a report begins."""
    if text.startswith(MARK[1:]):
        yield 0
    place = text.find(MARK)
    while place >= 0:
        yield place + 1
        place = text.find(MARK, place + 1)


def read_documents(text: str) -> list[Document]:
    """Return the reports of a file in their order: one, or several if the tool appended to the file.

    Args:
        text: the file's content, with line feeds as line ends.
    """
    starts = list(begins_report(text))[1:]
    documents: list[Document] = []
    line = 1
    for begin, end in zip([0, *starts], [*starts, len(text)], strict=True):
        part = text[begin:end]
        documents.append(read_document(part, line))
        if end < len(text):
            line += part.count("\n")
    return documents


def read_document(text: str, line: int = 1) -> Document:
    """Return one report as a tree.

    Args:
        text: the report.
        line: the place of its first line in the file, from 1.
    """
    places = [text.find(mark) for mark in _DETAILS] if _TIMING.search(text, 0, _HEAD) else []
    end = min((place for place in places if place >= 0), default=len(text))
    lines = text[:end].split("\n")
    document = Document(details=text[end:], line=line)
    _Reader(lines, document).read()
    for section in document.sections:
        _shift(section, line - 1)
    return document


def _shift(section: Section, by: int) -> None:
    """Count lines from the beginning of the file instead of the report's."""
    section.line += by
    for table in section.tables if by else ():
        table.line += by
        table.damaged = [place + by for place in table.damaged]
        for row in table.rows:
            row.line += by


@attrs.define
class _Reader:
    """Goes through the lines of a report once.

    Args:
        lines: the report's lines.
        document: what they are put into.
    """

    lines: Sequence[str]
    document: Document
    section: Section = attrs.field(factory=Section)

    def read(self) -> None:
        """Read all lines."""
        lines = self.lines
        self.document.sections.append(self.section)
        place = 0
        while place < len(lines):
            text = lines[place].strip()
            if not text:
                place += 1
                continue
            first = text[0]
            if first == "+" and is_rule(text):
                table, place = read_box(lines, place)
                self.section.tables.append(table)
            elif place == len(lines) - 1:
                # What the file's end cuts off may look whole: `Fully Routed` becomes `Fully`.
                break
            elif first == "-":
                place = self._dashes(place, text)
            elif first == "|":
                place = self._bar(place, text)
            else:
                place = self._plain(place, text)

    def _dashes(self, place: int, text: str) -> int:
        """Read a table without frames, whose headings stand above these dashes; other dashes mean nothing."""
        if not is_underline(text) or place == 0 or not self.section.text:
            return place + 1
        self.section.text.pop()
        table, after = read_columns(self.lines, place)
        self.section.tables.append(table)
        return after

    def _bar(self, place: int, text: str) -> int:
        """Read a line of the header, or a heading as timing reports have them."""
        below = self._after(place)
        if below.startswith("| --"):
            self._begin(place, text[1:].strip())
            return place + 2
        name, colon, value = text[1:].partition(":")
        name = name.strip()
        if colon and _FIELD.fullmatch(name) and len(self.document.sections) == 1:
            self.document.header.setdefault(name, value.strip())
        else:
            self.section.text.append(text)
        return place + 1

    def _plain(self, place: int, text: str) -> int:
        """Read a heading with dashes of its length below it, or a line of text."""
        below = self._after(place)
        if not below.startswith("--") or below.strip("-") or abs(len(below) - len(text)) > 1:
            self.section.text.append(text)
            return place + 1
        if text == _CONTENTS:
            return self._contents(place + 2)
        self._begin(place, text)
        return place + 2

    def _contents(self, place: int) -> int:
        """Read the table of contents."""
        while place < len(self.lines) and _ENTRY.match(self.lines[place].strip()):
            self.document.contents.append(self.lines[place].strip())
            place += 1
        return place

    def _begin(self, place: int, text: str) -> None:
        heading = _HEADING.fullmatch(text)
        number, title = (heading[1] or "", heading[2]) if heading else ("", text)
        self.section = Section(title=title, number=number, line=place + 1)
        self.document.sections.append(self.section)

    def _after(self, place: int) -> str:
        return self.lines[place + 1].strip() if place + 1 < len(self.lines) else ""
