"""The order in which waiting jobs start, and which of them may.

A job's *level* is its priority's rank plus the number of whole ageing periods before it came. It never changes, and yet
jobs age: one that is a rank less urgent, but came a period earlier, is on the same level as a newcomer. On one level,
the exploration that was given the least so far comes first, and of one exploration's jobs the longest, so that no long
one is left over at the end.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from .job import Job
from .resources import fits

__all__ = ["ReadyJobs", "level_of"]

_Key = tuple[int, float, int]
_Group = tuple[str, frozenset[tuple[str, float]]]


def level_of(rank: int, enqueued: float, ageing_seconds: float) -> int:
    """Return the level of a job: rank, and how late it came.

    Example:
        >>> level_of(3, 100.0, 600.0), level_of(0, 1900.0, 600.0)
        (3, 3)
    """
    return rank + int(enqueued // ageing_seconds)


class ReadyJobs:
    """Jobs that could start now if there were room.

    Args:
        patience_seconds: a job that has waited longer for room has what it needs kept free for it.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        # Jobs of one exploration with equal needs fit or don't fit together: one look is enough for all of them.
        self._heaps: dict[_Group, list[tuple[_Key, str]]] = {}
        self._jobs: dict[str, Job] = {}
        self._given: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def add(self, job: Job) -> None:
        """Add a job; one that is there already gets its new place."""
        self._jobs[job.id] = job
        group = (job.exploration, frozenset(job.request.demands().items()))
        heapq.heappush(self._heaps.setdefault(group, []), (_key(job), job.id))
        if job.exploration not in self._given:
            # A newcomer begins with the least that others were given: it isn't owed the past.
            self._given[job.exploration] = min(self._given.values(), default=0.0)

    def remove(self, job_id: str) -> None:
        """Take out a job, wherever it stands."""
        self._jobs.pop(job_id, None)

    def take_next(self, free: Mapping[str, float], now: float) -> Job | None:
        """Take out the first job that there is room for; None if there is none.

        Args:
            free: what is free.
            now: the time.
        """
        left = dict(free)
        for group in sorted(self._live_groups(), key=self._place):
            job = self._jobs[self._heaps[group][0][1]]
            demands = job.request.demands()
            if fits(demands, left):
                heapq.heappop(self._heaps[group])
                self.remove(job.id)
                self._given[job.exploration] += max(job.expected, 1.0)
                return job
            if now - job.enqueued > self._patience:
                for name, amount in demands.items():
                    left[name] = left.get(name, 0.0) - amount
        return None

    def _place(self, group: _Group) -> tuple[int, float, float, int]:
        (level, length, arrival), _ = self._heaps[group][0]
        return level, self._given[group[0]], length, arrival

    def _live_groups(self) -> list[_Group]:
        """Return the groups that hold a job; what was taken out or moved is dropped from their tops."""
        for group, heap in list(self._heaps.items()):
            while heap and (heap[0][1] not in self._jobs or heap[0][0] != _key(self._jobs[heap[0][1]])):
                heapq.heappop(heap)
            if not heap:
                del self._heaps[group]
        return list(self._heaps)


def _key(job: Job) -> _Key:
    return job.level, -job.expected, job.arrival
