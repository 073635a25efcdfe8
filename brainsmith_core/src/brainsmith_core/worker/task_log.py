"""The log of one task: its head up to a limit, then its end; a full disk doesn't stop the task."""

from __future__ import annotations

import os
from collections import deque

__all__ = ["TAIL_BYTES", "TaskLog"]

TAIL_BYTES = 256 * 1024


class TaskLog:
    """Appends to a file until `limit` bytes are written or the disk is full; from then on keeps the newest bytes.

    Args:
        path: the log file; its folder must exist.
        limit: how many bytes to write before the end of the output is all that is kept.

    Raises:
        OSError: the file can't be opened.
    """

    def __init__(self, path: str, limit: int) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._limit = limit
        self._room = limit
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._left_out = 0
        self.truncated = False

    def write(self, data: bytes) -> None:
        """Take the next piece of output."""
        if not self.truncated:
            data = self._write_head(data)
        if data:
            self._keep(data)

    def close(self) -> None:
        """Write the kept end, if there is one, and close the file."""
        if self._left_out:
            self._note(f"{self._left_out} bytes left out here")
        for piece in self._tail:
            self._put(piece)
        os.close(self._fd)

    def _write_head(self, data: bytes) -> bytes:
        """Write what there is room for and return the rest."""
        written, reason = self._put(data[: self._room])
        self._room -= written
        if written == len(data):
            return b""
        self.truncated = True
        self._note(reason or f"the limit of {self._limit} bytes is reached; only the end of the output follows")
        return data[written:]

    def _put(self, data: bytes) -> tuple[int, str]:
        """Write `data`; return how many bytes went in, and what stopped the others."""
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except OSError as error:
            self.truncated = True
            return done, f"the log could not be written: {error}"
        return done, ""

    def _note(self, text: str) -> None:
        self._put(f"\n[brainsmith] {text}\n".encode())

    def _keep(self, data: bytes) -> None:
        self._tail.append(data)
        self._tail_bytes += len(data)
        while self._tail_bytes - len(self._tail[0]) >= TAIL_BYTES:
            dropped = len(self._tail.popleft())
            self._tail_bytes -= dropped
            self._left_out += dropped
