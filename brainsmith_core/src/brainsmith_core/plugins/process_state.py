"""What belongs to the whole process, so that no plugin's import or hook may change it for others: put back after it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["process_kept"]

#: Streams and functions of `sys` that decide what a user sees.
_OF_SYS = ("stdout", "stderr", "__stdout__", "__stderr__", "excepthook", "unraisablehook", "displayhook")

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGPIPE") if hasattr(signal, name)
)


@contextlib.contextmanager
def process_kept() -> Iterator[list[str]]:
    """Put back, after the body, what it changed of the process; yields a list of what that was, filled at the end.

    What was added stays, where that harms nobody: environment variables, modules, and entries of `sys.path` and
    `sys.meta_path`, which come to the end, so that they hide nothing. A process that the body forked ends here.

    Example:
        >>> with process_kept() as changed:
        ...     os.chdir("/")
        >>> changed
        ['the working folder']
    """
    changed: list[str] = []
    process = os.getpid()
    checks = [_folder(), _path(), _finders(), _modules(), _limit(), _of_sys()]
    alone = threading.current_thread() is threading.main_thread()
    if alone:  # what other threads do meanwhile with these would be mistaken for the body's doing
        checks += [_environment(), _signals(), _mask()]
    with warnings.catch_warnings() if alone else contextlib.nullcontext():
        try:
            yield changed
        finally:
            if os.getpid() != process:
                os._exit(0)  # a copy of this program would do the user's command a second time
            changed += [name for name, put_back in checks if put_back()]


#: What it is, and a function that puts it back if need be, and says whether it was.
_Check = tuple[str, Callable[[], bool]]


def _folder() -> _Check:
    before = _current_folder()

    def put_back() -> bool:
        if before is None or _current_folder() == before:
            return False
        with contextlib.suppress(OSError):  # removed meanwhile
            os.chdir(before)
        return True

    return "the working folder", put_back


def _current_folder() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return None


def _environment() -> _Check:
    before = dict(os.environ)

    def put_back() -> bool:
        lost = {name: value for name, value in before.items() if os.environ.get(name) != value}
        os.environ.update(lost)
        return bool(lost)

    return "environment variables", put_back


def _path() -> _Check:
    return _list("sys.path", sys.path)


def _finders() -> _Check:
    return _list("sys.meta_path", sys.meta_path)


def _list(name: str, watched: list[Any]) -> _Check:
    before = list(watched)

    def put_back() -> bool:
        if watched[: len(before)] == before:
            return False
        watched[:] = [*before, *(each for each in watched if each not in before)]
        return True

    return name, put_back


def _modules() -> _Check:
    before = dict(sys.modules)

    def put_back() -> bool:
        lost = {name: module for name, module in before.items() if name not in sys.modules}
        sys.modules.update(lost)
        return bool(lost)

    return "sys.modules", put_back


def _signals() -> _Check:
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def put_back() -> bool:
        found = False
        for number, handler in before.items():
            # None: a handler that isn't Python's, and that Python can't set.
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
                found = True
        return found

    return "signal handlers", put_back


def _limit() -> _Check:
    before = sys.getrecursionlimit()

    def put_back() -> bool:
        found = sys.getrecursionlimit() < before  # a higher one harms nobody
        if found:
            sys.setrecursionlimit(before)
        return found

    return "the recursion limit", put_back


def _mask() -> _Check:
    before = _file_mask()

    def put_back() -> bool:
        return os.umask(before) != before

    return "the mask of file rights", put_back


def _file_mask() -> int:
    mask = os.umask(0o077)  # it can't be read without being set
    os.umask(mask)
    return mask


def _of_sys() -> _Check:
    before: dict[str, Any] = {name: getattr(sys, name) for name in _OF_SYS}
    traced, profiled = sys.gettrace(), sys.getprofile()

    def put_back() -> bool:
        found = [name for name, value in before.items() if getattr(sys, name, None) is not value]
        for name in found:
            setattr(sys, name, before[name])
        if sys.gettrace() is not traced:
            sys.settrace(traced)
            found.append("settrace")
        if sys.getprofile() is not profiled:
            sys.setprofile(profiled)
            found.append("setprofile")
        return bool(found)

    return "streams or functions of sys", put_back
