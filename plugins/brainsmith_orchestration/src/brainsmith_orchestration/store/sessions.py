"""Which controllers live: what a dead one left behind is put right by the next one."""

from __future__ import annotations

import os
import secrets
import socket
import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, or_, select, update

from .build_record import read_record
from .database import Store
from .recording import INTERRUPTED, write_records
from .tables import builds, leases, sessions

__all__ = [
    "PATIENCE_SECONDS",
    "close_session",
    "dead_sessions",
    "living_sessions",
    "open_session",
    "reconcile",
    "touch_session",
]

#: A controller on another machine that wasn't seen for so long is dead.
PATIENCE_SECONDS: Final = 300.0
_CHUNK = 200


def open_session(connection: Connection, folder: str) -> str:
    """Note that this process is a controller from now on, and return the session's id.

    Args:
        connection: one that may write.
        folder: where it builds, or "".
    """
    key, now, pid = secrets.token_hex(8), time.time(), os.getpid()
    values = {"host": socket.gethostname(), "pid": pid, "process_start": _process_start(pid), "folder": folder}
    connection.execute(sessions.insert().values(id=key, started=now, seen=now, **values))
    return key


def touch_session(connection: Connection, session: str) -> None:
    """Note that a controller still lives."""
    connection.execute(update(sessions).where(sessions.c.id == session).values(seen=time.time()))


def close_session(connection: Connection, session: str) -> None:
    """Note that a controller has ended; what it still held is free."""
    connection.execute(delete(leases).where(leases.c.session == session))
    connection.execute(update(sessions).where(sessions.c.id == session).values(ended=time.time()))


def dead_sessions(connection: Connection) -> list[str]:
    """Return the sessions that ended without saying so."""
    rows = connection.execute(select(sessions).where(sessions.c.ended.is_(None)))
    return [row.id for row in rows if not _lives(row)]


def living_sessions(connection: Connection) -> list[str]:
    """Return the sessions of controllers that are at work."""
    rows = connection.execute(select(sessions).where(sessions.c.ended.is_(None)))
    return [row.id for row in rows if _lives(row)]


def reconcile(store: Store) -> int:
    """Put right what dead controllers left: their finished builds are stored, the others are marked as interrupted.

    Args:
        store: the project's store.

    Returns:
        how many builds were looked at.
    """
    with store.reading() as connection:
        dead = dead_sessions(connection)
        ended = select(sessions.c.id).where(or_(sessions.c.ended.is_not(None), sessions.c.id.in_(dead)))
        orphaned = or_(builds.c.session.is_(None), builds.c.session.in_(ended))
        running = connection.execute(
            select(builds.c.id, builds.c.folder).where(builds.c.status == "running", orphaned)
        ).all()
    for start in range(0, len(running), _CHUNK):
        chunk = running[start : start + _CHUNK]
        records = [record for row in chunk if (record := read_record(Path(row.folder)))]
        with store.writing() as connection:
            gone = update(builds).where(builds.c.id.in_([row.id for row in chunk]), builds.c.status == "running")
            connection.execute(gone.values(status=INTERRUPTED, session=None, live=None))
            write_records(connection, records)
    if dead:
        with store.writing() as connection:
            for session in dead:
                close_session(connection, session)
    return len(running)


def _lives(row: Any) -> bool:
    if row.host == socket.gethostname():  # the kernel knows, whatever the clock says
        start: str = row.process_start
        return bool(start) and _process_start(row.pid) == start
    seen: float = row.seen
    return time.time() - seen < PATIENCE_SECONDS


def _process_start(pid: int) -> str:
    """Return what tells a process from others that had its number: boot and start in clock ticks; "" if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else f"{boot}:{fields[19]}"
