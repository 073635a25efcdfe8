"""Say what a log means: which rule its errors match, and where the first error really stands."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PureWindowsPath

import attrs

from ..result import LogLine
from .log_reader import LogFindings, read_log
from .rule_book import RuleBook, RuleMatch

__all__ = ["LogDiagnoser", "LogDiagnosis", "tool_logs"]

#: Logs that a message points to may point to others; none goes further than this.
_DEEPEST = 3
#: So many of the last parts of a run's path are looked for below a session's log.
_DEEPEST_RUN = 8
#: A folder of logs is searched this far.
_MOST_FILES = 20_000
_MOST_LOGS = 50

_LONGEST_NOTE = 160

#: Logs of tools inside a folder that a message names, in the order in which they are written in a build.
_ORDER = (
    re.compile(r"(vitis|vivado)_hls\.log$|vitis-run\.log$"),
    re.compile(r"synth_\d+[/\\]runme\.log$"),
    re.compile(r"runme\.log$"),
    re.compile(r"(vivado|v\+\+|vpp|xocc|vitis)[\w.+-]*\.log$"),
    re.compile(r"(xvlog|xelab|xsim|elaborate|compile|simulate)\.log$"),
    re.compile(r"\.log$"),
)


@attrs.frozen(kw_only=True)
class LogDiagnosis:
    """What a log means.

    Args:
        findings: what it says.
        match: the rule that tells what kind of failure (or warning) it is, or None.
        first_error: the first genuine error; it may stand in another log.
        pointer: the line of this log that names the other one, or None.
        cause: what a compiler said shortly before the first error, or None.
    """

    findings: LogFindings
    match: RuleMatch | None = None
    first_error: LogLine | None = None
    pointer: LogLine | None = None
    cause: LogLine | None = None

    @property
    def notes(self) -> list[str]:
        """What the reader of the diagnosis should know about the log."""
        return [*self._where(), *self._runs(), *self._end()]

    def _where(self) -> Iterator[str]:
        first, pointer, cause = self.first_error, self.pointer, self.cause
        if first is not None and pointer is not None:
            place = f"{first.file}, line {first.line}"
            yield f"The first error stands in {place}; line {pointer.line} of this log leads there."
        if cause is not None:
            yield f"Line {cause.line} says what is behind it: {_short(cause.text)}"

    def _runs(self) -> Iterator[str]:
        found = self.findings
        if found.runs > 1 and found.outcome != "unknown":
            yield f"The log holds {found.runs} runs; this is said of the last, which begins in line {found.last_run}."
        if found.earlier_error is not None:
            yield f"An earlier run failed, see line {found.earlier_error.line}: {_short(found.earlier_error.text)}"

    def _end(self) -> Iterator[str]:
        found = self.findings
        if found.unfinished:
            yield "The log has no closing line of the tool: the run was killed, or it isn't over."
        if found.outcome == "unknown" and found.step:
            yield f"The log ends in {found.step}: it isn't over, was stopped there, or its error went elsewhere."
        if found.outcome == "ok" and found.warnings:
            yield f"There are critical warnings, such as: {_short(found.warnings[0])}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NOTE else f"{text[: _LONGEST_NOTE - 3]}..."


class LogDiagnoser:
    """Reads logs and matches them with rules.

    Args:
        rules: what errors mean.
    """

    def __init__(self, rules: RuleBook) -> None:
        self._rules = rules

    def diagnose(self, path: Path) -> LogDiagnosis:
        """Return what a log means; where it names another log, that one is looked into.

        Args:
            path: the log.
        """
        return self._diagnose(path, [])

    def follow(self, text: str, folder: Path) -> LogDiagnosis | None:
        """Return what the log that an error message names means, or None if it names none that failed.

        Args:
            text: the message.
            folder: where relative paths begin.
        """
        match = self._rules.match(text)
        return self._follow([match.follow], folder, []) if match is not None and match.follow else None

    def first_failed(self, logs: Iterable[Path]) -> LogDiagnosis | None:
        """Return what the first log means that tells of a failure; one whose error a rule knows goes before."""
        failed: LogDiagnosis | None = None
        for path in logs:
            found = self.diagnose(path)
            if found.findings.outcome != "failed":
                continue
            if found.match is not None:
                return found
            failed = failed or found
        return failed

    def _diagnose(self, path: Path, seen: list[Path]) -> LogDiagnosis:
        findings = read_log(path)
        if findings.outcome != "failed":
            return LogDiagnosis(findings=findings, match=self._rules.match_warning(findings.warnings))
        match = self._rules.match_any(findings.candidates)
        followed = self._follow(self._named_logs(findings), path.parent, [*seen, path])
        if followed is None and (match is None or match.rule.priority < 0):
            # Of a run that failed, a session only says that it did.
            followed = self._follow(_captured(findings, path.parent), path.parent, [*seen, path])
        if followed is not None:
            return attrs.evolve(
                followed, findings=findings, match=followed.match or match, pointer=findings.first_error
            )
        return LogDiagnosis(findings=findings, match=match, first_error=findings.first_error, cause=findings.cause)

    def _named_logs(self, findings: LogFindings) -> Iterator[str]:
        """Return the paths of logs that error messages name, whole and as a console broke them."""
        for message in findings.messages:
            for text in (message.text, message.unwrapped):
                match = self._rules.match(text)
                if match is not None and match.follow:
                    yield match.follow

    def _follow(self, names: Iterable[str], folder: Path, seen: list[Path]) -> LogDiagnosis | None:
        if len(seen) >= _DEEPEST:
            return None
        for name in names:
            for log in tool_logs(folder / name):
                if log not in seen:
                    found = self._diagnose(log, seen)
                    if found.findings.outcome == "failed":
                        return found
        return None


def _captured(findings: LogFindings, folder: Path) -> Iterator[str]:
    """Yield the logs of runs that a session launched: where it says, else in the same place below the session's log."""
    for name in findings.captured:
        parts = PureWindowsPath(name).parts
        places = [Path(name), *(Path(*parts[-count:]) for count in range(min(len(parts), _DEEPEST_RUN), 2, -1))]
        yield from (str(place) for place in places if _is_file(folder / place))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # what a pattern found in a log needn't be a path
        return False


def tool_logs(path: Path) -> list[Path]:
    """Return a log, or the logs of tools inside a folder, those first that are written first in a build.

    Args:
        path: what an error message names; it may not be there.
    """
    try:
        if path.is_file():
            return [path]
        files = list(islice(_files(path), _MOST_FILES))
    except (OSError, ValueError):  # what a pattern found in a log needn't be a path
        return []
    found: list[tuple[int, float, Path]] = []
    for file in files:
        rank = next((rank for rank, name in enumerate(_ORDER) if name.search(file)), None)
        if rank is not None:
            found.append((rank, _modified(file), Path(file)))
    return [file for _, _, file in sorted(found)[:_MOST_LOGS]]


def _files(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        folders.sort()
        yield from (str(Path(root, file)) for file in sorted(files))


def _modified(file: str) -> float:
    try:
        return Path(file).stat().st_mtime
    except OSError:
        return 0.0
