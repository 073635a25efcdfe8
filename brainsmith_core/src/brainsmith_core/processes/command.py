"""Run any program under supervision: its whole process tree ends with it, however it ends."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import attrs

from ..errors import MissingRequirementError
from .client import DEFAULT_LOG_BYTES, ProcessName, StopSignal, TaskOutcome, Worker

__all__ = ["CommandEnd", "CommandOutcome", "run_command"]

CommandEnd: TypeAlias = Literal["exited", "signalled", "timeout", "memory", "stopped"]

_TASKS = Path(__file__).with_name("worker") / "commands.py"


@attrs.frozen
class CommandOutcome:
    """What became of a program.

    Args:
        end: `exited` (see the exit code), `signalled` (somebody else ended it), `timeout`, `memory`, `stopped`.
        exit_code: what it left with, if it left by itself.
        signal: the number of the signal that ended it, if one did.
        seconds: how long it ran.
        peak_rss_bytes: the most memory that its processes were seen to use; None if nobody could look.
        killed: its other processes that had to be ended.
        log_truncated: whether output is missing from the log.
    """

    end: CommandEnd
    exit_code: int | None
    signal: int | None
    seconds: float
    peak_rss_bytes: int | None
    killed: tuple[ProcessName, ...]
    log_truncated: bool

    @property
    def ok(self) -> bool:
        """Whether it left with exit code 0."""
        return self.end == "exited" and self.exit_code == 0


def run_command(
    argv: Sequence[str | Path],
    *,
    log: Path,
    timeout_s: float | None = None,
    memory_bytes: int | None = None,
    stop: StopSignal | None = None,
    env: Mapping[str, str | None] | None = None,
    cwd: Path | None = None,
) -> CommandOutcome:
    """Run a program to its end; when this returns or raises (Ctrl-C too), none of its processes is left.

    Args:
        argv: the program (a path, or a name to look for in `PATH`) and its arguments.
        log: its output is appended here, the last 256 KiB and 64 MiB before that at most; the folder must exist.
        timeout_s: how many seconds it may run.
        memory_bytes: how much memory its processes may use together.
        stop: ends it as soon as it is set.
        env: added to our environment; a variable whose value is None is removed.
        cwd: the folder to run in.

    Raises:
        MissingRequirementError: the program isn't there or can't be run, or the log can't be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     outcome = run_command(["sh", "-c", "echo hello; exit 3"], log=Path(folder, "log"))
        ...     outcome.exit_code, Path(folder, "log").read_text()
        (3, 'hello\\n')
    """
    words = [str(word) for word in argv]
    with Worker(Path(sys.executable), _TASKS, log=log) as worker:
        outcome = worker.run(
            "execute",
            {"argv": words},
            log=log,
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
            log_bytes=DEFAULT_LOG_BYTES,
            cwd=cwd,
            env=env,
            stop=stop,
        )
    return CommandOutcome(
        end=_end(outcome, words, log),
        exit_code=outcome.exit_code,
        signal=outcome.signal,
        seconds=outcome.seconds,
        peak_rss_bytes=outcome.peak_rss_bytes,
        killed=outcome.killed,
        log_truncated=outcome.log_truncated,
    )


def _end(outcome: TaskOutcome, words: list[str], log: Path) -> CommandEnd:
    if outcome.outcome in ("timeout", "memory", "stopped"):
        return outcome.outcome
    if outcome.outcome == "crash":
        return "signalled" if outcome.exit_code is None else "exited"
    assert outcome.error is not None  # what is never replaced by the program has no result either
    raise MissingRequirementError(
        f"{words[0]} can't be run: {outcome.error.message}", hint=f"the command was: {' '.join(words)}; its log: {log}"
    )
