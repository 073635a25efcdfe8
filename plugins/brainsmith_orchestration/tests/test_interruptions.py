"""The controller as a process of its own, which is interrupted, terminated and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from brainsmith_core.config import BuildConfig
from brainsmith_core.result import BuildStatus
from brainsmith_orchestration.lock import leftover_processes

MakeConfig = Callable[..., BuildConfig]
MakeExploration = Callable[..., Any]
Exploration = Any

#: A step with a large family: a plain child, one with a session of its own, and an orphan. It notes them and hangs.
FAMILY = """
import os, subprocess, sys, time
from pathlib import Path
from typing import Any

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import Parameter, StepSpec

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@hookimpl
def brainsmith_preprocessing_steps():
    pids = Parameter(name="pids", type="str", summary="folder for process ids")
    yield StepSpec(name="family", summary="Hangs.", target="family_plugin:hang", parameters=(pids,))


def hang(context):
    orphan = f"import subprocess; print(subprocess.Popen({SLEEP!r}, stdout=-3, stderr=-3).pid)"
    pids = [os.getpid(), subprocess.Popen(SLEEP).pid, subprocess.Popen(SLEEP, start_new_session=True).pid]
    pids.append(int(subprocess.run([sys.executable, "-c", orphan], capture_output=True, check=True).stdout))
    path = Path(context.parameters["pids"]) / context.config.id
    path.with_suffix(".part").write_text(" ".join(map(str, pids)))
    path.with_suffix(".part").rename(path.with_suffix(".pids"))
    time.sleep(600)
"""


@pytest.fixture
def exploration(tmp_path: Path, make_config: MakeConfig, make_exploration: MakeExploration) -> Exploration:
    configs = [make_config(f"c{n}", config_flags={"target_fps": n, "mock_build_seconds": 0.05}) for n in range(10)]
    return make_exploration(tmp_path, configs, late=["c6", "c7", "c8", "c9"])


def test_a_killed_exploration_goes_on_where_it_was(exploration: Exploration) -> None:
    with exploration.start() as process:
        seen = exploration.read_results(process, 4)
        process.kill()
    finished = exploration.statuses()
    assert set(finished) >= set(seen)
    assert set(finished.values()) == {BuildStatus.SUCCESS}

    resumed = exploration.finish()

    assert set(resumed) == {config.id for config in exploration.configs}
    assert {name for name, (_, cached) in resumed.items() if cached} == set(finished)
    assert {status for status, _ in resumed.values()} == {"success"}
    started = exploration.started()
    assert set(started) == set(resumed)
    doubled = {name for name, count in started.items() if count > 1}
    assert len(doubled) <= 2
    assert doubled.isdisjoint(finished)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_exploration_stops_in_order_and_goes_on_later(
    exploration: Exploration, number: signal.Signals
) -> None:
    with exploration.start() as process:
        seen = exploration.read_results(process, 3)
        process.send_signal(number)
        assert process.stdout is not None
        out = process.stdout.read()  # not communicate: it leaves out what was read ahead
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"interrupted by {number.name}" in err
    assert "start it again to go on" in err
    told = {name: status for name, status, _ in map(str.split, out.splitlines())}
    assert number == signal.SIGTERM or "cancelled" not in told.values()
    statuses = exploration.statuses()
    assert set(statuses) == set(seen) | set(told)
    stopped = {name for name, status in statuses.items() if status is BuildStatus.CANCELLED}
    assert stopped == {name for name, status in told.items() if status == "cancelled"}
    assert len(statuses) < len(exploration.configs)

    resumed = exploration.finish()

    assert {name for name, (_, cached) in resumed.items() if cached} == set(statuses) - stopped
    assert set(exploration.statuses().values()) == {BuildStatus.SUCCESS}
    assert {name for name, count in exploration.started().items() if count > 1} == stopped


def test_a_second_exploration_in_the_same_folder_is_refused(exploration: Exploration) -> None:
    with exploration.start() as first:
        exploration.read_results(first, 1)
        with exploration.start() as second:
            _, err = second.communicate(timeout=60)
        assert second.returncode == 2
        assert f"process {first.pid}" in err
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)


@pytest.fixture
def families(tmp_path: Path, make_config: MakeConfig, make_exploration: MakeExploration) -> Iterator[Exploration]:
    """Two builds that hang in a step whose processes do all that they can to survive."""
    (tmp_path / "family_plugin.py").write_text(FAMILY)
    step = {"name": "family", "type": "preprocessing", "parameters": {"pids": str(tmp_path)}}
    configs = [make_config(f"c{n}").to_dict() | {"preprocessing": [step]} for n in range(4)]
    yield make_exploration(tmp_path, [BuildConfig.from_dict(config) for config in configs])
    for pid in family_pids(tmp_path):
        if psutil.pid_exists(pid):  # a failed test must not leave them either
            os.kill(pid, signal.SIGKILL)


def family_pids(folder: Path) -> list[int]:
    return [int(pid) for path in folder.glob("*.pids") for pid in path.read_text().split()]


def wait_for_families(folder: Path, count: int) -> list[int]:
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.pids"))) < count:
        assert time.monotonic() < deadline, "the steps didn't start"
        time.sleep(0.02)
    return family_pids(folder)


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def test_a_second_ctrl_c_leaves_no_process_of_any_build(families: Exploration) -> None:
    with families.start() as process:
        pids = wait_for_families(families.folder, 2)
        assert len(pids) == 8
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)  # two signals at once are one
        assert len(alive(pids)) == 8
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert alive(pids) == []
        assert leftover_processes(process.pid) == []
    assert set(families.statuses().values()) == {BuildStatus.CANCELLED}


def test_kill_leaves_no_process_of_any_build_and_the_next_run_waits_for_that(families: Exploration) -> None:
    with families.start() as process:
        pids = wait_for_families(families.folder, 2)
        process.kill()
    assert families.statuses() == {}
    for path in families.folder.glob("*.pids"):
        path.unlink()
    with families.start() as again:
        more = wait_for_families(families.folder, 2)
        assert alive(pids) == []
        again.send_signal(signal.SIGTERM)
        again.communicate(timeout=60)
    assert again.returncode == 130
    assert alive(more) == []


STUBBORN = """
import sys, threading, time
from brainsmith_core.config import BuildConfig, OutputStage
from brainsmith_core.build.runner import BuildRunnerInterface
from brainsmith_orchestration.controller import Controller

class Stubborn(BuildRunnerInterface):
    def run(self, config):
        print("running", flush=True)
        time.sleep(600)
    def get_backend_name(self):
        return "stubborn"
    def get_supported_output_stages(self):
        return list(OutputStage)

def note(event):
    print(event.kind, flush=True)

try:
    with Controller(Stubborn, on_event=note) as controller:
        list(controller.run([BuildConfig(id="a", model_path=sys.argv[1], output_dir=sys.argv[2])]))
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_a_third_ctrl_c_does_not_wait_for_a_build_that_cannot_be_stopped(model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STUBBORN, str(model), str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "run_draining\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "run_stopping\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130


def test_handlers_are_put_back_after_a_run(
    make_config: MakeConfig, tmp_path: Path, make_exploration: MakeExploration
) -> None:
    exploration = make_exploration(tmp_path, [make_config("a")])
    program = exploration.folder / "explore.py"
    program.write_text(
        "import signal\n"
        "before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)\n"
        f"{program.read_text()}\n"
        "assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))\n"
    )
    assert exploration.finish() == {"a": ("success", False)}
