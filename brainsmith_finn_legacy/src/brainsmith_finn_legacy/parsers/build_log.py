"""FINN's build log: which steps ran, and what became of the build."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

__all__ = ["parse_build_log"]

_LINE = re.compile(
    r"Running step: (?P<step>\S+) \[(?P<index>[0-9]{1,6})/(?P<of>[0-9]{1,6})\]"
    r"|(?P<ok>(?:Build c|C)ompleted successfully)[ \t]*$"
    r"|(?P<failed>Build failed)[ \t]*$"
    r"|Verification for (?P<verified>\S+?)\s*:\s*(?P<verdict>SUCCESS|FAIL)\b",
    re.MULTILINE,
)

#: What a telling line begins with.
_WORDS = (
    "Running step: ",
    "Build completed successfully",
    "Completed successfully",
    "Build failed",
    "Verification for ",
)


def parse_build_log(report: Report) -> Iterator[Metric]:
    """Yield steps, verdict and verification results (`build_dataflow.log`).

    Some versions append to the log of an earlier build; only the last one counts. Newer versions write no verdict:
    then the status is missing, since a build can fail in its last step too.
    """
    builds = _builds(report.text)
    if not builds:
        raise ReportError("the log names no build step")
    if len(builds) > 1:
        report.note(f"the log holds {len(builds)} builds; the last one counts")
    lines = builds[-1]
    steps = [match for match in lines if match["step"]]
    for match in steps:
        scope = {"step": match["step"]}
        yield report.metric("build.step_index", int(match["index"]), "count", Stage.BUILD, scope, field="Running step")
    last = steps[-1]
    yield report.metric("build.last_step", last["step"], "string", Stage.BUILD, field="Running step")
    yield report.metric("build.steps", int(last["of"]), "count", Stage.BUILD, field="Running step")
    yield from _verdict(report, lines, last["step"])
    for match in lines:
        if match["verified"]:
            scope = {"step": match["verified"]}
            yield report.metric("verify.status", match["verdict"], "enum", Stage.BUILD, scope, field="Verification for")


def _builds(text: str) -> list[list[re.Match[str]]]:
    """Return the telling lines of each build; one begins with a step whose number isn't the next one."""
    builds: list[list[re.Match[str]]] = []
    before = (0, "")
    for match in _telling(text):
        if match["step"]:
            here = (int(match["index"]), match["of"])
            if not builds or here[0] <= before[0] or here[1] != before[1]:
                builds.append([])
            before = here
        if builds:
            builds[-1].append(match)
    return builds


def _telling(text: str) -> Iterator[re.Match[str]]:
    """Yield the telling lines; logs are long, and a plain search for their words takes a tenth of the time."""
    places: set[int] = set()
    for word in _WORDS:
        place = text.find(word)
        while place >= 0:
            places.add(place)
            place = text.find(word, place + 1)
    end = 0
    for place in sorted(places):
        match = _LINE.match(text, place) if place >= end else None
        if match:
            end = match.end()
            yield match


def _verdict(report: Report, lines: list[re.Match[str]], last_step: str) -> Iterator[Metric]:
    verdicts = [match for match in lines if match["ok"] or match["failed"]]
    status = None if not verdicts else "failed" if verdicts[-1]["failed"] else "ok"
    yield report.metric("build.status", status, "enum", Stage.BUILD, field="verdict")
    if status == "failed":
        yield report.metric("build.failed_step", last_step, "string", Stage.BUILD, field="Running step")
