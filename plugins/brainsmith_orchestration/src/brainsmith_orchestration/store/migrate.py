"""Bring a database's schema forwards."""

from __future__ import annotations

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from .database import schema_of
from .migrations import MIGRATIONS
from .tables import schema_version

__all__ = ["migrate"]

#: PostgreSQL's lock for migrations: any number that all of us use.
_LOCK = 5_249_137


def migrate(connection: Connection, until: int = len(MIGRATIONS)) -> None:
    """Bring a database's schema forwards, in the connection's transaction.

    Args:
        connection: one that may write.
        until: the version wanted.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    version = schema_of(connection)  # again: another process may have been quicker
    schema_version.create(connection, checkfirst=True)
    operations = Operations(MigrationContext.configure(connection))
    for upgrade in MIGRATIONS[version:until]:
        upgrade(operations)
    connection.execute(schema_version.delete())
    connection.execute(schema_version.insert().values(version=max(version, until)))
