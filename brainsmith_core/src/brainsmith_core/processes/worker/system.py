"""Linux primitives: prctl, a fork without surprises, signals as bytes on a pipe."""

from __future__ import annotations

import ctypes
import os
import signal
import traceback
from collections.abc import Callable

__all__ = ["Signals", "become_subreaper", "die_with_parent", "fork", "name_process", "restore_signals"]

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_SOFTWARE_ERROR = 70  # EX_SOFTWARE of sysexits.h

_libc = ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> None:
    """Make this process the new parent of every orphan below it, whatever session the orphan is in."""
    _prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))


def die_with_parent(signum: int, parent: int) -> None:
    """Have the kernel send us `signum` when our `parent` dies; leave at once if it is dead already."""
    _prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signum))
    if os.getppid() != parent:  # it died before the kernel had the request
        os._exit(_SOFTWARE_ERROR)


def name_process(name: str) -> None:
    """Set the name (at most 15 bytes) that `ps` and `top` show."""
    _prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()))


def _prctl(option: int, value: ctypes.c_ulong | ctypes.c_char_p) -> None:
    none = ctypes.c_ulong(0)
    if _libc.prctl(option, value, none, none, none) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


def fork(body: Callable[[], None]) -> int:
    """Fork and return the new process's id; there, run `body` and leave without running any exit handler.

    The handled signals are blocked in the new process until it says how to take them (`Signals` or
    `restore_signals`), so that none meets what was inherited from its parent.

    Raises:
        OSError: there can't be another process.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        pid = os.fork()
        if pid == 0:
            _run_and_leave(body)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_and_leave(body: Callable[[], None]) -> None:
    code = _SOFTWARE_ERROR
    try:
        body()
        code = 0
    except BaseException:  # noqa: BLE001 - nobody is above to report to; the parent sees the exit code
        traceback.print_exc()
    finally:
        os._exit(code)


def restore_signals() -> None:
    """Give the handled signals their usual meaning again and let them through."""
    signal.set_wakeup_fd(-1)
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)


class Signals:
    """Turns the handled signals into bytes on a pipe, so that one `poll` waits for them too."""

    def __init__(self) -> None:
        self.fd, self._write_fd = os.pipe()
        for fd in (self.fd, self._write_fd):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        for number in _HANDLED:
            signal.signal(number, _ignore)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)

    def take(self) -> set[int]:
        """Return the signals that came since the last call."""
        try:
            return set(os.read(self.fd, 65536))
        except BlockingIOError:
            return set()

    def close(self) -> None:
        """Close the pipe; only for the copy that a fork inherits."""
        os.close(self.fd)
        os.close(self._write_fd)


def _ignore(number: int, frame: object) -> None:
    """Do nothing: the byte on the pipe is the message."""
