"""Our side of the worker: run tasks in another interpreter and see each of them through to its end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import MissingRequirementError
from .connection import OnEvent, StopSignal, WorkerConnection, WorkerKilledError, WorkerProcess
from .task_outcome import Outcome, ProcessName, TaskError, TaskOutcome

__all__ = ["DEFAULT_LOG_BYTES", "Outcome", "ProcessName", "StopSignal", "TaskError", "TaskOutcome", "Worker"]

DEFAULT_LOG_BYTES = 64 * 1024 * 1024
_ATTEMPTS = 3  # to give a task to a worker; one that has begun is never begun again


class Worker:
    """Runs the tasks of one module in supervised child processes of one interpreter.

    The worker process starts when it is first needed, imports the tasks once, and is replaced if it dies.
    All methods may be called from many threads at once.

    Args:
        python: the interpreter, 3.8 or later; it needs its standard library and what the tasks import.
        tasks: a Python file (or the folder of a package), or a dotted module name. Its functions are the
            tasks: `name(args, emit)` returns plain data. `Worker.start` tells what `describe()` returns.
        env: added to our environment; a variable whose value is None is removed.
        log: the worker's own output is appended here, what the imports print included.

    Example:
        >>> import sys, tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     folder = Path(name)
        ...     tasks = folder / "sums.py"
        ...     _ = tasks.write_text("def add(args, emit): return args['a'] + args['b']")
        ...     with Worker(Path(sys.executable), tasks, log=folder / "worker.log") as worker:
        ...         worker.run("add", {"a": 1, "b": 2}, log=folder / "add.log").result
        3
    """

    def __init__(
        self, python: Path, tasks: Path | str, *, env: Mapping[str, str | None] | None = None, log: Path
    ) -> None:
        self.python = python
        self.tasks = tasks
        self.log = log
        self._env = dict(env or {})
        self._lock = threading.Lock()
        self._connection: WorkerConnection | None = None
        self._closed = False

    def start(self) -> Mapping[str, Any]:
        """Start the worker if it isn't running, wait for its imports, and return what its `describe` says.

        Raises:
            MissingRequirementError: the interpreter can't be started, or the tasks can't be imported.
            RuntimeError: the worker is closed.
        """
        ready = self._ready_connection(None)
        assert ready is not None
        return ready[1]["describe"] or {}

    def run(
        self,
        task: str,
        args: Mapping[str, Any],
        *,
        log: Path,
        timeout_s: float | None = None,
        memory_bytes: int | None = None,
        log_bytes: int = DEFAULT_LOG_BYTES,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        on_event: OnEvent | None = None,
        stop: StopSignal | None = None,
    ) -> TaskOutcome:
        """Run one task to its end; when this returns, none of its processes is left.

        Args:
            task: the name of a function of the tasks module.
            args: its first argument, plain data.
            log: its output is appended here; the folder must exist.
            timeout_s: how many seconds it may run.
            memory_bytes: how much memory its processes may use together.
            log_bytes: how much of its output to keep besides the last 256 KiB.
            cwd: the folder to run in.
            env: added to the worker's environment; a variable whose value is None is removed.
            on_event: gets what the task emits, in this thread. If it raises, the task is stopped first.
            stop: stops the task as soon as it is set.

        Raises:
            MissingRequirementError: the worker can't be started.
            RuntimeError: the worker is closed.
        """
        job = {
            "task": task,
            "args": dict(args),
            "log": str(log.absolute()),
            "log_bytes": log_bytes,
            "timeout_s": timeout_s,
            "memory_bytes": memory_bytes,
            "cwd": None if cwd is None else str(cwd.absolute()),
            "env": dict(env or {}),
        }
        for _ in range(_ATTEMPTS):
            ready = self._ready_connection(stop)
            if ready is None:
                return TaskOutcome("stopped", error=TaskError("Stopped", "it was stopped before it began"))
            outcome = ready[0].run(job, on_event, stop)
            if outcome is not None:
                return outcome
        text = f"{_ATTEMPTS} workers died before the task began; their log is {self.log}"
        return TaskOutcome("crash", error=TaskError("WorkerDied", text))

    def close(self) -> None:
        """End the worker for good; tasks that still run are stopped, and their `run` returns."""
        with self._lock:
            self._closed = True
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ready_connection(self, stop: StopSignal | None) -> tuple[WorkerConnection, Mapping[str, Any]] | None:
        """Return a worker that is ready and what it says of itself; one that a signal ended is started again."""
        for attempt in range(1, _ATTEMPTS + 1):
            connection = self._connect()
            try:
                ready = connection.wait_ready(stop)
            except WorkerKilledError:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return None if ready is None else (connection, ready)
        raise AssertionError("the last attempt returns or raises")

    def _connect(self) -> WorkerConnection:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the worker for {self.tasks} is closed")
            if self._connection is None or self._connection.ended:
                self._connection = WorkerConnection(self._launch())
            return self._connection

    def _launch(self) -> WorkerProcess:
        if sys.platform != "linux":
            raise MissingRequirementError(
                f"tasks run in a worker, which needs Linux, and this is {sys.platform}",
                hint="use a Linux machine, a Linux container, or WSL 2",
            )
        env = {name: value for name, value in {**os.environ, **self._env}.items() if value is not None}
        tasks = str(self.tasks.absolute()) if isinstance(self.tasks, Path) else self.tasks
        return WorkerProcess.launch(self.python, tasks, env, self.log)
