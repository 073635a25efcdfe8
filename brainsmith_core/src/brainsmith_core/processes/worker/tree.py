"""Processes as `/proc` shows them: descendants, memory, and signals that can't hit a recycled process id."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

__all__ = [
    "Ending",
    "Process",
    "children",
    "children_by_scan",
    "descendants",
    "living",
    "proportional_bytes",
    "read",
    "resident_bytes",
    "send",
]

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_KILL_AGAIN_S = 0.01
_CHILDREN_LISTS = Path("/proc/thread-self/children")  # there in kernels with CONFIG_PROC_CHILDREN


class Process(NamedTuple):
    """One process; `pid` and `start` (clock ticks since boot) together identify it for ever."""

    pid: int
    start: int
    parent: int
    state: str
    threads: int
    name: str

    @property
    def is_zombie(self) -> bool:
        """Whether it is dead but for its parent's taking note; a first thread may end before others."""
        return self.state in "ZX" and self.threads <= 1

    def brief(self) -> dict[str, Any]:
        """Return what a report says of it."""
        return {"pid": self.pid, "name": self.name}


def read(pid: int) -> Process | None:
    """Return the process with this id, None if there is none."""
    text = _proc(pid, "stat")
    if not text:
        return None
    # The name stands in parentheses and may hold anything, spaces and further parentheses too.
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    name = head.partition("(")[2]
    return Process(pid, int(fields[19]), int(fields[1]), fields[0], int(fields[17]), name)


def living(pids: Iterable[int]) -> list[Process]:
    """Return those of the processes `pids` that live."""
    found = (read(pid) for pid in pids)
    return [process for process in found if process is not None and not process.is_zombie]


def descendants(roots: Iterable[int]) -> list[Process]:
    """Return the living processes below `roots`, parents before their children."""
    pids = [child for root in roots for child in children(root)]
    for pid in pids:
        pids += children(pid)  # the list grows while it is walked
    return living(dict.fromkeys(pids))


def children(pid: int) -> list[int]:
    """Return the ids of the direct children of process `pid`.

    The kernel may skip one while a sibling is exiting: an empty answer is no proof, `children_by_scan` is.
    """
    if not _CHILDREN_LISTS.exists():
        return children_by_scan(pid)
    try:
        threads = [entry.name for entry in Path(f"/proc/{pid}/task").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for thread in threads for child in _proc(pid, f"task/{thread}/children").split()]


def children_by_scan(pid: int) -> list[int]:
    """Return the ids of the direct children of process `pid`, zombies too, by reading all processes."""
    everyone = (read(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process.pid for process in everyone if process is not None and process.parent == pid]


def resident_bytes(processes: Iterable[Process]) -> int:
    """Return the sum of their resident memory; pages that several of them share count several times."""
    return sum(_resident_bytes(process.pid) for process in processes)


def proportional_bytes(processes: Iterable[Process]) -> int:
    """Return the sum of their resident memory, with each shared page divided among its users; slower."""
    return sum(_proportional_bytes(process.pid) for process in processes)


def _resident_bytes(pid: int) -> int:
    fields = _proc(pid, "statm").split()
    return int(fields[1]) * _PAGE_BYTES if fields else 0


def _proportional_bytes(pid: int) -> int:
    for line in _proc(pid, "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return _resident_bytes(pid)  # another user's process, or a kernel before 4.14


def _proc(pid: int, name: str) -> str:
    """Return a file of a process; empty if the process is gone or the file is not for us."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def send(process: Process, signum: int) -> bool:
    """Send a signal to this very process, never to a later one with its id; return whether it got it."""
    pidfd = _open_pidfd(process.pid)
    try:
        now = read(process.pid)
        if now is None or now.start != process.start:
            return False
        if pidfd is None:
            os.kill(process.pid, signum)
        else:
            signal.pidfd_send_signal(pidfd, signum)
    except (ProcessLookupError, PermissionError):
        return False
    else:
        return True
    finally:
        if pidfd is not None:
            os.close(pidfd)


def _open_pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # Python 3.8, a kernel before 5.3, no descriptor left, or it is gone
        return None


class Ending:
    """The end of some processes: time to leave unasked, then SIGTERM, then SIGKILL until none is left.

    Args:
        settle_s: seconds before SIGTERM.
        grace_s: seconds between SIGTERM and SIGKILL.
    """

    def __init__(self, *, settle_s: float, grace_s: float) -> None:
        self._begun = time.monotonic()
        self._term_at = self._begun + settle_s
        self._kill_at = self._term_at + grace_s
        self._signalled: dict[tuple[int, int], Process] = {}

    @property
    def signalled(self) -> list[Process]:
        """The processes that didn't leave unasked."""
        return list(self._signalled.values())

    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return time.monotonic() - self._begun

    def step(self, processes: Iterable[Process]) -> float:
        """Send the `processes` that are left what is due; return after how many seconds to come back."""
        now = time.monotonic()
        if now < self._term_at:
            return self._term_at - now
        due = signal.SIGTERM if now < self._kill_at else signal.SIGKILL
        for process in processes:
            identity = (process.pid, process.start)
            if due == signal.SIGKILL or identity not in self._signalled:
                send(process, due)
                send(process, signal.SIGCONT)  # a stopped process doesn't see SIGTERM
            self._signalled.setdefault(identity, process)
        return self._kill_at - now if due == signal.SIGTERM else _KILL_AGAIN_S
