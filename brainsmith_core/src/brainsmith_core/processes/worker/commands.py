"""A module of tasks: run any program in place of the task's own process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

__all__ = ["execute"]


def execute(args: dict[str, Any], emit: Callable[[dict[str, Any]], None]) -> None:
    """Become the program `args["argv"]`: its exit code or signal is the task's, and there is never a result.

    Raises:
        OSError: there is no such program, or it can't be run.
    """
    del emit
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and a program would inherit that
        signal.signal(number, signal.SIG_DFL)
    argv = args["argv"]
    os.execvp(argv[0], argv)
