"""The supervisor of one task: starts its child, keeps its log and limits, ends its whole process tree, reports."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from types import ModuleType
from typing import Any

from . import tree
from .child import Job, describe_error, run_child
from .lines import LineReader, LineWriter, drain, encode, read_available
from .system import Signals, become_subreaper, die_with_parent, fork, name_process
from .task_log import TaskLog

__all__ = ["done_message", "supervise"]

GRACE_S = 2.0  # between SIGTERM and SIGKILL
SETTLE_S = 0.1  # for helpers that end by themselves once the task has ended
GIVE_UP_S = 60.0  # a process that SIGKILL doesn't end by then (dead file server, other user) is reported
SAMPLE_S = 0.25  # between two looks at the memory
MAX_PENDING_BYTES = 4 * 1024 * 1024  # of events that the worker hasn't taken yet; then the task has to wait


def supervise(job: Job, tasks: ModuleType, *, worker: int, answers: int, lifeline: int) -> None:
    """Run one task to its end in this process, which is fresh from `fork`, and report it on `answers`.

    Args:
        job: the task and its limits.
        tasks: the module that defines the task.
        worker: the process id of the parent.
        answers: a pipe to the worker, for complete messages to the controller.
        lifeline: a descriptor that stays open until none of the task's processes is left.
    """
    die_with_parent(signal.SIGTERM, worker)
    become_subreaper()
    name_process("bs-supervisor")
    signals = Signals()
    writer = LineWriter(answers)
    try:
        run = _Run(job, tasks, writer, signals, lifeline)
    except OSError as error:
        done = done_message(job.id, "error", error=describe_error(error))
    else:
        done = run.until_done()
    writer.send(encode(done))
    writer.flush_all()


def done_message(id: str, outcome: str, **facts: Any) -> dict[str, Any]:
    """Return the last message about a task; `done` comes first in it, which is how the worker knows it."""
    done: dict[str, Any] = {
        "outcome": outcome,
        "result": None,
        "error": None,
        "signal": None,
        "exit_code": None,
        "seconds": None,
        "peak_rss_bytes": None,
        "killed": [],
        "left": [],
        "log_truncated": False,
    }
    return {"done": {**done, **facts}, "id": id}


class _Run:
    """The life of one task: `until_done` is one loop over what ended, what is due and what came in."""

    def __init__(self, job: Job, tasks: ModuleType, writer: LineWriter, signals: Signals, lifeline: int) -> None:
        self._job = job
        self._writer = writer
        self._signals = signals
        self._limits = _Limits(job)
        self._cause: str | None = None  # why we ended it, if we did
        self._last: dict[str, Any] = {}  # the child's last message: its result or its error
        self._status: int | None = None
        self._ending: tree.Ending | None = None
        self._log = TaskLog(job.log, job.log_bytes)
        self._output, output_end = os.pipe()
        os.set_blocking(self._output, False)
        self._output_at_end = False
        messages, messages_end = os.pipe()
        self._messages = LineReader(messages)
        me = os.getpid()

        def child() -> None:
            for fd in (lifeline, writer.fd, self._output, messages):
                os.close(fd)
            signals.close()
            run_child(job, tasks, supervisor=me, output=output_end, messages=messages_end)

        self._child = fork(child)
        os.close(output_end)
        os.close(messages_end)

    def until_done(self) -> dict[str, Any]:
        """Run until no process of the task is left and return the report."""
        self._writer.send(encode({"id": self._job.id, "started": {"pid": self._child}}))
        while self._reap() and not self._hopeless():
            self._wait(self._act())
            self._take()
        for data in drain(self._output):
            self._log.write(data)
        self._accept(self._messages.read_rest())
        self._log.close()
        return self._report()

    # --- what ended

    def _reap(self) -> bool:
        """Take note of ended processes; false once there is none left, orphans included (the kernel's word)."""
        try:
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    return True
                self._limits.note_peak(usage.ru_maxrss * 1024)
                if pid == self._child:
                    self._status = status
                    self._limits.stop_clock()
                    self._end()
        except ChildProcessError:
            return False

    def _hopeless(self) -> bool:
        return self._ending is not None and self._ending.seconds() > GIVE_UP_S

    # --- what is due

    def _act(self) -> float:
        """Check the limits, or go on with ending; return the seconds until that is due again."""
        if self._ending is None:
            cause = self._limits.exceeded()
            if cause is None:
                return self._limits.due_s()
            self._end(cause)
        assert self._ending is not None
        return self._ending.step(tree.descendants([os.getpid()]))

    def _end(self, cause: str | None = None) -> None:
        """Begin to end the tree, for a cause of ours or because the task has ended by itself."""
        if self._ending is not None:
            return
        if cause is not None and not self._last:  # a task that has given its result has ended by itself
            self._cause = cause
        self._ending = tree.Ending(settle_s=0.0 if cause else SETTLE_S, grace_s=GRACE_S)

    # --- what came in

    def _wait(self, seconds: float) -> None:
        poller = select.poll()
        poller.register(self._signals.fd, select.POLLIN)
        if not self._output_at_end:
            poller.register(self._output, select.POLLIN)
        if self._listening():
            poller.register(self._messages.fd, select.POLLIN)
        if not self._writer.broken:
            poller.register(self._writer.fd, select.POLLOUT if self._writer.pending else 0)
        ready = dict(poller.poll(max(0.0, seconds) * 1000))
        if ready.get(self._writer.fd, 0) & select.POLLERR:
            self._writer.abandon()

    def _listening(self) -> bool:
        return not self._messages.at_end and self._writer.pending < MAX_PENDING_BYTES

    def _take(self) -> None:
        data = read_available(self._output)
        if data:
            self._log.write(data)
        self._output_at_end = self._output_at_end or data == b""
        if self._listening():
            self._accept(self._messages.read())
        self._writer.flush()
        if signal.SIGTERM in self._signals.take() or self._writer.broken:
            self._end("stopped")

    def _accept(self, lines: list[bytes]) -> None:
        for line in lines:
            message = _parse(line)
            if "event" in message:
                self._writer.send(encode({"id": self._job.id, "event": message["event"]}))
            elif "result" in message or "error" in message:
                self._last = message

    # --- the report

    def _report(self) -> dict[str, Any]:
        outcome, result, error = self._verdict()
        ending = self._ending
        assert ending is not None
        others = [process for process in ending.signalled.values() if process.pid != self._child]
        left = tree.descendants([os.getpid()])
        status = self._status
        return done_message(
            self._job.id,
            outcome,
            result=result,
            error=error,
            signal=os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
            exit_code=os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
            seconds=self._limits.seconds(),
            peak_rss_bytes=self._limits.peak,
            killed=[process.brief() for process in others],
            left=[process.brief() for process in left],
            log_truncated=self._log.truncated,
        )

    def _verdict(self) -> Any:
        if self._cause is not None:
            return self._cause, None, self._limits.describe(self._cause)
        if "result" in self._last:
            return "ok", self._last["result"], None
        if "error" in self._last:
            error = self._last["error"]
            return ("memory" if error.pop("memory") else "error"), None, error
        return "crash", None, {"type": "Crash", "message": _describe_status(self._status), "traceback": None}


def _parse(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # something else has written to the descriptor
        return {}
    return message if isinstance(message, dict) else {}


def _describe_status(status: int | None) -> str:
    if status is None:
        return "the task's process could not be ended"
    if os.WIFEXITED(status):
        return f"the task's process left with exit code {os.WEXITSTATUS(status)} and without a result"
    number = os.WTERMSIG(status)
    text = f"the task's process was ended by signal {number} ({signal.Signals(number).name})"
    if number == signal.SIGKILL:
        text += "; the kernel does that too when the machine runs out of memory"
    return text


class _Limits:
    """The clock and the memory of one task."""

    def __init__(self, job: Job) -> None:
        self._timeout_s = job.timeout_s
        self._memory_bytes = job.memory_bytes
        self._begun = self._next_sample = time.monotonic()
        self._ended: float | None = None
        self.peak = 0

    def exceeded(self) -> str | None:
        """Return which limit is exceeded, "timeout" or "memory", if one is."""
        if self._timeout_s is not None and self.seconds() >= self._timeout_s:
            return "timeout"
        now = time.monotonic()
        if now >= self._next_sample:
            self._next_sample = now + SAMPLE_S
            return self._sample()
        return None

    def due_s(self) -> float:
        """Return the seconds until the next check."""
        sample_s = self._next_sample - time.monotonic()
        return sample_s if self._timeout_s is None else min(sample_s, self._timeout_s - self.seconds())

    def seconds(self) -> float:
        """Return how long the task has run."""
        return (self._ended or time.monotonic()) - self._begun

    def stop_clock(self) -> None:
        """Take note that the task has ended."""
        self._ended = time.monotonic()

    def note_peak(self, size: int) -> None:
        """Take note of a size in bytes that the task has had."""
        self.peak = max(self.peak, size)

    def describe(self, cause: str) -> dict[str, Any]:
        """Return the error for a task that we ended for `cause`."""
        kind, message = {
            "timeout": ("Timeout", f"the task was ended at its time limit of {self._timeout_s} s"),
            "memory": ("MemoryLimit", f"the task was ended at its memory limit of {self._memory_bytes} bytes"),
            "stopped": ("Stopped", f"the task was stopped on request after {self.seconds():.1f} s"),
        }[cause]
        return {"type": kind, "message": message, "traceback": None}

    def _sample(self) -> str | None:
        processes = tree.descendants([os.getpid()])
        size = tree.resident_bytes(processes)
        self.note_peak(size)
        if self._memory_bytes is None or size <= self._memory_bytes:
            return None
        # Pages shared with the worker, or among the task's processes, count several times in that sum.
        return "memory" if tree.proportional_bytes(processes) > self._memory_bytes else None
