"""Walk through a log line by line and note how each run of the tool that wrote it went."""

from __future__ import annotations

import re

import attrs

from ..result import LogLine
from . import log_patterns as patterns
from .log_text import LogText, plain_text

__all__ = ["LogRun", "LogScanner", "Message"]

#: Errors after these say nothing new.
_MOST_MESSAGES = 50
#: Lines that a message is continued on, at most.
_MOST_LINES = 10
#: Tcl shows at most this much of a command that failed; it may hold line ends.
_LONGEST_QUOTE = 400
#: An error of the compiler explains the tool's own error only from close by.
_NEAR = 60

_NEW_MESSAGE = re.compile(
    r"$|(?:INFO|WARNING|ERROR|CRITICAL WARNING|STATUS|Error|Resolution|Command|Execute)\b|#|---|\*\*|@[IWES] "
    r"|Traceback|During handling|The above exception|make\b|\[[\d/: -]+\]|Phase \d|\w+ failed$|\d+ Infos,"
)
_BOX = ("│", "╭", "╰", "❱")


@attrs.define
class Message:
    """An error with the lines that it goes on over.

    Args:
        line: the line that it begins with.
        parts: the lines' texts.
    """

    line: LogLine
    parts: list[str]

    @property
    def text(self) -> str:
        """The whole message on one line."""
        return " ".join(" ".join(self.parts).split())

    @property
    def unwrapped(self) -> str:
        """The message with nothing between its lines: how a path reads that a console broke in two."""
        return "".join(part.strip() for part in self.parts)


@attrs.define
class LogRun:
    """One run of a tool, as its log tells it.

    Args:
        line: number of the line that it begins with.
        errors: the tool's errors, as far as they say something new.
        compiler: errors of a compiler that it called.
        failure: the first line that says that the run failed, without saying why.
        warnings: critical warnings by their id (or text), the first of each.
        verdict: what FINN or Brainsmith themselves say: `ok`, `failed` or "".
        success: whether a step is said to be completed.
        tool: whether lines of a known tool are in it.
        ended: whether the tool said good-bye.
        step: number of the FINN step that was begun last, of how many.
        step_name: its name.
        captured: paths of the logs of runs that a session launched.
    """

    line: int
    errors: list[Message] = attrs.field(factory=list)
    compiler: list[LogLine] = attrs.field(factory=list)
    failure: LogLine | None = None
    warnings: dict[str, str] = attrs.field(factory=dict)
    verdict: str = ""
    success: bool = False
    tool: bool = False
    ended: bool = False
    step: tuple[int, int] | None = None
    step_name: str = ""
    captured: list[str] = attrs.field(factory=list)

    @property
    def outcome(self) -> str:
        """How it went: `ok`, `failed` or `unknown`."""
        if self.verdict:
            return self.verdict
        if self.errors or self.compiler or self.failure:
            return "failed"
        if self.step is not None:
            return "ok" if self.step[0] == self.step[1] else "unknown"
        return "ok" if self.tool or self.success else "unknown"

    @property
    def first_error(self) -> LogLine | None:
        """The first error that the tool itself gives; without one, what comes nearest."""
        if self.errors:
            return self.errors[0].line
        return self.compiler[0] if self.compiler else self.failure

    @property
    def cause(self) -> LogLine | None:
        """The compiler's error that the first error stands for, if there is one shortly before it."""
        if not self.errors or not self.compiler:
            return None
        distance = (self.errors[0].line.line or 0) - (self.compiler[0].line or 0)
        return self.compiler[0] if 0 < distance <= _NEAR else None


def _is_new(text: str) -> bool:
    """Return whether a line begins something new and doesn't go on with the message before it."""
    return text.startswith(_BOX) or _NEW_MESSAGE.match(text) is not None


