"""The queue's jobs in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ..scheduling.job import Job
from ..scheduling.request import BuildRequest, check_priority
from .database import Store
from .recording import clean, insert_new
from .tables import dependencies, jobs, leases

__all__ = [
    "claim_jobs",
    "drop_leases",
    "find_job",
    "leased_by_others",
    "list_jobs",
    "set_states",
    "take_leases",
    "write_jobs",
]

_BATCH = 500


def write_jobs(connection: Connection, added: Sequence[Job], session: str, queue: str) -> None:
    """Write jobs with what they wait for; those that are there already are replaced.

    Args:
        connection: one that may write.
        added: the jobs.
        session: the controller that will run them.
        queue: the queue that they are in.
    """
    maker = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = maker(jobs)
    changed = {column.name: statement.excluded[column.name] for column in jobs.columns if column.name != "id"}
    replacing = statement.on_conflict_do_update(index_elements=[jobs.c.id], set_=changed)
    for start in range(0, len(added), _BATCH):
        part = added[start : start + _BATCH]
        connection.execute(replacing, [_row(job) | {"session": session, "queue": queue} for job in part])
        connection.execute(delete(dependencies).where(dependencies.c.job.in_([job.id for job in part])))
    pairs = [{"job": job.id, "parent": parent} for job in added for parent in job.parents]
    insert_new(connection, dependencies, pairs)


def set_states(connection: Connection, changed: Iterable[Job]) -> None:
    """Write what has become of jobs."""
    rows = [_row(job) for job in changed]
    names = ["state", "reason", "not_before", "retries", "priority"]
    # A request changes with a retry only: more memory.
    for retried, columns in ((False, names), (True, [*names, "request"])):
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
        chosen = [
            {"of": row["id"], **{f"new_{name}": row[name] for name in columns}}
            for row in rows
            if bool(row["retries"]) is retried
        ]
        if chosen:
            connection.execute(update(jobs).where(jobs.c.id == bindparam("of")).values(values), chosen)


def claim_jobs(connection: Connection, session: str, queue: str, others: Iterable[str]) -> list[Job]:
    """Take over the jobs that wait or run and whose controller is gone, and return them, as they were.

    Parents of theirs that came to nothing are returned, too.

    Args:
        connection: one that may write.
        session: who takes them.
        queue: only those of this queue: another one builds with another backend.
        others: the sessions that live; theirs stay theirs.
    """
    living = list(others)
    query = select(jobs).where(jobs.c.queue == queue, jobs.c.state.in_(("waiting", "running"))).order_by(jobs.c.arrival)
    rows = [row for row in connection.execute(query).mappings() if row["session"] not in living]
    if not rows:
        return []
    parents: dict[str, list[str]] = {}
    for start in range(0, len(rows), _BATCH):
        ids = [row["id"] for row in rows[start : start + _BATCH]]
        connection.execute(update(jobs).where(jobs.c.id.in_(ids)).values(session=session))
        connection.execute(delete(leases).where(leases.c.job.in_(ids)))
        for pair in connection.execute(select(dependencies).where(dependencies.c.job.in_(ids))):
            parents.setdefault(pair.job, []).append(pair.parent)
    # A parent that failed is needed, too: that its children are skipped may not have been written any more.
    wanted = sorted({parent for each in parents.values() for parent in each})
    for start in range(0, len(wanted), _BATCH):
        part = jobs.c.id.in_(wanted[start : start + _BATCH])
        failed = select(jobs).where(part, jobs.c.state.in_(("failed", "skipped", "cancelled")))
        rows.extend(connection.execute(failed).mappings())
    return [_job(row, tuple(parents.get(row["id"], ()))) for row in rows]


def leased_by_others(connection: Connection, session: str, dead: Sequence[str]) -> dict[str, float]:
    """Return how much of each named resource other living controllers hold."""
    mine = (leases.c.session != session, leases.c.session.not_in(dead))
    query = select(leases.c.resource, func.sum(leases.c.amount)).where(*mine).group_by(leases.c.resource)
    return {resource: float(amount) for resource, amount in connection.execute(query)}


def take_leases(connection: Connection, job: str, tokens: Mapping[str, float], session: str) -> None:
    """Note that a running job holds tokens."""
    rows = [{"job": job, "resource": name, "amount": amount, "session": session} for name, amount in tokens.items()]
    connection.execute(insert(leases), rows)


def drop_leases(connection: Connection, ids: Sequence[str]) -> None:
    """Note that jobs hold nothing any more."""
    connection.execute(delete(leases).where(leases.c.job.in_(list(ids))))


def list_jobs(store: Store, states: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return jobs in the order in which they came.

    Args:
        store: where they are.
        states: only those in any of these; else all.
    """
    query = select(*(column for column in jobs.columns if column.name != "request")).order_by(jobs.c.arrival)
    if states:
        query = query.where(jobs.c.state.in_(states))
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def find_job(store: Store, name: str) -> dict[str, Any] | None:
    """Return the job of an id, or the latest one of a configuration's id; None if there is none."""
    query = select(jobs).where((jobs.c.id == name) | (jobs.c.name == name)).order_by(jobs.c.arrival.desc())
    with store.reading() as connection:
        found = connection.execute(query).mappings().first()
    return None if found is None else dict(found)


def _row(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": clean(job.name),
        "exploration": clean(job.exploration),
        "state": job.state,
        "reason": clean(job.reason),
        "priority": job.priority,
        "arrival": job.arrival,
        "enqueued": job.enqueued,
        "not_before": job.not_before,
        "expected_seconds": job.expected,
        "retries": dict(job.retries),
        "request": job.request.to_dict(),
    }


def _job(row: RowMapping, parents: tuple[str, ...]) -> Job:
    return Job(
        id=row["id"],
        request=BuildRequest.from_dict(row["request"], f"job {row['id']} in the store"),
        priority=row["priority"],
        rank=check_priority(row["priority"]),
        arrival=row["arrival"],
        enqueued=row["enqueued"],
        expected=row["expected_seconds"] or 0.0,
        state=row["state"],
        reason=row["reason"],
        not_before=row["not_before"],
        retries=dict(row["retries"]),
        parents=parents,
    )
