"""Processes as `/proc` shows them: descendants, memory, and signals that can't hit a recycled process id."""

from __future__ import annotations

import os
import signal
import time
from typing import Any, Iterable, NamedTuple

__all__ = ["Ending", "Process", "children", "descendants", "proportional_bytes", "read", "resident_bytes", "send"]

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process(NamedTuple):
    """One process; `pid` and `start` (clock ticks since boot) identify it for ever."""

    pid: int
    start: int
    parent: int
    state: str
    threads: int
    name: str

    @property
    def is_zombie(self) -> bool:
        """Whether it is dead and only waits for its parent to take note (its first thread may end before others)."""
        return self.state in "ZX" and self.threads <= 1

    def brief(self) -> dict[str, Any]:
        """Return what a report says of it."""
        return {"pid": self.pid, "name": self.name}


def read(pid: int) -> Process | None:
    """Return the process with this id, None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in parentheses and may hold anything, further parentheses and spaces too.
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Process(pid, int(fields[19]), int(fields[1]), fields[0], int(fields[17]), head.partition("(")[2])


def children(pid: int) -> list[int]:
    """Return the ids of the direct children of process `pid`, those of its threads included.

    The kernel may skip a child while a sibling is exiting, so an empty answer proves nothing; see `scan_children`.
    """
    if not os.path.exists("/proc/thread-self/children"):  # kernel without CONFIG_PROC_CHILDREN
        return scan_children(pid)
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def scan_children(pid: int) -> list[int]:
    """Return the ids of the direct children of process `pid` by reading every process: exact, but slower."""
    everyone = (read(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())
    return [process.pid for process in everyone if process is not None and process.parent == pid]


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


def resident_bytes(processes: Iterable[Process]) -> int:
    """Return the sum of the resident memory; pages that several processes share count several times."""
    return sum(_resident(process.pid) for process in processes)


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * _PAGE
    except (FileNotFoundError, ProcessLookupError):
        return 0


def proportional_bytes(processes: Iterable[Process]) -> int:
    """Return the sum of the resident memory with shared pages divided among their users (slower)."""
    return sum(_proportional(process.pid) for process in processes)


def _proportional(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii", errors="replace") as file:
            return sum(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except OSError:  # gone, another user's, or a kernel before 4.14: the plain figure stands
        return _resident(pid)


def send(process: Process, signum: int) -> bool:
    """Send a signal to exactly this process; return whether it was there to get it."""
    pidfd = _open_pidfd(process.pid)
    try:
        now = read(process.pid)
        if now is None or now.start != process.start:
            return False
        if pidfd is None:
            os.kill(process.pid, signum)
        else:
            signal.pidfd_send_signal(pidfd, signum)
        return True
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        if pidfd is not None:
            os.close(pidfd)


def _open_pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # Python 3.8, a kernel before 5.3, no file descriptor left, or gone
        return None


class Ending:
    """The end of some process trees: time to leave by themselves, SIGTERM, then SIGKILL until none is left.

    Args:
        settle_s: seconds in which they may end unasked.
        grace_s: seconds between SIGTERM and SIGKILL.
    """

    def __init__(self, *, settle_s: float, grace_s: float) -> None:
        self._begun = time.monotonic()
        self._term_at = self._begun + settle_s
        self._kill_at = self._term_at + grace_s
        self.signalled: dict[tuple[int, int], Process] = {}

    def seconds(self) -> float:
        """Return how long it has taken so far."""
        return time.monotonic() - self._begun

    def step(self, processes: Iterable[Process]) -> float:
        """Send what is due to the living `processes`; return after how many seconds to come back."""
        now = time.monotonic()
        if now < self._term_at:
            return self._term_at - now
        if now < self._kill_at:
            self._terminate(processes)
            return self._kill_at - now
        for process in processes:
            self._note(process)
            send(process, signal.SIGKILL)
        return 0.01

    def _terminate(self, processes: Iterable[Process]) -> None:
        for process in processes:
            if self._note(process) and send(process, signal.SIGTERM):
                send(process, signal.SIGCONT)  # a stopped process would not see the first one

    def _note(self, process: Process) -> bool:
        key = (process.pid, process.start)
        new = key not in self.signalled
        self.signalled.setdefault(key, process)
        return new
