"""Our side of the worker: start it, run tasks in it from any thread, see each one through to its end."""

from __future__ import annotations

import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

import attrs

from .errors import MissingRequirementError

__all__ = ["DEFAULT_LOG_BYTES", "Outcome", "ProcessName", "StopSignal", "TaskError", "TaskOutcome", "Worker"]

Outcome: TypeAlias = Literal["ok", "error", "crash", "timeout", "memory", "stopped"]

DEFAULT_LOG_BYTES = 64 * 1024 * 1024
_STOP_POLL_S = 0.05
_PROGRAM = Path(__file__).with_name("worker") / "__main__.py"


class StopSignal(Protocol):
    """What says that a task is to be stopped; a `threading.Event` will do."""

    def is_set(self) -> bool:
        """Return whether to stop."""
        ...


@attrs.frozen
class TaskError:
    """Why a task has no result.

    Args:
        type: the qualified name of the exception, or what happened in one word (`Crash`, `Timeout`, `WorkerDied`).
        message: what happened.
        traceback: the full traceback if an exception ended the task, else None.
    """

    type: str
    message: str
    traceback: str | None = None


@attrs.frozen
class ProcessName:
    """A process as it was: its id and the name of its program."""

    pid: int
    name: str


@attrs.frozen
class TaskOutcome:
    """What became of one task.

    Args:
        outcome: `ok` (there is a result), `error` (an exception), `crash` (it ended without a result), `timeout`,
            `memory` or `stopped`.
        result: what the task returned.
        error: what went wrong; None exactly if the outcome is `ok`.
        signal: the number of the signal that ended its process, if one did.
        exit_code: the exit code of its process, if it left by itself.
        seconds: how long it ran.
        peak_rss_bytes: the most memory that its processes were seen to use; None if nobody could look.
        killed: its other processes, those in the background, that had to be ended.
        left: processes that not even SIGKILL has ended within a minute; almost always empty.
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


class Worker:
    """Runs the tasks of one module in supervised child processes of one interpreter.

    The worker process starts when it is first needed, imports the tasks once, and is replaced if it dies. All methods
    may be called from many threads at once.

    Args:
        python: the interpreter, 3.8 or later; it needs nothing but its standard library and what the tasks import.
        tasks: a Python file (or the folder of a package), or a dotted module name. Each of its functions is a task:
            `name(args, emit)` returns plain data; `describe()`, if there is one, is told by `Worker.start`.
        env: added to the environment; None as a value removes the variable.
        log: where the worker's own output goes, what the import prints included.

    Example:
        >>> import sys, tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "sums.py").write_text("def add(args, emit): return args['a'] + args['b']")
        >>> with Worker(pathlib.Path(sys.executable), folder / "sums.py", log=folder / "worker.log") as worker:
        ...     worker.run("add", {"a": 1, "b": 2}, log=folder / "add.log").result
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
        self._connection: _Connection | None = None
        self._closed = False

    def start(self, stop: StopSignal | None = None) -> Mapping[str, Any] | None:
        """Start the worker if it isn't running, wait for its imports, and return what its `describe` says.

        Args:
            stop: ends the waiting early; then the answer is None.

        Raises:
            MissingRequirementError: the interpreter can't be started, or the tasks can't be imported.
        """
        ready = self._connect().wait_ready(stop)
        return None if ready is None else ready["describe"] or {}

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
        env: Mapping[str, str] | None = None,
        on_event: Callable[[dict[str, Any]], None] | None = None,
        stop: StopSignal | None = None,
    ) -> TaskOutcome:
        """Run one task to its end; when this returns, none of its processes is left.

        Args:
            task: the name of a function of the tasks module.
            args: its arguments, plain data.
            log: its output is appended here; the folder must exist.
            timeout_s: how many seconds it may run.
            memory_bytes: how much memory its processes may use together.
            log_bytes: how much of its output to keep, besides its last 256 KiB.
            cwd: the folder to run in.
            env: added to the task's environment.
            on_event: gets what the task emits, in this thread. If it raises, the task is stopped first.
            stop: stops the task as soon as it is set.

        Raises:
            MissingRequirementError: the worker can't be started.
        """
        job = {
            "task": task,
            "args": dict(args),
            "log": str(log.absolute()),
            "log_bytes": log_bytes,
            "timeout_s": timeout_s,
            "memory_bytes": memory_bytes,
            "cwd": None if cwd is None else str(cwd.absolute()),
            "env": None if env is None else dict(env),
        }
        while True:
            connection = self._connect()
            if connection.wait_ready(stop) is None:
                return TaskOutcome("stopped", error=TaskError("Stopped", "the task was stopped before it began"))
            outcome = connection.run(job, on_event, stop)
            if outcome is not None:
                return outcome

    def close(self) -> None:
        """End the worker; tasks that still run are stopped, and their `run` returns. It can't be used any more."""
        with self._lock:
            self._closed = True
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> _Connection:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the worker for {self.tasks} is closed")
            if self._connection is None or self._connection.ended:
                self._connection = _Connection(self._launch(), self.tasks, self.log)
            return self._connection

    def _launch(self) -> _Process:
        if sys.platform != "linux":
            raise MissingRequirementError(
                f"the worker needs Linux, and this is {sys.platform}",
                hint="use a Linux machine, a container or WSL 2",
            )
        env = {name: value for name, value in {**os.environ, **self._env}.items() if value is not None}
        return _Process.launch(self.python, self.tasks, env, self.log)


