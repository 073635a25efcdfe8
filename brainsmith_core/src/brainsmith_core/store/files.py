"""Files that come into being whole: written to a temporary name on the same file system, then renamed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from typing import BinaryIO, Iterator, Tuple

__all__ = ["CHUNK", "copy_checked", "digest_of_file", "write_atomically", "written_atomically"]

CHUNK = 1 << 20
#: Linux' request to let two files share their blocks until one is written to (`ioctl_ficlone`).
_FICLONE = 0x40049409
#: Files smaller than this are copied at once: asking for a clone costs more.
_WORTH_CLONING = 1 << 20


@contextlib.contextmanager
def written_atomically(path: str, folder: str, mode: int) -> Iterator[BinaryIO]:
    """Give a new file that gets its name when the block ends well, and is removed when it doesn't.

    It isn't synced to the disk: whatever is read from a store is checked, so a file that a power failure has cut off
    is found, dropped and made again. A killed process leaves a temporary file at most.

    Args:
        path: the file to be.
        folder: where the temporary file goes; on the same file system.
        mode: the file's permissions.
    """
    handle, temporary = tempfile.mkstemp(prefix=".new-", dir=folder)
    try:
        with open(handle, "wb") as file:
            os.fchmod(handle, mode)
            yield file
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def write_atomically(path: str, data: bytes, folder: str, mode: int = 0o444) -> None:
    """Write a file whole or not at all; see `written_atomically`."""
    with written_atomically(path, folder, mode) as file:
        file.write(data)


def digest_of_file(path: str) -> Tuple[str, int]:
    """Return the SHA-256 of a file and its size in bytes."""
    with open(path, "rb") as file:
        return _digest(file)


def copy_checked(source: BinaryIO, target: BinaryIO) -> str:
    """Copy an open file to a new one, sharing its blocks where that can be done; return the SHA-256 of the copy."""
    if os.fstat(source.fileno()).st_size >= _WORTH_CLONING and _cloned(source, target):
        with open(f"/proc/self/fd/{target.fileno()}", "rb") as copy:
            return _digest(copy)[0]
    digest = hashlib.sha256()
    for part in iter(lambda: source.read(CHUNK), b""):
        digest.update(part)
        target.write(part)
    return digest.hexdigest()


def _cloned(source: BinaryIO, target: BinaryIO) -> bool:
    try:
        fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except OSError:  # another file system, or one that can't
        return False
    return True


def _digest(file: BinaryIO) -> Tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for part in iter(lambda: file.read(CHUNK), b""):
        digest.update(part)
        size += len(part)
    return digest.hexdigest(), size
