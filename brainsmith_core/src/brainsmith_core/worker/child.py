"""The child of a supervisor: sets up what the task may use, runs it, and says what came of it."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
import threading
import traceback
from types import ModuleType
from typing import Any, NamedTuple

from .lines import encode
from .system import die_with_parent, name_process, restore_signals

__all__ = ["Job", "describe_error", "run_child"]

_SPARE_BYTES = 32 * 1024 * 1024


class Job(NamedTuple):
    """One task to run, as the controller asked for it."""

    id: str
    task: str
    args: dict[str, Any]
    log: str
    log_bytes: int
    timeout_s: float | None = None
    memory_bytes: int | None = None
    cwd: str | None = None
    env: dict[str, str] | None = None


def run_child(job: Job, tasks: ModuleType, *, supervisor: int, output: int, messages: int) -> None:
    """Run the task of `job` in this process, which is fresh from `fork`.

    Args:
        job: the task and its limits.
        tasks: the module that defines the task as a function.
        supervisor: the process id of the parent.
        output: where stdout and stderr go.
        messages: where events, the result or the error go.
    """
    die_with_parent(signal.SIGKILL, supervisor)
    os.setsid()
    restore_signals()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    _Task(job, tasks, messages).run()


class _Task:
    def __init__(self, job: Job, tasks: ModuleType, messages: int) -> None:
        self._job = job
        self._tasks = tasks
        self._messages = messages
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def run(self) -> None:
        """Run the task and send one last message: its result, or the error that ended it."""
        try:
            self._prepare()
            last = encode({"result": self._call()})
        except BaseException as error:  # the boundary to foreign code: SystemExit and KeyboardInterrupt too
            _use_spare_memory()
            last = encode({"error": describe_error(error)})
            if os.getpid() == self._pid:
                traceback.print_exc()
        if os.getpid() != self._pid:  # the task has forked, and this is the copy
            os._exit(0)
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)
        self._send(last)

    def _prepare(self) -> None:
        name_process("bs-task")
        # A crash, and SIGTERM after a timeout, leave the Python stack in the log.
        faulthandler.enable(file=2)
        faulthandler.register(signal.SIGTERM, file=2, chain=True)
        _limit(self._job.memory_bytes)
        os.environ.update(self._job.env or {})
        if self._job.cwd is not None:
            os.chdir(self._job.cwd)

    def _call(self) -> Any:
        function = getattr(self._tasks, self._job.task, None)
        if not callable(function):
            raise LookupError(f"there is no task {self._job.task!r} in {self._tasks.__file__}")
        return function(self._job.args, self._emit)

    def _emit(self, event: dict[str, Any]) -> None:
        self._send(encode({"event": event}))

    def _send(self, line: bytes) -> None:
        # The newline first ends whatever else was written to this pipe, so that the message stays readable.
        rest = memoryview(b"\n" + line)
        with self._lock:
            while rest:
                rest = rest[os.write(self._messages, rest) :]


def _limit(memory_bytes: int | None) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes is not None:
        # The worker's own data (imported modules) is mapped already and counts; the task may add its share to it.
        limit = _data_bytes() + memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit + _SPARE_BYTES))
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("500")  # if the machine runs out of memory, the kernel takes a task first


def _use_spare_memory() -> None:
    """Make room for reporting an error; it may be that the task has used up all it had."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _data_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")


def _flush(stream: Any) -> None:
    try:
        stream.flush()
    except (OSError, ValueError):  # the task has closed it
        pass


def describe_error(error: BaseException) -> dict[str, Any]:
    """Return an exception as the protocol carries it."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    text = "".join(traceback.format_exception(kind, error, error.__traceback__))
    return {"type": name, "message": str(error), "traceback": text, "memory": isinstance(error, MemoryError)}
