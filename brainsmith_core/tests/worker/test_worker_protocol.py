"""The worker as its controller meets it on the pipes, on old systems and in trouble of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.processes.client import Worker
from brainsmith_core.processes.connection import WorkerProcess

TASKS = Path(__file__).with_name("hostile_tasks.py")
JOB: dict[str, Any] = {"log_bytes": 1000, "timeout_s": None, "memory_bytes": None, "cwd": None, "env": {}, "args": {}}
# Put before the tasks, this changes the worker that imports them.
PATCH = """
import os, sys
_worker = {name: sys.modules["_brainsmith_worker." + name] for name in ("server", "supervisor", "tree")}
"""


@pytest.fixture
def process(mark: Any, tmp_path: Path) -> Iterator[WorkerProcess]:
    env = {**os.environ, **mark.env}
    process = WorkerProcess.launch(Path(sys.executable), str(TASKS), env, tmp_path / "worker.log")
    assert "ready" in json.loads(process.answers.readline())
    yield process
    process.commands.close()
    process.answers.close()
    process.popen.wait()


@pytest.fixture
def patched(mark: Any, tmp_path: Path) -> Iterator[Callable[[str], Worker]]:
    workers = []

    def patched(patch: str) -> Worker:
        tasks = tmp_path / "patched_tasks.py"
        tasks.write_text(PATCH + patch + "\n" + TASKS.read_text().replace("from __future__ import annotations", ""))
        workers.append(Worker(Path(sys.executable), tasks, env=mark.env, log=tmp_path / "worker.log"))
        return workers[-1]

    yield patched
    for worker in workers:
        worker.close()


def say(process: WorkerProcess, *commands: dict[str, Any]) -> None:
    process.commands.write(b"".join(json.dumps(command).encode() + b"\n" for command in commands))


def heard(process: WorkerProcess) -> dict[str, Any]:
    message = json.loads(process.answers.readline())
    assert isinstance(message, dict)
    return message


# --- the protocol


def test_a_task_is_accepted_started_and_done(process: WorkerProcess, tmp_path: Path) -> None:
    say(process, {"op": "run", "id": "a", "task": "echo", "log": str(tmp_path / "log"), **JOB, "args": {"events": 1}})
    assert heard(process) == {"id": "a", "accepted": True}
    assert heard(process)["started"]["pid"] > 0
    assert heard(process) == {"id": "a", "event": {"number": 0}}
    done = heard(process)
    assert list(done) == ["done", "id"]
    assert done["done"]["outcome"] == "ok"
    assert done["done"]["result"] == {"events": 1}


def test_stopping_a_task_that_never_came_is_answered(process: WorkerProcess) -> None:
    say(process, {"op": "stop", "id": "b"})
    done = heard(process)
    assert (done["id"], done["done"]["outcome"]) == ("b", "stopped")


def test_a_worker_that_is_leaving_refuses_tasks(process: WorkerProcess, tmp_path: Path) -> None:
    say(process, {"op": "exit"}, {"op": "run", "id": "c", "task": "echo", "log": str(tmp_path / "log"), **JOB})
    done = heard(process)
    assert (done["id"], done["done"]["outcome"]) == ("c", "stopped")
    assert process.answers.read() == b""
    assert process.popen.wait() == 0


def test_a_worker_ends_with_its_command_pipe(process: WorkerProcess, mark: Any, tmp_path: Path) -> None:
    say(process, {"op": "run", "id": "d", "task": "hang", "log": str(tmp_path / "log"), **JOB})
    while "event" not in heard(process):
        pass
    process.commands.close()
    assert heard(process)["done"]["outcome"] == "stopped"
    assert process.popen.wait() == 0
    assert not mark.processes()


def test_a_worker_ends_when_nobody_hears_it(process: WorkerProcess, mark: Any, tmp_path: Path) -> None:
    say(process, {"op": "run", "id": "e", "task": "hang", "log": str(tmp_path / "log"), **JOB})
    process.answers.close()
    assert process.popen.wait() == 0
    assert not mark.processes()


def test_a_command_that_is_none_ends_the_worker_and_its_tasks(
    process: WorkerProcess, mark: Any, tmp_path: Path
) -> None:
    say(process, {"op": "run", "id": "f", "task": "hang", "log": str(tmp_path / "log"), **JOB})
    while "event" not in heard(process):
        pass
    process.commands.write(b"nonsense\n")
    assert process.answers.read() == b""  # at its end, nothing of the task is left
    assert process.popen.wait() == 1
    assert "JSONDecodeError" in (tmp_path / "worker.log").read_text()


def test_a_worker_whose_controller_is_another_process_leaves_at_once(mark: Any, tmp_path: Path) -> None:
    program = Path(sys.modules[WorkerProcess.__module__].__file__ or "").with_name("worker") / "__main__.py"
    argv = [sys.executable, str(program), "--tasks", str(TASKS), "--controller", "1", "--fd-in", "0", "--fd-out", "1"]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **mark.env}
    ) as process:
        assert process.wait() == 0


# --- old systems


@pytest.mark.parametrize(
    "patch", ["del os.pidfd_open", "_worker['tree']._CHILDREN_LISTS = _worker['tree'].Path('/proc/none')"]
)
def test_old_kernels_and_pythons_leave_nothing_behind_either(
    patched: Callable[[str], Worker], mark: Any, tmp_path: Path, patch: str
) -> None:
    worker = patched(patch)
    outcome = worker.run("in_background", {}, log=tmp_path / "log")
    assert outcome.ok
    assert [process.name for process in outcome.killed].count("sleep") == 2
    assert len(mark.processes()) == 1
    assert worker.run("in_background", {"hang": True}, log=tmp_path / "log", timeout_s=0.5).outcome == "timeout"
    assert len(mark.processes()) == 1


# --- trouble


def test_when_no_process_can_be_forked_the_task_is_refused(patched: Callable[[str], Worker], tmp_path: Path) -> None:
    worker = patched("def fail(body): raise BlockingIOError(11, 'no more processes')\n_worker['server'].fork = fail")
    outcome = worker.run("echo", {}, log=tmp_path / "log")
    assert outcome.outcome == "error"
    assert outcome.error is not None
    assert "no more processes" in outcome.error.message
    worker = patched(
        "def fail(body): raise BlockingIOError(11, 'no more processes')\n_worker['supervisor'].fork = fail"
    )
    outcome = worker.run("echo", {}, log=tmp_path / "log")
    assert outcome.error is not None
    assert "no more processes" in outcome.error.message


def test_what_cannot_be_ended_is_reported_in_the_end(
    patched: Callable[[str], Worker], mark: Any, tmp_path: Path, wait_until: Callable[[Callable[[], object]], None]
) -> None:
    patch = "_worker['tree'].send = lambda process, signum: False\n_worker['supervisor'].GIVE_UP_S = 0.5\n"
    worker = patched(patch + "_worker['server'].GIVE_UP_S = 0.5")
    outcome = worker.run("hang", {}, log=tmp_path / "log", timeout_s=0.1)
    assert outcome.outcome == "timeout"
    assert [process.name for process in outcome.left] == ["bs-task"]
    assert (outcome.signal, outcome.exit_code) == (None, None)
    wait_until(lambda: len(mark.processes()) == 1)  # the kernel ends the task with its supervisor
    (worker_pid,) = mark.processes()
    outcome = worker.run("in_background", {"hang": True}, log=tmp_path / "log", timeout_s=0.5)
    assert sorted(process.name for process in outcome.left).count("sleep") == 2
    for pid in set(mark.processes()) - {worker_pid}:
        with contextlib.suppress(ProcessLookupError):  # the middle one of the double fork leaves by itself
            os.kill(pid, 9)


def test_a_task_that_no_worker_accepts_is_given_up(patched: Callable[[str], Worker], tmp_path: Path) -> None:
    worker = patched("_worker['server'].Job = None")
    outcome = worker.run("echo", {}, log=tmp_path / "log")
    assert (outcome.outcome, outcome.error and outcome.error.type) == ("crash", "WorkerDied")
    assert outcome.error is not None
    assert "3 workers died before the task began" in outcome.error.message
    assert (tmp_path / "worker.log").read_text().count("TypeError") == 3


def test_a_worker_that_speaks_nonsense_is_ended(patched: Callable[[str], Worker]) -> None:
    worker = patched("os.write(int(sys.argv[sys.argv.index('--fd-out') + 1]), b'nonsense\\n')")
    with pytest.raises(MissingRequirementError, match="was ended by signal 9"):
        worker.start()


class _Interrupted(io.RawIOBase):
    """Our end of the command pipe, with Ctrl-C in the middle of the first line."""

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe
        self.interrupted = False

    def write(self, data: Any) -> int:
        if not self.interrupted:
            self.interrupted = True
            self.pipe.write(data[:10])
            raise KeyboardInterrupt
        return int(self.pipe.write(data))

    def close(self) -> None:
        self.pipe.close()
        super().close()


def test_an_interrupt_in_the_middle_of_a_command_costs_only_the_worker(bench: Any) -> None:
    bench.worker.start()
    connection = bench.worker._connection
    connection._process = attrs.evolve(connection._process, commands=_Interrupted(connection._process.commands))
    with pytest.raises(KeyboardInterrupt):
        bench.run("hang")
    assert bench.run("echo").ok


def test_a_connection_that_has_ended_takes_no_task(bench: Any) -> None:
    bench.worker.start()
    connection = bench.worker._connection
    connection._process.popen.kill()
    connection._thread.join()
    assert connection.run({}, None, None) is None
    assert not connection._send({})
    connection.close()


def test_a_dead_worker_is_noticed_by_the_write_too(bench: Any) -> None:
    bench.worker.start()
    connection = bench.worker._connection
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb", buffering=0) as broken:
        whole = connection._process
        connection._process = attrs.evolve(whole, commands=broken)
        whole.popen.kill()
        assert connection.run({"task": "echo"}, None, None) is None
    whole.commands.close()
