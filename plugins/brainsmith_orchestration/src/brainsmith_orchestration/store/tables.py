"""The tables of the store, as the newest migration leaves them.

Ids are digests of what they name (`recording.build_id`, `recording.attempt_id`): writing something twice is
writing it once, on any machine. Times are seconds since 1970, UTC; JSON columns hold text.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text

__all__ = [
    "HISTORY",
    "METADATA",
    "VERSION",
    "artefacts",
    "attempts",
    "builds",
    "dependencies",
    "events",
    "jobs",
    "leases",
    "metrics",
    "orders",
    "provenance",
    "schema_version",
    "sessions",
    "steps",
]

#: How many migrations lead here.
VERSION: Final = 2

METADATA: Final = MetaData()
_ID = String(32)

#: One row: how many migrations the database has seen.
schema_version = Table("schema_version", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

#: A controller's process, as long as it lives; `process_start` tells it from a later process of the same number.
sessions = Table(
    "sessions",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_start", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("started", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Column("ended", Double),
)

#: One configuration in one folder; what is denormalised here belongs to the latest attempt.
builds = Table(
    "builds",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("exploration", Text, nullable=False),
    Column("backend", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("seconds", Double),
    Column("simulated", Boolean, nullable=False),
    Column("created", Double, nullable=False),
    Column("updated", Double, nullable=False),
    Column("session", _ID),
    Column("config", JSON, nullable=False),
    Column("summary", JSON),
    Column("live", JSON),
    Index("builds_by_name", "name"),
    Index("builds_by_folder", "folder"),
    Index("builds_by_status", "status"),
    Index("builds_by_exploration", "exploration"),
)

#: One execution; `result` is its whole `result.json`.
attempts = Table(
    "attempts",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("build", _ID, ForeignKey("builds.id", ondelete="CASCADE"), nullable=False),
    Column("started", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("status", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("result", JSON, nullable=False),
    Index("attempts_by_build", "build"),
)


def _of_attempt() -> Column[str]:
    return Column("attempt", _ID, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True)


def _position() -> Column[int]:
    return Column("position", Integer, primary_key=True, autoincrement=False)


steps = Table(
    "steps",
    METADATA,
    _of_attempt(),
    _position(),
    Column("phase", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("seconds", Double),
    Column("started", Double, nullable=False),
)

metrics = Table(
    "metrics",
    METADATA,
    _of_attempt(),
    _position(),
    Column("name", Text, nullable=False),
    Column("number", Double),
    Column("value", JSON),
    Column("unit", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("scope", JSON, nullable=False),
    Column("status", Text, nullable=False),
    Column("source", JSON, nullable=False),
    Index("metrics_by_name", "name"),
)

events = Table(
    "events",
    METADATA,
    _of_attempt(),
    _position(),
    Column("time", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", JSON, nullable=False),
)

artefacts = Table(
    "artefacts",
    METADATA,
    _of_attempt(),
    Column("name", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("plugin", Text, nullable=False),
)

provenance = Table(
    "provenance",
    METADATA,
    _of_attempt(),
    Column("name", Text, primary_key=True),
    Column("value", JSON),
)

#: What waits, runs or has run by way of the queue.
jobs = Table(
    "jobs",
    METADATA,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("exploration", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("arrival", Integer, nullable=False),
    Column("enqueued", Double, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("expected_seconds", Double),
    Column("retries", JSON, nullable=False),
    Column("session", _ID),
    Column("request", JSON, nullable=False),
    Index("jobs_by_state", "state"),
    Index("jobs_by_name", "name"),
)

dependencies = Table(
    "dependencies",
    METADATA,
    Column("job", _ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("parent", _ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
)

#: What a running job holds of a named resource; freed with the job, or when the session that holds it is dead.
leases = Table(
    "leases",
    METADATA,
    Column("job", _ID, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("amount", Double, nullable=False),
    Column("session", _ID, nullable=False),
)

#: What another process asks of the controllers: cancel a build, pause, change a priority.
orders = Table(
    "orders",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("time", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("done", Boolean, nullable=False),
)

#: What an export holds, parents first.
HISTORY: Final = (builds, attempts, steps, metrics, events, artefacts, provenance)
