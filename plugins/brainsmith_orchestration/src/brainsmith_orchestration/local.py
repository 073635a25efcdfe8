"""The executor of this machine: a thread for each slot; what is risky runs in child processes by core's worker."""

from __future__ import annotations

import inspect
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.context import StopSignal
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult

__all__ = ["LocalExecutor", "run_with"]


@attrs.frozen
class _Job:
    config: BuildConfig
    stop: StopSignal
    on_event: Callable[[BuildEvent], None]
    future: Future[BuildResult]


class LocalExecutor:
    """Runs builds in threads of this process.

    The threads are daemons: a build that can't be stopped doesn't keep the process alive, and its child processes end
    with it.

    Args:
        runner_factory: makes the runner of each build.
        slots: how many builds may run at once.
    """

    def __init__(self, runner_factory: RunnerFactory, slots: int = 1) -> None:
        if slots < 1:
            raise ConfigurationError(f"at least one build must be able to run, but parallel is {slots}")
        self._runner_factory = runner_factory
        self._slots = slots
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    @property
    def slots(self) -> int:
        """How many builds run at once."""
        return self._slots

    def submit(
        self, config: BuildConfig, stop: StopSignal, on_event: Callable[[BuildEvent], None]
    ) -> Future[BuildResult]:
        """Start a build; see `brainsmith_core.executor.Executor`."""
        job = _Job(config, stop, on_event, Future())
        self._jobs.put(job)
        if len(self._threads) < self._slots:
            name = f"brainsmith-build-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        return job.future

    def close(self) -> None:
        """Let the threads end, each after the build that it is at."""
        for _ in self._threads:
            self._jobs.put(None)
        self._threads.clear()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job.future.set_result(run_with(self._runner_factory(), job.config, job.stop, job.on_event))
            except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - its build alone
                job.future.set_exception(error)
            del job  # else the thread holds on to a whole build while it waits for the next one


def run_with(runner: Any, config: BuildConfig, stop: StopSignal, on_event: Callable[[BuildEvent], None]) -> BuildResult:
    """Run a build; a runner that only has the interface's `run(config)` can't be stopped or watched.

    Args:
        runner: a runner, such as `BuildRunnerInterface`.
        config: what to build.
        stop: set when the build shall stop.
        on_event: called with each event of the build.

    Raises:
        TypeError: if it gives anything but a result.
    """
    names = inspect.signature(runner.run).parameters
    options = {"stop": stop, "on_event": on_event}
    result = runner.run(config, **{name: value for name, value in options.items() if name in names})
    if not isinstance(result, BuildResult):
        text = f"{type(runner).__name__}.run gave {result!r}, but a runner gives a BuildResult"
        raise TypeError(text)
    return result
