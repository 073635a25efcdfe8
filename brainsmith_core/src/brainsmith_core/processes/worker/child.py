"""The child of a supervisor: sets up what the task may use, runs it, and says what came of it."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, NamedTuple

from .lines import encode
from .system import die_with_parent, name_process, restore_signals

__all__ = ["Job", "describe_error", "run_child"]

_SPARE_BYTES = 32 * 1024 * 1024  # for reporting that the memory is used up
_OURS = str(Path(__file__).parent)


class Job(NamedTuple):
    """One task to run, as the controller asks for it; `Worker.run` says what the fields mean."""

    id: str
    task: str
    args: dict[str, Any]
    log: str
    log_bytes: int
    timeout_s: float | None
    memory_bytes: int | None
    cwd: str | None
    env: dict[str, str | None]


def run_child(job: Job, tasks: ModuleType, *, supervisor: int, output: int, messages: int) -> None:
    """Run the task of `job` in this process, which is fresh from `fork`.

    Args:
        job: the task and its limits.
        tasks: the module that defines the task.
        supervisor: the process id of the parent.
        output: the descriptor that becomes stdout and stderr.
        messages: the descriptor on which events and the result, or the error, go.
    """
    die_with_parent(signal.SIGKILL, supervisor)
    os.setsid()
    restore_signals()
    for fd in (1, 2):
        os.dup2(output, fd)
    os.close(output)
    name_process("bs-task")
    messenger = _Messenger(messages)
    try:
        _prepare(job)
        last = encode({"result": _call(job, tasks, messenger)})
    except BaseException as error:  # noqa: BLE001 - foreign code; SystemExit and KeyboardInterrupt are errors too
        _use_spare_memory()
        description = describe_error(error)
        last = encode({"error": description, "memory": isinstance(error, MemoryError)})
        with contextlib.suppress(OSError):
            os.write(2, description["traceback"].encode("utf-8", "backslashreplace"))
    if messenger.is_ours():
        messenger.send(last)


class _Messenger:
    """The way from the task to its supervisor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._identity = self._stat()
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def is_ours(self) -> bool:
        """Whether this is the child itself, and not a copy: the task may have forked and come back twice."""
        return os.getpid() == self._pid

    def emit(self, event: dict[str, Any]) -> None:
        """Send an event; the task gets this as its second argument."""
        self.send(encode({"event": event}))

    def send(self, line: bytes) -> None:
        """Send one line.

        Raises:
            OSError: the task has closed the descriptor, or put something else in its place.
        """
        if self._stat() != self._identity:
            raise OSError(f"descriptor {self._fd} is no longer the one for events and results")
        # The newline before it ends whatever else was written there, so that this line is whole.
        rest = memoryview(b"\n" + line)
        with self._lock:
            while rest:
                rest = rest[os.write(self._fd, rest) :]

    def _stat(self) -> tuple[int, int]:
        status = os.fstat(self._fd)
        return status.st_dev, status.st_ino


def _prepare(job: Job) -> None:
    # A crash, and SIGTERM after a timeout, leave the Python stack in the log.
    faulthandler.enable(file=2)
    faulthandler.register(signal.SIGTERM, file=2, chain=True)
    with contextlib.suppress(OSError):  # some sandboxes forbid it
        # If the machine runs out of memory, the kernel is to take a task, not a supervisor or the controller.
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if job.memory_bytes is not None:
        _limit_data(job.memory_bytes)
    for name, value in job.env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if job.cwd is not None:
        os.chdir(job.cwd)


def _limit_data(memory_bytes: int) -> None:
    # What the worker has imported is mapped here already and counts; the task's own share comes on top.
    limit = _data_bytes() + memory_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = limit + _SPARE_BYTES if hard == resource.RLIM_INFINITY else min(hard, limit + _SPARE_BYTES)
    resource.setrlimit(resource.RLIMIT_DATA, (min(limit, most), most))


def _data_bytes() -> int:
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[5]) * os.sysconf("SC_PAGE_SIZE")


def _use_spare_memory() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _call(job: Job, tasks: ModuleType, messenger: _Messenger) -> Any:
    function = getattr(tasks, job.task, None)
    if function is None:
        raise LookupError(f"there is no task {job.task!r} in {tasks.__file__}")
    try:
        return function(job.args, messenger.emit)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # the task may have closed it
                stream.flush()


def describe_error(error: BaseException) -> dict[str, Any]:
    """Return an exception as the protocol carries it, without the frames of this package."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    lines = traceback.format_exception(kind, error, _without_ours(error.__traceback__))
    return {"type": name, "message": str(error), "traceback": "".join(lines)}


def _without_ours(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OURS):
        frames = frames.tb_next
    return frames
