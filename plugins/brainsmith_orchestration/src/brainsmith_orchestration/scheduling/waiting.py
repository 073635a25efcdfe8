"""Where waiting jobs stand: behind their parents, behind the clock, or among those that may start."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping

from .job import ENDED, Job
from .order import ReadyJobs

__all__ = ["WaitingJobs"]


class WaitingJobs:
    """The jobs of a queue that wait.

    Args:
        jobs: all jobs of the queue, by id.
        ready: takes those that may start.
        clock: gives the time in s since 1970; it may jump.
        longest_seconds: nothing waits for the clock for longer: what seems to shows that the clock has jumped.
    """

    def __init__(
        self,
        jobs: Mapping[str, Job],
        ready: ReadyJobs,
        clock: Callable[[], float],
        longest_seconds: Callable[[], float],
    ) -> None:
        self.ready = ready
        self._jobs, self._clock, self._longest = jobs, clock, longest_seconds
        self._later: list[tuple[float, int, str]] = []
        self._unmet: dict[str, set[str]] = {}
        self._children: dict[str, list[str]] = {}

    def __len__(self) -> int:
        """How many wait for parents or may start; those that wait for the clock: see `seconds_to_next`."""
        return len(self.ready) + len(self._unmet)

    def place(self, job: Job) -> Job | None:
        """Put a job where it belongs; return the parent that came to nothing, where one did: then it stands nowhere."""
        unmet = set()
        for parent in job.parents:
            found = self._jobs[parent]
            if found.state in ENDED and found.state != "succeeded":
                return found
            if found.state != "succeeded":
                unmet.add(parent)
                self._children.setdefault(parent, []).append(job.id)
        if unmet:
            self._unmet[job.id] = unmet
        elif job.not_before > self._clock():
            heapq.heappush(self._later, (job.not_before, job.arrival, job.id))
        else:
            self.ready.add(job)
        return None

    def wake_up(self) -> None:
        """Let those start whose time has come; also where the clock was set back far."""
        now, longest = self._clock(), self._longest()
        waiting = []
        while self._later:
            due, arrival, key = heapq.heappop(self._later)
            if self._jobs[key].state != "waiting" or key in self.ready:
                continue
            if due <= now or due - now > longest:
                self.ready.add(self._jobs[key])
            else:
                waiting.append((due, arrival, key))
                if due - now <= longest:
                    break  # the rest is due later; those that a jump put off stand at the end
        for entry in waiting:
            heapq.heappush(self._later, entry)

    def seconds_to_next(self) -> float | None:
        """Return how long until one is due, in s; None if none waits for the clock."""
        times = [self._jobs[key].not_before for _, _, key in self._later if self._jobs[key].state == "waiting"]
        if not times:
            return None
        return min(self._longest(), max(0.0, min(times) - self._clock()))

    def remove(self, job_id: str) -> None:
        """Take out a job that waits no longer, wherever it stands."""
        self.ready.remove(job_id)
        self._unmet.pop(job_id, None)

    def pop_children(self, parent: str) -> list[Job]:
        """Return the jobs that wait for one that has ended; they are to be released, or to end, too."""
        return [self._jobs[child] for child in self._children.pop(parent, ())]

    def release(self, child: Job, parent: str) -> bool:
        """Note that a parent has succeeded; return whether it was the last one, so that the child is to be placed."""
        unmet = self._unmet.get(child.id)
        if unmet is None:
            return False
        unmet.discard(parent)
        if unmet:
            return False
        del self._unmet[child.id]
        return True
