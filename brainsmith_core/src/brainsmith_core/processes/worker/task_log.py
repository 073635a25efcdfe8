"""The log of one task: its head up to a limit, then its end; a full disk doesn't stop the task."""

from __future__ import annotations

import os
from collections import deque

__all__ = ["TAIL_BYTES", "TaskLog"]

TAIL_BYTES = 256 * 1024


class TaskLog:
    """Appends to a file as long as there is room, then keeps the newest bytes and appends them at the end.

    Args:
        path: the log file; its folder must exist.
        limit: how many bytes there is room for, besides the end.

    Raises:
        OSError: the file can't be opened.
    """

    def __init__(self, path: str, limit: int) -> None:
        self.truncated = False  #: whether anything is missing from the file
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._limit = limit
        self._room = limit
        self._full = ""  # the reason why the head has ended
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._dropped_bytes = 0

    def write(self, data: bytes) -> None:
        """Take the next piece of output."""
        if not self._full:
            data = self._write_head(data)
        if data:
            self._tail.append(data)
            self._tail_bytes += len(data)
            self._trim()

    def close(self) -> None:
        """Append the end, if there is one, and close the file."""
        if self._dropped_bytes:
            self._note(f"{self._dropped_bytes} bytes are left out here: {self._full}")
        end = b"".join(self._tail)
        incomplete = self._put(end) < len(end)
        self.truncated = incomplete or self._dropped_bytes > 0
        os.close(self._fd)

    def _write_head(self, data: bytes) -> bytes:
        """Write what there is room for and return the rest."""
        written = self._put(data[: self._room])
        self._room -= written
        rest = data[written:]
        if rest and not self._full:
            self._full = f"the limit of {self._limit} bytes was reached"
            self._note(f"{self._full}; from here on only the end is kept")  # at once, for who watches
        return rest

    def _put(self, data: bytes) -> int:
        """Write `data` and return how much of it the file took."""
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except OSError as error:
            self._full = f"the log could not be written ({error})"
        return done

    def _note(self, text: str) -> None:
        self._put(f"\n[brainsmith] {text}\n".encode())

    def _trim(self) -> None:
        while self._tail_bytes - len(self._tail[0]) >= TAIL_BYTES:
            size = len(self._tail.popleft())
            self._tail_bytes -= size
            self._dropped_bytes += size
