"""`report_power`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import TypeAlias

from ...figures import WHOLE, Figures, Scope
from ...mapping import TableSpec, find_spec, load_specs, read_table
from ...tables.cells import exact_number, is_absent, is_bound
from ...tables.records import Document, Section, Table
from ..utilisation.hierarchy import InstanceNames, find_gaps
from ..utilisation.sites import put_fraction, walk
from .instances import InstanceSums

__all__ = ["read_power"]

_INSTANCE = "power.instance_w"
_TOTAL, _DYNAMIC, _STATIC = "power.total_w", "power.dynamic_w", "power.static_w"
#: Dynamic and static are rounded to 1 mW each, and so is their sum.
_ROUNDING = 0.0021
_COUNTS = {"Used": "power.component_used", "Available": "power.component_used.available"}
#: Components of which there is one below several others.
_AMBIGUOUS = ("Others",)
_OVERALL = "Overall confidence level"


@cache
def _names() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(resources.files(__package__).joinpath("names.toml").read_text("utf-8"))


@cache
def _specs() -> tuple[TableSpec, ...]:
    return load_specs(__package__, "tables.toml")


def read_power(document: Document, figures: Figures) -> None:
    """Add what a power report holds."""
    for section in document.sections:
        for table in section.tables:
            spec = find_spec(_specs(), section, table)
            reader = _READERS.get(tuple(table.columns[:2])) or _PAIRS.get(section.title)
            if spec is not None:
                read_table(spec, section, table, figures)
            elif reader is not None:
                reader(section, table, figures)
            else:
                what = ", ".join(table.columns) or f"{len(table.rows)} rows without headings"
                figures.remark("unknown table", f'"{section.title}" ({what})')
    _check_sum(figures)
    _put_margin(figures)


def _pairs(table: Table) -> dict[str, str]:
    """Return a table of names and values; one with a single row looks like headings without rows."""
    rows = [row.cells for row in table.rows] or [table.columns]
    return {cells[0]: cells[1] for cells in rows if len(cells) == 2}


def _read_summary(section: Section, table: Table, figures: Figures) -> None:
    numbers, texts = _names()["summary"], _names()["summary_texts"]
    for name, text in _pairs(table).items():
        if name in numbers:
            figures.put_cell(numbers[name], text, name, remark=True)
        elif name in texts:
            _put_text(figures, texts[name], text, name)
        else:
            figures.remark("unknown row", f'"{name}" in "{section.title}"')


def _read_environment(section: Section, table: Table, figures: Figures) -> None:
    numbers, texts = _names()["environment"], _names()["environment_texts"]
    for name, text in _pairs(table).items():
        if name in numbers:
            figures.put_cell(numbers[name], text, name, remark=True)
        elif name in texts:
            _put_text(figures, texts[name], text, name, (("setting", name),))
        else:
            figures.remark("unknown row", f'"{name}" in "{section.title}"')


def _put_text(figures: Figures, name: str, text: str, field: str, scope: Scope = WHOLE) -> None:
    if not is_absent(text):
        figures.put(name, text, field, scope)


def _read_components(section: Section, table: Table, figures: Figures) -> None:
    """Add what each kind of resource takes; a metric that has several rows is their sum."""
    summed: dict[str, dict[str, str]] = {}
    for row, path in walk(table.rows, figures):
        cells = dict(zip(table.columns, row.cells, strict=True))
        scope = (("component", " > ".join(path) if path[-1] in _AMBIGUOUS else path[-1]),)
        metric = _names()["components"].get(path[-1]) if len(path) == 1 else None
        if metric is None:
            figures.put_cell("power.component_w", cells["Power (W)"], path[-1], scope)
        else:
            summed.setdefault(metric, {})[path[-1]] = cells["Power (W)"]
        _put_counts(figures, cells, path[-1], scope)
    for metric, parts in summed.items():
        _put_sum(figures, metric, parts)
        for name, text in parts.items() if len(parts) > 1 else ():
            figures.put_cell("power.component_w", text, name, (("component", name),))


def _put_counts(figures: Figures, cells: Mapping[str, str], field: str, scope: Scope) -> None:
    """Add how many of a kind are used, which the power depends on."""
    for column, name in _COUNTS.items():
        text = cells.get(column, "")
        if not is_absent(text):
            figures.put_cell(name, text, field, scope)
    texts = (cells.get("Used", ""), cells.get("Available", ""), cells.get("Utilization (%)", ""), "")
    if not is_absent(texts[1]):
        put_fraction(figures, "power.component_used", scope, texts, field)


def _put_sum(figures: Figures, metric: str, parts: Mapping[str, str]) -> None:
    numbers = [exact_number(text) for text in parts.values()]
    field = " + ".join(parts)
    if len(parts) == 1 or None in numbers:
        unread = [text for text, number in zip(parts.values(), numbers, strict=True) if number is None]
        figures.put_cell(metric, (unread or list(parts.values()))[0], field)
    else:
        total = sum(number for number in numbers if number is not None)
        figures.put(metric, round(total, 6), field, formula=field)


def _read_confidence(section: Section, table: Table, figures: Figures) -> None:
    for row in table.rows:
        name, level = row.cells[:2]
        if level:
            scope = WHOLE if name == _OVERALL else (("input", name),)
            figures.put("power.confidence", level, name, scope)


def _read_hierarchy(section: Section, table: Table, figures: Figures) -> None:
    names, hidden = InstanceNames(), 0
    columns = [(_INSTANCE, "Power (W)")]
    sums = InstanceSums(figures)
    find_gaps(table.rows)
    for row in table.rows:
        text = row.cells[1]
        value = exact_number(text)
        if not names.enter(row):
            figures.remark("rows without the row above them", f'"{row.cells[0]}"')
            continue
        sums.add(names.depth, names.scope, value)
        if value is not None:
            figures.put_row(columns, [value], names.scope)
        elif is_bound(text):
            hidden += 1
        else:
            figures.put_cell(_INSTANCE, text, "Power (W)", names.scope)
    sums.check()
    if hidden:
        figures.remark("given only as bounds", f"{_INSTANCE} of {hidden} instances")


def _check_sum(figures: Figures) -> None:
    """Compare the total with its two parts; where they differ by more than rounding, none of them counts."""
    total, dynamic, static = (figures.get(name) for name in (_TOTAL, _DYNAMIC, _STATIC))
    if total is None or dynamic is None or static is None or abs(total - dynamic - static) <= _ROUNDING:
        return
    figures.doubt([(name, WHOLE) for name in (_TOTAL, _DYNAMIC, _STATIC)], f"{total} W isn't {dynamic} W + {static} W")


def _put_margin(figures: Figures) -> None:
    """Add how far the junction is below its limit: as far as the surroundings may still get warmer.

    A chip that is too hot already has a greatest ambient temperature of 0 in the report, which says nothing.
    """
    most, now = figures.get("power.max_ambient_c"), figures.get("power.ambient_c")
    if most and now is not None and not figures.has("power.thermal_margin_c"):
        field, formula = "Max Ambient (C)", "Max Ambient - Ambient Temp"
        figures.put("power.thermal_margin_c", round(most - now, 6), field, formula=formula)


_Reader: TypeAlias = Callable[[Section, Table, Figures], None]
#: What reads a table, by its first headings; tables of names and values have none, so their section tells.
_READERS: Mapping[tuple[str, ...], _Reader] = {
    ("On-Chip", "Power (W)"): _read_components,
    ("User Input Data", "Confidence"): _read_confidence,
    ("Name", "Power (W)"): _read_hierarchy,
}
_PAIRS: Mapping[str, _Reader] = {"Summary": _read_summary, "Environment": _read_environment}
