"""`*_csynth.rpt`, and the beginning of `*.verbose.*.rpt`: timing, latency, loops, resources and ports of a function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

from ...figures import Figures, Scope
from .details import read_details, read_ports
from .names import BEST, INTERVAL, RESOURCES, WORST, function_scope, loop_names, put_fractions
from .origin import put_origin
from .text_tree import HlsReport, HlsTable, read_text
from .values import put_cycles, put_number, put_span, put_text, put_time

__all__ = ["parse"]

_PERFORMANCE, _UTILISATION = "Performance Estimates", "Utilization Estimates"
_TIMING = {
    "Target": "timing.period_ns",
    "Estimated": "timing.estimated_period_ns",
    "Uncertainty": "timing.uncertainty_ns",
}
_LATENCY: Mapping[str, str] = {
    "Latency min": BEST,
    "Latency max": WORST,
    "Latency (cycles) min": BEST,
    "Latency (cycles) max": WORST,
    "Interval min": INTERVAL[0],
    "Interval max": INTERVAL[1],
}
_TIMES = {"Latency (absolute) min": "perf.latency_min_ns", "Latency (absolute) max": "perf.latency_max_ns"}
_LOOP_LATENCY = {
    "Latency min": "loop.latency_min_cycles",
    "Latency max": "loop.latency_max_cycles",
    "Latency (cycles) min": "loop.latency_min_cycles",
    "Latency (cycles) max": "loop.latency_max_cycles",
}
_LOOP_TIMES = {"Latency (absolute) min": "loop.latency_min_ns", "Latency (absolute) max": "loop.latency_max_ns"}
_ITERATION = ("loop.iteration_latency_min_cycles", "loop.iteration_latency_max_cycles")
_LOOP = re.compile(r"(-|\++)\s*(\S.*)")
_STATES = re.compile(r"Number of FSM states\s*:\s*([0-9]{1,9})")
_PIPELINE = re.compile(r"Pipeline-([0-9]{1,6})\s*: II = ([0-9]{1,9}), D = ([0-9]{1,9}),.*")

#: Rows of the summary of resources that are no part of the design.
_SUMS = ("Total", "Available", "Utilization (%)", "Available SLR", "Utilization SLR (%)")


def parse(report: Report) -> Iterator[Metric]:
    """Yield the figures of a report about one function.

    Args:
        report: the file.

    Raises:
        ReportError: if it holds no figure.
    """
    tree = read_text(report.text)
    if not tree.name:
        raise ReportError("the file doesn't say which function it is about")
    scope = function_scope(report.path, tree.name)
    figures = Figures(report, Stage.HLS)
    for table in tree.tables:
        reader = _READERS.get((table.section, table.path))
        if reader is not None:
            reader(table, figures, scope)
        elif table.section == _UTILISATION and table.path.startswith("Detail/"):
            read_details(table, figures, scope)
        elif table.columns[1:] == ["Delay", "FF", "LUT"]:
            _read_datapath(table, figures, scope)
        elif table.section != _PERFORMANCE or table.path.startswith(("Timing", "Latency")):
            figures.remark("unknown table", f'"{table.path}" in "{table.section}"')
        _note_damage(table, figures)
    _read_schedule(tree, figures, scope)
    found = list(figures.finish())
    if not any(metric.is_present for metric in found):
        raise ReportError("the file holds no figure: it is cut off, or its tables are damaged")
    yield from put_origin(report, tree.kind, tree.header)
    yield from found


def _note_damage(table: HlsTable, figures: Figures) -> None:
    for line in table.damaged:
        figures.remark("damaged rows", f'line {line} in "{table.path}"')
    if not table.closed:
        figures.remark("broken off", f'the table at line {table.line} in "{table.path}"')


def _cells(table: HlsTable, cells: Sequence[str]) -> dict[str, str]:
    return dict(zip(table.columns, cells, strict=True))


def _read_timing(table: HlsTable, figures: Figures, scope: Scope) -> None:
    """Add target, estimate and uncertainty of each clock; mostly there is one."""
    rows = [_cells(table, row.cells) for row in table.rows]
    several = len({cells.get("Clock") for cells in rows}) > 1
    for cells in rows:
        about = (*scope, ("clock", cells.get("Clock", ""))) if several else scope
        for field, name in _TIMING.items():
            if field in cells:
                put_number(figures, name, cells[field], field, about)


def _read_latency(table: HlsTable, figures: Figures, scope: Scope) -> None:
    for row in table.rows[:1]:
        _put_latency(_cells(table, row.cells), figures, scope)


def _read_instances(table: HlsTable, figures: Figures, scope: Scope) -> None:
    for row in table.rows:
        cells = _cells(table, row.cells)
        about = (*scope, ("instance", cells.get("Instance", "")))
        put_text(figures, "instance.module", cells.get("Module", ""), "Module", about)
        _put_latency(cells, figures, about)


def _put_latency(cells: Mapping[str, str], figures: Figures, scope: Scope) -> None:
    for field, text in cells.items():
        if field in _LATENCY:
            put_cycles(figures, _LATENCY[field], text, field, scope)
        elif field in _TIMES:
            put_time(figures, _TIMES[field], text, field, scope)
        elif field == "Pipeline Type":
            figures.put("hls.pipeline_type", text, field, scope)
        elif field not in ("Instance", "Module"):
            figures.remark("unknown column", f'"{field}" of the latency')


def _read_loops(table: HlsTable, figures: Figures, scope: Scope) -> None:
    rows: list[dict[str, str]] = []
    paths: list[tuple[str, ...]] = []
    for row in table.rows:
        cells = _cells(table, row.cells)
        found = _LOOP.fullmatch(cells.get("Loop Name", ""))
        depth = 0 if found is None or found[1] == "-" else len(found[1])
        if found is None or depth > (len(paths[-1]) if paths else 0):
            # Without the row above it, nobody can know which loop it is in.
            figures.remark("unknown row", f'"{cells.get("Loop Name", "")[:40]}"')
            continue
        paths.append((*(paths[-1][:depth] if paths else ()), found[2]))
        rows.append(cells)
    for cells, name in zip(rows, loop_names(paths), strict=True):
        for field, text in cells.items():
            _put_loop(figures, field, text, (*scope, ("loop", name)))


def _put_loop(figures: Figures, field: str, text: str, scope: Scope) -> None:
    """Add what a cell says about a loop; `-` says that it makes no sense for this one."""
    if text in ("-", ""):
        return
    if field in _LOOP_LATENCY:
        put_cycles(figures, _LOOP_LATENCY[field], text, field, scope)
    elif field in _LOOP_TIMES:
        put_time(figures, _LOOP_TIMES[field], text, field, scope)
    elif field == "Iteration Latency":
        put_span(figures, _ITERATION, text, field, scope)
    elif field == "Trip Count" and "~" in text:
        put_span(figures, ("loop.trip_count_min", "loop.trip_count_max"), text, field, scope)
    elif field in _LOOP_COUNTS:
        put_cycles(figures, _LOOP_COUNTS[field], text, field, scope)
    elif field == "Pipelined":
        figures.put("loop.pipelined", text, field, scope)
    elif field != "Loop Name":
        figures.remark("unknown column", f'"{field}" of the loops')


_LOOP_COUNTS = {
    "Initiation Interval achieved": "loop.ii",
    "Initiation Interval target": "loop.ii_target",
    "Trip Count": "loop.trip_count",
}


def _read_resources(table: HlsTable, figures: Figures, scope: Scope) -> None:
    """Add the resources in all, by what they are for, and how many there are."""
    if table.columns[:1] != ["Name"]:
        figures.remark("unknown table", f'"{table.path}" in "{table.section}"')
        return
    rows = {row.cells[0]: _cells(table, row.cells) for row in table.rows}
    for field in table.columns[1:]:
        name = RESOURCES.get(field)
        if name is None:
            figures.remark("unknown column", f'"{field}" of the resources')
            continue
        for label, cells in rows.items():
            if label not in _SUMS:
                _put_part(figures, name, cells[field], field, (*scope, ("category", label)))
        for label, suffix, about in (
            ("Total", "", scope),
            ("Available", ".available", ()),
            ("Available SLR", ".available", (("slr", "one"),)),
        ):
            if label in rows:
                put_cycles(figures, name + suffix, rows[label][field], field, about)
        _check_resource(figures, name, field, rows, scope)
    put_fractions(figures, scope, (RESOURCES[field] for field in table.columns if field in RESOURCES))


def _put_part(figures: Figures, name: str, text: str, field: str, scope: Scope) -> None:
    if text != "-":
        put_cycles(figures, name, text, field, scope)


def _check_resource(
    figures: Figures, name: str, field: str, rows: Mapping[str, Mapping[str, str]], scope: Scope
) -> None:
    """Compare the total with its parts and with the share printed; what contradicts itself doesn't count."""
    keys = [(name, scope), *((name, (*scope, ("category", label))) for label in rows if label not in _SUMS)]
    total, available = figures.get(name, scope), figures.get(f"{name}.available")
    parts = [figures.get(*key) for key in keys[1:]]
    if total is not None and any(part is not None for part in parts) and total != sum(filter(None, parts)):
        figures.doubt(keys, f"{name}: the parts don't add up to {total}")
    share = rows.get("Utilization (%)", {}).get(field, "")
    if total is not None and available and share.isdigit() and int(share) != int(100 * total / available):
        figures.doubt([keys[0], (f"{name}.available", ())], f"{name}: {total} of {available} isn't {share} %")


