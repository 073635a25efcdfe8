"""Runs many builds: at most so many at once, none twice, and all stopped in order when that is asked for."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BuildCancelledError, ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import Executor, RunnerFactory
from brainsmith_core.processes.signals import stop_on_signals
from brainsmith_core.result import BuildResult

from .finished import FinishedBuilds
from .local import LocalExecutor
from .lock import FolderLock
from .run import NoNotes, Run
from .samples import Sampler

if TYPE_CHECKING:
    from .recorder import Recorder
    from .store.orders import Order

__all__ = ["Controller"]

Observer = Callable[[BuildEvent], None]


class Controller:
    """Runs builds from a source of configurations and gives their results as they finish.

    Args:
        runner_factory: makes the runner of each build.
        parallel: how many builds run at once.
        folder: the folder that the builds lie in; no other controller can work in it meanwhile.
        timeout_minutes: time for one call of `run`, in minutes; None for no limit.
        on_event: called with each event of each build, from the builds' threads; one that raises is left out.
        executor: where the builds run; else a `LocalExecutor`.
        store: the store's path or URL, where all builds are recorded; see `store.location`. None: nowhere.
        on_order: called with what other processes ask by way of the store; returns whether it was its business.
        drains: at the first Ctrl-C running builds go on to their end, else they are stopped.

    Raises:
        ConfigurationError: for a limit that can't be.

    Example:
        >>> from brainsmith_core.build.runner import create_build_runner_factory
        >>> with Controller(create_build_runner_factory("future_brainsmith"), parallel=2) as controller:
        ...     list(controller.run([]))
        []
    """

    def __init__(
        self,
        runner_factory: RunnerFactory,
        parallel: int = 1,
        *,
        folder: Path | None = None,
        timeout_minutes: float | None = None,
        on_event: Observer | None = None,
        executor: Executor | None = None,
        store: str | None = None,
        on_order: Callable[[Order], bool] | None = None,
        drains: bool = True,
    ) -> None:
        if timeout_minutes is not None and timeout_minutes <= 0:
            raise ConfigurationError(f"timeout_minutes must be greater than 0, but is {timeout_minutes}")
        self.executor = executor or LocalExecutor(runner_factory, parallel)
        self.finished = FinishedBuilds(runner_factory)
        self.emit = _contained(on_event)
        self._folder = folder
        self._timeout_minutes = timeout_minutes
        self._store, self._on_order = store, on_order
        self._recorder: Recorder | None = None
        self._drains = drains
        self._run: Run | None = None
        self._sampler: Sampler | None = None

    def run(self, configs: Iterable[BuildConfig | None]) -> Iterator[BuildResult]:
        """Build configurations and yield one result for each, in the order in which they come to an end.

        A configuration is taken from the source only when a build may start, after all results so far were yielded:
        so a search may decide late. An item None says that there is nothing to start now: the source is asked again
        after the next result or `wake`.

        A build that is finished already isn't built again, unless its `cache_results` is off: its result comes back
        with `cached` set. The same build twice in the source is built once. A runner that raises gives a failed
        result, and harms no other build. When the time is over, running builds are stopped, and what the source
        still has comes back as skipped; a source without end must look at `over`.

        At the first Ctrl-C nothing more starts, and running builds go on to their end; a second one stops them, a third
        raises KeyboardInterrupt at once. SIGTERM stops them, another signal after it raises KeyboardInterrupt. The
        results of running builds are yielded, then BuildCancelledError is raised.

        Args:
            configs: the source; it is iterated in this thread.

        Raises:
            ConfigurationError: if another controller works in the folder.
            BrainsmithError: if the store can't be used; nothing was built then.
            BuildCancelledError: after a signal, when all is stopped.
        """
        if self._run is not None:
            raise RuntimeError("the controller is running already; use one controller for each run")
        deadline = None if self._timeout_minutes is None else time.monotonic() + 60 * self._timeout_minutes
        with contextlib.ExitStack() as stack:
            stack.callback(self._forget)
            if self._folder is not None:
                stack.enter_context(FolderLock(self._folder))
            self._recorder = self._open_store(stack)
            notes = self._recorder or NoNotes()
            minutes, source = self._timeout_minutes, iter(configs)
            run = Run(source, self.executor, self.finished, self._tell, deadline, minutes, notes, drains=self._drains)
            self._run = run
            self._sampler = stack.enter_context(Sampler(run.running, self._tell))
            stack.enter_context(stop_on_signals(run.interrupt, drains=self._drains))
            stack.callback(run.end)
            yield from run.results()
        if run.interrupted_by:
            came = f"{run.stopped} running builds were stopped" if run.stopped else "no running build was stopped"
            raise BuildCancelledError(
                f"interrupted by {run.interrupted_by}: {came}",
                hint="start it again to go on: finished builds are not repeated",
            )

    @property
    def over(self) -> str:
        """Why no further build starts in the current run, or ""."""
        return "" if self._run is None else self._run.why_over()

    def stop(self, reason: str = "stopped") -> None:
        """End the current run: running builds are stopped, and their results yielded; from any thread.

        Args:
            reason: what the results of the stopped builds say.
        """
        if self._run is not None:
            self._run.stop(reason)

    def cancel(self, config_id: str, reason: str = "cancelled") -> bool:
        """Stop one running build; from any thread.

        Args:
            config_id: the build.
            reason: what its result says.

        Returns:
            whether it was running.
        """
        return self._run is not None and self._run.cancel(config_id, reason)

    def record(self, config: BuildConfig, result: BuildResult) -> None:
        """Have the store know a build that was finished before and isn't part of the current run's source.

        Args:
            config: the build.
            result: what came of it.
        """
        if self._recorder is not None:
            self._recorder.finished(config, result)

    def wake(self) -> None:
        """Have the source asked again, after it gave None; from any thread."""
        if self._run is not None:
            self._run.wake()

    def close(self) -> None:
        """Stop what still runs and let go of the executor."""
        self.stop("the controller was closed")
        self.executor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _forget(self) -> None:
        self._run = self._recorder = self._sampler = None

    def _open_store(self, stack: contextlib.ExitStack) -> Recorder | None:
        if self._store is None:
            return None
        from .recorder import Recorder  # the database is needed here only

        return stack.enter_context(Recorder(self._store, self._folder, self._obey))

    def _tell(self, event: BuildEvent) -> None:
        if self._sampler is not None:
            self._sampler.note(event)
        if self._recorder is not None:
            self._recorder.event(event)
        self.emit(event)

    def _obey(self, order: Order) -> bool:
        """Do what another process asks for, where it is about a build of ours."""
        run = self._run
        if order.kind == "cancel" and run is not None and run.cancel_stored(order.subject, order.value):
            return True
        return self._on_order is not None and self._on_order(order)


def _contained(on_event: Observer | None) -> Observer:
    """Return an observer that can't raise into a build."""
    broken = on_event is None

    def emit(event: BuildEvent) -> None:
        nonlocal broken
        if broken or on_event is None:
            return
        try:
            on_event(event)
        except Exception:  # foreign code: an observer can't harm a build
            broken = True
            logging.getLogger("brainsmith").warning("an observer of events raised and is left out", exc_info=True)

    return emit