@attrs.frozen
class _Process:
    """A worker process and our ends of its two pipes."""

    popen: subprocess.Popen[bytes]
    commands: BinaryIO
    answers: BinaryIO

    @classmethod
    def launch(cls, python: Path, tasks: Path | str, env: Mapping[str, str], log: Path) -> _Process:
        commands_in, commands_out = os.pipe()
        answers_in, answers_out = os.pipe()
        argv = [str(python), str(_PROGRAM), "--tasks", str(tasks.absolute() if isinstance(tasks, Path) else tasks)]
        argv += ["--fd-in", str(commands_in), "--fd-out", str(answers_out), "--controller", str(os.getpid())]
        try:
            with log.open("ab") as output:
                popen = subprocess.Popen(
                    argv,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(commands_in, answers_out),
                    start_new_session=True,
                )
        except OSError as error:
            os.close(commands_out)
            os.close(answers_in)
            raise MissingRequirementError(
                f"the worker for {tasks} can't be started: {error}",
                hint=f"check the interpreter {python} and the log {log}",
            ) from error
        finally:
            os.close(commands_in)
            os.close(answers_out)
        return cls(popen, os.fdopen(commands_out, "wb", buffering=0), os.fdopen(answers_in, "rb"))


_Message: TypeAlias = dict[str, Any]


