"""One run of the controller, from the first configuration to the last result."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Final, Protocol

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BrainsmithError, ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import Executor
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.result import BuildResult

from .finished import FinishedBuilds
from .outcomes import failed_result, skipped_result
from .stopping import StopFlag

__all__ = ["NoNotes", "Notes", "Run"]

#: Among the folders of builds that came to an end: nothing ended, but look around.
_WAKE: Final = ""
#: Python runs a signal's handler only when the main thread wakes up: a signal may come just before it waits.
_LONGEST_WAIT_SECONDS = 0.5


class Notes(Protocol):
    """Takes down which builds start and what comes of them; called from the thread that iterates the results."""

    def started(self, config: BuildConfig) -> None:
        """Note a build that is about to start."""

    def finished(self, config: BuildConfig, result: BuildResult) -> None:
        """Note a result, before it is yielded."""


class NoNotes:
    """Takes nothing down."""

    def started(self, config: BuildConfig) -> None:
        """Do nothing."""

    def finished(self, config: BuildConfig, result: BuildResult) -> None:
        """Do nothing."""


@attrs.define
class _Running:
    """A build under way, and who else wants its result."""

    config: BuildConfig
    stop: StopFlag
    future: Future[BuildResult]
    joined: list[BuildConfig] = attrs.field(factory=list)


class Run:
    """What runs, what has run, and why nothing more starts.

    All methods are called in the thread that iterates the results, but for `stop`, `cancel`, `interrupt`, `running`,
    `wake` and `why_over`: these only set flags and put into a `SimpleQueue`, which is safe in signal handlers, too.

    Args:
        source: gives configurations, or None for "nothing now".
        executor: where builds run.
        finished: tells which builds needn't run.
        emit: takes events.
        deadline: when the run's time is over, by `time.monotonic`, or None.
        minutes: the length of the run, for messages.
        notes: takes down what starts and ends.
        drains: at the first Ctrl-C running builds go on to their end.
    """

    def __init__(
        self,
        source: Iterator[BuildConfig | None],
        executor: Executor,
        finished: FinishedBuilds,
        emit: Callable[[BuildEvent], None],
        deadline: float | None,
        minutes: float | None,
        notes: Notes | None = None,
        *,
        drains: bool = False,
    ) -> None:
        self._drains = drains
        self._notes: Notes = notes or NoNotes()
        self._source, self._executor, self._finished, self._emit = source, executor, finished, emit
        self._deadline = deadline
        self._time_over = f"the time of {minutes} min is over"
        self._running: dict[str, _Running] = {}
        self._keys: dict[str, bytes] = {}
        self._tokens: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reason = ""
        self._stopping = False
        self._announced = ""
        self._exhausted = False
        self._impatient = False
        #: The signal that ended the run, or "".
        self.interrupted_by = ""
        #: How many builds were stopped.
        self.stopped = 0

    def results(self) -> Iterator[BuildResult]:
        """Start what may start and yield what has ended, until neither is left."""
        while True:
            yield from self._start_what_may()
            self._announce_stop()
            if not self._running and (self._exhausted or self._reason):
                break
            yield from self._wait()
        if self._reason == self._time_over:
            for config in self._source:
                if config is not None:
                    yield skipped_result(config, self._reason)

    def why_over(self) -> str:
        """Return why nothing more starts, or ""; looks at the clock."""
        if not self._stopping and self._deadline is not None and time.monotonic() >= self._deadline:
            self.stop(self._time_over)
        return self._reason

    def stop(self, reason: str) -> None:
        """Start nothing more, and stop what runs."""
        self._reason = self._reason or reason
        self._stopping = True
        for build in list(self._running.values()):
            build.stop.set(self._reason)
        self.wake()

    def interrupt(self, name: str) -> None:
        """Stop because of a signal, or drain if that is wanted; nothing is waited for at one that follows a stop."""
        first = not self.interrupted_by
        self._impatient = not first and self._stopping
        self.interrupted_by = self.interrupted_by or name
        reason = f"interrupted by {self.interrupted_by}"
        if first and self._drains and name == "SIGINT" and not self._stopping:
            self._reason = self._reason or reason
            self.wake()
        else:
            self.stop(reason)

    def cancel(self, config_id: str, reason: str) -> bool:
        """Stop the builds of that id; return whether there were any."""
        found = [build for build in list(self._running.values()) if build.config.id == config_id]
        for build in found:
            build.stop.set(reason)
        return bool(found)

    def cancel_stored(self, key: str, reason: str) -> bool:
        """Stop the build that has an id in the store; return whether it runs here."""
        from .store.build_record import build_id  # only where there is a store

        found = [build for build in list(self._running.values()) if build_id(build.config) == key]
        for build in found:
            build.stop.set(reason or "cancelled")
        return bool(found)

    def running(self) -> list[BuildConfig]:
        """Return the builds that run now."""
        return [build.config for build in list(self._running.values())]

    def wake(self) -> None:
        """Have the loop look around."""
        self._tokens.put(_WAKE)

    def end(self) -> None:
        """Stop what still runs and wait until it is gone."""
        if self._running:
            self.stop("the run was ended")
        while self._running and not self._impatient:
            self._running.pop(self._tokens.get(), None)

    def _start_what_may(self) -> Iterator[BuildResult]:
        while not self._exhausted and not self.why_over() and self._busy() < self._executor.slots:
            try:
                config = next(self._source)
            except StopIteration:
                self._exhausted = True
                return
            if config is None:
                if not self._running:
                    raise RuntimeError("the source has nothing to start, but no build runs that could change that")
                return
            result = self._take(config)
            if result is not None:
                yield result

    def _busy(self) -> int:
        """How many slots are taken; a joined build takes one, so a source that repeats itself isn't drained."""
        return sum(1 + len(build.joined) for build in self._running.values())

    def _take(self, config: BuildConfig) -> BuildResult | None:
        """Start a build, or join it to one that runs; a result if nothing has to run."""
        folder = str(Path(config.output_dir).absolute())
        try:
            key = self._finished.key(config)
            again = folder in self._keys
            if self._keys.setdefault(folder, key) != key:
                text = f"another build of this run has the folder {folder} already"
                raise ConfigurationError(text, hint="give each build a folder of its own")
        except BrainsmithError as error:
            return failed_result(config, error)
        if folder in self._running:
            self._running[folder].joined.append(config)
            return None
        if again or config.global_config.cache_results:
            found = self._finished.find(config)
            if found is not None:
                self._notes.finished(config, found)
                return found
        self._start(folder, config)
        return None

    def _start(self, folder: str, config: BuildConfig) -> None:
        stop = StopFlag()
        self._notes.started(config)
        future = self._executor.submit(config, stop, self._emit)
        self._running[folder] = _Running(config, stop, future)
        future.add_done_callback(lambda _: self._tokens.put(folder))
        if self._stopping:
            stop.set(self._reason)

    def _wait(self) -> Iterator[BuildResult]:
        """Wait until a build ends, the time is over, or somebody calls; yield the results of the build."""
        token = self._next_token()
        if token != _WAKE:
            yield from self._finish(self._running.pop(token))

    def _next_token(self) -> str:
        while True:
            seconds = _LONGEST_WAIT_SECONDS
            if self._deadline is not None and not self._stopping:
                seconds = min(seconds, max(0.0, self._deadline - time.monotonic()))
            try:
                return self._tokens.get(timeout=seconds)
            except queue.Empty:
                self.why_over()  # when the time is over, that wakes us

    def _finish(self, build: _Running) -> Iterator[BuildResult]:
        error = build.future.exception()
        result = build.future.result() if error is None else failed_result(build.config, error)
        self.stopped += build.stop.is_set()
        self._notes.finished(build.config, result)
        yield result
        for _ in build.joined:
            yield attrs.evolve(result, cached=result.status.is_final)

    def _announce_stop(self) -> None:
        kind = "run_stopping" if self._stopping else "run_draining" if self._reason else ""
        if kind != self._announced:
            self._announced = kind
            data: dict[str, JSONValue] = {"reason": self._reason, "running": len(self._running)}
            self._emit(BuildEvent(kind=kind, build_id="", data=data))
