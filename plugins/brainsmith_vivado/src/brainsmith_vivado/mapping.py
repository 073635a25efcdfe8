"""Tables that become figures by a mere list of names: which column is which metric, which one says what it is about."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources

import attrs

from .figures import WHOLE, Figures, Scope
from .tables.records import Row, Section, Table

__all__ = ["TableSpec", "find_spec", "load_specs", "read_table"]

#: Column and row of clock regions.
_COLUMN, _ROW = re.compile(r"X[0-9]{1,4}"), re.compile(r"Y[0-9]{1,4}")
#: Marks before a number, as in `(R) (D) 12`: the root of a clock net, its driver.
_MARKS = re.compile(r"(?:\([A-Z]\)\s*)+")


@attrs.frozen(kw_only=True)
class TableSpec:
    """What a table holds.

    Args:
        section: a regular expression for the title of its section; the names of its groups are scope keys.
        first: its first heading.
        has: another heading that it must have, or "".
        scope: scope keys by heading: these columns say what a row is about.
        values: metrics by heading.
        texts: metrics by heading whose values are text.
        counted: a metric whose values stand in columns that differ: `name`, and the scope key of the heading.
        listed: headings counted by `counted`; a regular expression, whose group is what goes into the scope.
        matrix: for a table whose headings and rows together say what a cell is about: `name`, and the scope key.
        ignored: headings that hold no figure, or one that stands elsewhere too.
        remarks: whether remarks in brackets may follow a number.
    """

    section: re.Pattern[str] = attrs.field(converter=re.compile)
    first: str
    has: str = ""
    scope: Mapping[str, str] = attrs.field(factory=dict)
    values: Mapping[str, str] = attrs.field(factory=dict)
    texts: Mapping[str, str] = attrs.field(factory=dict)
    counted: Mapping[str, str] = attrs.field(factory=dict)
    listed: re.Pattern[str] | None = attrs.field(default=None, converter=attrs.converters.optional(re.compile))
    matrix: Mapping[str, str] = attrs.field(factory=dict)
    ignored: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    remarks: bool = False


@attrs.frozen
class _Column:
    """What a column means.

    Args:
        index: its place. name: the metric. field: its heading. more: what its heading says about the figure.
        text: whether it holds text.
    """

    index: int
    name: str
    field: str
    more: Scope = WHOLE
    text: bool = False


def load_specs(package: str, file: str) -> tuple[TableSpec, ...]:
    """Return the tables that a file of a package describes.

    Args:
        package: the package, such as `brainsmith_vivado.parsers.power`.
        file: the TOML file in it.
    """
    data = tomllib.loads(resources.files(package).joinpath(file).read_text("utf-8"))
    return tuple(TableSpec(**fields) for fields in data["tables"])


def find_spec(specs: Iterable[TableSpec], section: Section, table: Table) -> TableSpec | None:
    """Return what a table holds, by its section and headings, or None for an unknown one."""
    for spec in specs:
        fits = table.columns[:1] == [spec.first] and (not spec.has or spec.has in table.columns)
        if fits and spec.section.fullmatch(section.title):
            return spec
    return None


def read_table(spec: TableSpec, section: Section, table: Table, figures: Figures) -> None:
    """Add the figures of a table.

    Args:
        spec: what it holds.
        section: where it stands.
        table: the table.
        figures: where its figures are added.
    """
    title = spec.section.fullmatch(section.title)
    about = tuple((key, text) for key, text in (title.groupdict() if title else {}).items() if text)
    if spec.matrix:
        _read_matrix(spec, section.title, table, about, figures)
        return
    keys = [(index, spec.scope[name]) for index, name in enumerate(table.columns) if name in spec.scope]
    columns = _columns(spec, section, table, figures)
    for row in table.rows:
        scope = about + tuple((key, row.cells[index]) for index, key in keys if row.cells[index])
        _read_row(spec, columns, row, scope, figures)


def _columns(spec: TableSpec, section: Section, table: Table, figures: Figures) -> list[_Column]:
    found: list[_Column] = []
    for index, heading in enumerate(table.columns):
        listed = spec.listed.fullmatch(heading) if spec.listed else None
        if heading in spec.values:
            found.append(_Column(index, spec.values[heading], heading))
        elif heading in spec.texts:
            found.append(_Column(index, spec.texts[heading], heading, text=True))
        elif listed:
            more = ((spec.counted["key"], listed[1] if listed.re.groups else heading),)
            found.append(_Column(index, spec.counted["name"], heading, more))
        elif heading not in spec.scope and heading not in spec.ignored:
            figures.remark("unknown column", f'"{heading}" in "{section.title}"')
    return found


def _read_row(spec: TableSpec, columns: Sequence[_Column], row: Row, scope: Scope, figures: Figures) -> None:
    for column in columns:
        text = row.cells[column.index]
        if not column.text:
            figures.put_cell(column.name, text, column.field, scope + column.more, remark=spec.remarks)
        elif text:
            figures.put(column.name, text, column.field, scope)


def _read_matrix(spec: TableSpec, title: str, table: Table, about: Scope, figures: Figures) -> None:
    """Add the cells of a table in which column and row together name a place, such as `X1` and `Y2`."""
    name, key = spec.matrix["name"], spec.matrix["key"]
    for row in table.rows:
        for heading, text in zip(table.columns[1:], row.cells[1:], strict=True):
            if heading in spec.values:
                scope = (*about, ("row", row.cells[0]))
                figures.put_cell(spec.values[heading], text, heading, scope)
            elif not _COLUMN.fullmatch(heading) or not _ROW.fullmatch(row.cells[0]):
                figures.remark("unknown column", f'"{heading}" of "{row.cells[0]}" in "{title}"')
            else:
                scope = (*about, (key, heading + row.cells[0]))
                figures.put_cell(name, _MARKS.sub("", text), table.columns[0] or name, scope)
