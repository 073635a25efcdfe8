"""Write builds into the store; writing the same thing twice changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from sqlalchemy import Connection, Table, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from brainsmith_core.result import BuildResult

from .build_record import BuildRecord, attempt_id
from .tables import artefacts, attempts, builds, events, metrics, provenance, steps

__all__ = ["INTERRUPTED", "clean", "insert_new", "refresh_builds", "write_records"]

Row = dict[str, Any]

#: The status of a build whose controller died while it ran.
INTERRUPTED = "interrupted"

#: Rows of one statement, so that a huge build needs no huge memory.
_BATCH = 2000
#: Ids asked for in one statement; databases limit the variables.
_CHUNK = 500


def write_records(connection: Connection, records: Iterable[BuildRecord]) -> None:
    """Write builds and the results of their attempts.

    Args:
        connection: one that may write.
        records: what to write; the same attempt again is left as it stands.
    """
    found = list({(record.id, record.result is None): record for record in records}.values())
    now = time.time()
    insert_new(connection, builds, [_build_row(record, now) for record in found])
    starting = [record for record in found if record.result is None]
    if starting:
        statement = (
            update(builds)
            .where(builds.c.id == bindparam("of"))
            .values(status="running", session=bindparam("by"), config=bindparam("how"), updated=now, live=None)
        )
        rows = [{"of": r.id, "by": r.session or None, "how": r.config.to_dict()} for r in starting]
        connection.execute(statement, rows)
    _write_attempts(connection, [record for record in found if record.result is not None])


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows but for those whose key is there already."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_nothing()
    for start in range(0, len(rows), _BATCH):
        connection.execute(statement, list(rows[start : start + _BATCH]))


def refresh_builds(connection: Connection, ids: Sequence[str]) -> None:
    """Have builds say what their latest attempt gave.

    Args:
        connection: one that may write.
        ids: the builds; those without an attempt are left as they are.
    """
    columns = (attempts.c.build, attempts.c.result, attempts.c.category, attempts.c.message)
    statement = (
        update(builds)
        .where(builds.c.id == bindparam("of"))
        .values(
            {name: bindparam(f"new_{name}") for name in ("status", "backend", "category", "message", "seconds")}
            | {"simulated": bindparam("new_simulated"), "summary": bindparam("new_summary"), "live": None}
            | {"session": None, "updated": bindparam("new_updated")}
        )
    )
    for start in range(0, len(ids), _CHUNK):
        chosen = select(*columns).where(attempts.c.build.in_(ids[start : start + _CHUNK])).order_by(attempts.c.started)
        latest = {row.build: row for row in connection.execute(chosen)}
        if latest:
            connection.execute(statement, [_refreshed(row) for row in latest.values()])


def clean(text: str | None) -> str:
    """Return text that every database takes: no NUL, no lone surrogates.

    Example:
        >>> clean("a\\0b"), clean(None)
        ('a\ufffdb', '')
    """
    if not text or (text.isascii() and "\0" not in text):  # most is, and there is much of it
        return text or ""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _seconds(when: datetime) -> float:
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _build_row(record: BuildRecord, now: float) -> Row:
    config, result = record.config, record.result
    return {
        "id": record.id,
        "name": clean(config.id),
        "folder": _folder(record),
        "exploration": clean(config.design_space_id),
        "backend": "",
        "status": "running",
        "category": "",
        "message": "",
        "simulated": False,
        "created": now if result is None else _seconds(result.start_time),
        "updated": now,
        "session": record.session or None,
        "config": config.to_dict(),
    }


def _folder(record: BuildRecord) -> str:
    return clean(str(Path(record.config.output_dir).absolute()))


def _refreshed(row: Any) -> Row:
    # What was written from a BuildResult needn't become one again: that is most of the work of recording.
    result = row.result
    summary = result["metrics"]
    return {
        "of": row.build,
        "new_status": result["status"],
        "new_backend": clean(result["backend"]),
        "new_category": row.category,
        "new_message": row.message,
        "new_seconds": result["duration_seconds"],
        "new_simulated": result["simulated"],
        "new_summary": summary and {key: value for key, value in summary.items() if key != "raw_metrics"},
        "new_updated": _seconds(datetime.fromisoformat(result["end_time"] or result["start_time"])),
    }


def _write_attempts(connection: Connection, records: Sequence[BuildRecord]) -> None:
    tables: Mapping[Table, list[Row]] = {
        table: [] for table in (attempts, steps, metrics, events, artefacts, provenance)
    }
    for record in records:
        result = record.result
        assert result is not None
        key = attempt_id(record.id, result)
        tables[attempts].append(_attempt_row(key, record.id, result))
        tables[steps].extend(_step_rows(key, record))
        tables[metrics].extend(_metric_rows(key, record))
        tables[events].extend(_event_rows(key, record))
        tables[artefacts].extend(_artefact_rows(key, result))
        tables[provenance].extend(
            {"attempt": key, "name": clean(name), "value": value} for name, value in result.provenance.items()
        )
    for table, rows in tables.items():
        insert_new(connection, table, rows)
    refresh_builds(connection, [record.id for record in records])


def _attempt_row(key: str, build: str, result: BuildResult) -> Row:
    return {
        "id": key,
        "build": build,
        "started": _seconds(result.start_time),
        "seconds": result.duration_seconds,
        "status": result.status.value,
        "category": clean(result.error.category if result.error else ""),
        "message": clean(result.error_message),
        "result": attrs.evolve(result, cached=False).to_dict(),
    }


def _artefact_rows(key: str, result: BuildResult) -> Iterator[Row]:
    for name, path in result.artifacts.items():
        plugin = result.artifact_plugins.get(name)
        yield {
            "attempt": key,
            "name": clean(name),
            "path": clean(path),
            "plugin": clean(plugin.name if plugin else ""),
        }


def _metric_rows(key: str, record: BuildRecord) -> Iterator[Row]:
    for position, data in enumerate(record.metrics):
        texts = {name: clean(str(data[name])) for name in ("name", "unit", "stage", "status")}
        value = data["value"]
        number = float(value) if isinstance(value, int | float) else None
        rest = {"value": value, "scope": data["scope"], "source": data["source"]}
        yield {"attempt": key, "position": position, "number": number, **texts, **rest}


def _event_rows(key: str, record: BuildRecord) -> Iterator[Row]:
    for position, event in enumerate(record.events):
        kind, when = clean(event.kind), _seconds(event.time)
        yield {"attempt": key, "position": position, "time": when, "kind": kind, "data": event.data}


def _step_rows(key: str, record: BuildRecord) -> Iterator[Row]:
    phase, started, position = "", dict[str, float](), 0
    for event in record.events:
        step = clean(str(event.data.get("step", "")))
        if event.kind == "phase_started":
            phase = clean(str(event.data.get("phase", "")))
        elif event.kind == "step_started":
            started[step] = _seconds(event.time)
        elif event.kind == "step_finished":
            length = event.data.get("seconds")
            seconds = float(length) if isinstance(length, int | float) else None
            begun = started.pop(step, _seconds(event.time))
            row = {"phase": phase, "name": step, "seconds": seconds, "started": begun}
            yield {"attempt": key, "position": position, **row}
            position += 1
    for step, begun in started.items():
        yield {
            "attempt": key,
            "position": position,
            "phase": phase,
            "name": step,
            "seconds": None,
            "started": begun,
        }
        position += 1