class _Connection:
    """One worker process from its start to its end; a thread sorts its messages to those who wait for them."""

    def __init__(self, process: _Process, tasks: Path | str, log: Path) -> None:
        self._process = process
        self._tasks = tasks
        self._log = log
        self._ids = itertools.count(1)
        self._write_lock = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: dict[str, queue.SimpleQueue[_Message]] = {}
        self._ready: Future[_Message] = Future()
        self.ended = False
        self._thread = threading.Thread(target=self._read, name="brainsmith-worker-reader", daemon=True)
        self._thread.start()

    def wait_ready(self, stop: StopSignal | None) -> _Message | None:
        """Wait for the imports; None if `stop` was set first."""
        while True:
            try:
                return self._ready.result(timeout=None if stop is None else _STOP_POLL_S)
            except FutureTimeoutError:
                if stop is not None and stop.is_set():
                    return None

    def run(
        self, job: _Message, on_event: Callable[[_Message], None] | None, stop: StopSignal | None
    ) -> TaskOutcome | None:
        """Run a job; None if the worker had ended before it could get it."""
        id = str(next(self._ids))
        messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        with self._lock:
            if self.ended:
                return None
            self._waiting[id] = messages
        if not self._send({"op": "run", "id": id, **job}):
            self._thread.join()
            return None
        try:
            return self._follow(id, messages, on_event, stop)
        except BaseException:  # on_event raised, or Ctrl-C: the task must not outlive its caller
            self._send({"op": "stop", "id": id})
            self._follow(id, messages, None, None)
            raise

    def close(self) -> None:
        """Have the worker end everything, itself last."""
        self._send({"op": "exit"})
        self._thread.join()

    def _follow(
        self,
        id: str,
        messages: queue.SimpleQueue[_Message],
        on_event: Callable[[_Message], None] | None,
        stop: StopSignal | None,
    ) -> TaskOutcome:
        begun = time.monotonic()
        while True:
            try:
                message = messages.get(timeout=None if stop is None else _STOP_POLL_S)
            except queue.Empty:
                if stop is not None and stop.is_set():
                    self._send({"op": "stop", "id": id})
                    stop = None
                continue
            if "done" in message:
                return _outcome(message["done"], time.monotonic() - begun)
            if "event" in message and on_event is not None:
                on_event(message["event"])

    def _send(self, message: _Message) -> bool:
        line = memoryview(json.dumps(message).encode() + b"\n")
        with self._write_lock:
            if self._process.commands.closed:
                return False
            try:
                while line:
                    line = line[self._process.commands.write(line) :]
            except BrokenPipeError:
                return False
        return True

    # --- in the reading thread

    def _read(self) -> None:
        # Supervisors hold the pipe open too: it ends when the worker and every process of its tasks are gone.
        for line in self._process.answers:
            try:
                self._dispatch(json.loads(line))
            except (ValueError, KeyError, RecursionError):  # not what our worker says; end it rather than guess
                self._process.popen.kill()
        self._end()

    def _dispatch(self, message: _Message) -> None:
        if "ready" in message:
            self._ready.set_result(message["ready"])
        elif "failed" in message:
            self._ready.set_exception(self._import_error(message["failed"]))
        else:
            with self._lock:
                find = self._waiting.pop if "done" in message else self._waiting.get
                target = find(message["id"], None)
            if target is not None:
                target.put(message)

    def _end(self) -> None:
        code = self._process.popen.wait()
        with self._write_lock:
            self._process.commands.close()
        self._process.answers.close()
        how = f"was ended by signal {-code}" if code < 0 else f"left with exit code {code}"
        text = f"the worker (process {self._process.popen.pid}) {how}; its log is {self._log}"
        with self._lock:
            self.ended = True
            waiting, self._waiting = self._waiting, {}
        if not self._ready.done():
            error = MissingRequirementError(
                f"the worker for {self._tasks} {how} while it was importing its tasks",
                hint=f"its log {self._log} ends with:\n{_tail(self._log)}",
            )
            self._ready.set_exception(error)
        for target in waiting.values():
            target.put({"done": {"outcome": "crash", "error": {"type": "WorkerDied", "message": text}}})

    def _import_error(self, error: _Message) -> MissingRequirementError:
        return MissingRequirementError(
            f"the worker can't import {self._tasks}: {error['type']}: {error['message']}",
            hint=f"its log has the traceback: {self._log}",
        )


def _outcome(done: _Message, elapsed_s: float) -> TaskOutcome:
    error = done.get("error")
    seconds = done.get("seconds")
    return TaskOutcome(
        outcome=done["outcome"],
        result=done.get("result"),
        error=None if error is None else TaskError(error["type"], error["message"], error.get("traceback")),
        signal=done.get("signal"),
        exit_code=done.get("exit_code"),
        seconds=elapsed_s if seconds is None else seconds,
        peak_rss_bytes=done.get("peak_rss_bytes"),
        killed=tuple(ProcessName(**process) for process in done.get("killed", ())),
        left=tuple(ProcessName(**process) for process in done.get("left", ())),
        log_truncated=done.get("log_truncated", False),
    )


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-5:])
