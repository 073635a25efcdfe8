"""Schedule builds and look at them while they run: a thin layer over the controller, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import attrs

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult, BuildStatus

from .controller import Controller
from .outcomes import failed_result, skipped_result
from .progress_state import RunningBuild
from .queue import BuildQueue

__all__ = ["BuildProgress", "FINNBuildOrchestrator"]


@attrs.frozen(kw_only=True)
class BuildProgress:
    """How far a build is.

    Args:
        build_id: the id of its configuration.
        status: pending, running, or what became of it.
        phase: the part of the build that runs, or "".
        step: the step that runs, or "".
        step_index: its number from 1, or None.
        step_total: the number of steps, or None.
        seconds: since the build started; its length once it has ended.
        result: the result once it has ended, or None.
    """

    build_id: str
    status: BuildStatus
    phase: str = ""
    step: str = ""
    step_index: int | None = None
    step_total: int | None = None
    seconds: float = 0.0
    result: BuildResult | None = None


class FINNBuildOrchestrator:
    """Builds many configurations in parallel.

    The queue is in memory: what is scheduled but not built when the process ends has to be scheduled again. What is
    built is known by its folder and not built again.

    Args:
        max_parallel_builds: how many builds run at once.
        build_runner_factory: makes the runner of each build; else that of the best real backend installed.

    Raises:
        ConfigurationError: for a number of builds below 1.
        PluginError: if no real backend is installed and no factory is given.

    Example:
        >>> with FINNBuildOrchestrator(2, create_build_runner_factory("future_brainsmith")) as orchestrator:
        ...     orchestrator.execute_parallel_builds([])
        []
    """

    def __init__(self, max_parallel_builds: int = 4, build_runner_factory: RunnerFactory | None = None) -> None:
        factory = build_runner_factory or create_build_runner_factory()
        self.build_queue = BuildQueue()
        self._controller = Controller(factory, max_parallel_builds, on_event=self._note)
        self._changed = threading.Condition()
        self._configs: dict[str, BuildConfig] = {}
        self._running: dict[str, RunningBuild] = {}
        self._results: dict[str, BuildResult] = {}
        self._taken = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="brainsmith-orchestrator", daemon=True)
        self._thread.start()

    def schedule_build(self, build_config: BuildConfig, priority: str = "normal") -> str:
        """Add a build to the queue and return its id; it starts when a slot is free.

        Args:
            build_config: what to build; scheduling the same one again changes nothing.
            priority: `critical`, `high`, `normal` or `low`.

        Raises:
            ConfigurationError: for an unknown priority, or an id that another configuration has.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError("the orchestrator is closed")
            known = self._configs.get(build_config.id)
            if known is None:
                self.build_queue.put(build_config, priority)
                self._configs[build_config.id] = build_config
                self._changed.notify_all()
            elif known != build_config:
                text = f'another configuration has the id "{build_config.id}" already'
                raise ConfigurationError(text, hint="give each configuration an id of its own")
        self._controller.wake()
        return build_config.id

    def execute_parallel_builds(self, build_configs: Iterable[BuildConfig]) -> list[BuildResult]:
        """Build configurations and return their results, in the order of the configurations.

        An exception while waiting, such as Ctrl-C, stops all builds first.

        Args:
            build_configs: what to build.
        """
        try:
            ids = [self.schedule_build(config) for config in build_configs]
            return [self.wait_for(build_id) for build_id in ids]
        except BaseException:
            self.close()
            raise

    def monitor_build_progress(self, build_id: str) -> BuildProgress:
        """Return how far a build is.

        Args:
            build_id: what `schedule_build` gave.

        Raises:
            ConfigurationError: for an id that was never scheduled.
        """
        with self._changed:
            self._check(build_id)
            result, running = self._results.get(build_id), self._running.get(build_id)
        if result is not None:
            return BuildProgress(
                build_id=build_id, status=result.status, seconds=result.duration_seconds, result=result
            )
        if running is None:
            return BuildProgress(build_id=build_id, status=BuildStatus.PENDING)
        return BuildProgress(
            build_id=build_id,
            status=BuildStatus.RUNNING,
            phase=running.phase,
            step=running.step,
            step_index=running.index,
            step_total=running.total,
            seconds=running.seconds,
        )

    def wait_for(self, build_id: str, timeout: float | None = None) -> BuildResult:
        """Wait until a build has ended and return its result.

        Args:
            build_id: what `schedule_build` gave.
            timeout: for so many seconds at most.

        Raises:
            ConfigurationError: for an id that was never scheduled.
            TimeoutError: if it hasn't ended by then.
        """
        with self._changed:
            self._check(build_id)
            if not self._changed.wait_for(lambda: build_id in self._results, timeout):
                text = f"build {build_id} hasn't ended after {timeout} s"
                raise TimeoutError(text)
            return self._results[build_id]

    def close(self) -> None:
        """Stop what runs, skip what waits, and wait until all is gone."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._controller.stop("the orchestrator was closed")
        self._thread.join()
        self._controller.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, build_id: str) -> None:
        if build_id not in self._configs:
            hint = did_you_mean(build_id, self._configs) or "nothing is scheduled"
            raise ConfigurationError(f'no build "{build_id}" was scheduled', hint=hint)

    # --- in the thread of the controller

    def _work(self) -> None:
        try:
            for result in self._controller.run(self._waiting_builds()):
                self._settle(result)
            for config in self._left():
                self._settle(skipped_result(config, "the orchestrator was closed"))
        except Exception as error:  # noqa: BLE001 - nobody may wait for ever for a thread that ended
            for config in self._left():
                self._settle(failed_result(config, error))

    def _waiting_builds(self) -> Iterator[BuildConfig | None]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self.build_queue or self._building())
                if self._closed:
                    return
                config = self.build_queue.get() if self.build_queue else None
                self._taken += config is not None
            yield config

    def _building(self) -> bool:
        return self._taken > len(self._results)

    def _left(self) -> list[BuildConfig]:
        with self._changed:
            return [config for build_id, config in self._configs.items() if build_id not in self._results]

    def _settle(self, result: BuildResult) -> None:
        with self._changed:
            self._results[result.config_id] = result
            self._running.pop(result.config_id, None)
            self._changed.notify_all()

    # --- in the threads of the builds

    def _note(self, event: BuildEvent) -> None:
        with self._changed:
            if event.build_id in self._configs and event.build_id not in self._results:
                self._running.setdefault(event.build_id, RunningBuild()).note(event)
