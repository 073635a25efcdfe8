"""JSON lines on non-blocking pipes: lines of any size, and nobody waits for a slow reader or writer."""

from __future__ import annotations

import json
import os
import select
from collections import deque
from collections.abc import Iterator
from typing import Any

__all__ = ["LineReader", "LineWriter", "drain", "encode", "read_available"]

_MAX_LINE_BYTES = 512 * 1024 * 1024  # a longer line is a fault, and is dropped
_READ_BYTES = 256 * 1024
_MAX_PIPE_BYTES = 64 * 1024 * 1024


def encode(message: Any) -> bytes:
    """Return `message` as one line of ASCII JSON, newline included."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def read_available(fd: int) -> bytes | None:
    """Return what one read of a non-blocking pipe gives: None if nothing yet, empty at its end."""
    try:
        return os.read(fd, _READ_BYTES)
    except BlockingIOError:
        return None


def drain(fd: int) -> Iterator[bytes]:
    """Yield what a non-blocking pipe holds; no more than a pipe can hold, should somebody still write to it."""
    for _ in range(_MAX_PIPE_BYTES // _READ_BYTES):
        data = read_available(fd)
        if not data:
            return
        yield data


class LineReader:
    """Splits what arrives on a pipe into lines; empty ones are left out.

    Args:
        fd: the read end; it is made non-blocking and belongs to the reader from here on.
    """

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.at_end = False
        self._parts: list[bytes] = []
        self._size = 0

    def read(self) -> list[bytes]:
        """Return the lines completed by one read; `at_end` is set once nobody can write any more."""
        data = read_available(self.fd)
        self.at_end = data == b""
        return self._split(data) if data else []

    def read_rest(self) -> list[bytes]:
        """Return all lines that are in the pipe now; for when its writers are gone."""
        return [line for data in drain(self.fd) for line in self._split(data)]

    def close(self) -> None:
        """Close the pipe."""
        os.close(self.fd)

    def _split(self, data: bytes) -> list[bytes]:
        head, newline, rest = data.partition(b"\n")
        self._append(head)
        if not newline:
            return []
        lines = [b"".join(self._parts), *rest.split(b"\n")]
        self._parts, self._size = [], 0
        self._append(lines.pop())
        return [line for line in lines if line]

    def _append(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > _MAX_LINE_BYTES:
            self._parts = []
        else:
            self._parts.append(part)


class LineWriter:
    """Writes to a pipe what fits now and keeps the rest for later.

    Args:
        fd: the write end; it is made non-blocking and belongs to the writer from here on.
    """

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self.pending = 0
        self.broken = False
        self._queue: deque[memoryview] = deque()

    def send(self, line: bytes) -> None:
        """Queue one line and write what fits."""
        if not self.broken:
            self._queue.append(memoryview(line))
            self.pending += len(line)
            self.flush()

    def flush(self) -> None:
        """Write as much as fits; `broken` is set once nobody can read any more."""
        try:
            while self._queue:
                self._drop(os.write(self.fd, self._queue[0]))
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.abandon()

    def flush_all(self) -> None:
        """Write everything, however long the reader takes; it ends early only if there is no reader."""
        poller = select.poll()
        poller.register(self.fd, select.POLLOUT)
        while self.pending:
            poller.poll()
            self.flush()

    def abandon(self) -> None:
        """Forget what isn't written, and write no more: there is nobody to read it."""
        self.broken = True
        self.pending = 0
        self._queue.clear()

    def _drop(self, written: int) -> None:
        self.pending -= written
        first = self._queue.popleft()
        if written < len(first):
            self._queue.appendleft(first[written:])
