"""One controller at a time in a folder, and none before the last process of a killed one is gone."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from brainsmith_core.errors import ConfigurationError

__all__ = ["FolderLock", "leftover_processes"]

_NAME: Final = ".brainsmith-lock"
_POLL_SECONDS = 0.05


class FolderLock:
    """Keeps other controllers out of a folder; the kernel lets go of it however the process ends.

    Args:
        folder: the folder; it is made if it isn't there.
        patience: how long to wait for processes that a killed controller has left, in s; they end by themselves.

    Raises:
        ConfigurationError: on entering, if another controller is at work there or the folder can't be written.

    Example:
        >>> import tempfile
        >>> with FolderLock(Path(tempfile.mkdtemp())) as lock:
        ...     lock.path.name
        '.brainsmith-lock'
    """

    def __init__(self, folder: Path, patience: float = 30.0) -> None:
        self.folder = folder.absolute()
        self.path = self.folder / _NAME
        self._patience = patience
        self._fd = -1

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            text = f"the folder {self.folder} can't be written: {error.strerror or error}"
            raise ConfigurationError(text, hint="give an output folder that you may write to") from error
        try:
            self._take()
        except BaseException:
            os.close(self._fd)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.ftruncate(self._fd, 0)
        os.close(self._fd)

    def _take(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._refusal(_holder(self._fd)) from None
        before = _holder(self._fd)
        if before.get("host") == socket.gethostname():
            self._wait_for_leftovers(int(before["pid"]))
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)

    def _refusal(self, holder: dict[str, Any]) -> ConfigurationError:
        pid, host = holder.get("pid"), holder.get("host")
        who = f"process {pid} on {host}" if pid else "another process"
        stop = f", or stop it (kill {pid})" if pid else ""
        return ConfigurationError(
            f"{self.folder} is in use: {who} builds in it",
            hint=f"wait until it is done{stop}, or give another output folder",
        )

    def _wait_for_leftovers(self, pid: int) -> None:
        deadline = time.monotonic() + self._patience
        while left := leftover_processes(pid):
            if time.monotonic() > deadline:
                listed = ", ".join(map(str, left))
                text = f"processes of an earlier run (process {pid}) are still at work in {self.folder}: {listed}"
                raise ConfigurationError(text, hint=f"end them: kill -9 {' '.join(map(str, left))}")
            time.sleep(_POLL_SECONDS)


def _holder(fd: int) -> dict[str, Any]:
    """Return what the lock file says of its holder; nothing if it was let go in order, or is being written."""
    with contextlib.suppress(ValueError):
        data = json.loads(os.pread(fd, 4096, 0))
        if isinstance(data, dict) and isinstance(data.get("pid"), int):
            return data
    return {}


def leftover_processes(pid: int) -> list[int]:
    """Return the ids of core's worker processes that the controller `pid` has started and that still live.

    Args:
        pid: the id of a process that has ended.
    """
    mark = f"\0--controller\0{pid}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # a process that ends while we look
            if mark in path.read_bytes():
                found.append(int(path.parent.name))
    return found
