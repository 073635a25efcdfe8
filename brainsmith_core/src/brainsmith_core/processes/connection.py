"""One worker process, from its start to its end, and the pipes to it."""

from __future__ import annotations

import itertools
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import attrs

from ..errors import MissingRequirementError
from .stop_signal import StopSignal
from .task_outcome import ProcessName, TaskError, TaskOutcome

__all__ = ["OnEvent", "StopSignal", "WorkerConnection", "WorkerKilledError", "WorkerProcess"]

_STOP_POLL_S = 0.05
_PROGRAM = Path(__file__).with_name("worker") / "__main__.py"

_Message: TypeAlias = dict[str, Any]
_Messages: TypeAlias = "queue.SimpleQueue[_Message]"
OnEvent: TypeAlias = Callable[[dict[str, Any]], None]


@attrs.frozen
class WorkerProcess:
    """A worker process and our ends of its two pipes."""

    popen: subprocess.Popen[bytes]
    commands: BinaryIO
    answers: BinaryIO
    tasks: str
    log: Path

    @classmethod
    def launch(cls, python: Path, tasks: str, env: Mapping[str, str], log: Path) -> WorkerProcess:
        """Start the worker program.

        Raises:
            MissingRequirementError: the interpreter can't be started, or the log can't be opened.
        """
        commands_in, commands_out = os.pipe()
        answers_in, answers_out = os.pipe()
        argv = [str(python), str(_PROGRAM), "--tasks", tasks, "--controller", str(os.getpid())]
        argv += ["--fd-in", str(commands_in), "--fd-out", str(answers_out)]
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
        commands = os.fdopen(commands_out, "wb", buffering=0)
        return cls(popen, commands, os.fdopen(answers_in, "rb"), tasks, log)


class WorkerKilledError(MissingRequirementError):
    """A signal ended a worker before it was ready; another one may fare better."""


class WorkerConnection:
    """Sends jobs to a worker process; one thread sorts its messages to those who wait for them.

    Args:
        process: the worker, just launched; it belongs to the connection from here on.
    """

    def __init__(self, process: WorkerProcess) -> None:
        self.ended = False
        self._process = process
        self._ids = itertools.count(1)
        self._write_lock = threading.Lock()
        self._lock = threading.Lock()
        self._waiting: dict[str, _Messages] = {}
        self._ready: Future[_Message] = Future()
        self._thread = threading.Thread(target=self._read, name="brainsmith-worker", daemon=True)
        self._thread.start()

    def wait_ready(self, stop: StopSignal | None = None) -> _Message | None:
        """Wait for the imports and return what the worker says of itself; None if `stop` was set first.

        Raises:
            MissingRequirementError: the imports failed.
        """
        while True:
            try:
                return self._ready.result(timeout=None if stop is None else _STOP_POLL_S)
            except FutureTimeoutError:
                if stop is not None and stop.is_set():
                    return None

    def run(self, job: _Message, on_event: OnEvent | None, stop: StopSignal | None) -> TaskOutcome | None:
        """Run a job to its end; None if the worker ended before it began."""
        task_id = str(next(self._ids))
        messages: _Messages = queue.SimpleQueue()
        with self._lock:
            if self.ended:
                return None
            self._waiting[task_id] = messages
        try:
            if self._send({"op": "run", "id": task_id, **job}):
                return self._follow(task_id, messages, on_event, stop)
        except BaseException:  # `on_event` raised, or Ctrl-C: the task must not outlive its caller
            self._send({"op": "stop", "id": task_id})
            self._follow(task_id, messages, None, None)
            raise
        self._thread.join()
        return None

    def close(self) -> None:
        """Have the worker end everything, itself last."""
        self._send({"op": "exit"})
        self._thread.join()

    def _follow(
        self, task_id: str, messages: _Messages, on_event: OnEvent | None, stop: StopSignal | None
    ) -> TaskOutcome | None:
        begun = time.monotonic()
        accepted = False
        while True:
            try:
                message = messages.get(timeout=None if stop is None else _STOP_POLL_S)
            except queue.Empty:
                message = {}
            accepted = accepted or "accepted" in message
            if "lost" in message:
                error = TaskError("WorkerDied", message["lost"])
                return TaskOutcome("crash", error=error, seconds=time.monotonic() - begun) if accepted else None
            if "done" in message:
                return _outcome(message["done"], elapsed_s=time.monotonic() - begun)
            if "event" in message and on_event is not None:
                on_event(message["event"])
            if stop is not None and stop.is_set():
                self._send({"op": "stop", "id": task_id})
                stop = None

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
            except BaseException:  # Ctrl-C within a line: no command after it could be read
                self._process.popen.kill()
                raise
        return True

    # --- in the reading thread

    def _read(self) -> None:
        # Supervisors hold this pipe open too: it ends when the worker and all that its tasks started are gone.
        for line in self._process.answers:
            try:
                self._dispatch(json.loads(line))
            except (ValueError, KeyError, RecursionError):  # not what our worker says: don't guess, end it
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
                messages = find(message["id"], None)
            if messages is not None:
                messages.put(message)

    def _end(self) -> None:
        code = self._process.popen.wait()
        with self._write_lock:
            self._process.commands.close()
        self._process.answers.close()
        with self._lock:
            self.ended = True
            waiting, self._waiting = self._waiting, {}
        how = f"was ended by signal {-code}" if code < 0 else f"left with exit code {code}"
        if not self._ready.done():
            self._ready.set_exception(self._start_error(how, killed=code < 0))
        text = f"the worker (process {self._process.popen.pid}) {how}; its log is {self._process.log}"
        for messages in waiting.values():
            messages.put({"lost": text})

    def _import_error(self, error: _Message) -> MissingRequirementError:
        text = f"the worker can't import {self._process.tasks}: {error['type']}: {error['message']}"
        return MissingRequirementError(text, hint=f"the traceback is in its log, {self._process.log}")

    def _start_error(self, how: str, *, killed: bool) -> MissingRequirementError:
        lines = self._process.log.read_text(encoding="utf-8", errors="replace").splitlines()
        text = f"the worker for {self._process.tasks} {how} before it was ready"
        kind = WorkerKilledError if killed else MissingRequirementError
        return kind(text, hint="\n".join([f"its log {self._process.log} ends with:", *lines[-5:]]))


def _outcome(done: _Message, *, elapsed_s: float) -> TaskOutcome:
    facts = {"seconds": elapsed_s, **done}
    for name in ("killed", "left"):
        facts[name] = tuple(ProcessName(**process) for process in done.get(name, ()))
    facts["error"] = TaskError(**done["error"]) if "error" in done else None
    return TaskOutcome(**facts)
