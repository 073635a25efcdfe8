"""Whoever of supervisor, worker and controller is killed: nothing is left behind, and it is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.processes.client import Worker

Wait = Callable[[Callable[[], object]], None]
TASKS = Path(__file__).with_name("hostile_tasks.py")


def worker_pid(bench: Any) -> int:
    assert bench.run("echo").ok
    (pid,) = bench.mark.processes()
    return int(pid)


# --- the supervisor


def test_a_killed_supervisor_takes_its_task_with_it_and_no_other(bench: Any, wait_until: Wait) -> None:
    stop = threading.Event()
    neighbour, _ = bench.begin("in_background", {"hang": True}, stop=stop)
    wait_until(lambda: len(bench.mark.processes()) == 6)
    future, event = bench.begin("hang")
    os.kill(event["supervisor"], signal.SIGKILL)
    outcome = future.result(timeout=60)
    assert (outcome.outcome, outcome.error.type) == ("crash", "SupervisorDied")
    assert outcome.log_truncated
    assert outcome.seconds > 0
    assert len(bench.mark.processes()) == 6
    stop.set()
    assert neighbour.result(timeout=60).outcome == "stopped"


def test_the_worker_ends_what_a_killed_supervisor_leaves(bench: Any, wait_until: Wait) -> None:
    future, _ = bench.begin("in_background", {"hang": True})
    wait_until(lambda: len(bench.mark.processes()) == 6)
    before = bench.mark.processes()
    supervisor = next(pid for pid in before if Path(f"/proc/{pid}/comm").read_text() == "bs-supervisor\n")
    os.kill(supervisor, signal.SIGKILL)
    outcome = future.result(timeout=60)
    assert outcome.error.type == "SupervisorDied"
    assert [process.name for process in outcome.killed].count("sleep") == 2
    assert len(outcome.killed) >= 3
    assert len(bench.mark.processes()) == 1


def test_a_stop_for_a_task_whose_supervisor_was_killed_changes_nothing(bench: Any) -> None:
    stop = threading.Event()
    future, event = bench.begin("hang", stop=stop)
    os.kill(event["supervisor"], signal.SIGKILL)
    stop.set()
    assert future.result(timeout=60).outcome in ("crash", "stopped")
    assert bench.run("echo").ok


# --- the worker


@pytest.mark.parametrize("kill", [os.kill, os.killpg])
def test_a_killed_worker_ends_all_tasks_and_the_next_one_gets_a_new_worker(
    bench: Any, kill: Callable[[int, int], None]
) -> None:
    pid = worker_pid(bench)
    futures = [bench.begin("in_background", {"hang": True})[0] for _ in range(3)]
    kill(pid, signal.SIGKILL)
    for future in futures:
        outcome = future.result(timeout=60)
        assert (outcome.outcome, outcome.error.type) == ("crash", "WorkerDied")
        assert "signal 9" in outcome.error.message
        assert not bench.mark.processes()
    assert worker_pid(bench) != pid


def test_a_worker_that_is_told_to_leave_stops_its_tasks(bench: Any) -> None:
    pid = worker_pid(bench)
    future, _ = bench.begin("in_background", {"hang": True})
    os.kill(pid, signal.SIGTERM)
    assert future.result(timeout=60).outcome == "stopped"
    assert bench.run("echo").ok
    assert worker_pid(bench) != pid


def test_a_worker_that_dies_idle_is_replaced(bench: Any) -> None:
    os.kill(worker_pid(bench), signal.SIGKILL)
    assert bench.run("echo").ok


def test_closing_stops_tasks_and_is_final(bench: Any) -> None:
    futures = [bench.begin("in_background", {"hang": True})[0] for _ in range(3)]
    bench.worker.close()
    assert not bench.mark.processes()
    assert {future.result(timeout=60).outcome for future in futures} == {"stopped"}
    bench.worker.close()
    with pytest.raises(RuntimeError, match="is closed"):
        bench.worker.run("echo", {}, log=bench.log)


# --- the controller

CONTROLLER = """
import os, signal, sys, threading, time
from pathlib import Path
from brainsmith_core.processes.client import Worker
tasks, folder, mode = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
worker = Worker(Path(sys.executable), tasks, log=folder / "worker.log")
def listener(event):
    print("ready", flush=True)
