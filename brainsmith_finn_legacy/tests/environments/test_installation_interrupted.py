"""Installing in processes of their own, from the stand-in index: killed, interrupted, and two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from brainsmith_finn_legacy.environments import FINNEnvironmentManager
from brainsmith_finn_legacy.environments.registry import MARKER

VERSION = "0.0.1"
NAME = "finn-plus-0.0.1"
DEADLINE_S = 60

pytestmark = pytest.mark.usefixtures("stand_in_profiles")


class SlowIndex(Protocol):
    """What the fixture `slow_index` offers."""

    url: str

    class _Event(Protocol):
        def wait(self, timeout: float) -> bool: ...
        def set(self) -> None: ...

    asked: _Event
    open: _Event


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(stand_in_program: Path, tmp_path: Path) -> Iterator[Start]:
    """Start our command line, with the stand-in as the only FINN that there is."""
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, str(stand_in_program), "finn", *(words or ("install", VERSION))]
        # A group of its own, as a terminal gives it: Ctrl-C goes to the installer too.
        process = subprocess.Popen(
            command,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for each in started:
        if each.poll() is None:
            os.killpg(each.pid, signal.SIGKILL)
            each.wait()
        assert each.stdout is not None
        each.stdout.close()


def slow(index: SlowIndex) -> dict[str, str]:
    """Environment variables that lead to the slow index."""
    return {
        "PIP_NO_INDEX": "0",
        "PIP_FIND_LINKS": "",
        "UV_DEFAULT_INDEX": index.url,
        "UV_NO_CACHE": "1",
        "UV_HTTP_TIMEOUT": "30",
    }


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is bound to happen."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def output(process: subprocess.Popen[str]) -> str:
    """Wait for a process and return what it said."""
    return process.communicate(timeout=DEADLINE_S)[0]


def assert_nothing_is_left(home: Path) -> None:
    assert sorted(each.name for each in home.iterdir()) == [".locks"]


def assert_installing_works(start: Start, home: Path) -> None:
    said = output(start())
    assert f"FINN+ {VERSION} is ready: {NAME}" in said
    assert sorted(each.name for each in home.iterdir()) == [".locks", NAME, f"{NAME}.json"]
    assert FINNEnvironmentManager().find(VERSION).version == VERSION


def test_killed_while_downloading_it_is_not_believed_and_made_anew(
    start: Start, slow_index: SlowIndex, finn_home: Path
) -> None:
    process = start(env=slow(slow_index))
    assert slow_index.asked.wait(DEADLINE_S)
    process.kill()
    process.wait()
    assert (finn_home / NAME / MARKER).exists()
    assert FINNEnvironmentManager().installation_registry.names() == []
    slow_index.open.set()  # the installer lives on, ends now, and only then lets go of the lock
    assert_installing_works(start, finn_home)


def test_killed_while_importing_it_is_not_believed_and_made_anew(start: Start, finn_home: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    process = start(env={"STAND_IN_GATE": str(gate)})
    until((gate / "reached").exists)
    process.kill()
    process.wait()
    assert (finn_home / NAME / MARKER).exists()
    assert FINNEnvironmentManager().installation_registry.names() == []
    assert_installing_works(start, finn_home)


def test_list_clears_away_what_was_killed(start: Start, finn_home: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    process = start(env={"STAND_IN_GATE": str(gate)})
    until((gate / "reached").exists)
    process.kill()
    process.wait()
    assert "removed what an interrupted installation had left" in output(start("list"))
    assert_nothing_is_left(finn_home)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_downloading_nothing_is_left(
    start: Start, slow_index: SlowIndex, finn_home: Path, number: signal.Signals
) -> None:
    process = start(env=slow(slow_index))
    assert slow_index.asked.wait(DEADLINE_S)
    os.killpg(process.pid, number)
    assert output(process).splitlines()[-1] == "interrupted"
    assert process.returncode == 130
    assert_nothing_is_left(finn_home)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_importing_nothing_is_left(
    start: Start, finn_home: Path, tmp_path: Path, number: signal.Signals
) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    process = start(env={"STAND_IN_GATE": str(gate)})
    until((gate / "reached").exists)
    os.kill(process.pid, number)
    assert output(process).splitlines()[-1] == "interrupted"
    assert process.returncode == 130
    assert_nothing_is_left(finn_home)


def test_of_two_at_once_one_installs_and_the_other_waits_for_it(start: Start, finn_home: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    first = start(env={"STAND_IN_GATE": str(gate)})
    until((gate / "reached").exists)
    second = start()
    assert second.stdout is not None
    assert second.stdout.readline().strip() == f"finn: waiting for another process that installs {NAME}"
    (gate / "open").touch()
    said = output(first), output(second)
    assert first.returncode == second.returncode == 0
    assert [text.count("finn: installing FINN+") for text in said] == [1, 0]
    assert all(f"FINN+ {VERSION} is ready: {NAME}" in text for text in said)


def test_many_at_once_all_end_with_the_same_environment(start: Start, finn_home: Path) -> None:
    processes = [start() for _ in range(4)]
    said = [output(each) for each in processes]
    assert [each.returncode for each in processes] == [0] * 4
    assert sum(text.count("finn: installing FINN+") for text in said) == 1


def test_while_one_installs_list_shows_it_as_unfinished(start: Start, finn_home: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    process = start(env={"STAND_IN_GATE": str(gate)})
    until((gate / "reached").exists)
    (found,) = FINNEnvironmentManager().discover_finn_installations()
    assert (found.name, found.state) == (NAME, "unfinished")
    (gate / "open").touch()
    assert "is ready" in output(process)
    (found,) = FINNEnvironmentManager().discover_finn_installations()
    assert (found.name, found.state) == (NAME, "ready")


def test_killed_while_it_is_made_anew_the_next_one_makes_it(start: Start, finn_home: Path, tmp_path: Path) -> None:
    FINNEnvironmentManager().install_finn_version(VERSION)
    gate = tmp_path / "gate"
    gate.mkdir()
    process = start("install", VERSION, "--again", env={"STAND_IN_GATE": str(gate)})
    until((gate / "reached").exists)
    process.kill()
    process.wait()
    assert_installing_works(start, finn_home)
