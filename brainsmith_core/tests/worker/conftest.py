"""A worker for each test, and proof that it leaves no process behind."""

from __future__ import annotations

import contextlib
import queue
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.processes.client import TaskOutcome, Worker

TASKS = Path(__file__).with_name("hostile_tasks.py")


class Mark:
    """A variable in the environment by which all processes of one test are found, wherever they have gone."""

    name = "BRAINSMITH_TEST_MARK"

    def __init__(self) -> None:
        self.value = uuid.uuid4().hex
        self.env = {self.name: self.value}

    def processes(self) -> dict[int, str]:
        """The living processes with this mark, by id, with their command lines."""
        wanted = f"{self.name}={self.value}".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                if wanted in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def assert_gone(self, seconds: float = 20) -> None:
        """Wait until there are none; for where nobody tells when that is."""
        until = time.monotonic() + seconds
        while self.processes() and time.monotonic() < until:
            time.sleep(0.02)
        assert not self.processes()


class Bench:
    """A worker with hostile tasks; runs them in the foreground or the background."""

    def __init__(self, folder: Path, mark: Mark) -> None:
        self.folder = folder
        self.mark = mark
        self.worker = Worker(Path(sys.executable), TASKS, env=mark.env, log=folder / "worker.log")
        self.log = folder / "task.log"
        self.events: list[dict[str, Any]] = []
        self.threads = ThreadPoolExecutor(32)

    def run(self, task: str, args: dict[str, Any] | None = None, **options: Any) -> TaskOutcome:
        """Run a task; afterwards the worker is alone again."""
        options = {"log": self.log, "on_event": self.events.append, **options}
        outcome = self.worker.run(task, args or {}, **options)
        assert len(self.mark.processes()) <= 1
        return outcome

    def begin(
        self, task: str, args: dict[str, Any] | None = None, **options: Any
    ) -> tuple[Future[TaskOutcome], dict[str, Any]]:
        """Start a task in a thread and wait for its first event; return its future and the event."""
        events: queue.Queue[dict[str, Any]] = queue.Queue()
        options = {"log": self.folder / f"{uuid.uuid4().hex}.log", "on_event": events.put, **options}
        future = self.threads.submit(self.worker.run, task, args or {}, **options)
        future.add_done_callback(lambda _: events.put({"ended": True}))
        return future, events.get(timeout=60)

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture
def mark() -> Iterator[Mark]:
    mark = Mark()
    yield mark
    assert not mark.processes()


@pytest.fixture
def bench(tmp_path: Path, mark: Mark) -> Iterator[Bench]:
    bench = Bench(tmp_path, mark)
    yield bench
    bench.worker.close()
    bench.threads.shutdown()


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object]], None]:
    def wait(condition: Callable[[], object]) -> None:
        until = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.02)

    return wait
