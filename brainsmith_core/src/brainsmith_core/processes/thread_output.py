"""Catch what one thread prints; what the others print meanwhile goes where it always goes."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

__all__ = ["captured_stdout"]

_lock = threading.Lock()


class _Router:
    """Stands in for `sys.stdout` while some thread's output is caught.

    Args:
        behind: what `sys.stdout` was.
    """

    def __init__(self, behind: TextIO) -> None:
        self.behind = behind
        self.caught: dict[int, list[io.StringIO]] = {}

    def __getattr__(self, name: str) -> Any:
        catching = self.caught.get(threading.get_ident())
        return getattr(catching[-1] if catching else self.behind, name)


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
    output, thread = io.StringIO(), threading.get_ident()
    with _lock:
        current: object = sys.stdout
        router = current if isinstance(current, _Router) else _Router(sys.stdout)
        router.caught.setdefault(thread, []).append(output)
        sys.stdout = cast(TextIO, router)
    try:
        yield output
    finally:
        with _lock:
            router.caught[thread].pop()
            if not router.caught[thread]:
                del router.caught[thread]
            if not router.caught and cast(object, sys.stdout) is router:
                sys.stdout = router.behind
