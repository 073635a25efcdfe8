"""Builds that wait for their turn: priorities, dependencies, resources, retries; they outlive the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.result import BuildResult, BuildStatus

from .scheduling.admission import as_request, check_circles, find_parent, joins
from .scheduling.job import ENDED, Job
from .scheduling.keeper import JobKeeper, NoKeeper
from .scheduling.more_memory import with_more_memory
from .scheduling.order import ReadyJobs, level_of
from .scheduling.request import MEMORY, BuildRequest, check_priority
from .scheduling.resources import ResourcePool, fits, machine_resources
from .scheduling.retries import RetryPolicy, failure_class
from .scheduling.waiting import WaitingJobs
from .store.build_record import build_id, id_of

__all__ = ["IntelligentBuildQueue", "Retry", "as_request"]

#: A build that is a rank less urgent overtakes newcomers after so long.
AGEING_SECONDS = 1800.0


@attrs.frozen(kw_only=True)
class Retry:
    """What is done about a failure.

    Args:
        again: whether the build is tried again.
        not_before: when, by the queue's clock.
        reason: why, or why not.
    """

    again: bool
    not_before: float = 0.0
    reason: str = ""


class IntelligentBuildQueue:
    """A queue of builds; all methods may be called from any thread.

    Args:
        resources: totals of cores, memory in GB and tokens; what isn't named is taken from the machine.
        keeper: where jobs outlive the process; else they are in memory only.
        policy: decides on retries.
        clock: gives the time in s since 1970; it may jump.
        ageing_seconds: after so long, a build that is a rank less urgent comes before newcomers.

    Example:
        >>> queue = IntelligentBuildQueue({"vivado": 1})
        >>> config = BuildConfig(id="a", model_path="m", output_dir="a")
        >>> key = queue.enqueue_build(BuildRequest(config=config, tokens={"vivado": 1}), "high")
        >>> [job.name for job in queue.schedule_next_builds()]
        ['a']
    """

    def __init__(
        self,
        resources: Mapping[str, float] | None = None,
        *,
        keeper: JobKeeper | None = None,
        policy: RetryPolicy | None = None,
        clock: Callable[[], float] = time.time,
        ageing_seconds: float = AGEING_SECONDS,
    ) -> None:
        self.pool = ResourcePool(machine_resources() | dict(resources or {}))
        self.policy = policy or RetryPolicy()
        self._keeper: JobKeeper = keeper or NoKeeper()
        self._clock, self._ageing = clock, ageing_seconds
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._ready = ReadyJobs(ageing_seconds)
        self._waiting = WaitingJobs(self._jobs, self._ready, clock, lambda: self.policy.longest_seconds)
        self._running: set[str] = set()
        self._taken_out: list[Job] = []
        #: Whether tokens are asked for, which other controllers may hold.
        self._shared = False
        self._latest = 0.0
        self._arrivals = 0
        self._history: Mapping[str, float] | None = None
        #: While it is set, no build starts.
        self.paused = False
        self._restore(self._keeper.load())

    # --- in

    def enqueue_build(
        self,
        build_request: BuildRequest | BuildConfig,
        priority: str = "normal",
        dependencies: Iterable[str] = (),
    ) -> str:
        """Add a build to the queue and return its id; when this returns, it outlives the process.

        A build that waits or runs already isn't added twice: both are one.

        Args:
            build_request: what to build.
            priority: `critical`, `high`, `normal` or `low`.
            dependencies: ids of builds that must succeed first; if one doesn't, this one is skipped.

        Raises:
            ConfigurationError: for an unknown priority, dependency or token, more than there is of something, or
                another build of that id in that folder.
        """
        return self.enqueue_builds([(build_request, priority, tuple(dependencies))])[0]

    def enqueue_builds(self, builds: Iterable[tuple[BuildRequest | BuildConfig, str, Sequence[str]]]) -> list[str]:
        """Add many builds at once, all or none; they may depend on each other in any order.

        Args:
            builds: triples of request, priority and dependencies, see `enqueue_build`; builds among them may also be
                named by their configuration's id.

        Raises:
            ConfigurationError: as `enqueue_build`; also for a circle of dependencies.
        """
        with self._lock:
            given = [(as_request(build), priority, tuple(parents)) for build, priority, parents in builds]
            found = [self._new(request, priority) for request, priority, _ in given]
            by_name = {job.name: job.id for job in found}
            ids = {job.id for job in found}
            for job, (_, _, parents) in zip(found, given, strict=True):
                job.parents = tuple(dict.fromkeys(find_parent(job, name, by_name, ids, self._jobs) for name in parents))
            check_circles(found)
            added: dict[str, Job] = {}
            for job in found:
                if not joins(job, added.get(job.id) or self._jobs.get(job.id)):
                    added[job.id] = job
            for number, job in enumerate(added.values()):
                job.arrival = self._arrivals + number
            self._keeper.added(list(added.values()))
            self._arrivals += len(added)
            self._jobs.update(added)
            for job in added.values():
                self._place(job)
            return [job.id for job in found]

    # --- out

    def schedule_next_builds(self, available_resources: Mapping[str, float] | None = None) -> list[Job]:
        """Take out the builds that start now: as many as there is room for, most urgent first.

        Args:
            available_resources: limits for this call, besides what the queue itself counts: cores, memory_gb, tokens,
                and `slots`, how many builds at most.
        """
        with self._lock:
            if self.paused:
                return []
            self._waiting.wake_up()
            limits = dict(available_resources or {})
            slots = limits.pop("slots", float("inf"))
            others = self._keeper.others() if self._shared else {}
            taken: list[Job] = []
            refused: list[Job] = []
            while len(taken) < slots:
                job = self._ready.take_next(self._free(limits, others), self._clock())
                if job is None:
                    break
                if not self._keeper.take(job, self.pool.totals):  # another controller was quicker
                    refused.append(job)
                    others = self._keeper.others()
                    continue
                self._start(job, limits)
                taken.append(job)
            for job in refused:
                self._ready.add(job)
            return taken

    def finish_build(self, result: BuildResult, job: str | None = None) -> Retry:
        """Take in the result of a build that ran; its resources are free, and its children may start.

        Args:
            result: what came of it.
            job: its id, where the result doesn't name its folder.

        Returns:
            whether it will be tried again; not for a success.
        """
        with self._lock:
            found = self._find(result, job)
            if not result.succeeded:
                return self.handle_build_failure(result, found.id)
            self._end(found, "succeeded", "")
            return Retry(again=False, reason="succeeded")

    def handle_build_failure(self, failed_build: BuildResult, job: str | None = None) -> Retry:
        """Decide what is done about a build that didn't succeed, and do it: later again, or its children are skipped.

        Args:
            failed_build: its result.
            job: its id, where the result doesn't name its folder.
        """
        with self._lock:
            found = self._find(failed_build, job)
            if failed_build.status in (BuildStatus.CANCELLED, BuildStatus.SKIPPED):
                self._end(found, "cancelled", failed_build.error_message or "cancelled")
                return Retry(again=False, reason="cancelled")
            failure = failure_class(failed_build)
            before = found.retries.get(failure, 0)
            delay = self.policy.delay(failure, before)
            more = None if delay is None else self._with_more(found, failure)
            if delay is not None and more is not None:
                self._free_up(found)
                found.request = more
                found.retries = {**found.retries, failure: before + 1}
                found.state, found.reason = "waiting", f"retry {before + 1} after {failure}"
                found.not_before = self._clock() + delay
                self._keeper.changed(found)
                self._keeper.flush()
                self._place(found)
                return Retry(again=True, not_before=found.not_before, reason=found.reason)
            tries = f" after {before} retries" if before else ""
            reason = f"{failure}{tries}: {failed_build.error_message or 'no message'}"
            self._end(found, "failed", reason)
            return Retry(again=False, reason=reason)

    def put_back(self, job: str) -> None:
        """Have a running build wait again, as where the controller stops; it isn't counted as an attempt."""
        with self._lock:
            found = self._jobs[job]
            self._free_up(found)
            found.state, found.reason = "waiting", "stopped with its controller"
            self._keeper.changed(found)
            self._place(found)

    # --- control

    def cancel(self, job: str, reason: str = "cancelled") -> bool:
        """Take out a build that waits, and skip its children; return whether it waited."""
        with self._lock:
            found = self._jobs.get(job)
            if found is None or found.state != "waiting":
                return False
            self._end(found, "cancelled", reason)
            return True

    def set_priority(self, job: str, priority: str) -> bool:
        """Change the priority of a build that waits; return whether it waited.

        Raises:
            ConfigurationError: for an unknown priority.
        """
        rank = check_priority(priority)
        with self._lock:
            found = self._jobs.get(job)
            if found is None or found.state != "waiting":
                return False
            found.priority, found.rank = priority, rank
            found.level = level_of(rank, found.enqueued, self._ageing)
            self._keeper.changed(found)
            self._keeper.flush()
            if found.id in self._ready:
                self._ready.add(found)
            return True

    def flush(self) -> None:
        """Have the store know all that happened so far."""
        with self._lock:
            self._keeper.flush()

    # --- looking

    def __len__(self) -> int:
        """How many builds wait."""
        return sum(job.state == "waiting" for job in self._jobs.values())

    def is_done(self) -> bool:
        """Return whether nothing waits and nothing runs."""
        with self._lock:
            return not (self._running or len(self._waiting) or self.seconds_to_next() is not None)

    def get(self, job: str) -> Job:
        """Return a build.

        Raises:
            ConfigurationError: for an id that was never enqueued.
        """
        if job not in self._jobs:
            raise ConfigurationError(f'the queue has no build "{job}"', hint=did_you_mean(job, self._jobs))
        return self._jobs[job]

    def jobs(self) -> list[Job]:
        """Return all builds, in the order in which they came."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: job.arrival)

    def taken_out(self) -> list[Job]:
        """Return the builds that were skipped or cancelled since this was last asked."""
        with self._lock:
            found, self._taken_out = self._taken_out, []
            return found

    def seconds_to_next(self) -> float | None:
        """Return how long until a retry is due, in s; None if none is waited for."""
        with self._lock:
            return self._waiting.seconds_to_next()

    # --- inside

    def _new(self, request: BuildRequest, priority: str) -> Job:
        rank = check_priority(priority)
        self.pool.check(request.config.id, request.demands())
        self._latest = now = max(self._latest, self._clock())
        return Job(
            id=build_id(request.config),
            request=request,
            priority=priority,
            rank=rank,
            enqueued=now,
            expected=self._expected(request),
            level=level_of(rank, now, self._ageing),
        )

    def _expected(self, request: BuildRequest) -> float:
        if request.expected_seconds is not None:
            return request.expected_seconds
        if self._history is None:
            self._history = self._keeper.expected()
        return self._history.get(request.config.id, self._history.get("", 0.0))

    def _restore(self, left: Sequence[Job]) -> None:
        for job in left:
            self._jobs[job.id] = job
            self._arrivals = max(self._arrivals, job.arrival + 1)
            self._latest = max(self._latest, job.enqueued)
            job.level = level_of(job.rank, job.enqueued, self._ageing)
            if job.state == "running":
                job.state, job.reason = "waiting", "its controller ended"
                self._keeper.changed(job)
        for job in (job for job in left if job.state not in ENDED):
            job.parents = tuple(parent for parent in job.parents if parent in self._jobs)  # others have succeeded
            self._place(job)

    def _place(self, job: Job) -> None:
        """Put a waiting job where it belongs; it is skipped where a parent came to nothing."""
        self._shared = self._shared or bool(job.request.tokens)
        failed = self._waiting.place(job)
        if failed is not None:
            self._end(job, "skipped", f"{failed.name} {failed.state}")

    def _free(self, limits: Mapping[str, float], others: Mapping[str, float]) -> dict[str, float]:
        free = {name: amount - others.get(name, 0.0) for name, amount in self.pool.free().items()}
        return {name: min(amount, limits.get(name, amount)) for name, amount in free.items()}

    def _start(self, job: Job, limits: dict[str, float]) -> None:
        taken = self.pool.take(job.id, job.request.demands())
        assert taken, job.id
        for name, amount in job.request.demands().items():
            if name in limits:
                limits[name] -= amount
        job.state, job.reason = "running", ""
        self._running.add(job.id)
        self._keeper.changed(job)

    def _find(self, result: BuildResult, job: str | None) -> Job:
        key = job or id_of(result.config_id, result.output_dir)
        if key not in self._running and job is None:
            named = [each for each in self._running if self._jobs[each].name == result.config_id]
            key = named[0] if len(named) == 1 else key
        if key not in self._running:
            text = f"build {result.config_id} doesn't run: it isn't the queue's"
            raise ConfigurationError(text, hint="give the result of a build that schedule_next_builds gave")
        return self._jobs[key]

    def _free_up(self, job: Job) -> None:
        self._running.discard(job.id)
        self.pool.give_back(job.id)

    def _end(self, job: Job, state: str, reason: str) -> None:
        """Note how a job ended, and what follows for those that wait for it, however many generations there are."""
        ended = [(job, state, reason)]
        while ended:
            found, becomes, why = ended.pop()
            if found.state in ENDED:
                continue
            self._free_up(found)
            self._waiting.remove(found.id)
            found.state, found.reason = becomes, why
            self._keeper.changed(found)
            if becomes in ("skipped", "cancelled"):
                self._taken_out.append(found)
            for child in self._waiting.pop_children(found.id):
                if becomes != "succeeded":
                    ended.append((child, "skipped", f"{found.name} {becomes}"))
                elif self._waiting.release(child, found.id):
                    self._place(child)

    def _with_more(self, job: Job, failure: str) -> BuildRequest | None:
        """Return what a build asks for in its next attempt; None if there isn't as much."""
        more = with_more_memory(job.request, self.policy.rules[failure].more_memory, self.pool.totals[MEMORY])
        return more if more is not None and fits(more.demands(), self.pool.totals) else None
