"""Which files there are, in an order that is the same on every machine, and reading one with a limit."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from .report import ReportError

__all__ = ["HEAD_BYTES", "MAX_BYTES", "find_files", "open_regular", "read_rest", "utf8_of"]

#: How much of a file the sniff of a parser sees.
HEAD_BYTES = 64 * 1024
#: A report is read whole; what is larger (a waveform, a flooded log) isn't read at all.
MAX_BYTES = 256 * 1024 * 1024


def find_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield files, and the files in folders and their sub-folders by name; each file once.

    A folder that can't be read is yielded itself: reading it as a file then says why. Links to folders inside a
    folder aren't followed, since they may lead round in a circle.
    """
    seen: set[str] = set()
    for path in paths:
        for found in _walk(path):
            key = os.path.realpath(found)
            if key not in seen:
                seen.add(key)
                yield found


def _walk(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError:
        yield path
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif not entry.is_dir():
            yield Path(entry.path)


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; what isn't a file (a pipe, a device) isn't opened, since that could wait for ever.

    Raises:
        ReportError: if it can't be read, with the reason.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ReportError("it is no regular file" if not path.is_dir() else "the folder can't be read")
        return path.open("rb")
    except OSError as error:
        raise ReportError(f"it can't be read: {error.strerror or error}") from error


def read_rest(file: BinaryIO, head: bytes) -> bytes:
    """Return a file's whole content.

    Args:
        file: the file.
        head: what was read from it already.

    Raises:
        ReportError: if it is larger than `MAX_BYTES` or can't be read.
    """
    size = os.fstat(file.fileno()).st_size
    if size > MAX_BYTES:
        raise ReportError(f"it has {size:,} bytes, but reports of up to {MAX_BYTES:,} bytes are read")
    try:
        # Reading makes room for as many bytes as it is asked for.
        return head + file.read(max(0, size - len(head)))
    except OSError as error:
        raise ReportError(f"it can't be read: {error.strerror or error}") from error


def utf8_of(data: bytes) -> bytes:
    """Return content that a mark says is UTF-16, as Windows' shells write what they redirect, as UTF-8; else itself.

    Args:
        data: a file's content, or its beginning.

    Example:
        >>> utf8_of("36 Kb".encode("utf-16")), utf8_of(b"36 Kb")
        (b'36 Kb', b'36 Kb')
    """
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    return data.decode("utf-16", errors="replace").encode("utf-8", errors="replace")
