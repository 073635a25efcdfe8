"""What a report is made of, whether it came as text or as XML: a header, sections, and the tables in them."""

from __future__ import annotations

import attrs

__all__ = ["Document", "Row", "Section", "Table"]


@attrs.define
class Row:
    """One row of a table.

    Args:
        cells: its texts without blanks around them, one for each column.
        indent: blanks before the first text, by which tables show what is part of what.
        line: where it stands in the file, from 1; 0 in XML.
        lost: how far a row was indented that stood between this one and the one above it, but can't be read.
    """

    cells: list[str]
    indent: int = 0
    line: int = 0
    lost: int | None = None


@attrs.define
class Table:
    """One table.

    Args:
        columns: the headings; empty for a table without any, which lists names and values.
        rows: what stands below the headings.
        line: where it begins in the file, from 1; 0 in XML.
        damaged: the lines that stand in the table but aren't rows of it: cut off, or with too many or too few cells.
        closed: whether the table has its end; False where the file breaks off.
    """

    columns: list[str]
    rows: list[Row] = attrs.field(factory=list)
    line: int = 0
    damaged: list[int] = attrs.field(factory=list)
    closed: bool = True

    def distrust(self) -> None:
        """Drop all rows if most don't fit the headings: then the headings are damaged, and cells would move."""
        if len(self.damaged) > len(self.rows):
            self.damaged += [row.line for row in self.rows]
            self.rows.clear()


@attrs.define
class Section:
    """A part of a report with a title.

    Args:
        title: without its number.
        number: such as `1.1`; "" for none.
        line: where it begins in the file, from 1; 0 in XML.
        tables: in their order.
        text: the lines that aren't part of a table, without blanks around them; none of them is empty.
    """

    title: str = ""
    number: str = ""
    line: int = 0
    tables: list[Table] = attrs.field(factory=list)
    text: list[str] = attrs.field(factory=list)


@attrs.define
class Document:
    """One report; a file can hold several.

    Args:
        header: what the block at its beginning says: `Tool Version`, `Command`, `Device`, `Design State`, ...
        sections: its parts in their order; the first one has no title and holds what stands before the others.
        contents: the titles that its table of contents announces, with their numbers.
        details: the part of a timing report that lists paths, as text, for a reader of its own.
        line: where it begins in the file, from 1.
        broken: why the rest couldn't be read, or "".
    """

    header: dict[str, str] = attrs.field(factory=dict)
    sections: list[Section] = attrs.field(factory=list)
    contents: list[str] = attrs.field(factory=list)
    details: str = ""
    line: int = 1
    broken: str = ""

    @property
    def preamble(self) -> list[str]:
        """The lines before the first section, among them the report's title."""
        return self.sections[0].text if self.sections else []

    def section(self, title: str) -> Section | None:
        """Return the first section of a title, or None."""
        return next((section for section in self.sections if section.title == title), None)
