"""The store, opened: its schema is brought up to date, and one transaction at a time reads or writes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, inspect, select

from brainsmith_core.errors import MissingRequirementError

from .engine import READING, make_engine
from .errors import explained, shown
from .tables import VERSION, schema_version

__all__ = ["Store", "schema_of"]


class Store:
    """A project's store.

    Args:
        location: a path, or a database's URL.

    Raises:
        ConfigurationError: for a location that can't be, or can't be written.
        MissingRequirementError: for a database of a newer version, or a missing driver or server.
        StoreError: for a damaged database, a full disk.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/builds.db") as store:
        ...     with store.reading() as connection:
        ...         connection.execute(select(schema_version.c.version)).scalar() == VERSION
        True
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.name = shown(location)
        self._engine = make_engine(location)
        try:
            with explained(location):
                self._bring_up_to_date()
        except BaseException:
            self._engine.dispose()
            raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the store."""
        with explained(self.location), self._engine.connect().execution_options(**{READING: True}) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are all made, durably, or none of them."""
        with explained(self.location), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _bring_up_to_date(self) -> None:
        with self._engine.connect().execution_options(**{READING: True}) as connection:
            version = schema_of(connection)
        if version < VERSION:
            from .migrate import migrate  # alembic is needed this once only

            with self._engine.begin() as connection:
                migrate(connection)
        elif version > VERSION:
            raise MissingRequirementError(
                f"the store {self.name} is of version {version}, but this program knows up to {VERSION}",
                hint="update brainsmith-orchestration, or give another store: BRAINSMITH_STORE=PATH",
            )


def schema_of(connection: Connection) -> int:
    """Return how many migrations the database has seen."""
    if not inspect(connection).has_table(schema_version.name):
        return 0
    return connection.execute(select(schema_version.c.version)).scalar() or 0
