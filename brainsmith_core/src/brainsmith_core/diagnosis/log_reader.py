"""Read a tool's log: its errors, the first genuine one, and whether the run failed."""

from __future__ import annotations

from pathlib import Path

import attrs

from ..result import LogLine
from .log_scan import LogRun, LogScanner, Message
from .log_text import lines_of

__all__ = ["LogFindings", "read_log"]


@attrs.frozen(kw_only=True)
class LogFindings:
    """What a log says; where it holds several runs of a tool, the last one counts.

    Args:
        outcome: `ok`, `failed` or `unknown`.
        first_error: the first genuine error of the last run, or None.
        errors: number of errors in the whole log.
        critical_warnings: number of critical warnings in the whole log.
        messages: the errors of the last run by which the failure may be recognised, the first one first.
        warnings: critical warnings of the last run.
        cause: what a compiler said shortly before the first error, or None.
        runs: how many runs the log holds.
        last_run: number of the line that the last run begins with.
        earlier_error: the first error of an earlier run that failed, or None.
        unfinished: whether the tool's closing line is missing, where it always writes one.
        step: the FINN step that was begun last, such as `step_hw_ipgen [5/19]`, or "".
        captured: the logs of runs that a session launched, as it names them.
    """

    outcome: str = "unknown"
    first_error: LogLine | None = None
    errors: int = 0
    critical_warnings: int = 0
    messages: tuple[Message, ...] = ()
    warnings: tuple[str, ...] = ()
    cause: LogLine | None = None
    runs: int = 0
    last_run: int = 1
    earlier_error: LogLine | None = None
    unfinished: bool = False
    step: str = ""
    captured: tuple[str, ...] = ()

    @property
    def candidates(self) -> tuple[str, ...]:
        """Texts by which the failure may be recognised, the first error first."""
        texts = [message.text for message in self.messages]
        if self.cause is not None:
            texts.append(self.cause.text)
        if not texts and self.first_error is not None:
            texts.append(self.first_error.text)
        return tuple(texts)


def read_log(path: Path) -> LogFindings:
    """Return what a log says; a file that can't be read says nothing.

    Args:
        path: the log.
    """
    scanner = LogScanner(str(path))
    try:
        for line in lines_of(path):
            scanner.feed(line)
    except OSError:
        return LogFindings()
    return _findings(scanner)


def _findings(scanner: LogScanner) -> LogFindings:
    *earlier, run = scanner.runs
    failed = run.outcome == "failed"
    return LogFindings(
        outcome=run.outcome,
        first_error=run.first_error if failed else None,
        errors=scanner.errors,
        critical_warnings=scanner.critical_warnings,
        messages=tuple(run.errors) if failed else (),
        warnings=tuple(run.warnings.values()),
        cause=run.cause if failed else None,
        runs=len(scanner.runs),
        last_run=run.line,
        earlier_error=next((each.first_error for each in earlier if each.outcome == "failed"), None),
        unfinished=scanner.has_closing_lines and not run.ended,
        step=_step(run),
        captured=tuple(dict.fromkeys(run.captured)),
    )


def _step(run: LogRun) -> str:
    return f"{run.step_name} [{run.step[0]}/{run.step[1]}]" if run.step else ""
