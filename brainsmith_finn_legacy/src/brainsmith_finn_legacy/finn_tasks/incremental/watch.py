"""Watch a step from outside: the files that it opens, the environment, and what can't be recorded at all.

One audit hook, and a few functions of `os`, `time` and `random` that tell us before they do their work; set up once in
the process of a build, and idle between its steps. What runs in C without Python's knowledge isn't seen.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from typing import Any, Callable, Optional, Set, Tuple

from .observation import PATH_EVENTS, Observation, note_paths
from .reads import whole_environment

__all__ = ["printing_through", "watch"]

_PROCESSES = {
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn"),
}
_NETWORK = {
    *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"),
}
_CHANGES = {
    "os.chdir": "it changes the working directory",
    "os.fchdir": "it changes the working directory",
    "os.putenv": "it changes the environment",
    "os.unsetenv": "it changes the environment",
    "sqlite3.connect": "it uses a database",
    "os.mkfifo": "it makes a pipe",
}
#: Whoever only stamps lines of a log with the time isn't asking for it.
_STAMPERS = ("logging", "rich.", "warnings", "threading")


class _Watch:
    """Who is told of what happens in this process: the observation of the step that runs, if one does."""

    def __init__(self) -> None:
        self.now: Optional[Observation] = None
        self.busy = False
        self.installed = False

    def tell(self, what: Callable[[Observation], None]) -> None:
        """Tell the observation, unless it is itself what happens."""
        if self.now is None or self.busy:
            return
        self.busy = True
        try:
            what(self.now)
        finally:
            self.busy = False

    def hook(self, event: str, args: Tuple[Any, ...]) -> None:
        """Get all audit events; those of no interest must cost nothing."""
        if self.now is None or self.busy:
            return
        if event == "open":
            self.tell(lambda seen: seen.opened(args[0], args[2] or 0))
        elif event in PATH_EVENTS:
            self.tell(lambda seen: note_paths(seen, event, args))
        elif event in ("os.listdir", "os.scandir"):
            if "importlib._bootstrap" in sys._getframe(1).f_code.co_filename:  # noqa: SLF001 - no other way to the caller
                return  # the import system lists all folders of its path; what it then opens is recorded
            self.tell(lambda seen: seen.listed(args[0]))
        elif event in _PROCESSES:
            self.tell(lambda seen: seen.problem("it starts a process"))
        elif event in _NETWORK:
            self.tell(lambda seen: seen.problem("it uses the network"))
        elif event in _CHANGES:
            self.tell(lambda seen: seen.problem(_CHANGES[event]))
        elif event == "ctypes.dlopen" and isinstance(args[0], str) and os.sep in args[0]:
            self.tell(lambda seen: seen.read(args[0]))


_WATCH = _Watch()


class watch:  # noqa: N801 - it is used like a function
    """Watch what happens within a `with` block, in all threads."""

    def __init__(self, observation: Observation) -> None:
        self._observation = observation
        self._threads: Set[int] = set()

    def __enter__(self) -> Observation:
        if not _WATCH.installed:
            _WATCH.installed = True
            _install()
        self._threads = {thread.ident or 0 for thread in threading.enumerate()}
        _WATCH.now = self._observation
        return self._observation

    def __exit__(self, *_: object) -> None:
        _WATCH.now = None
        left = [thread.name for thread in threading.enumerate() if (thread.ident or 0) not in self._threads]
        if left:
            self._observation.problem(f"it leaves a thread running ({left[0]})")
        for path in self._observation.left_outside():
            self._observation.problem(f"it writes outside the output folder: {path}")


def _install() -> None:
    """Set the hook and the wrappers; they stay for the life of this process."""
    sys.addaudithook(_WATCH.hook)
    for name in ("stat", "lstat", "access"):
        _wrap_look(name)
    _wrap_environment()
    _wrap_entropy()
    for name in ("time", "time_ns"):
        setattr(time, name, _wrap_clock(getattr(time, name)))


def _wrap_look(name: str) -> None:
    original = getattr(os, name)

    def look(path: Any, *args: Any, **kwargs: Any) -> Any:
        _WATCH.tell(lambda seen: seen.looked_at(path))
        return original(path, *args, **kwargs)

    for supported in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if original in supported:
            supported.add(look)  # `shutil` and others look functions up in these sets
    setattr(os, name, look)


def _wrap_environment() -> None:
    kind: Any = type(os.environ)
    item, names = kind.__getitem__, kind.__iter__

    def get(self: Any, name: Any) -> Any:
        if self is os.environ and isinstance(name, str):
            _WATCH.tell(lambda seen: seen.asked_for(name))
        return item(self, name)

    def every(self: Any) -> Any:
        _WATCH.tell(lambda seen: seen.reads.note("environment", "", lambda: whole_environment(seen.place)))
        return names(self)

    kind.__getitem__, kind.__iter__ = get, every


def _wrap_entropy() -> None:
    urandom, seed = os.urandom, random.Random.seed

    def entropy(size: int) -> bytes:
        _WATCH.tell(lambda seen: seen.problem("it uses random numbers of the operating system"))
        return urandom(size)

    def seeded(self: random.Random, a: Any = None, version: int = 2) -> None:
        if a is None and not _called_from(("tempfile",), 3):  # below it: `Random.__init__`
            _WATCH.tell(lambda seen: seen.problem("it uses random numbers of the operating system"))
        seed(self, a, version)

    os.urandom = entropy
    setattr(random, "_urandom", entropy)  # noqa: B010 - a private name of another module
    random.Random.seed = seeded  # type: ignore[method-assign] # it is meant to be replaced


def _wrap_clock(original: Callable[[], Any]) -> Callable[[], Any]:
    def clock() -> Any:
        if _WATCH.now is not None and not _called_from(_STAMPERS):
            _WATCH.tell(lambda seen: seen.problem("it asks for the time"))
        return original()

    return clock


def _called_from(modules: Tuple[str, ...], depth: int = 2) -> bool:
    """Whether the caller of our wrapper, or what replaces stdout, is one of these modules."""
    frame = sys._getframe(depth)  # noqa: SLF001 - no other way to the caller
    name = str(frame.f_globals.get("__name__", ""))
    printing = {type(sys.stdout).__module__, type(sys.stderr).__module__, type(sys.__stdout__).__module__}
    return name.startswith(modules) or (frame.f_code.co_name == "write" and name in printing | {_PRINTER[0]})


#: The module of the object that stands for stdout between steps; `printed` puts its own in its place.
_PRINTER = [""]


def printing_through(module: str) -> None:
    """Say which module's `write` prints, and may look at the clock for it."""
    _PRINTER[0] = module
