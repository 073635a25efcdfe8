"""Catch what one thread prints; what the others print meanwhile goes where it always goes, or to stderr."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

__all__ = ["captured_stdout", "others_to_stderr"]

_lock = threading.Lock()


class _Caught(io.StringIO):
    """Text that stays readable when what printed it closes its stdout."""

    def close(self) -> None:
        """Do nothing."""


class _Router:
    """Stands in for `sys.stdout` while some thread's output is caught.

    Args:
        behind: what `sys.stdout` was.
    """

    def __init__(self, behind: TextIO) -> None:
        self.behind = behind
        self.caught: dict[int, list[io.StringIO]] = {}
        #: The thread beside which all others are foreign, if there is one; and those that were foreign before.
        self.alone: int | None = None
        self.foreign: set[threading.Thread] = set()

    def __getattr__(self, name: str) -> Any:
        thread = threading.get_ident()
        catching = self.caught.get(thread)
        if catching:
            return getattr(catching[-1], name)
        foreign = self.alone not in (None, thread) or threading.current_thread() in self.foreign
        return getattr(sys.stderr if foreign else self.behind, name)

    @property
    def is_needed(self) -> bool:
        """Whether it still keeps anything apart."""
        self.foreign = {each for each in self.foreign if each.is_alive()}
        return bool(self.caught or self.foreign or self.alone is not None)


@contextmanager
def captured_stdout() -> Iterator[io.StringIO]:
    """Catch what this thread writes to `sys.stdout` while the body runs.

    `contextlib.redirect_stdout` catches what all threads write: the results that a program prints while its builds
    run would get lost whenever a build loads a plugin's code.

    Example:
        >>> with captured_stdout() as output:
        ...     print("quiet")
        >>> output.getvalue()
        'quiet\\n'
    """
    output, thread = _Caught(), threading.get_ident()
    with _lock:
        router = _installed()
        router.caught.setdefault(thread, []).append(output)
    try:
        yield output
    finally:
        with _lock:
            router.caught[thread].pop()
            if not router.caught[thread]:
                del router.caught[thread]
            _remove_if_idle(router)


@contextmanager
def others_to_stderr() -> Iterator[None]:
    """Send to stderr what threads print that are started while the body runs, also what they print later.

    Only for a process that has but one thread so far: it can't be told who started a thread.
    """
    with _lock:
        router = _installed()
        router.alone = threading.get_ident()
    try:
        yield
    finally:
        with _lock:
            router.foreign |= {each for each in threading.enumerate() if each.ident != router.alone}
            router.alone = None
            _remove_if_idle(router)


def _installed() -> _Router:
    current: object = sys.stdout
    router = current if isinstance(current, _Router) else _Router(sys.stdout)
    sys.stdout = cast(TextIO, router)
    return router


def _remove_if_idle(router: _Router) -> None:
    if not router.is_needed and cast(object, sys.stdout) is router:
        sys.stdout = router.behind
