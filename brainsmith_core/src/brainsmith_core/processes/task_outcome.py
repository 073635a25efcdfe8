"""What became of a task that ran in a worker."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

__all__ = ["Outcome", "ProcessName", "TaskError", "TaskOutcome"]

Outcome: TypeAlias = Literal["ok", "error", "crash", "timeout", "memory", "stopped"]


@attrs.frozen
class TaskError:
    """Why a task has no result.

    Args:
        type: the qualified name of the exception, or one word: `Crash`, `Timeout`, `MemoryLimit`, `Stopped`,
            `SupervisorDied`, `WorkerDied`.
        message: what happened.
        traceback: the whole traceback if an exception ended the task, else None.
    """

    type: str
    message: str
    traceback: str | None = None


@attrs.frozen
class ProcessName:
    """A process that is gone by now: its id and the name of its program."""

    pid: int
    name: str


@attrs.frozen
class TaskOutcome:
    """What became of one task.

    Args:
        outcome: `ok` (there is a result), `error` (an exception), `crash` (its process ended, and there is
            neither), `timeout`, `memory` or `stopped`.
        result: what the task returned.
        error: what went wrong; None exactly if the outcome is `ok`.
        signal: the number of the signal that ended its process, if one did.
        exit_code: the exit code of its process, if that left by itself.
        seconds: how long it ran.
        peak_rss_bytes: the most memory that its processes were seen to use; None if nobody could look.
        killed: its other processes that had to be ended, also those that it left in the background.
        left: processes that not even SIGKILL ended within a minute; almost always empty.
        log_truncated: whether output is missing from the log.
    """

    outcome: Outcome
    result: Any = None
    error: TaskError | None = None
    signal: int | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    peak_rss_bytes: int | None = None
    killed: tuple[ProcessName, ...] = ()
    left: tuple[ProcessName, ...] = ()
    log_truncated: bool = False

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return self.outcome == "ok"
