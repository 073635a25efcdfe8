from __future__ import annotations

import json
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import postgres_server
import pytest

from brainsmith_core.build.runner import BuildRunnerInterface
from brainsmith_core.build.workspace import Workspace
from brainsmith_core.config import BuildConfig, OutputStage
from brainsmith_core.context import StopSignal
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_orchestration.store.database import Store

MakeConfig = Callable[..., BuildConfig]

#: Explores what stands in `configs.json`: prints each result, and notes each start in `started.txt`.
EXPLORE = """
import json, os, sys, time
from pathlib import Path

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BrainsmithError
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_orchestration.controller import Controller

folder, backend, parallel = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
plugins = PluginManager.discover()
if (folder / "family_plugin.py").exists():
    sys.path.insert(0, str(folder))
    import family_plugin
    plugins.register(family_plugin, "family")
late = (folder / "late.txt").read_text().split()
configs = [BuildConfig.from_dict(each) for each in json.loads((folder / "configs.json").read_text())]


def note(event):
    if event.kind == "build_started":
        with (folder / "started.txt").open("a") as file:
            file.write(event.build_id + "\\n")
        while event.build_id in late and not (folder / "gate").exists() and not controller.over:
            time.sleep(0.01)


factory = create_build_runner_factory(backend, plugins)
store = os.environ.get("TEST_STORE")
try:
    with Controller(factory, parallel, folder=folder / "run", on_event=note, store=store) as controller:
        for result in controller.run(configs):
            print(result.config_id, result.status.value, int(result.cached), flush=True)
except BrainsmithError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
except KeyboardInterrupt:
    sys.exit(130)
"""


class Held(BuildRunnerInterface):
    """Builds that begin, wait until they are let go by id or stopped, and then give a result."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.most_at_once = 0
        self._going: set[str] = set()
        self._released: set[str] = set()
        self._all = False
        self._changed = threading.Condition()

    def __call__(self) -> Held:
        return self

    def release(self, *ids: str) -> None:
        with self._changed:
            self._released |= set(ids)
            self._all = self._all or not ids
            self._changed.notify_all()

    def wait_begun(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.begun) >= count, timeout=30)

    def run(
        self,
        config: BuildConfig,
        *,
        stop: StopSignal | None = None,
        on_event: Callable[[BuildEvent], None] | None = None,
    ) -> BuildResult:
        with self._changed:
            self.begun.append(config.id)
            self._going.add(config.id)
            self.most_at_once = max(self.most_at_once, len(self._going))
            self._changed.notify_all()
            if on_event is not None:
                on_event(BuildEvent(kind="phase_started", build_id=config.id, data={"phase": "backend"}))
            while not (self._all or config.id in self._released or (stop is not None and stop.is_set())):
                self._changed.wait(0.01)
            self._going.discard(config.id)
        stopped = stop is not None and stop.is_set()
        status = BuildStatus.CANCELLED if stopped else BuildStatus.SUCCESS
        return BuildResult(config_id=config.id, status=status, error_message=getattr(stop, "reason", None) or None)

    def get_backend_name(self) -> str:
        return "held"

    def get_supported_output_stages(self) -> list[OutputStage]:
        return list(OutputStage)


class Plain(BuildRunnerInterface):
    """A runner with nothing but the interface: it can't be stopped, and does what it is told."""

    def __init__(self, act: Callable[[BuildConfig], Any]) -> None:
        self._act = act

    def run(self, config: BuildConfig) -> BuildResult:
        result = self._act(config)
        return result if result is not None else BuildResult(config_id=config.id, status=BuildStatus.SUCCESS)

    def get_backend_name(self) -> str:
        return "plain"

    def get_supported_output_stages(self) -> list[OutputStage]:
        return list(OutputStage)


class Exploration:
    """A folder with a program, its configurations and what came of them; late builds wait until `finish`."""

    def __init__(
        self,
        folder: Path,
        configs: list[BuildConfig],
        backend: str = "future_brainsmith",
        parallel: int = 2,
        late: Iterable[str] = (),
    ) -> None:
        self.folder, self.configs = folder, configs
        self._arguments = [str(folder), backend, str(parallel)]
        (folder / "explore.py").write_text(EXPLORE)
        (folder / "late.txt").write_text(" ".join(late))
        (folder / "configs.json").write_text(json.dumps([config.to_dict() for config in configs]))

    @contextmanager
    def start(self) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, str(self.folder / "explore.py"), *self._arguments]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
            try:
                yield process
            finally:
                process.kill()  # where the test failed, it mustn't be waited for

    def finish(self) -> dict[str, tuple[str, bool]]:
        """Run to the end, late builds too, and return status and whether it was cached, by id."""
        (self.folder / "gate").touch()
        with self.start() as process:
            out, err = process.communicate(timeout=600)
            assert process.returncode == 0, err
        return {name: (status, cached == "1") for name, status, cached in map(str.split, out.splitlines())}

    def started(self) -> Counter[str]:
        """How often each build was started, over all runs."""
        return Counter((self.folder / "started.txt").read_text().split())

    def statuses(self) -> dict[str, BuildStatus]:
        """The status of each build that has a whole result."""
        results = {c.id: Workspace(Path(c.output_dir)).read_result() for c in self.configs}
        return {name: result.status for name, result in results.items() if result is not None}

    @staticmethod
    def read_results(process: subprocess.Popen[str], count: int) -> list[str]:
        """Read the ids of the first results."""
        assert process.stdout is not None
        return [process.stdout.readline().split()[0] for _ in range(count)]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file that may be an ONNX model as far as a simulation can tell."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x07\x12\x04test\x80")
    return path


@pytest.fixture
def make_config(tmp_path: Path, model: Path) -> MakeConfig:
    """Make configurations whose folder follows from their id."""

    def make(name: object = "a", **changes: Any) -> BuildConfig:
        values = {
            "id": str(name),
            "model_path": str(model),
            "output_dir": str(tmp_path / "run" / str(name)),
            **changes,
        }
        return BuildConfig(**values)

    return make


@pytest.fixture
def held() -> Held:
    """A runner factory whose builds wait until they are let go."""
    return Held()


@pytest.fixture
def plain() -> Callable[[Callable[[BuildConfig], Any]], RunnerFactory]:
    """Make runner factories from functions over a configuration."""
    return lambda act: lambda: Plain(act)


@pytest.fixture
def builds_in() -> Callable[[Path], int]:
    """Count the builds that have begun in a folder, over all runs: each leaves one such event."""
    return lambda folder: sum(p.read_text().count('"build_started"') for p in folder.rglob("events.jsonl"))


@pytest.fixture
def make_exploration() -> Callable[..., Exploration]:
    """Make explorations that run in a process of their own; see `Exploration`."""
    return Exploration


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    """The folder of a PostgreSQL server's socket."""
    if reason := postgres_server.why_not():
        pytest.skip(reason)
    with postgres_server.running_server() as folder:
        yield folder


@pytest.fixture
def postgres_url(postgres_socket: str) -> str:
    """The URL of an empty PostgreSQL database."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(host=postgres_socket, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return f"postgresql://postgres@/{name}?host={postgres_socket}"


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store may be: on each kind of database."""
    if request.param == "sqlite":
        return str(tmp_path / "store" / "builds.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    """An empty store, on each kind of database."""
    with Store(location) as opened:
        yield opened
