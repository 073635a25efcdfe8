"""The durable queue: jobs, what they wait for, what they hold, and orders from other processes."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import JSON, Boolean, Column, Double, ForeignKey, Integer, String, Text

__all__ = ["upgrade"]

_ID = String(32)


def upgrade(op: Operations) -> None:
    """Make the tables of the queue."""
    op.create_table(
        "jobs",
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
    )
    op.create_index("jobs_by_state", "jobs", ["state"])
    op.create_index("jobs_by_name", "jobs", ["name"])
    op.create_table(
        "dependencies",
        Column("job", _ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        Column("parent", _ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_table(
        "leases",
        Column("job", _ID, primary_key=True),
        Column("resource", Text, primary_key=True),
        Column("amount", Double, nullable=False),
        Column("session", _ID, nullable=False),
    )
    op.create_table(
        "orders",
        Column("id", Integer, primary_key=True),
        Column("time", Double, nullable=False),
        Column("kind", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("value", Text, nullable=False),
        Column("done", Boolean, nullable=False),
    )
