"""How far a processing step is, told from the process that it runs in to the build; seldom enough to be no burden."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["progress_to", "tell_progress"]

#: Seconds between two events of a step; the last one, when all is done, never waits.
INTERVAL_S = 1.0


class _Listener:
    """Passes on what isn't too soon, from any thread of the step."""

    def __init__(self, emit: Callable[[dict[str, Any]], None]) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._told_at = time.monotonic()
        self._last: dict[str, Any] = {}

    def tell(self, done: int, of: int, what: str) -> None:
        event = {"done": done, "of": of, "what": what}
        with self._lock:
            is_due = time.monotonic() - self._told_at >= INTERVAL_S
            if event == self._last or not (is_due or done >= of):
                return
            self._told_at, self._last = time.monotonic(), event
            self._emit(event)


#: Who is told; a step that runs outside a build has nobody.
_listening: list[_Listener] = []


@contextmanager
def progress_to(emit: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Pass the progress of the step that runs within a `with` block on to a build.

    Args:
        emit: gets `done`, `of` and `what`.
    """
    listener = _Listener(emit)
    _listening.append(listener)
    try:
        yield
    finally:
        _listening.remove(listener)


def tell_progress(done: int, total: int, what: str) -> None:
    """Tell how far the step is; see `StepContext.progress`."""
    if _listening:
        # int() takes NumPy's whole numbers too, which JSON can't hold.
        _listening[-1].tell(int(done), int(total), str(what))
