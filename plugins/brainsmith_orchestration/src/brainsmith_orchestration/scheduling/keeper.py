"""Where the queue's jobs outlive the process: in the store, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from .job import Job

if TYPE_CHECKING:
    from ..store.database import Store

__all__ = ["JobKeeper", "NoKeeper", "StoreKeeper"]

#: Changes of state that wait to be written together: what is lost in a crash is known by the builds' folders.
_BATCH = 200


class JobKeeper(Protocol):
    """Keeps jobs."""

    def load(self) -> list[Job]:
        """Return the jobs that a queue before this one has left."""

    def added(self, jobs: Sequence[Job]) -> None:
        """Keep new jobs; they are safe when this returns."""

    def changed(self, job: Job) -> None:
        """Keep what has become of a job, soon."""

    def others(self) -> Mapping[str, float]:
        """Return how much of each token other controllers hold."""

    def take(self, job: Job, totals: Mapping[str, float]) -> bool:
        """Take a job's tokens for all controllers to see; return False if another one was quicker."""

    def expected(self) -> Mapping[str, float]:
        """Return how long builds took, by configuration id; the mean under ""."""

    def flush(self) -> None:
        """Keep now what `changed` was told."""


class NoKeeper:
    """Keeps nothing: the queue is in memory."""

    def load(self) -> list[Job]:
        """Return nothing."""
        return []

    def added(self, jobs: Sequence[Job]) -> None:
        """Do nothing."""

    def changed(self, job: Job) -> None:
        """Do nothing."""

    def others(self) -> Mapping[str, float]:
        """Return nothing."""
        return {}

    def take(self, job: Job, totals: Mapping[str, float]) -> bool:
        """Do nothing."""
        del job, totals
        return True

    def expected(self) -> Mapping[str, float]:
        """Return nothing."""
        return {}

    def flush(self) -> None:
        """Do nothing."""


class StoreKeeper:
    """Keeps jobs in the store.

    Args:
        store: where.
        session: the controller that runs them, as `open_session` gave it.
        queue: the queue's name; what another queue has left isn't taken over.
    """

    def __init__(self, store: Store, session: str, queue: str = "") -> None:
        self._store, self._session, self._queue = store, session, queue
        self._changed: dict[str, Job] = {}
        self._leased: set[str] = set()

    def load(self) -> list[Job]:
        """Take over what controllers that are gone have left."""
        from ..store.jobs import claim_jobs
        from ..store.sessions import living_sessions

        with self._store.writing() as connection:
            return claim_jobs(connection, self._session, self._queue, living_sessions(connection))

    def added(self, jobs: Sequence[Job]) -> None:
        """Write new jobs in one transaction."""
        from ..store.jobs import write_jobs

        self.flush()
        with self._store.writing() as connection:
            write_jobs(connection, jobs, self._session, self._queue)

    def changed(self, job: Job) -> None:
        """Note a change; those of jobs with tokens are written at once, so that others get these."""
        self._changed[job.id] = job
        freed = job.id in self._leased and job.state != "running"
        if freed or len(self._changed) >= _BATCH:
            self.flush()

    def others(self) -> Mapping[str, float]:
        """Return what living controllers hold."""
        from ..store.jobs import leased_by_others
        from ..store.sessions import dead_sessions

        with self._store.reading() as connection:
            return leased_by_others(connection, self._session, dead_sessions(connection))

    def take(self, job: Job, totals: Mapping[str, float]) -> bool:
        """Note the job's tokens, if they are still free, in the same transaction."""
        from ..store.jobs import drop_leases, leased_by_others, take_leases
        from ..store.sessions import dead_sessions

        tokens = {name: float(count) for name, count in job.request.tokens.items() if count}
        if not tokens:
            return True
        with self._store.writing() as connection:
            others = leased_by_others(connection, self._session, dead_sessions(connection))
            if any(others.get(name, 0.0) + count > totals[name] for name, count in tokens.items()):
                return False
            drop_leases(connection, [job.id])
            take_leases(connection, job.id, tokens, self._session)
        self._leased.add(job.id)
        return True

    def expected(self) -> Mapping[str, float]:
        """Return what history says."""
        from ..store.queries import expected_seconds

        return expected_seconds(self._store)

    def flush(self) -> None:
        """Write changes in one transaction."""
        from ..store.jobs import drop_leases, set_states

        if not self._changed:
            return
        freed = [key for key, job in self._changed.items() if key in self._leased and job.state != "running"]
        with self._store.writing() as connection:
            set_states(connection, self._changed.values())
            drop_leases(connection, freed)
        self._changed.clear()
        self._leased.difference_update(freed)
