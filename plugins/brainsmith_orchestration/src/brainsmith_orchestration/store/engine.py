"""Connections to the database, set up so that power cuts and other processes do no harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from brainsmith_core.errors import ConfigurationError, MissingRequirementError

__all__ = ["READING", "make_engine"]

#: The execution option of a connection that only reads.
READING = "brainsmith_reading"

_BUSY_SECONDS = 30
#: WAL lets others read while one writes; FULL makes each commit survive a power cut, which costs one sync for each:
#: so we write many rows in one commit.
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", f"busy_timeout = {_BUSY_SECONDS * 1000}")


def make_engine(location: str) -> Engine:
    """Return an engine; nothing is connected yet.

    Args:
        location: a path, or a database's URL.

    Raises:
        ConfigurationError: for a location that can't be.
        MissingRequirementError: if the database's driver isn't installed.
    """
    if "://" not in location:
        return _sqlite(Path(location).absolute())
    try:
        url = make_url(location)
    except ArgumentError as error:
        text = f"the store's location {location!r} is no database URL"
        raise ConfigurationError(text, hint="give a path, or such as postgresql://user@host/name") from error
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigurationError("the store can't be in memory: it is shared", hint="give a file")
        return _sqlite(Path(url.database).absolute())
    if url.get_backend_name() != "postgresql":
        text = f"the store can't be in {url.get_backend_name()}"
        raise ConfigurationError(text, hint="give a path for SQLite, or postgresql://user@host/name")
    try:
        # JSON with NUL or lone surrogates is refused by the server, so it is written as ASCII with escapes.
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    except ModuleNotFoundError as error:
        text = f"PostgreSQL's driver isn't installed ({error.name})"
        raise MissingRequirementError(text, hint="pip install 'brainsmith-orchestration[postgresql]'") from error


def _sqlite(path: Path) -> Engine:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"the store's folder {path.parent} can't be made: {error.strerror or error}"
        hint = "give another one: BRAINSMITH_STORE=PATH, or BRAINSMITH_STORE=none to store nothing"
        raise ConfigurationError(text, hint=hint) from error
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # else the driver begins transactions when it likes; we do, see `_begin`
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes then would fail at once if another one wrote meanwhile.
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
