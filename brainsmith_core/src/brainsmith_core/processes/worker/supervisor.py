"""The supervisor of one task: keeps its log and its limits, ends its whole process tree, and reports."""

from __future__ import annotations

import json
import os
import select
import signal
from types import ModuleType
from typing import Any, NamedTuple

from . import tree
from .child import Job, describe_error, run_child
from .limits import Limits
from .lines import LineReader, LineWriter, drain, encode, read_available
from .system import Signals, become_subreaper, die_with_parent, fork, name_process
from .task_log import TaskLog

__all__ = ["GIVE_UP_S", "GRACE_S", "done_message", "supervise"]

GRACE_S = 2.0  # between SIGTERM and SIGKILL
GIVE_UP_S = 60.0  # a process that SIGKILL hasn't ended by then (dead file server, other user) is reported
_SETTLE_S = 0.5  # for helpers that end by themselves once the task has ended
_MAX_PENDING_BYTES = 4 * 1024 * 1024  # of events that the worker hasn't taken yet; then the task has to wait


def supervise(job: Job, tasks: ModuleType, *, worker: int, answers: int, lifeline: int) -> None:
    """Run one task to its end in this process, which is fresh from `fork`, and report it on `answers`.

    Args:
        job: the task and its limits.
        tasks: the module that defines the task.
        worker: the process id of the parent.
        answers: a pipe to the worker, for messages to the controller.
        lifeline: a descriptor that is open as long as this process lives, and in no process of the task.
    """
    signals = Signals()
    die_with_parent(signal.SIGTERM, worker)
    os.setsid()  # so that what kills the worker's process group spares those who clean up
    become_subreaper()
    name_process("bs-supervisor")
    writer = LineWriter(answers)
    try:
        log = TaskLog(job.log, job.log_bytes)
        child = _start_child(job, tasks, signals, private=(answers, lifeline))
    except OSError as error:
        done = done_message(job.id, "error", error=describe_error(error))
    else:
        done = _Supervision(job, child, log, signals, writer).until_done()
    writer.send(encode(done))
    writer.flush_all()


def done_message(task_id: str, outcome: str, **facts: Any) -> dict[str, Any]:
    """Return the last message about a task; what isn't said here is missing. It begins with `done`."""
    return {"done": {"outcome": outcome, **facts}, "id": task_id}


class _Child(NamedTuple):
    pid: int
    output: int
    messages: LineReader


def _start_child(job: Job, tasks: ModuleType, signals: Signals, private: tuple[int, ...]) -> _Child:
    output, output_end = os.pipe()
    os.set_blocking(output, False)
    messages, messages_end = os.pipe()
    supervisor = os.getpid()

    def child() -> None:
        for fd in (output, messages, *private):
            os.close(fd)
        signals.close()
        run_child(job, tasks, supervisor=supervisor, output=output_end, messages=messages_end)

    pid = fork(child)
    os.close(output_end)
    os.close(messages_end)
    return _Child(pid, output, LineReader(messages))


