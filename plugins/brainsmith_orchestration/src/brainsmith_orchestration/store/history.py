"""Carry a whole history from one store to another, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, select

from brainsmith_core.errors import ConfigurationError

from .database import Store
from .recording import INTERRUPTED, insert_new, refresh_builds
from .tables import HISTORY, VERSION, attempts, builds

__all__ = ["export_history", "import_history"]

_FORMAT: Final = "brainsmith-history"
_TABLES: Final[Mapping[str, Table]] = {table.name: table for table in HISTORY}
#: Databases limit the variables of a statement.
_BATCH = 500
#: What belongs to processes of one machine, not to the history.
_MOMENTARY = {"session": None, "live": None}


def export_history(store: Store) -> Iterator[str]:
    """Give the lines of an export: a heading, then one row a line, parents first; always in the same order.

    Args:
        store: what to export; it is seen as it is at one moment.
    """
    yield json.dumps({"format": _FORMAT, "version": VERSION}) + "\n"
    with store.reading() as connection:
        for table in HISTORY:
            query = select(table).order_by(*table.primary_key.columns)
            for row in connection.execution_options(yield_per=_BATCH).execute(query).mappings():
                data = dict(row)
                if table is builds:
                    data |= _MOMENTARY
                    data["status"] = INTERRUPTED if data["status"] == "running" else data["status"]
                yield json.dumps({"table": table.name, "row": data}) + "\n"


def import_history(store: Store, lines: Iterable[str], name: str = "the history") -> int:
    """Add what an export holds; what is there already stays, so importing twice changes nothing.

    All of it is added, or nothing.

    Args:
        store: where to.
        lines: what `export_history` gave.
        name: of the file, for messages.

    Returns:
        how many attempts were read.

    Raises:
        ConfigurationError: for lines that are no export, or one of a newer version.
    """
    rows = enumerate(lines, start=1)
    _check_heading(next(rows, (1, ""))[1], name)
    known: set[str] = set()
    touched: dict[str, None] = {}
    count = 0
    with store.writing() as connection:
        for table, batch in _batches(rows, name):
            if table is builds:
                known |= _known(connection, builds, batch)
            elif table is attempts:
                count += len(batch)
                there = _known(connection, attempts, batch)
                # Builds that are new are taken as they are; known ones may have gained a later attempt.
                touched |= {row["build"]: None for row in batch if row["build"] in known and row["id"] not in there}
            insert_new(connection, table, batch)
        refresh_builds(connection, list(touched))
    return count


def _known(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> set[str]:
    ids = [row["id"] for row in rows]
    return set(connection.execute(select(table.c.id).where(table.c.id.in_(ids))).scalars())


def _check_heading(line: str, name: str) -> None:
    try:
        heading = json.loads(line)
    except ValueError:
        heading = None
    if not isinstance(heading, dict) or heading.get("format") != _FORMAT:
        text = f"{name}, line 1: this is no exported history"
        raise ConfigurationError(text, hint="give a file that `brainsmith history export` wrote")
    version = heading.get("version")
    if not isinstance(version, int) or version > VERSION:
        text = f"{name} is of version {version}, but this program knows up to {VERSION}"
        raise ConfigurationError(text, hint="update brainsmith-orchestration")


def _batches(rows: Iterable[tuple[int, str]], name: str) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    table, batch = None, list[dict[str, Any]]()
    for number, line in rows:
        if not line.strip():
            continue
        found, row = _row(line, f"{name}, line {number}")
        if batch and (found is not table or len(batch) >= _BATCH):
            assert table is not None
            yield table, batch
            batch = []
        table = found
        batch.append(row)
    if batch and table is not None:
        yield table, batch


def _row(line: str, where: str) -> tuple[Table, dict[str, Any]]:
    try:
        data = json.loads(line)
        table, row = _TABLES[data["table"]], data["row"]
        if set(row) != set(table.columns.keys()):
            raise KeyError(*set(row) ^ set(table.columns.keys()))
    except (ValueError, KeyError, TypeError) as error:
        text = f"{where}: this is no row of a history ({error})"
        raise ConfigurationError(text, hint="the file is cut off or damaged: export it again") from error
    return table, row