class LogScanner:
    """Reads the lines of one log in their order.

    Args:
        file: the log's path, for the lines that are kept.
    """

    def __init__(self, file: str) -> None:
        self.runs = [LogRun(line=1)]
        self.errors = 0
        self.critical_warnings = 0
        self._file = file
        self._number = 0
        self._boundary: re.Pattern[str] | None = None
        self._message: Message | None = None
        self._in_traceback = False
        self._chained = False
        self._quote_next = False
        self._quoted = 0
        self._panel = False

    def feed(self, raw: str) -> None:
        """Take the next line."""
        self._number += 1
        line = plain_text(raw)
        if self._skips_quote(line.text):
            return
        if self._message is not None:
            self._continue(line)
        first = line.text[:1]
        if not first:
            return
        if self._in_traceback:
            self._traceback(line, first)
        elif first in " \t":
            self._indented(line)
        elif first == "#":
            self._divide(line.text)
        elif first in _BOX:
            self._box(line)
        else:
            self._plain(line)

    @property
    def has_closing_lines(self) -> bool:
        """Whether the tool ends each of its runs with a line that says so."""
        return any(self._boundary is pattern for name, pattern in patterns.BOUNDARIES if name.startswith("vivado"))

    @property
    def _run(self) -> LogRun:
        return self.runs[-1]

    def _plain(self, line: LogText) -> None:
        text = line.text
        if line.level in ("ERROR", "CRITICAL") and not patterns.TRACEBACK.match(text):
            self._error(line, text)
        elif text.startswith(("INFO", "WARNING")):
            self._run.tool = True
            self._remark(text)
        elif (found := patterns.ERROR.match(text)) is not None:
            self._severe(line, found)
        elif patterns.TRACEBACK.match(text):
            self._in_traceback = True
        elif patterns.FINN_ERROR.match(text) or patterns.PYTHON_ERROR.match(text):
            self._error(line, text)
        elif text.startswith(patterns.CHAINED):
            self._chained = True
        else:
            self._other(line)

    def _other(self, line: LogText) -> None:
        """Take a line that no message is on: a compiler's, a shell's, a verdict."""
        text = line.text
        if patterns.SHELL_ERROR.match(text) or patterns.CRASH.match(text):
            self._error(line, text)
        elif patterns.COMPILER_ERROR.match(text):
            if len(self._run.compiler) < _MOST_MESSAGES:
                self._run.compiler.append(self._line(line))
        else:
            self._remark(text)

    def _remark(self, text: str) -> None:
        """Take what a line says about the run as a whole; the words looked for first save most of the work."""
        if "Running step" in text and (step := patterns.FINN_STEP.search(text)) is not None:
            self._step(step["step"], int(step["number"]), int(step["total"]))
            return
        self._divide(text)
        run = self._run
        if text.endswith("runme.log") and len(run.captured) < _MOST_MESSAGES:
            captured = patterns.CAPTURED.match(text)
            run.captured += [captured["log"]] if captured else []
        if not run.tool:
            run.tool = patterns.TOOL_LINE.match(text) is not None
        if any(word in text for word in patterns.VERDICT_WORDS):
            self._verdict(run, text)
        if not run.ended and any(word in text for word in patterns.END_WORDS):
            run.ended = patterns.ENDED_BY_TOOL.match(text) is not None

    def _verdict(self, run: LogRun, text: str) -> None:
        """Take a line that may say how the run went."""
        if patterns.VERDICT_OK.match(text):
            run.verdict = "ok"
        elif patterns.VERDICT_FAILED.match(text):
            run.verdict = "failed"
            run.failure = run.failure or LogLine(text=text, line=self._number, file=self._file)
        elif run.failure is None and patterns.FAILURE.match(text):
            run.failure = LogLine(text=text, line=self._number, file=self._file)
        elif patterns.SUCCESS.match(text):
            run.success = True

    def _step(self, name: str, number: int, total: int) -> None:
        """Take the beginning of a FINN step; one that comes again begins another build."""
        run = self._run
        if self._boundary is None or run.step is None:
            self._boundary = patterns.FINN_STEP
        elif number <= run.step[0]:
            self._begin()
        self._run.step, self._run.step_name = (number, total), name

    def _divide(self, text: str) -> None:
        """Begin another run where a line says so."""
        if self._boundary is not None:
            if self._boundary is not patterns.FINN_STEP and self._boundary.match(text):
                self._begin()
            return
        for _, pattern in patterns.BOUNDARIES:
            if pattern.match(text):
                self._boundary = pattern
                self._run.tool = True
                return

    def _begin(self) -> None:
        self.runs.append(LogRun(line=self._number, tool=self._boundary is not patterns.FINN_STEP))

    def _severe(self, line: LogText, found: re.Match[str]) -> None:
        if found["level"] != "CRITICAL WARNING":
            self._error(line, found["text"])
            return
        self._run.tool = True
        self.critical_warnings += 1
        if len(self._run.warnings) < _MOST_MESSAGES:
            key = patterns.message_id(found["text"]) or found["text"]
            self._run.warnings.setdefault(key, found["text"])

    def _error(self, line: LogText, text: str) -> None:
        self.errors += 1
        run = self._run
        self._message = None
        if len(run.errors) < _MOST_MESSAGES:
            self._message = Message(self._line(line, text), [text])
            run.errors.append(self._message)

    def _line(self, line: LogText, text: str = "") -> LogLine:
        id_ = patterns.message_id(text or line.text)
        return LogLine(text=line.shown.strip(), id=id_, line=self._number, file=self._file)

    def _continue(self, line: LogText) -> None:
        """Add a line to the message before it, unless it is one of its own."""
        message = self._message
        if message is None or line.stamped or len(message.parts) >= _MOST_LINES or _is_new(line.text):
            self._message = None
        else:
            message.parts.append(line.text)

    def _indented(self, line: LogText) -> None:
        text = line.text
        stripped = text.strip()
        if stripped in ("while executing", "invoked from within"):
            self._quote_next = True
        elif "**** HLS Build" in text:
            self._divide(text)

    def _skips_quote(self, text: str) -> bool:
        """Return whether a line is part of a command that Tcl quotes to show where an error arose."""
        if self._quote_next:
            self._quote_next = False
            if text.startswith('"') and not (len(text) > 1 and text.endswith('"')):
                self._quoted = _LONGEST_QUOTE
            return text.startswith('"')
        if self._quoted <= 0:
            return False
        self._quoted = 0 if text.endswith('"') else self._quoted - len(text) - 1
        return True

    def _traceback(self, line: LogText, first: str) -> None:
        """Skip the frames of a Python traceback and take the exception that stands after them."""
        text = line.text
        if first in " \t" or first in _BOX or text.startswith(("+", "|")) or patterns.TRACEBACK.match(text):
            return
        self._in_traceback = False
        if not patterns.EXCEPTION.match(text) or patterns.ERROR.match(text):
            self._plain(line)
        elif self._chained and self._run.errors:
            self._chained = False
            self._message = None
        else:
            self._error(line, text)

    def _box(self, line: LogText) -> None:
        """Look into a box that Rich draws: a traceback, or a panel with an error."""
        text = line.text
        if text.startswith("╭"):
            self._in_traceback = patterns.TRACEBACK.match(text) is not None
            self._panel = not self._in_traceback and " Error " in text
        elif self._panel and text.startswith("│"):
            inner = text.strip("│ ")
            if inner:
                self._error(line, inner)
                self._panel = False
        elif text.startswith("╰"):
            self._panel = False
