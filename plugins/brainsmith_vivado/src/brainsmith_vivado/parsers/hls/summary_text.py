"""`csynth.rpt`, the synthesis summary: all functions and loops of a design, its operators, memories and interfaces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path

import attrs

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

from ...figures import Figures, Scope
from ...tables.records import Row
from .details import put_row, read_properties, record_of
from .names import WORST, function_scope, loop_names
from .origin import put_origin
from .text_tree import HlsTable, read_text
from .values import ends_of, put_count, put_cycles, put_number, put_text, put_time

__all__ = ["parse"]

_ESTIMATES = "Performance & Resource Estimates"
_BINDINGS = ("Bind Op Report", "Bind Storage Report", "Storage Report")
_NAME = "Modules & Loops"
_RESOURCES = {
    "BRAM": "util.bram_18k",
    "DSP": "util.dsp",
    "FF": "util.ff",
    "LUT": "util.lut",
    "URAM": "util.uram",
}
#: A function (`+`, with `*` for dataflow behind its name) or a loop (`o`); other marks say how an instance is called.
_ENTRY = re.compile(r"(?P<mark>[+o])\s+(?P<name>\S.*?)(?P<dataflow>\*)?")
#: Version 2020.2 names instances where later ones name functions.
_INSTANCE = re.compile(r"grp_\w+_fu_\d+|\w+_U\d*")
#: ... and prints slack with the wrong sign.
_WRONG_SIGN = "2020.2"
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")


@attrs.define
class _Entry:
    """A row of the estimates.

    Args:
        cells: its cells by heading.
        scope: what it is about.
        loop: whether it is a loop.
    """

    cells: dict[str, str]
    scope: Scope
    loop: bool


def parse(report: Report) -> Iterator[Metric]:
    """Yield the figures of a synthesis summary.

    Args:
        report: the file.

    Raises:
        ReportError: if it holds no figure.
    """
    tree = read_text(report.text)
    if not tree.name:
        raise ReportError("the file doesn't say which function it is about")
    figures = Figures(report, Stage.HLS)
    design = _Design(report.path, tree.name)
    top = design.scope(tree.name)
    wrong_sign = tree.header.get("Version", "").startswith(_WRONG_SIGN)
    for table in tree.tables:
        place = table.section or table.path
        if table.path == _ESTIMATES or table.columns[:1] == [_NAME]:  # its title may be damaged
            _read_estimates(table, figures, design, wrong_sign=wrong_sign)
        elif place in _BINDINGS:
            _read_bindings(table, figures, design)
        else:
            read_properties(table, figures, top)
        for line in table.damaged:
            figures.remark("damaged rows", f'line {line} in "{place}"')
        if not table.closed:
            figures.remark("broken off", f'the table at line {table.line} in "{place}"')
    found = list(figures.finish())
    if not any(metric.is_present for metric in found):
        raise ReportError("the file holds no figure: it is cut off, or its tables are damaged")
    header = {**tree.header, "TopModelName": tree.name}
    yield from put_origin(report, "Vitis HLS", header)
    yield from found


def _read_estimates(table: HlsTable, figures: Figures, design: _Design, *, wrong_sign: bool) -> None:
    for entry in _Tree(design, figures).entries(table):
        for field, text in entry.cells.items():
            if entry.loop:
                _put_loop(figures, field, text, entry.scope)
            else:
                _put_function(figures, field, text, entry.scope)
        _put_slack(figures, entry, wrong_sign=wrong_sign)


@attrs.frozen
class _Design:
    """What the report is about.

    Args:
        path: the report.
        top: the top function.
    """

    path: Path
    top: str

    def scope(self, name: str) -> Scope:
        """Return what a row of a name is about."""
        if name != self.top and _INSTANCE.fullmatch(name):
            return (*function_scope(self.path, self.top), ("instance", name))
        return function_scope(self.path, name)


@attrs.define
class _Tree:
    """Finds out by their indentation what the rows of the estimates are about.

    Args:
        design: what the report is about.
        figures: where odd rows are remarked.
    """

    design: _Design
    figures: Figures
    above: list[tuple[int, str, str, Scope]] = attrs.field(factory=list)
    seen: Counter[Scope] = attrs.field(factory=Counter)
    loops: dict[Scope, list[tuple[_Entry, tuple[str, ...]]]] = attrs.field(factory=dict)

    def entries(self, table: HlsTable) -> list[_Entry]:
        """Return the functions and loops of the table with what they are about."""
        found = [entry for entry in map(self._entry, table.rows, repeat(table.columns)) if entry is not None]
        for function, group in self.loops.items():
            for (entry, _), name in zip(group, loop_names([path for _, path in group]), strict=True):
                entry.scope = (*function, ("loop", name))
        return found

    def _entry(self, row: Row, columns: Sequence[str]) -> _Entry | None:
        cells = dict(zip(columns, row.cells, strict=True))
        found = _ENTRY.fullmatch(cells.get(_NAME, ""))
        while self.above and self.above[-1][0] >= row.indent:
            self.above.pop()
        level = self.above[-1][0] + 1 if self.above else 0
        if found is None or row.indent != level or (found["mark"] == "o" and not self.above):
            # Without the row above it, nobody can know what it is part of.
            self.figures.remark("unknown row", f'"{cells.get(_NAME, "")[:40]}"')
            return None
        name = found["name"]
        if found["mark"] == "o":
            return self._loop(row.indent, name, cells)
        scope = self.design.scope(name)
        self.seen[scope] += 1
        if self.seen[scope] > 1:
            scope = (*scope, ("occurrence", str(self.seen[scope])))
        self.above.append((row.indent, "+", name, scope))
        return _Entry(cells, scope, loop=False)

    def _loop(self, indent: int, name: str, cells: dict[str, str]) -> _Entry:
        """Return a loop; its name depends on the other loops of its function, so its scope comes later."""
        place = max(place for place, each in enumerate(self.above) if each[1] == "+")
        function, around = self.above[place][3], [each[2] for each in self.above[place + 1 :]]
        entry = _Entry(cells, function, loop=True)
        self.loops.setdefault(function, []).append((entry, (*around, name)))
        self.above.append((indent, "o", name, function))
        return entry


def _put_function(figures: Figures, field: str, text: str, scope: Scope) -> None:
    if field in _RESOURCES:
        put_count(figures, _RESOURCES[field], text, field, scope)
    elif field in _FUNCTION_SPANS:
        _put_either(figures, _FUNCTION_SPANS[field], text, field, scope)
    elif field == "Pipelined":
        put_text(figures, "hls.pipeline_type", text, field, scope)
    elif field == "Issue Type":
        put_text(figures, "hls.issue", text, field, scope)
    elif field not in _OTHERS:
        figures.remark("unknown column", f'"{field}"')


def _put_loop(figures: Figures, field: str, text: str, scope: Scope) -> None:
    if text in ("-", ""):
        return
    if field in _LOOP_SPANS:
        _put_either(figures, _LOOP_SPANS[field], text, field, scope)
    elif field == "Interval":
        put_cycles(figures, "loop.ii", text, field, scope)
    elif field == "Pipelined":
        put_text(figures, "loop.pipelined", text, field, scope)
    elif field == "Issue Type":
        put_text(figures, "loop.issue", text, field, scope)


def _put_either(figures: Figures, names: tuple[str, str, str], text: str, field: str, scope: Scope) -> None:
    """Add a figure, or both ends of a span, as in `19 ~ 1000`.

    Args:
        figures: where to add it.
        names: of a single figure, of the least one, and of the greatest.
        text: what the report says.
        field: the heading, which says whether it is a time.
        scope: what it is about.
    """
    put = put_time if field == "Latency (ns)" else put_cycles
    ends = ends_of(text)
    for name, part in zip(names[1:], ends, strict=True) if ends else [(names[0], text)]:
        put(figures, name, part, field, scope)


#: The metrics of a heading: of a single figure, of the least one of a span, and of the greatest.
_FUNCTION_SPANS: Mapping[str, tuple[str, str, str]] = {
    "Latency (cycles)": (WORST, "perf.latency_min_cycles", WORST),
    "Latency (ns)": ("perf.latency_max_ns", "perf.latency_min_ns", "perf.latency_max_ns"),
    "Interval": ("perf.interval_max_cycles", "perf.interval_min_cycles", "perf.interval_max_cycles"),
}
_LOOP_SPANS: Mapping[str, tuple[str, str, str]] = {
    "Latency (cycles)": ("loop.latency_max_cycles", "loop.latency_min_cycles", "loop.latency_max_cycles"),
    "Latency (ns)": ("loop.latency_max_ns", "loop.latency_min_ns", "loop.latency_max_ns"),
    "Iteration Latency": (
        "loop.iteration_latency_max_cycles",
        "loop.iteration_latency_min_cycles",
        "loop.iteration_latency_max_cycles",
    ),
    "Trip Count": ("loop.trip_count", "loop.trip_count_min", "loop.trip_count_max"),
}
#: Headings that a function has no figure for, and those that are read elsewhere.
_OTHERS = {_NAME, "Iteration Latency", "Trip Count", "Slack"}


def _put_slack(figures: Figures, entry: _Entry, *, wrong_sign: bool) -> None:
    """Add what is left of the clock period."""
    text = entry.cells.get("Slack", "-")
    if text in ("-", ""):
        return
    name = "loop.slack_ns" if entry.loop else "hls.slack_ns"
    if wrong_sign and _NUMBER.fullmatch(text):
        formula = f"-Slack: {_WRONG_SIGN} prints its negative"
        figures.put(name, -float(text) or 0.0, "Slack", entry.scope, formula=formula)
    else:
        put_number(figures, name, text, "Slack", entry.scope)


def _read_bindings(table: HlsTable, figures: Figures, design: _Design) -> None:
    """Add what single operators and memories take, by the function that they are part of."""
    columns = [(_RESOURCES[field], field) for field in table.columns if field in _RESOURCES]
    function: Scope = ()
    level = -9
    seen: Counter[tuple[Scope, str]] = Counter()
    for row in table.rows:
        cells = dict(zip(table.columns, row.cells, strict=True))
        name = cells.pop("Name", "")
        if name.startswith("+ "):
            function, level = design.scope(name[2:].strip()), row.indent
            _put_sums(figures, cells, (*function, ("category", table.section)))
        elif row.indent != level + 2:
            figures.remark("unknown row", f'"{name[:40]}"')
        else:
            seen[function, name] += 1
            label = name if seen[function, name] == 1 else f"{name}#{seen[function, name]}"
            about = (*function, ("operation", label))
            figures.put("hls.operation", record_of(list(cells), list(cells.values())), table.section, about)
            put_row(figures, columns, [cells[field] for _, field in columns], about, zeros=False)


def _put_sums(figures: Figures, cells: Mapping[str, str], scope: Scope) -> None:
    """Add what all operators, or all memories, of a function take together; a function may be listed several times."""
    for field, text in cells.items():
        if field in _RESOURCES and text not in ("-", "") and not figures.has(_RESOURCES[field], scope):
            put_cycles(figures, _RESOURCES[field], text, field, scope)