def _read_schedule(tree: HlsReport, figures: Figures, scope: Scope) -> None:
    """Add what a verbose report says of states and pipelines."""
    for text in tree.texts:
        states, pipeline = _STATES.fullmatch(text), _PIPELINE.fullmatch(text)
        if states:
            figures.put("hls.fsm_states", int(states[1]), "Number of FSM states", scope)
        elif pipeline:
            about = (*scope, ("pipeline", pipeline[1]))
            figures.put("loop.ii", int(pipeline[2]), "II", about)
            figures.put("loop.depth", int(pipeline[3]), "D", about)


def _read_datapath(table: HlsTable, figures: Figures, scope: Scope) -> None:
    """Add what a verbose report says of the data path as a whole."""
    for row in table.rows:
        about = (*scope, ("category", f"data path {row.cells[0]}"))
        for name, text, field in zip(_DATAPATH, row.cells[1:], table.columns[1:], strict=True):
            if text == "-":
                continue
            if field == "Delay":
                put_number(figures, name, text, field, about)
            else:
                put_cycles(figures, name, text, field, about)


_DATAPATH = ("hls.delay_ns", "util.ff", "util.lut")
_READERS: Mapping[tuple[str, str], Callable[[HlsTable, Figures, Scope], None]] = {
    (_PERFORMANCE, "Timing/Summary"): _read_timing,
    (_PERFORMANCE, "Latency/Summary"): _read_latency,
    (_PERFORMANCE, "Latency/Detail/Instance"): _read_instances,
    (_PERFORMANCE, "Latency/Detail/Loop"): _read_loops,
    (_UTILISATION, "Summary"): _read_resources,
    ("Interface", "Summary"): read_ports,
}
