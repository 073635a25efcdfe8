"""Call foreign code so that nothing it does at that moment - raise, exit, interrupt, print - gets any further."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Generic, TypeVar

import attrs

from ..processes.thread_output import captured_stdout, others_to_stderr
from .process_state import process_kept

__all__ = ["Outcome", "call_contained", "containment", "describe", "one_line"]

T = TypeVar("T")

_LONGEST = 300

#: Of each thread: whether its calls are contained already.
_here = threading.local()


@attrs.frozen(kw_only=True)
class Outcome(Generic[T]):
    """What became of a call.

    Args:
        value: what it returned, or None if it raised.
        error: what it raised, or None.
        output: what it wrote to `sys.stdout`.
        seconds: how long it took.
        changed: what of the process it changed, and was put back.
    """

    value: T | None
    error: BaseException | None
    output: str
    seconds: float
    changed: tuple[str, ...] = ()


def call_contained(action: Callable[[], T]) -> Outcome[T]:
    """Call foreign code; whatever it raises is in the outcome, and nothing of what it prints reaches stdout.

    What it changes of the process, such as the working folder, is put back and named in the outcome.

    Ctrl-C is no fault of the code: only a `KeyboardInterrupt` that no signal caused is contained.

    Args:
        action: the foreign code.

    Example:
        >>> describe(call_contained(lambda: 1 // 0).error)
        'ZeroDivisionError: integer division or modulo by zero'
    """
    error: BaseException | None = None
    value: T | None = None
    started = time.perf_counter()
    with containment() as pressed, captured_stdout() as output, process_kept() as changed:
        try:
            value = action()
        except BaseException as raised:  # foreign code: it may raise anything, SystemExit too
            if pressed.is_set():
                raise
            error = raised
    seconds = time.perf_counter() - started
    return Outcome(value=value, error=error, output=output.getvalue(), seconds=seconds, changed=tuple(changed))


@contextlib.contextmanager
def containment() -> Iterator[threading.Event]:
    """Contain many calls of foreign code at the cost of one; within it nothing of ours may be printed on stdout.

    Yields an event that is set once a real interrupt came.
    """
    active: threading.Event | None = getattr(_here, "pressed", None)
    if active is not None:
        yield active
        return
    with _interrupts() as pressed, _clean_descriptor():
        _here.pressed = pressed
        try:
            yield pressed
        finally:
            _here.pressed = None


def describe(error: BaseException | None) -> str:
    """Return an error in one line of bearable length."""
    try:
        told = str(error)
    except Exception as unspeakable:  # noqa: BLE001 - foreign code, run by `str`: it may raise anything
        told = f"(its message can't be made: {type(unspeakable).__name__})"
    return one_line(f"{type(error).__name__}: {told}").removesuffix(":")


def one_line(text: str) -> str:
    r"""Return foreign text as one line of bearable length, with nothing in it that a terminal obeys or can't show.

    Args:
        text: the text.

    Example:
        >>> one_line("two\nlines \x1b[31m")
        'two lines \\x1b[31m'
    """
    cut = " ".join(text[: 2 * _LONGEST].split())
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in cut)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 3]}..."


@contextlib.contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Yield an event that is set once a real interrupt came."""
    pressed = threading.Event()

    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed  # no signal reaches this thread, or the process ignores them
        return

    def note(number: int, frame: FrameType | None) -> object:
        pressed.set()
        return before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _clean_descriptor() -> Iterator[None]:
    """Send to stderr what libraries, child processes and new threads write to stdout."""
    # The descriptor belongs to all threads, so it is only turned where there is but one.
    if threading.active_count() > 1:
        yield
        return
    kept = _turn_to_stderr()
    try:
        with others_to_stderr():
            yield
    finally:
        if kept is not None:
            if sys.__stdout__ is not None:
                with contextlib.suppress(OSError, ValueError):  # closed by the foreign code
                    sys.__stdout__.flush()
            os.dup2(kept, 1)
            os.close(kept)


def _turn_to_stderr() -> int | None:
    """Make file descriptor 1 another name of 2; return what 1 was, or None if that can't be done."""
    if sys.__stdout__ is not None:
        with contextlib.suppress(OSError, ValueError):  # closed by foreign code
            sys.__stdout__.flush()
    try:
        kept = os.dup(1)
    except OSError:  # stdout is closed: nothing can be spoilt
        return None
    try:
        os.dup2(2, 1)
    except OSError:  # stderr is closed
        os.close(kept)
        return None
    return kept
