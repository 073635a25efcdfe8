"""Locks between processes that the kernel frees when their holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from typing import Callable, Iterator, Optional

__all__ = ["flight", "held", "shared"]

#: Seconds between two looks at a lock, for those who may give up waiting.
_PAUSE = 0.02


def _try(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(handle: int, give_up: Optional[Callable[[], bool]]) -> bool:
    """Wait for a lock; False if given up."""
    if give_up is None:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return True
    while not _try(handle, fcntl.LOCK_EX):
        if give_up():
            return False
        time.sleep(_PAUSE)
    return True


def _is_at(handle: int, path: str) -> bool:
    """Tell whether an open file still has that name: its last holder may have removed it."""
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    here = os.fstat(handle)
    return (here.st_ino, here.st_dev) == (there.st_ino, there.st_dev)


@contextlib.contextmanager
def flight(folder: str, key: str, give_up: Optional[Callable[[], bool]] = None) -> Iterator[Optional[bool]]:
    """Be the only one, of all processes and threads, that is within this block for a key.

    Gives whether somebody else was there before (then look again: what you were about to make may be there), or None
    if `give_up` said so, and nothing is held. The lock's file is removed by its holder, so none are left.

    Args:
        folder: where the locks' files are.
        key: any text.
        give_up: asked every few hundredths of a second while waiting; without it, the wait is silent and endless.
    """
    path = os.path.join(folder, hashlib.sha256(key.encode()).hexdigest())
    waited = False
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if not _try(handle, fcntl.LOCK_EX):
                waited = True
                if not _wait_for(handle, give_up):
                    yield None
                    return
            if not _is_at(handle, path):
                waited = True
                continue
            try:
                yield waited
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            return
        finally:
            os.close(handle)


@contextlib.contextmanager
def _locked(path: str, kind: int) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)


def shared(path: str) -> "contextlib.AbstractContextManager[None]":
    """Hold a lock together with others that share it, while nobody holds it alone."""
    return _locked(path, fcntl.LOCK_SH)


def held(path: str) -> "contextlib.AbstractContextManager[None]":
    """Hold a lock alone."""
    return _locked(path, fcntl.LOCK_EX)
