"""Watch a processing step in its own process: what it reads beside what it is given, and what can't be recorded."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from ...context import StepContext
from ..workspace import file_digest

__all__ = ["StepReads", "WatchedStepContext", "watched"]

_PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty")
_NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo")
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/")


@attrs.define
class StepReads:
    """What a step was seen to do.

    Args:
        config: whether it looked at the build's configuration.
        files: digests of the files that it opened, by path.
        problems: why its outcome can't be reused.
    """

    config: bool = False
    files: dict[str, str] = attrs.field(factory=dict)
    problems: list[str] = attrs.field(factory=list)


class WatchedStepContext(StepContext):
    """A step's context that tells when its configuration is looked at."""

    reads: StepReads | None = None

    def __getattribute__(self, name: str) -> Any:
        if name == "config":
            reads = WatchedStepContext.reads
            if reads is not None:
                reads.config = True
        return super().__getattribute__(name)


#: Who is told of what happens in this process; an audit hook can't be taken away again.
_told: list[_Watch] = []
_hooked: list[bool] = []


class _Watch:
    def __init__(self, reads: StepReads, output_dir: str) -> None:
        self.reads, self._root = reads, os.path.join(os.path.abspath(output_dir), "")  # noqa: PTH100, PTH118 - a hook must be quick
        self.written = set[str]()
        self._own = _own_folders()

    def opened(self, path: Any, flags: int) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a descriptor
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - see above
        if name.startswith((self._root, *_SYSTEM)):
            return
        if flags & os.O_ACCMODE != os.O_RDONLY:
            self.written.add(name)
        elif name not in self.written and not name.startswith(self._own) and Path(name).is_file():
            self.reads.files[name] = ""


def _own_folders() -> tuple[str, ...]:
    """Return the folders of code: the installed distributions and the step's own code are part of the key."""
    folders = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *(path for path in sys.path if path)}
    return tuple(os.path.join(os.path.abspath(folder), "") for folder in folders)  # noqa: PTH100, PTH118 - see above


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _told:
        return
    watch = _told[-1]
    if event == "open":
        watch.opened(args[0], args[2] or 0)
    elif event in _PROCESSES:
        watch.reads.problems.append("it starts a process")
    elif event in _NETWORK:
        watch.reads.problems.append("it uses the network")


@contextmanager
def watched(output_dir: str) -> Iterator[StepReads]:
    """Watch what happens within a `with` block, in all threads of this process.

    Args:
        output_dir: the build's folder, which isn't watched.
    """
    reads = StepReads()
    if not _hooked:
        _hooked.append(True)
        sys.addaudithook(_hook)
    watch = _Watch(reads, output_dir)
    _told.append(watch)
    WatchedStepContext.reads = reads
    try:
        yield reads
    finally:
        WatchedStepContext.reads = None
        _told.pop()
        # Temporary files are gone by now; those that never had a name are opened by that of their folder.
        left = sorted(name for name in watch.written if os.path.lexists(name) and not Path(name).is_dir())
        reads.problems += [f"it writes to {name}" for name in left]
        for name in list(reads.files):
            try:
                reads.files[name] = file_digest(Path(name))
            except OSError:
                reads.problems.append(f"it reads {name}, which is gone")
