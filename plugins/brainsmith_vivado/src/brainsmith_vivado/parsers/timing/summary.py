"""The tables of `report_timing_summary`: whole design, each clock, pairs of clocks, groups of paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brainsmith_core.metric import Stage

from ...figures import WHOLE, Figures, Scope
from ...tables.cells import exact_number
from ...tables.records import Document, Section, Table
from .names import Slack, scope_keys, slacks

__all__ = ["check_rows", "is_clocks", "put_fmax", "put_met", "read_clocks", "read_slacks", "read_statement"]

_PERIOD, _WNS, _FMAX = "timing.period_ns", "timing.setup.wns_ns", "timing.fmax_mhz"
_MET, _STATED = "timing.met", "timing.constraints_met"
_STATEMENTS = {"All user specified timing constraints are met.": True, "Timing constraints are not met.": False}
#: Headings of tables of pairs of clocks, and what such a pair is called in the metrics' names.
_PAIRS = {"Path Group": "path_group", "From Clock": "inter_clock"}
#: What the rows of a table can be about, by its headings: the design, clocks, pairs of clocks, groups.
_KEYS: list[list[str]] = [[], ["Clock"], ["From Clock", "To Clock"], ["From Clock", "To Clock", "Path Group"]]
#: Period and frequency have three decimals each.
_LAST_DIGIT = 0.0006


def read_slacks(section: Section, table: Table, figures: Figures) -> None:
    """Add the figures of a table of slacks: of the design, of clocks, or of pairs of clocks, as its headings tell."""
    keys = [name for name in scope_keys() if name in table.columns]
    if keys not in _KEYS:
        figures.remark("unknown table", f'"{section.title}" ({", ".join(table.columns)})')
        return
    for row in table.rows:
        cells = dict(zip(table.columns, row.cells, strict=True))
        scope = tuple((key, cells[name]) for name, key in scope_keys().items() if cells.get(name))
        for slack in slacks():
            if slack.columns[0] in cells:
                _put_slack(figures, _names(slack, table), [cells.get(x, "") for x in slack.columns], scope)
    known = {*scope_keys(), *(column for slack in slacks() for column in slack.columns)}
    for column in table.columns:
        if column not in known:
            figures.remark("unknown column", f'"{column}" in "{section.title}"')


def read_statement(section: Section, figures: Figures) -> None:
    """Add what the report says itself of whether the constraints are met."""
    for line in section.text:
        if line in _STATEMENTS:
            figures.put(_STATED, _STATEMENTS[line], section.title)


def _names(slack: Slack, table: Table) -> Sequence[str]:
    pair = next((name for heading, name in _PAIRS.items() if heading in table.columns), None)
    return [name.format(table=pair) for name in slack.pair] if pair else slack.design


def _put_slack(figures: Figures, names: Sequence[str], texts: Sequence[str], scope: Scope) -> None:
    """Add slack, total violation, failing and all endpoints; a clock without any has empty cells.

    A slack below 0 goes with failing endpoints, and none without them; where they contradict each other, none counts.
    """
    if scope and not any(texts):
        return
    for name, text in zip(names, texts, strict=True):
        figures.put_cell(name, text, name.rpartition(".")[2], scope)
    worst, total, failing = (figures.get(name, scope) for name in names[:3])
    if worst is None or total is None or failing is None:
        return
    fits = worst <= 0 and total <= 0 if failing else worst >= 0 and total == 0
    if not fits:
        keys = [(name, scope) for name in names[:3]]
        figures.doubt(keys, f"slack {worst} ns, total {total} ns and {failing} failing endpoints")


def is_clocks(table: Table) -> bool:
    """Return whether a table lists clocks with their periods."""
    return "Clock" in table.columns and "Period(ns)" in table.columns


def read_clocks(section: Section, table: Table, figures: Figures) -> None:
    """Add period and frequency of each clock."""
    for row in table.rows:
        cells = dict(zip(table.columns, row.cells, strict=True))
        if not cells["Clock"]:
            figures.remark("rows without a name", f'in "{section.title}"')
            continue
        scope = (("clock", cells["Clock"]),)
        figures.put_cell(_PERIOD, cells["Period(ns)"], "Period(ns)", scope)
        figures.put_cell("timing.requested_mhz", cells.get("Frequency(MHz)", ""), "Frequency(MHz)", scope)
        if cells.get("Waveform(ns)"):
            figures.put("timing.waveform", cells["Waveform(ns)"], "Waveform(ns)", scope)
        _check_frequency(figures, scope)


def _check_frequency(figures: Figures, scope: Scope) -> None:
    period, mhz = figures.get(_PERIOD, scope), figures.get("timing.requested_mhz", scope)
    if not period or mhz is None or abs(1000 / period - mhz) <= 0.001 + mhz * _LAST_DIGIT / period:
        return
    figures.doubt([(_PERIOD, scope), ("timing.requested_mhz", scope)], f"{period} ns isn't {mhz} MHz")


def put_fmax(figures: Figures, document: Document) -> None:
    """Add how fast each clock could be; the whole design has such a figure if it has one clock."""
    tables = [table for table in _tables(document) if is_clocks(table)]
    clocks = [row.cells[table.columns.index("Clock")] for table in tables for row in table.rows]
    if len(clocks) == 1 and not tables[0].damaged and tables[0].closed:
        period = figures.get(_PERIOD, (("clock", clocks[0]),))
        if period is not None:
            figures.put(_PERIOD, period, "Period(ns)", formula="period of the only clock")
    for scope in [*((("clock", clock),) for clock in clocks), WHOLE]:
        period, wns = figures.get(_PERIOD, scope), figures.get(_WNS, scope)
        if period is not None and wns is not None and period > wns:
            figures.put(_FMAX, 1000 / (period - wns), "WNS(ns)", scope, formula="1000 / (period_ns - wns_ns)")


def put_met(figures: Figures) -> None:
    """Add whether a routed design meets its constraints; what the report says has to agree with its figures."""
    if figures.stage is not Stage.ROUTE:
        return
    worst = [figures.get(slack.design[0]) for slack in slacks()]
    failing = [figures.get(slack.design[2]) or 0 for slack in slacks()]
    numbers = [number for number in worst if number is not None]
    if len(numbers) < len(worst):
        return
    met = all(number >= 0 for number in numbers) and not any(failing)
    formula = "wns_ns, whs_ns and wpws_ns >= 0, routed"
    figures.put(_MET, met, "WNS(ns), WHS(ns), WPWS(ns)", formula=formula)
    stated = figures.get_flag(_STATED)
    if stated is not None and stated is not met:
        figures.doubt([(_MET, WHOLE), (_STATED, WHOLE)], "what the report says of the constraints isn't what it shows")


def check_rows(figures: Figures, document: Document) -> None:
    """Compare the design's worst slacks with those of clocks and pairs of clocks, of which they are the worst."""
    tables = [table for table in _tables(document) if table.columns[0] in scope_keys() and "WNS(ns)" in table.columns]
    kinds = {table.columns[0] for table in tables}
    if kinds != {"Clock", "From Clock", "Path Group"} or any(table.damaged for table in tables):
        return
    for slack in slacks():
        column, name = slack.columns[0], slack.design[0]
        numbers = [
            exact_number(row.cells[table.columns.index(column)])
            for table in tables
            if column in table.columns
            for row in table.rows
        ]
        known = [number for number in numbers if number is not None]
        worst = figures.get(name)
        if worst is not None and known and min(known) != worst:
            figures.doubt([(name, WHOLE)], f"{column} is {worst} for the design, but {min(known)} among its clocks")


def _tables(document: Document) -> Iterator[Table]:
    return (table for section in document.sections for table in section.tables if table.columns)
