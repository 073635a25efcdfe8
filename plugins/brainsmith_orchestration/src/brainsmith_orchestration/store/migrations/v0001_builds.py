"""The first schema: builds and all that is known of them."""

from __future__ import annotations

from alembic.operations import Operations
from sqlalchemy import JSON, Boolean, Column, Double, ForeignKey, Integer, String, Text

__all__ = ["upgrade"]


_ID = String(32)


def _of_attempt() -> Column[str]:
    return Column("attempt", _ID, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True)


def _position() -> Column[int]:
    return Column("position", Integer, primary_key=True, autoincrement=False)


def upgrade(op: Operations) -> None:
    """Make the tables of builds."""
    op.create_table(
        "sessions",
        Column("id", _ID, primary_key=True),
        Column("host", Text, nullable=False),
        Column("pid", Integer, nullable=False),
        Column("process_start", Text, nullable=False),
        Column("folder", Text, nullable=False),
        Column("started", Double, nullable=False),
        Column("seen", Double, nullable=False),
        Column("ended", Double),
    )
    op.create_table(
        "builds",
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
    )
    op.create_index("builds_by_name", "builds", ["name"])
    op.create_index("builds_by_folder", "builds", ["folder"])
    op.create_index("builds_by_status", "builds", ["status"])
    op.create_index("builds_by_exploration", "builds", ["exploration"])
    op.create_table(
        "attempts",
        Column("id", _ID, primary_key=True),
        Column("build", _ID, ForeignKey("builds.id", ondelete="CASCADE"), nullable=False),
        Column("started", Double, nullable=False),
        Column("seconds", Double, nullable=False),
        Column("status", Text, nullable=False),
        Column("category", Text, nullable=False),
        Column("message", Text, nullable=False),
        Column("result", JSON, nullable=False),
    )
    op.create_index("attempts_by_build", "attempts", ["build"])
    _tables_of_attempts(op)


def _tables_of_attempts(op: Operations) -> None:
    op.create_table(
        "steps",
        _of_attempt(),
        _position(),
        Column("phase", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("seconds", Double),
        Column("started", Double, nullable=False),
    )
    op.create_table(
        "metrics",
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
    )
    op.create_index("metrics_by_name", "metrics", ["name"])
    op.create_table(
        "events",
        _of_attempt(),
        _position(),
        Column("time", Double, nullable=False),
        Column("kind", Text, nullable=False),
        Column("data", JSON, nullable=False),
    )
    op.create_table(
        "artefacts",
        _of_attempt(),
        Column("name", Text, primary_key=True),
        Column("path", Text, nullable=False),
        Column("plugin", Text, nullable=False),
    )
    op.create_table(
        "provenance",
        _of_attempt(),
        Column("name", Text, primary_key=True),
        Column("value", JSON),
    )
