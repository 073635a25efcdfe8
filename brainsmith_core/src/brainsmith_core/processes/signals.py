"""Ctrl-C and SIGTERM: the first ones ask for an orderly stop, the last ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["ignore_ctrl_c", "stop_on_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(on_signal: Callable[[str], None], *, drains: bool = False) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask for a stop while the body runs; a second one raises KeyboardInterrupt.

    Only the main thread can have signal handlers: in another one this does nothing. A signal that the process ignores
    (as `nohup` and `&` arrange it) stays ignored. The handlers from before are put back at the end.

    Args:
        on_signal: called in the main thread, wherever it is, with the signal's name, each time. It must not wait for
            anything.
        drains: the first Ctrl-C only asks to begin nothing more: one more signal is needed before one raises. SIGTERM
            asks for the stop at once.

    Example:
        >>> caught = []
        >>> with stop_on_signals(caught.append):
        ...     signal.raise_signal(signal.SIGTERM)
        >>> caught
        ['SIGTERM']
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stop, level = 2 if drains else 1, 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal level
        del frame
        level = level + 1 if number == signal.SIGINT else max(level + 1, stop)
        on_signal(signal.Signals(number).name)
        if level > stop:
            raise KeyboardInterrupt

    before = {each: signal.getsignal(each) for each in _SIGNALS}
    ours = [each for each, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for each in ours:
        signal.signal(each, handle)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, before[each])


@contextmanager
def ignore_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C do nothing while the body clears up; in a thread that isn't the main one, change nothing.

    Example:
        >>> with ignore_ctrl_c():
        ...     signal.raise_signal(signal.SIGINT)
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