class _Supervision:
    """The life of one task, as a loop over what ended, what is due and what came in.

    Invariant: once `until_done` returns, the kernel has said that this process has no descendant left.
    """

    def __init__(self, job: Job, child: _Child, log: TaskLog, signals: Signals, writer: LineWriter) -> None:
        self._id = job.id
        self._child = child
        self._log = log
        self._signals = signals
        self._writer = writer
        self._limits = Limits(job.timeout_s, job.memory_bytes)
        self._output_open = True
        self._last: dict[str, Any] = {}  # the child's last message: its result or its error
        self._cause: str | None = None  # why we ended it, if we did
        self._status: int | None = None
        self._ending: tree.Ending | None = None

    def until_done(self) -> dict[str, Any]:
        """Stay until no process of the task is left; return the report."""
        self._writer.send(encode({"id": self._id, "started": {"pid": self._child.pid}}))
        while self._reap() and not self._is_hopeless():
            self._wait(self._enforce())
            self._take()
        for data in drain(self._child.output):
            self._log.write(data)
        self._accept(self._child.messages.read_rest())
        self._log.close()
        return self._report()

    # --- what ended

    def _reap(self) -> bool:
        """Take note of ended processes; false if no descendant is left, orphans included."""
        try:
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    return True
                self._limits.note_peak(usage.ru_maxrss * 1024)
                if pid == self._child.pid:
                    self._status = status
                    self._limits.stop_clock()
                    self._end()
        except ChildProcessError:
            return False

    def _is_hopeless(self) -> bool:
        return self._ending is not None and self._ending.seconds() > GIVE_UP_S

    # --- what is due

    def _enforce(self) -> float:
        """Check the limits, or go on with the ending; return in how many seconds to come back."""
        if self._ending is None:
            cause = self._limits.exceeded()
            if cause is None:
                return self._limits.due_s()
            self._end(cause)
        assert self._ending is not None
        return self._ending.step(tree.descendants([os.getpid()]))

    def _end(self, cause: str | None = None) -> None:
        """Begin to end the tree: for a cause, or because the task has ended by itself."""
        if self._ending is None:
            if not self._last:  # otherwise the task was done already
                self._cause = cause
            self._ending = tree.Ending(settle_s=0 if cause else _SETTLE_S, grace_s=GRACE_S)

    # --- what came in

    def _wait(self, seconds: float) -> None:
        poller = select.poll()
        poller.register(self._signals.fd, select.POLLIN)
        if self._output_open:
            poller.register(self._child.output, select.POLLIN)
        if self._is_listening():
            poller.register(self._child.messages.fd, select.POLLIN)
        if not self._writer.broken:
            poller.register(self._writer.fd, select.POLLOUT if self._writer.pending else 0)
        ready = dict(poller.poll(max(0.0, seconds) * 1000))
        if ready.get(self._writer.fd, 0) & select.POLLERR:
            self._writer.abandon()

    def _is_listening(self) -> bool:
        return not self._child.messages.at_end and self._writer.pending < _MAX_PENDING_BYTES

    def _take(self) -> None:
        data = read_available(self._child.output)
        if data:
            self._log.write(data)
        self._output_open = data != b""
        if self._is_listening():
            self._accept(self._child.messages.read())
        self._writer.flush()
        if signal.SIGTERM in self._signals.take() or self._writer.broken:
            self._end("stopped")

    def _accept(self, lines: list[bytes]) -> None:
        for line in lines:
            message = _parse(line)
            if "event" in message:
                self._writer.send(encode({"id": self._id, "event": message["event"]}))
            elif "result" in message or "error" in message:
                self._last = message

    # --- the report

    def _report(self) -> dict[str, Any]:
        outcome, facts = self._verdict()
        signalled = self._ending.signalled if self._ending else []
        return done_message(
            self._id,
            outcome,
            **facts,
            **_status_facts(self._status),
            seconds=self._limits.seconds(),
            peak_rss_bytes=self._limits.peak_bytes,
            killed=[process.brief() for process in signalled if process.pid != self._child.pid],
            left=[process.brief() for process in tree.descendants([os.getpid()])],
            log_truncated=self._log.truncated,
        )

    def _verdict(self) -> tuple[str, dict[str, Any]]:
        if self._cause is not None:
            return self._cause, {"error": self._limits.describe(self._cause)}
        if "result" in self._last:
            return "ok", {"result": self._last["result"]}
        if self._last.get("memory"):
            return "memory", {"error": {**self._last["error"], **self._limits.describe("memory")}}
        if "error" in self._last:
            return "error", {"error": self._last["error"]}
        return "crash", {"error": {"type": "Crash", "message": _describe_status(self._status)}}


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # the task has written something else to the descriptor
        return {}
    return message if isinstance(message, dict) else {}


def _status_facts(status: int | None) -> dict[str, int]:
    if status is None:
        return {}
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return {"exit_code": os.WEXITSTATUS(status)}


def _describe_status(status: int | None) -> str:
    facts = _status_facts(status)
    if "exit_code" in facts:
        return f"it left with exit code {facts['exit_code']} and without a result"
    if "signal" not in facts:
        return "it could not be ended"
    number = facts["signal"]
    reason = ", as the kernel does when the machine is out of memory" if number == signal.SIGKILL else ""
    return f"it was ended by signal {number} ({signal.Signals(number).name}{reason})"
