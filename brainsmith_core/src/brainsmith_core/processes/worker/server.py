"""The worker's loop: takes commands, forks a supervisor for each task, passes its messages on."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import time
from types import ModuleType
from typing import Any

from . import tree
from .child import Job, describe_error
from .lines import LineReader, LineWriter, encode
from .supervisor import GIVE_UP_S, GRACE_S, done_message, supervise
from .system import Signals, become_subreaper, fork, name_process

__all__ = ["Server"]

_MAX_PENDING_BYTES = 64 * 1024 * 1024  # of answers not yet taken by the controller; then supervisors wait
_LEAVE = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class _Running:
    """A task's supervisor, and its last word once it has spoken it."""

    def __init__(self, task_id: str, pid: int, reader: LineReader) -> None:
        self.id = task_id
        self.pid = pid
        self.reader = reader
        self.begun = time.monotonic()
        self.done: bytes | None = None


class Server:
    """The worker's state and its one loop.

    Invariant: a task is answered exactly once, and only when none of its processes is left.

    Args:
        tasks: the imported module.
        commands: the pipe from the controller; its end means that the controller is gone.
        answers: the pipe to the controller. Supervisors keep it open too, so that it ends only after them.
        controller: the controller's process id.
    """

    def __init__(self, tasks: ModuleType, commands: LineReader, answers: LineWriter, controller: int) -> None:
        become_subreaper()
        name_process("bs-worker")
        self._tasks = tasks
        self._commands = commands
        self._answers = answers
        self._controller = _watch(controller)
        self._signals = Signals()
        self._running: dict[int, _Running] = {}
        self._orphaned: list[_Running] = []  # their supervisor was killed; what it left falls to us
        self._ending: tree.Ending | None = None
        self._leaving = os.getppid() != controller
        self._helpers = set(tree.children_by_scan(os.getpid()))  # what the imports have started is no task's
        gc.collect()
        gc.freeze()  # children then share these objects with us for longer

    def serve(self, ready: dict[str, Any]) -> None:
        """Work until told to leave, or the controller is gone; then end all that still runs."""
        self._answers.send(encode({"ready": ready}))
        while self._running or self._orphaned or not self._leaving:
            self._wait()
            self._take_commands()
            self._take_messages()
            self._reap()
            self._end_orphans()
            self._answers.flush()
        self._answers.flush_all()
        self._end_helpers()

    # --- what comes in

    def _wait(self) -> None:
        poller = select.poll()
        poller.register(self._signals.fd, select.POLLIN)
        if not self._leaving:
            poller.register(self._commands.fd, select.POLLIN)
            if self._controller is not None:
                poller.register(self._controller, select.POLLIN)
        if not self._answers.broken:
            poller.register(self._answers.fd, select.POLLOUT if self._answers.pending else 0)
        for task in self._listened_to():
            poller.register(task.reader.fd, select.POLLIN)
        ready = dict(poller.poll(10 if self._orphaned else None))
        if ready.get(self._answers.fd, 0) & select.POLLERR:
            self._answers.abandon()
        if self._signals.take() & _LEAVE or self._answers.broken or self._controller in ready:
            self._leave()

    def _listened_to(self) -> list[_Running]:
        if self._answers.pending >= _MAX_PENDING_BYTES:
            return []
        return [task for task in self._running.values() if not task.reader.at_end]

    def _take_commands(self) -> None:
        for line in self._commands.read():
            command = json.loads(line)
            operation = command.pop("op")
            if operation == "run":
                self._start(Job(**command))
            elif operation == "stop":
                self._stop(command["id"])
            else:
                self._leave()
        if self._commands.at_end:
            self._leave()

    def _take_messages(self) -> None:
        for task in self._listened_to():
            self._pass_on(task, task.reader.read())

    def _pass_on(self, task: _Running, lines: list[bytes]) -> None:
        for line in lines:
            if line.startswith(b'{"done"'):
                task.done = line  # kept until its supervisor is gone as well
            else:
                self._answers.send(line + b"\n")

    # --- tasks

    def _start(self, job: Job) -> None:
        if self._leaving:
            self._refuse(job.id, "stopped", {"type": "Stopped", "message": "the worker was about to leave"})
            return
        self._answers.send(encode({"id": job.id, "accepted": True}))  # a job without this never began
        try:
            task = self._fork(job)
        except OSError as error:  # no descriptor or process left; the other tasks need not suffer
            self._refuse(job.id, "error", describe_error(error))
        else:
            self._running[task.pid] = task

    def _refuse(self, task_id: str, outcome: str, error: dict[str, Any]) -> None:
        self._answers.send(encode(done_message(task_id, outcome, error=error)))

    def _fork(self, job: Job) -> _Running:
        me = os.getpid()
        inherited = [self._commands.fd, *(task.reader.fd for task in self._running.values())]
        if self._controller is not None:
            inherited.append(self._controller)
        read_end, write_end = os.pipe()

        def supervisor() -> None:
            for fd in (read_end, *inherited):
                os.close(fd)
            self._signals.close()
            supervise(job, self._tasks, worker=me, answers=write_end, lifeline=self._answers.fd)

        try:
            pid = fork(supervisor)
        except OSError:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        return _Running(job.id, pid, LineReader(read_end))

    def _stop(self, task_id: str) -> None:
        """Stop a task; it is answered even if it never came here, so that who asks can wait for it."""
        known = [task for task in self._running.values() if task.id == task_id]
        for task in known:
            self._terminate(task)
        if not known and task_id not in (task.id for task in self._orphaned):
            self._refuse(task_id, "stopped", {"type": "Stopped", "message": "it was stopped before it began"})

    def _terminate(self, task: _Running) -> None:
        os.kill(task.pid, signal.SIGTERM)  # ours and not yet reaped, so the id is still its own
        os.kill(task.pid, signal.SIGCONT)

    def _leave(self) -> None:
        if not self._leaving:
            self._leaving = True
            for task in self._running.values():
                self._terminate(task)

    # --- what ended

    def _reap(self) -> None:
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
                if pid == 0:
                    return
                if os.WIFSTOPPED(status):  # by its own task, say; a supervisor must be able to act
                    os.kill(pid, signal.SIGCONT)
                elif pid in self._running:
                    self._finish(self._running.pop(pid))
        except ChildProcessError:
            return

    def _finish(self, task: _Running) -> None:
        self._pass_on(task, task.reader.read_rest())
        task.reader.close()
        if task.done is not None:
            self._answers.send(task.done + b"\n")
        else:
            self._orphaned.append(task)

    def _end_orphans(self) -> None:
        """Kill what a killed supervisor has left to us; when nothing is left, report its task as crashed."""
        if not self._orphaned:
            return
        if self._ending is None:
            self._ending = tree.Ending(settle_s=0, grace_s=0)
        known = self._helpers.union(self._running)
        orphans = [pid for pid in tree.children_by_scan(os.getpid()) if pid not in known]
        left = tree.living(orphans) + tree.descendants(orphans)
        if orphans and self._ending.seconds() < GIVE_UP_S:
            self._ending.step(left)
            return
        for task in self._orphaned:
            self._answers.send(encode(_crash(task, self._ending.signalled, left)))
        self._orphaned, self._ending = [], None

    def _end_helpers(self) -> None:
        ending = tree.Ending(settle_s=0, grace_s=GRACE_S)
        while ending.seconds() < GIVE_UP_S:
            self._reap()
            helpers = tree.descendants([os.getpid()])
            if not helpers:
                return
            time.sleep(min(0.01, ending.step(helpers)))


def _watch(controller: int) -> int | None:
    """Return a descriptor that becomes readable when the controller dies; None where there is no such thing.

    The end of the command pipe says the same, unless the controller has forked and its copy holds the pipe.
    """
    try:
        return os.pidfd_open(controller)
    except (AttributeError, OSError):  # Python 3.8, a kernel before 5.3, or it is gone already
        return None


def _crash(task: _Running, killed: list[tree.Process], left: list[tree.Process]) -> dict[str, Any]:
    return done_message(
        task.id,
        "crash",
        error={"type": "SupervisorDied", "message": "its supervisor was killed from outside"},
        seconds=time.monotonic() - task.begun,
        killed=[process.brief() for process in killed],
        left=[process.brief() for process in left],
        log_truncated=True,
    )
