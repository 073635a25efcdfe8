"""Reports that a tool printed into its log: with their header, or without (`-no_header`)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

from ...reports import read_reports
from ...tables.text_reader import MARK, begins_report, read_document

__all__ = ["embedded_figures"]

#: A report without a header begins with a rule and this; logs are large, and a search for plain text is quick.
_TIMER = "-\n| Timer Settings\n"
_RULE = 20
#: What the tool prints after a report, or what the script echoes.
_END = re.compile(
    r"^(?:(?:INFO|WARNING|CRITICAL WARNING|ERROR|STATUS): |# |Command: |\*{4,}|Vivado%|[a-z]\w+: Time \(s\):"
    r"|[0-9]+ Infos, |\w+ completed successfully|-{60,}\nStart)",
    re.MULTILINE,
)
#: The steps after which a netlist is at a stage; a report without a header has that of the last step before it.
_STEPS = {
    "synth_design": Stage.SYNTH,
    "opt_design": Stage.SYNTH,
    "place_design": Stage.PLACE,
    "route_design": Stage.ROUTE,
}
_DONE = " completed successfully"


def embedded_figures(report: Report) -> list[Metric]:
    """Return the figures of the reports in a log; none if there is no report in it.

    Args:
        report: the log.
    """
    text = report.text
    reports = list(_reports(text))
    done = [(begin, _STEPS[step]) for begin, step in _lines_with(text, _DONE) if step in _STEPS] if reports else []
    metrics: list[Metric] = []
    line, counted = 1, 0
    for begin, end in reports:
        line, counted = line + text.count("\n", counted, begin), begin
        document = read_document(text[begin:end], line)
        before = bisect_left(done, begin, key=lambda step: step[0])
        try:
            metrics += read_reports(report, [document], done[before - 1][1] if before else None)
        except ReportError as error:
            report.note(f"line {line}: {error}")
    return metrics


def _reports(text: str) -> Iterator[tuple[int, int]]:
    """Yield where reports begin and end; a plain beginning within a report is none."""
    plain = [begin for begin, rule in _lines_with(text, _TIMER) if len(rule) >= _RULE - 1 and not rule.strip("-")]
    starts = sorted([*begins_report(text), *plain])
    stop = 0
    for begin in starts:
        if begin < stop and text[begin] == "-":
            continue
        limit = text.find(MARK, begin + 1)
        end = _END.search(text, begin, limit if limit >= 0 else len(text))
        stop = end.start() if end else limit if limit >= 0 else len(text)
        yield begin, stop


def _lines_with(text: str, part: str) -> Iterator[tuple[int, str]]:
    """Yield for each occurrence of a part where its line begins, and what stands before it there."""
    place = text.find(part)
    while place >= 0:
        begin = text.rfind("\n", 0, place) + 1
        yield begin, text[begin:place]
        place = text.find(part, place + 1)