def run():
    try:
        print(worker.run("in_background", {"hang": True}, log=folder / "task.log", on_event=listener))
    except BaseException as error:
        print(type(error).__name__, flush=True)
        raise
if mode == "forked":
    worker.start()
    copy = os.fork()
    if copy == 0:
        time.sleep(600)
    (folder / "copy").write_text(str(copy))
if mode == "main":
    run()
else:
    threading.Thread(target=run, daemon=True).start()
    time.sleep(600)
"""


def controller(mark: Any, folder: Path, mode: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", CONTROLLER, str(TASKS), str(folder), mode]
    process = subprocess.Popen(argv, env={**os.environ, **mark.env}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_the_controller(mark: Any, tmp_path: Path, number: int) -> None:
    with controller(mark, tmp_path, "thread") as process:
        process.send_signal(number)
    mark.assert_gone()


def test_nothing_survives_a_controller_whose_forked_copy_lives_on(mark: Any, tmp_path: Path, wait_until: Wait) -> None:
    with controller(mark, tmp_path, "forked") as process:
        copy = int((tmp_path / "copy").read_text())
        process.kill()
        process.wait()
        try:
            wait_until(lambda: list(mark.processes()) == [copy])
        finally:
            os.kill(copy, signal.SIGKILL)
    mark.assert_gone()


def test_an_interrupt_from_the_keyboard_stops_the_task_before_it_is_raised(mark: Any, tmp_path: Path) -> None:
    with controller(mark, tmp_path, "main") as process:
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert "KeyboardInterrupt" in process.stdout.read()
    mark.assert_gone()


# --- the start


def test_start_gives_what_the_module_says_of_itself_and_leaves_the_path_alone(bench: Any) -> None:
    described = bench.worker.start()
    assert described["name"] == "hostile"
    assert "brainsmith_core/worker" not in described["path_head"]
    assert "brainsmith_core" not in described["modules"]
    assert "child" not in described["modules"]


def broken(folder: Path, mark: Any, text: str) -> Worker:
    (folder / "broken_tasks.py").write_text(text)
    return Worker(Path(sys.executable), folder / "broken_tasks.py", env=mark.env, log=folder / "worker.log")


def test_a_failing_import_is_a_missing_requirement_with_reason_and_log(mark: Any, tmp_path: Path) -> None:
    with broken(tmp_path, mark, "import no_such_module") as worker:
        for _ in range(2):
            with pytest.raises(MissingRequirementError, match=r"ModuleNotFoundError.*no_such_module") as caught:
                worker.run("echo", {}, log=tmp_path / "log")
            assert "worker.log" in str(caught.value)
    assert "Traceback" in (tmp_path / "worker.log").read_text()


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("import os; print('so long', flush=True); os._exit(3)", "left with exit code 3"),
        ("import os; print('so long', flush=True); os.kill(os.getpid(), 9)", "was ended by signal 9"),
    ],
)
def test_a_worker_that_dies_in_its_import_is_a_missing_requirement(
    mark: Any, tmp_path: Path, text: str, how: str
) -> None:
    with broken(tmp_path, mark, text) as worker, pytest.raises(MissingRequirementError, match=how) as caught:
        worker.start()
    assert str(caught.value).endswith("so long")


def test_leaving_in_an_import_is_a_failed_import(mark: Any, tmp_path: Path) -> None:
    with (
        broken(tmp_path, mark, "raise SystemExit(4)") as worker,
        pytest.raises(MissingRequirementError, match="SystemExit"),
    ):
        worker.start()


def test_a_description_that_json_cannot_hold_is_a_failed_import(mark: Any, tmp_path: Path) -> None:
    text = "def describe():\n    return object()\n"
    with broken(tmp_path, mark, text) as worker, pytest.raises(MissingRequirementError, match="TypeError"):
        worker.start()


def test_a_missing_tasks_file_interpreter_or_log_folder_is_a_missing_requirement(mark: Any, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    for worker in (
        Worker(Path(sys.executable), tmp_path / "none.py", env=mark.env, log=log),
        Worker(Path(sys.executable), tmp_path, env=mark.env, log=log),
        Worker(Path(sys.executable), "no.such.module", env=mark.env, log=log),
        Worker(tmp_path / "no-python", TASKS, env=mark.env, log=log),
        Worker(Path(sys.executable), TASKS, env=mark.env, log=tmp_path / "missing" / "worker.log"),
    ):
        with worker, pytest.raises(MissingRequirementError):
            worker.start()


def test_a_stop_during_a_slow_import_does_not_wait_for_it(mark: Any, tmp_path: Path) -> None:
    stop = threading.Event()
    with broken(tmp_path, mark, "import time; time.sleep(600)") as worker:
        threading.Timer(0.2, stop.set).start()
        outcome = worker.run("echo", {}, log=tmp_path / "log", stop=stop)
        assert outcome.outcome == "stopped"
        for pid in mark.processes():
            os.kill(pid, signal.SIGKILL)


def test_what_an_import_starts_is_left_alone_until_the_worker_leaves(mark: Any, tmp_path: Path) -> None:
    text = "import subprocess\nsubprocess.Popen(['sleep', '600'])\ndef echo(args, emit): return args\n"
    with broken(tmp_path, mark, text) as worker:
        assert worker.run("echo", {}, log=tmp_path / "log").killed == ()
        assert len(mark.processes()) == 2
    assert not mark.processes()


def test_exit_handlers_that_hang_do_not_keep_the_worker(mark: Any, tmp_path: Path) -> None:
    text = "import atexit, time\natexit.register(time.sleep, 600)\ndef echo(args, emit): return args\n"
    with broken(tmp_path, mark, text) as worker:
        assert worker.run("echo", {}, log=tmp_path / "log").ok
    assert not mark.processes()


def test_tasks_may_be_a_package_or_a_module_by_name(mark: Any, tmp_path: Path) -> None:
    package = tmp_path / "package_of_tasks"
    package.mkdir()
    (package / "__init__.py").write_text("from .inner import answer\n")
    (package / "inner.py").write_text("def answer(args, emit): return 42\n")
    for tasks, env in ((package, {}), ("package_of_tasks.inner", {"PYTHONPATH": str(tmp_path)})):
        with Worker(Path(sys.executable), tasks, env={**mark.env, **env}, log=tmp_path / "worker.log") as worker:
            assert worker.start() == {}
            assert worker.run("answer", {}, log=tmp_path / "log").result == 42


def test_another_platform_is_refused_in_words(mark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    worker = Worker(Path(sys.executable), TASKS, log=tmp_path / "worker.log")
    with pytest.raises(MissingRequirementError, match="needs Linux, and this is darwin"):
        worker.start()


@pytest.mark.parametrize("deaths", [2, 3])
def test_a_worker_that_is_killed_before_it_is_ready_is_started_again(tmp_path: Path, deaths: int) -> None:
    tasks = tmp_path / "tasks.py"
    marks = [tmp_path / f"death{number}" for number in range(deaths)]
    tasks.write_text(
        "import os, signal, pathlib\n"
        f"for mark in map(pathlib.Path, {[str(mark) for mark in marks]!r}):\n"
        "    if not mark.exists():\n"
        "        mark.touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "def echo(args, emit):\n"
        "    return args\n"
    )
    with Worker(Path(sys.executable), tasks, log=tmp_path / "worker.log") as worker:
        if deaths == 2:
            assert worker.run("echo", {"a": 1}, log=tmp_path / "echo.log").result == {"a": 1}
        else:
            with pytest.raises(MissingRequirementError, match="was ended by signal 9 before it was ready"):
                worker.start()
