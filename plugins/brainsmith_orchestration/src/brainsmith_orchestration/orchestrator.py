"""Schedule builds and look at them while they run: the queue decides, the controller runs, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import attrs

from brainsmith_core.build.runner import BuildRunner, create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import Executor, RunnerFactory
from brainsmith_core.result import BuildResult, BuildStatus, ErrorReport

from .build_queue import IntelligentBuildQueue, as_request
from .controller import Controller
from .ended_results import EndedResults
from .outcomes import failed_result, skipped_result
from .progress_state import RunningBuild
from .project_resources import project_resources
from .queue_store import QueueStore
from .scheduling.job import ENDED, Job
from .scheduling.request import CORES, BuildRequest
from .scheduling.resources import machine_resources
from .scheduling.retries import RetryPolicy
from .store.location import PROJECT_STORE, store_location
from .watchdog import Watchdog

if TYPE_CHECKING:
    from .store.orders import Order

__all__ = ["BuildProgress", "FINNBuildOrchestrator"]

_CLOSED = "the orchestrator was closed"
#: Between two looks at what hangs and at which retries are due.
_LOOK_SECONDS = 1.0


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

    With a store, what is scheduled outlives the process: an orchestrator that starts later goes on with it. What is
    built is known by its folder and not built again.

    Args:
        max_parallel_builds: how many builds run at once.
        build_runner_factory: makes the runner of each build; else that of the best real backend installed.
        store: path or URL of the store that keeps the queue and records all builds, None for none; else the project's.
        resources: totals of cores, memory in GB and tokens (`{"vivado": 2}`); else what the
            project's settings say; what isn't named is the machine's.
        policy: decides on retries.
        no_progress_minutes: a build without an event or a new line in its log for so long is stopped.
        step_minutes: a build with a step that takes longer is stopped.
        executor: where the builds run; else on this machine.

    Raises:
        ConfigurationError: for a number of builds below 1.
        PluginError: if no real backend is installed and no factory is given.

    Example:
        >>> with FINNBuildOrchestrator(2, create_build_runner_factory("future_brainsmith")) as orchestrator:
        ...     orchestrator.execute_parallel_builds([])
        []
    """

    def __init__(
        self,
        max_parallel_builds: int = 4,
        build_runner_factory: RunnerFactory | None = None,
        *,
        store: str | None = PROJECT_STORE,
        resources: Mapping[str, float] | None = None,
        policy: RetryPolicy | None = None,
        no_progress_minutes: float | None = None,
        step_minutes: float | None = None,
        executor: Executor | None = None,
    ) -> None:
        factory = build_runner_factory or create_build_runner_factory()
        location = store_location() if store == PROJECT_STORE else store
        self._watchdog = Watchdog(no_progress_minutes, step_minutes)
        self._controller = Controller(
            factory, max_parallel_builds, on_event=self._note, executor=executor, store=location, on_order=self._obey
        )
        self._store = None if location is None else QueueStore(location, _backend_name(factory))
        self.build_queue = IntelligentBuildQueue(
            # That a slot is free is the controller's business, so cores bound only what asks for several.
            {CORES: max(float(max_parallel_builds), machine_resources()[CORES])}
            | project_resources()
            | dict(resources or {}),
            keeper=self._store.keeper if self._store else None,
            policy=policy,
        )
        self._changed = threading.Condition()
        self._jobs: dict[str, str] = {}
        self._running: dict[str, RunningBuild] = {}
        self._results = EndedResults()
        self._hung: dict[str, str] = {}
        self._closed = False
        self._jobs.update({job.name: job.id for job in self.build_queue.jobs() if job.state not in ENDED})
        self._thread = threading.Thread(target=self._work, name="brainsmith-orchestrator", daemon=True)
        self._thread.start()
        self._watcher = threading.Thread(target=self._watch, name="brainsmith-watchdog", daemon=True)
        self._watcher.start()

    def schedule_build(
        self,
        build_config: BuildConfig | BuildRequest,
        priority: str = "normal",
        dependencies: Iterable[str] = (),
    ) -> str:
        """Add a build to the queue and return its id; it starts when there is room for it.

        Args:
            build_config: what to build; scheduling the same one again changes nothing.
            priority: `critical`, `high`, `normal` or `low`.
            dependencies: ids of builds that must succeed first; if one doesn't, this one is skipped.

        Raises:
            ConfigurationError: for an unknown priority, dependency or token, more than there is of something, or an id
                that another configuration has.
        """
        return self.schedule_builds([(build_config, priority, tuple(dependencies))])[0]

    def schedule_builds(self, builds: Iterable[tuple[BuildConfig | BuildRequest, str, Sequence[str]]]) -> list[str]:
        """Add many builds at once, all or none, and return their ids; much quicker than one by one.

        Args:
            builds: triples of what to build, priority and dependencies, see `schedule_build`; they may depend on each
                other in any order.

        Raises:
            ConfigurationError: as `schedule_build`; also for a circle of dependencies.
        """
        given = [(as_request(build), priority, tuple(parents)) for build, priority, parents in builds]
        names = [request.config.id for request, _, _ in given]
        with self._changed:
            if self._closed:
                raise RuntimeError("the orchestrator is closed")
            added = []
            for request, priority, parents in given:
                if not self._is_known(request):
                    ids = tuple(self._jobs.get(parent, parent) for parent in parents)
                    added.append((request, priority, ids))
            keys = self.build_queue.enqueue_builds(added)
            self._jobs.update((request.config.id, key) for (request, _, _), key in zip(added, keys, strict=True))
            self._changed.notify_all()
        self._controller.wake()
        return names

    def execute_parallel_builds(self, build_configs: Iterable[BuildConfig | BuildRequest]) -> list[BuildResult]:
        """Build configurations and return their results, in the order of the configurations.

        An exception while waiting, such as Ctrl-C, stops all builds first.

        Args:
            build_configs: what to build.
        """
        try:
            ids = [self.schedule_build(config) for config in build_configs]  # the first starts while others are made
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
            result = self._results.get(build_id)
            assert result is not None, build_id
            return result

    def close(self) -> None:
        """Stop what runs, start nothing more, and wait until all is gone; with a store, a later one goes on with it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._controller.stop(_CLOSED)
        self._thread.join()
        self._watcher.join()
        self._controller.close()
        if self._store is not None:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _is_known(self, request: BuildRequest) -> bool:
        known = self._jobs.get(request.config.id)
        if known is None:
            return False
        job = self.build_queue.get(known)
        if job.request.config != request.config and not job.retries:  # a retry may have got more memory
            text = f'another configuration has the id "{request.config.id}" already'
            raise ConfigurationError(text, hint="give each configuration an id of its own")
        return True

    def _check(self, build_id: str) -> None:
        if build_id not in self._jobs:
            hint = did_you_mean(build_id, self._jobs) or "nothing is scheduled"
            raise ConfigurationError(f'no build "{build_id}" was scheduled', hint=hint)

    # --- in the thread of the controller

    def _work(self) -> None:
        try:
            for result in self._controller.run(self._waiting_builds()):
                self._take(result)
            left = [skipped_result(job.request.config, _CLOSED) for job in self._left()]
        except Exception as error:  # noqa: BLE001 - nobody may wait for ever for a thread that ended
            left = [failed_result(job.request.config, error) for job in self._left()]
        for result in left:
            self._settle(result)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.build_queue.flush()

    def _waiting_builds(self) -> Iterator[BuildConfig | None]:
        while True:
            with self._changed:
                if self._closed:
                    return
                started = self.build_queue.schedule_next_builds({"slots": 1})
                self._settle_skipped()
                if not started and not self._building():
                    # Nothing runs whose end would have us asked again: a retry falls due, or somebody schedules.
                    self._changed.wait(_shortest(self.build_queue.seconds_to_next(), _LOOK_SECONDS))
                    continue
                for job in started:
                    self._running[job.name] = RunningBuild()
                    self._watchdog.begin(job.request.config)
            yield started[0].request.config if started else None

    def _building(self) -> bool:
        return bool(self._running)

    def _take(self, result: BuildResult) -> None:
        """Have the queue decide on a result; it is final unless the build is tried again."""
        name = result.config_id
        with self._changed:
            self._watchdog.end(name)
            reason = self._hung.pop(name, "")
            if reason and result.status is BuildStatus.CANCELLED:
                error = ErrorReport(category="deadlock", message=reason, advice=("Look at the end of its log.",))
                result = attrs.evolve(result, status=BuildStatus.TIMEOUT, error_message=reason, error=error)
            if self._closed and result.status in (BuildStatus.CANCELLED, BuildStatus.SKIPPED):
                self.build_queue.put_back(self._jobs[name])
            elif self.build_queue.finish_build(result, self._jobs[name]).again:
                self._running.pop(name, None)
                self._changed.notify_all()
                return
        self._settle(result)

    def _left(self) -> list[Job]:
        with self._changed:
            return [self.build_queue.get(key) for name, key in self._jobs.items() if name not in self._results]

    def _settle_skipped(self) -> None:
        """Give those a result who never start: cancelled while they waited, or their parents came to nothing."""
        for job in self.build_queue.taken_out():
            if job.name not in self._results:
                self._settle(skipped_result(job.request.config, job.reason))

    def _settle(self, result: BuildResult) -> None:
        with self._changed:
            self._results.add(result)
            self._running.pop(result.config_id, None)
            self._changed.notify_all()

    # --- in the threads of the builds, of the watchdog and of the recorder

    def _note(self, event: BuildEvent) -> None:
        with self._changed:
            self._watchdog.note(event)
            running = self._running.get(event.build_id)
            if running is not None:
                running.note(event)

    def _watch(self) -> None:
        """Stop builds that hang, and have the source asked again now and then: a retry may be due."""
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, _LOOK_SECONDS):
                    return
                found = {name: why for name, why in self._watchdog.hanging().items() if name not in self._hung}
                self._hung.update(found)
                self._settle_skipped()
            for name, reason in found.items():
                self._controller.cancel(name, reason)
            self.build_queue.flush()
            self._controller.wake()

    def _obey(self, order: Order) -> bool:
        """Do what another process asks of the queue; return whether it was ours."""
        queue = self.build_queue
        if order.kind in ("pause", "resume"):
            queue.paused = order.kind == "pause"
            done = True
        elif order.kind == "priority":
            done = queue.set_priority(order.subject, order.value)
        else:
            done = order.kind == "cancel" and queue.cancel(order.subject, order.value or "cancelled")
        if done:
            self._controller.wake()
            with self._changed:
                self._changed.notify_all()
        return done


def _backend_name(factory: RunnerFactory) -> str:
    """Return what tells the queues of different backends apart."""
    runner = factory()
    return runner.offer.record.name if isinstance(runner, BuildRunner) else runner.get_backend_name()


def _shortest(seconds: float | None, longest: float) -> float:
    return longest if seconds is None else min(seconds, longest)
