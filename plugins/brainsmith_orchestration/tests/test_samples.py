from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.config import BuildConfig
from brainsmith_core.events import BuildEvent
from brainsmith_core.processes.client import Worker
from brainsmith_orchestration import controller as controller_module
from brainsmith_orchestration import live as live_module
from brainsmith_orchestration.controller import Controller
from brainsmith_orchestration.live import LiveBuild
from brainsmith_orchestration.process_use import use_by_folder
from brainsmith_orchestration.samples import Sampler
from brainsmith_orchestration.store.database import Store
from brainsmith_orchestration.store.queries import list_builds
from brainsmith_orchestration.store.tables import events as stored_events

MakeConfig = Callable[..., BuildConfig]

BUSY = """
import sys
from pathlib import Path
Path("out.bin").write_bytes(bytes(3_000_000))
block = bytearray(b"x" * 50_000_000)
for n in range(3_000_000):
    pass
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def config(make_config: MakeConfig) -> BuildConfig:
    made = make_config("a")
    Path(made.output_dir).mkdir(parents=True)
    return made


@pytest.fixture
def busy(config: BuildConfig) -> Iterator[subprocess.Popen[str]]:
    """A process in the build's folder that has worked, and waits."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", BUSY]
    with subprocess.Popen(command, cwd=config.output_dir, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def sampled(config: BuildConfig, *notes: BuildEvent) -> dict[str, Any]:
    events: list[BuildEvent] = []
    sampler = Sampler(lambda: [config], events.append)
    for note in notes:
        sampler.note(note)
    time.sleep(0.01)
    sampler.sample()
    assert [(event.kind, event.build_id) for event in events] == [("sample", config.id)]
    return events[0].data


@pytest.mark.usefixtures("busy")
def test_a_sample_has_what_the_processes_in_the_builds_folder_use(config: BuildConfig) -> None:
    Path(config.output_dir, "build.log").write_text("first\nsynthesis of cell 7\n\n")
    started = BuildEvent(kind="step_started", build_id=config.id, data={"step": "hls"})
    data = sampled(config, started, BuildEvent(kind="warning", build_id=config.id))
    assert data["cpu_percent"] > 0
    assert data["memory_bytes"] > 50_000_000
    assert data["processes"] == 1
    assert data["written_bytes"] >= 0
    assert data["disk_free_bytes"] > 0
    assert (data["step"], data["line"]) == ("hls", "synthesis of cell 7")


def test_what_is_not_known_is_left_out(make_config: MakeConfig) -> None:
    assert sampled(make_config("never-begun")) == {}


@pytest.mark.usefixtures("busy")
def test_cpu_counts_from_the_sample_before_and_builds_that_ended_are_forgotten(config: BuildConfig) -> None:
    events: list[BuildEvent] = []
    running = [config]
    sampler = Sampler(lambda: running, events.append)
    sampler.note(BuildEvent(kind="build_started", build_id=config.id))
    for _ in range(2):
        time.sleep(0.1)
        sampler.sample()
    first, second = (event.data["cpu_percent"] for event in events)
    assert isinstance(first, float)
    assert isinstance(second, float)
    assert first > second
    running.clear()
    sampler.sample()
    assert len(events) == 2


def test_a_tasks_supervisor_is_the_root_of_all_its_processes(config: BuildConfig, tmp_path: Path) -> None:
    folder = Path(config.output_dir).resolve()
    tasks = tmp_path / "tasks.py"
    tasks.write_text(
        "import subprocess, sys, time\n"
        "def family(args, emit):\n"
        "    subprocess.run([sys.executable, '-c', 'for n in range(5_000_000): pass'])\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], cwd='/')\n"
        "    emit({'ready': 1})\n"
        "    time.sleep(600)\n"
    )
    found: list[Any] = []

    class Stop:
        def is_set(self) -> bool:
            return bool(found)

    def look(_: object) -> None:
        found.append(use_by_folder([folder]))

    with Worker(Path(sys.executable), tasks, log=tmp_path / "worker.log") as worker:
        worker.run("family", {}, log=tmp_path / "task.log", cwd=folder, on_event=look, stop=Stop())
    ((_, use),) = found[0][folder].items()
    assert use.processes == 3
    assert use.cpu_seconds > 0.02
    assert use_by_folder([folder]) == {}
    assert use_by_folder([]) == {}


def test_the_thread_samples_until_it_is_over(config: BuildConfig) -> None:
    events: list[BuildEvent] = []
    with Sampler(lambda: [config], events.append, interval=0.001):
        deadline = time.monotonic() + 30
        while len(events) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    count = len(events)
    time.sleep(0.05)
    assert len(events) == count


def test_of_many_samples_every_second_is_let_go_and_other_events_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "_MOST_SAMPLES", 10)
    live = LiveBuild("x")
    for number in range(25):
        live.note(BuildEvent(kind="sample", build_id="a", data={"n": number}))
        live.note(BuildEvent(kind="warning", build_id="a"))
    numbers = [event.data["n"] for event in live.events if event.kind == "sample"]
    assert len(numbers) < 10
    assert numbers == sorted(numbers)  # type: ignore[type-var]  # JSON values that are all integers here
    assert sum(event.kind == "warning" for event in live.events) == 25
    assert live.to_dict()["sample"] == {"n": 24}


def test_a_controllers_samples_are_seen_by_watchers_and_stored(
    config: BuildConfig, held: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller_module, "Sampler", lambda running, emit: Sampler(running, emit, interval=0.01))
    location = str(tmp_path / "builds.db")
    seen: list[str] = []
    with Controller(held, store=location, on_event=lambda event: seen.append(event.kind)) as controller:
        thread = threading.Thread(target=lambda: list(controller.run([config])))
        thread.start()
        held.wait_begun(1)
        with Store(location) as store:
            deadline = time.monotonic() + 30
            while not any((row["live"] or {}).get("sample") for row in list_builds(store)):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        held.release()
        thread.join()
    with Store(location) as store, store.reading() as connection:
        kinds = {row.kind for row in connection.execute(stored_events.select())}
    assert "sample" in kinds
    assert "sample" in seen
