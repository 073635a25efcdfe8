"""`*_cosim.rpt`: whether the hardware gives what the C model gives, and how many cycles it takes for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

from ...figures import Figures
from .names import AVERAGE, BEST, INTERVAL, WORST, function_scope
from .values import put_cycles

__all__ = ["parse"]

_LANGUAGES = ("VHDL", "Verilog", "SystemC")
_NAMES = (BEST, AVERAGE, WORST, INTERVAL[0], "perf.interval_avg_cycles", INTERVAL[1], "perf.total_cycles")
_FIELDS = ("Latency min", "Latency avg", "Latency max", "Interval min", "Interval avg", "Interval max", "Total")
_HEADINGS = ["min", "avg", "max", "min", "avg", "max"]
#: The function stands only in the file's name.
_FILE = re.compile(r"(.+)_cosim\.rpt")


def parse(report: Report) -> Iterator[Metric]:
    """Yield the figures of a report about a co-simulation.

    Args:
        report: the file.

    Raises:
        ReportError: if it holds no figure.
    """
    found = _FILE.fullmatch(report.name)
    scope = function_scope(report.path, found[1] if found else "")
    figures = Figures(report, Stage.COSIM)
    rows = [cells for cells in _rows(report.text) if cells[1] != "NA"]
    several = len({cells[0] for cells in rows}) > 1
    for language, status, *counts in rows:
        about = (*scope, ("rtl", language)) if several else scope
        figures.put("cosim.status", status, "Status", about)
        for name, text, field in zip(_NAMES, counts, _FIELDS, strict=False):
            put_cycles(figures, name, text, field, about)
    metrics = list(figures.finish())
    if not metrics:
        raise ReportError("the file holds no result of a co-simulation")
    yield from metrics


def _rows(text: str) -> Iterator[Sequence[str]]:
    """Yield the rows of the table, if its headings are those that are known."""
    known = False
    for line in text.split("\n"):
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.rstrip().strip("|").split("|")]
        if cells[2:8] == _HEADINGS:
            known = True
        elif known and cells[0] in _LANGUAGES and len(cells) in (8, 9):
            yield cells
