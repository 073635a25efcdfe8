"""Show how a run goes: live on a terminal, plain lines on a pipe or in CI; always on stderr."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from brainsmith_core.events import BuildEvent
from brainsmith_core.result import BuildResult, BuildStatus

from .progress_state import ProgressState

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Progress", "duration"]

#: Without a terminal, successes that follow each other faster than this are counted in one line.
_LINE_SECONDS = 0.5
_REFRESHES_PER_SECOND = 8
_MOST_RUNNING_SHOWN = 12


class _Display(Protocol):
    def note(self, event: BuildEvent) -> None: ...
    def finish(self, result: BuildResult) -> None: ...
    def close(self) -> None: ...


class Progress:
    """Takes events and results of a run and shows how it goes.

    Args:
        total: how many results there will be, or None if that isn't known.
        best: gives the best so far in a few words, or "".
        stream: where to write; else stderr.
        live: whether to draw on a terminal; else decided by the stream, `CI` and `TERM`.

    Example:
        >>> with Progress(total=1, live=False) as progress:
        ...     progress.finish(BuildResult(config_id="a", status=BuildStatus.SUCCESS))
    """

    def __init__(
        self,
        total: int | None = None,
        *,
        best: Callable[[], str] | None = None,
        stream: TextIO | None = None,
        live: bool | None = None,
    ) -> None:
        self.state = ProgressState(total)
        self._best = best or (lambda: "")
        self._stream = stream or sys.stderr
        self._live = _is_terminal(self._stream) if live is None else live
        self._display: _Display | None = None
        self._lock = threading.Lock()

    def note(self, event: BuildEvent) -> None:
        """Take in an event; from any thread."""
        with self._lock:
            self.state.note(event)
            if self._display is not None:
                self._display.note(event)

    def finish(self, result: BuildResult) -> None:
        """Take in a result; from any thread."""
        with self._lock:
            self.state.finish(result)
            if self._display is not None:
                self._display.finish(result)

    def __enter__(self) -> Self:
        self._display = (
            _LiveDisplay(self.state, self._best, self._stream)
            if self._live
            else _LineDisplay(self.state, self._best, self._stream)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        display, self._display = self._display, None
        if display is not None:
            display.close()


def duration(seconds: float) -> str:
    """Return a time span for people.

    Example:
        >>> duration(7.25), duration(75), duration(3700)
        ('7.2 s', '1 min 15 s', '1 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def _summary(state: ProgressState, best: str) -> str:
    parts = [state.counts()]
    if state.stopping:
        again = ": running builds go on, Ctrl-C again stops them" if state.draining else ""
        parts.append(f"{'draining' if state.draining else 'stopping'} ({state.stopping}){again}")
    if state.seconds_left is not None and state.done != state.total:
        parts.append(f"about {duration(state.seconds_left)} left")
    if best:
        parts.append(f"best: {best}")
    return "; ".join(parts)


class _LineDisplay:
    """Writes a line for each result; many quick successes share one."""

    def __init__(self, state: ProgressState, best: Callable[[], str], stream: TextIO) -> None:
        self._state, self._best, self._stream = state, best, stream
        self._written = float("-inf")
        self._unwritten = 0

    def note(self, event: BuildEvent) -> None:
        if event.kind == "run_stopping":
            running = event.data.get("running")
            self._write(f"stopping: {self._state.stopping}; waiting for {running} running builds to end")
        elif event.kind == "run_draining" and event.data.get("running"):
            text = f"nothing more starts: {self._state.stopping}; {event.data['running']} running builds go on to their"
            self._write(f"{text} end; Ctrl-C again stops them")

    def finish(self, result: BuildResult) -> None:
        self._unwritten += 1
        if result.succeeded and time.monotonic() - self._written < _LINE_SECONDS:
            return
        if self._unwritten > 1:
            self._write(f"... {self._unwritten - 1} more, {self._state.counts()}")
        self._write(f"[{self._place()}] {_outcome(result)}")
        self._unwritten = 0

    def close(self) -> None:
        self._write(f"{_summary(self._state, self._best())}; {duration(self._state.elapsed)}")

    def _place(self) -> str:
        total = self._state.total
        return f"{self._state.done}/{total}" if total is not None else str(self._state.done)

    def _write(self, line: str) -> None:
        self._written = time.monotonic()
        print(line, file=self._stream, flush=True)


def _outcome(result: BuildResult) -> str:
    if result.cached:
        return f"{result.config_id}: {result.status.value} (cached)"
    text = f"{result.config_id}: {result.status.value} in {duration(result.duration_seconds)}"
    if result.status is BuildStatus.SKIPPED:
        text = f"{result.config_id}: skipped"
    return f"{text}: {result.error_message}" if result.error_message else text


class _LiveDisplay:
    """Draws a bar, what runs, the best so far; failures scroll by above it."""

    def __init__(self, state: ProgressState, best: Callable[[], str], stream: TextIO) -> None:
        # Imported here: a pipe, and everything that isn't progress, does without it.
        from rich.console import Console
        from rich.live import Live

        self._state, self._best = state, best
        self._console = Console(file=stream, force_terminal=True, highlight=False)
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=_REFRESHES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def note(self, event: BuildEvent) -> None:
        """The next refresh shows it."""

    def finish(self, result: BuildResult) -> None:
        if not result.succeeded:
            self._console.print(_outcome(result), style="red", markup=False)

    def close(self) -> None:
        self._live.stop()

    def _draw(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        state = self._state
        head = Table.grid(padding=(0, 1))
        head.add_row(
            ProgressBar(total=state.total, completed=state.done, width=30, pulse=state.total is None),
            Text(_summary(state, "")),
            Text(duration(state.elapsed), style="dim"),
        )
        running = Table.grid(padding=(0, 2))
        shown = list(state.running.items())
        for name, build in shown[:_MOST_RUNNING_SHOWN]:
            running.add_row(Text(f"  {name}"), Text(build.describe()), Text(duration(build.seconds), style="dim"))
        if len(shown) > _MOST_RUNNING_SHOWN:
            running.add_row(Text(f"  and {len(shown) - _MOST_RUNNING_SHOWN} more"))
        best = self._best()
        return Group(head, running, Text(f"best so far: {best}") if best else Text(""))
