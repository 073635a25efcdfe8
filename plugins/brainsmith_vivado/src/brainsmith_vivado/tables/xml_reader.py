"""Reports as XML (`-format xml`): the same tree as from text."""

from __future__ import annotations

import re
from xml.parsers import expat

import attrs

from brainsmith_core.metrics.report import ReportError

from .records import Document, Row, Section, Table

__all__ = ["is_xml", "read_xml"]

_HEADING = re.compile(r"(?:([0-9]+(?:\.[0-9]+)*)\.?\s+)?(\S.*)", re.DOTALL)
#: The attributes of the root, called as the header of a text report calls them.
_HEADER = {
    "cmdline": "Command",
    "designname": "Design",
    "designstate": "Design State",
    "partname": "Device",
    "speedfile": "Speed File",
    "title": "Title",
}


def is_xml(data: bytes) -> bool:
    """Return whether a file is XML rather than text."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def read_xml(data: bytes) -> Document:
    """Return a report as a tree; where the XML breaks off or is wrong, what stands before that is read.

    Args:
        data: the file.

    Raises:
        ReportError: if the file declares entities, or isn't a report.
    """
    handler = _Handler()
    parser = expat.ParserCreate()
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        handler.document.broken = f"the XML is damaged: {error}"
    if not handler.root:
        raise ReportError(handler.document.broken or "the file is XML, but no report of Vivado")
    handler.give_up()
    return handler.document


def _refuse(*_: object) -> None:
    """Reports declare no entities; a file that does could unfold to any size."""
    raise ReportError("the file declares XML entities, which no report does")


@attrs.define
class _Handler:
    """Takes the elements in their order."""

    document: Document = attrs.field(factory=Document)
    root: bool = False
    section: Section = attrs.field(factory=Section)
    table: Table | None = None
    cells: list[str] | None = None
    headings: bool = False
    nested: bool = False
    lost: int | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the beginning of an element."""
        if tag in ("tablecell", "tableheader"):
            self.headings = self.headings or tag == "tableheader"
            if self.cells is not None:
                self.cells.append(attributes.get("contents", ""))
        elif tag == "tablerow":
            self.nested = self.cells is not None
            if self.cells is not None:
                self._lose(self.cells)
            self.cells, self.headings = [], False
        elif tag == "table":
            self.table, self.lost = Table(columns=[], closed=False), None
            self.section.tables.append(self.table)
        elif tag == "section":
            self._begin(attributes.get("title", ""))
        elif tag == "RptDoc":
            self.root = True
            self.document.header = {name: attributes[key] for key, name in _HEADER.items() if key in attributes}
            self._begin("")
        else:
            text = attributes.get("text", "") or attributes.get("contents", "")
            self.section.text.extend(filter(None, [text.strip()]))

    def end(self, tag: str) -> None:
        """Take the end of an element; a row counts only when it is whole."""
        if tag == "tablerow" and self.cells is not None:
            self._end_row(self.cells)
            self.cells = None
        elif tag == "table" and self.table is not None:
            self.table.closed = True
            self.table.distrust()
            self.table = None

    def give_up(self) -> None:
        """Say where the file breaks off."""
        if self.table is not None:
            self.table.closed = False
            self.table.distrust()

    def _begin(self, title: str) -> None:
        heading = _HEADING.fullmatch(title.strip())
        number, name = (heading[1] or "", heading[2]) if heading else ("", "")
        self.section = Section(title=name, number=number)
        self.document.sections.append(self.section)

    def _end_row(self, cells: list[str]) -> None:
        table = self.table
        if table is None or not cells:
            return
        stripped = [cell.strip() for cell in cells]
        if self.headings:
            # A second line of headings stands below the first one, which spans several columns.
            table.columns = stripped if not table.columns else _joined(table.columns, stripped)
        elif self.nested or (table.columns and len(cells) != len(table.columns)):
            table.damaged.append(0)
            self._lose(cells)
        else:
            table.rows.append(Row(stripped, _indent(cells), 0, self.lost))
            self.lost = None

    def _lose(self, cells: list[str]) -> None:
        """Note how far a row was indented that can't be read, as well as that can be told."""
        self.lost = min(_indent(cells), self.lost if self.lost is not None else _indent(cells))


def _indent(cells: list[str]) -> int:
    first = cells[0] if cells else ""
    return len(first) - len(first.lstrip())


def _joined(upper: list[str], lower: list[str]) -> list[str]:
    return lower if len(upper) != len(lower) else [f"{a} {b}".strip() for a, b in zip(upper, lower, strict=True)]
