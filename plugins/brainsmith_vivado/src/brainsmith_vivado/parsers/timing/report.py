"""`report_timing_summary`, `report_timing` and `check_timing`."""

from __future__ import annotations

import re

from ...figures import WHOLE, Figures, Scope
from ...tables.records import Document, Section, Table
from ..rules.violations import is_summary, put_rules
from .names import check_name, slacks
from .paths import Group, Path, read_groups, worst_path
from .summary import check_rows, is_clocks, put_fmax, put_met, read_clocks, read_slacks, read_statement

__all__ = ["read_timing"]

_CHECK = re.compile(r"checking (.+?)(?: \(([0-9]{1,12})\))?")
_COUNTED = re.compile(r"There (?:is|are) ([0-9]{1,12}) ")
#: Tables that list what is left out, and settings; there are no figures in them.
_IGNORED = (["Path Group", "From Clock"], ["Name", "Max Paths"])
#: The figures of a path, by the fields of its record.
_FIELDS = {
    "slack_ns": "Slack",
    "requirement_ns": "Requirement",
    "data_delay_ns": "Data Path Delay",
    "logic_delay_ns": "logic",
    "net_delay_ns": "route",
    "logic_levels": "Logic Levels",
    "clock_skew_ns": "Clock Path Skew",
    "clock_uncertainty_ns": "Clock Uncertainty",
    "fanout_max": "fo",
}
_TEXTS = {"startpoint": "Source", "endpoint": "Destination", "path_type": "Path Type", "exception": "Timing Exception"}
_PREFIXES = {"setup": "timing.crit", "hold": "timing.crit_hold"}
#: Logic and net delay have three decimals, and so has their sum.
_ROUNDING = 0.0021


def read_timing(document: Document, figures: Figures) -> None:
    """Add what a timing report holds; which table is which, the headings tell."""
    for section in document.sections:
        check = _CHECK.fullmatch(section.title)
        if check:
            _read_check(section, check, figures)
        for table in section.tables:
            _read_table(section, table, figures)
        read_statement(section, figures)
    check_rows(figures, document)
    _put_paths(document, figures)
    put_fmax(figures, document)
    put_met(figures)


def _read_table(section: Section, table: Table, figures: Figures) -> None:
    if "WNS(ns)" in table.columns:
        read_slacks(section, table, figures)
    elif is_clocks(table):
        read_clocks(section, table, figures)
    elif is_summary(table):
        put_rules(figures, "methodology", table)
    elif table.columns[:2] not in _IGNORED:
        figures.remark("unknown table", f'"{section.title}" ({", ".join(table.columns)})')


def _put_paths(document: Document, figures: Figures) -> None:
    """Add the worst path of each group and of all."""
    groups = read_groups(document.details)
    for group in groups:
        if group.whole:
            _check_worst(figures, group)
        slacks_above = {worst.kind: worst.slack_ns for worst in group.worst}
        for kind, prefix in _PREFIXES.items():
            path = worst_path([group], kind)
            # A path between two clocks belongs to the group of the second one; else a line above it is missing.
            if path is not None and group.whole and path.path_group == (group.path_group or group.to_clock):
                _put_path(figures, prefix, path, _scope(group), slacks_above.get(kind))
    for slack in slacks():
        kind = slack.design[0].split(".")[1]
        path = worst_path(groups, kind)
        if path is not None:
            _put_path(figures, _PREFIXES[kind], path, WHOLE, figures.get(slack.design[0]))


def _read_check(section: Section, check: re.Match[str], figures: Figures) -> None:
    """Add what a check found: the sum of its lines, which newer versions repeat in the title."""
    name = check_name(check[1])
    found = [int(match[1]) for match in map(_COUNTED.match, section.text) if match]
    total = sum(found)
    if not figures.knows(name):
        figures.remark("unknown check", check[1])
    elif not found:
        figures.spoil(name, " ".join(section.text[:1]), check[1])
    else:
        figures.put(name, total, check[1])
        if check[2] is not None and int(check[2]) != total:
            figures.doubt([(name, WHOLE)], f"{check[1]}: {check[2]} in the title, {total} below it")


def _scope(group: Group) -> Scope:
    """Return what a group of paths is about: one clock, or a pair of clocks, and a group's name if it has one."""
    if group.from_clock and group.from_clock == group.to_clock and not group.path_group:
        return (("clock", group.from_clock),)
    pairs = (("path_group", group.path_group), ("from_clock", group.from_clock), ("to_clock", group.to_clock))
    return tuple((key, text) for key, text in pairs if text)


def _check_worst(figures: Figures, group: Group) -> None:
    """Compare the slack above a group's paths with the one in the table of clocks."""
    scope = _scope(group)
    table = "path_group" if group.path_group else "inter_clock" if scope[:1] != (("clock", group.from_clock),) else ""
    for worst in group.worst:
        for slack in slacks():
            names = [each.format(table=table) for each in slack.pair] if table else slack.design
            kind = slack.design[0].split(".")[1]
            known = figures.get(names[0], scope) if names and kind == worst.kind else None
            if known is not None and known != worst.slack_ns:
                why = f"{slack.columns[0]} is {known} in the table, but {worst.slack_ns} above the paths"
                figures.doubt([(names[0], scope)], why)


def _put_path(figures: Figures, prefix: str, path: Path, scope: Scope, slack: float | None) -> None:
    """Add a path, if it is the worst one.

    Args:
        figures: where to add it.
        prefix: what its metrics' names begin with.
        path: the worst path that is there.
        scope: what it is the worst path of.
        slack: the worst slack as the report gives it beside the paths, or None if it doesn't.
    """
    if figures.has(f"{prefix}.slack_ns", scope):
        return
    if slack is not None and slack != path.slack_ns:
        figures.remark("worst paths that aren't listed", f"the one of {slack} ns")
        return
    for field, label in _FIELDS.items():
        value = getattr(path, field)
        if value is not None:
            figures.put(f"{prefix}.{field}", value, label, scope)
    for field, label in _TEXTS.items():
        text = getattr(path, field)
        if text:
            figures.put(f"{prefix}.{field}", text, label, scope)
    _put_fraction(figures, prefix, path, scope)


def _put_fraction(figures: Figures, prefix: str, path: Path, scope: Scope) -> None:
    """Add which part of a path's delay is logic, if its parts make up the whole."""
    data, logic, net = path.data_delay_ns, path.logic_delay_ns, path.net_delay_ns
    if data is None or logic is None or net is None:
        return
    if abs(data - logic - net) > _ROUNDING:
        names = ("data_delay_ns", "logic_delay_ns", "net_delay_ns")
        figures.doubt([(f"{prefix}.{name}", scope) for name in names], f"{data} ns isn't {logic} ns + {net} ns")
    elif data > 0:
        formula = "logic_delay_ns / data_delay_ns"
        figures.put(f"{prefix}.logic_fraction", logic / data, "Data Path Delay", scope, formula=formula)
