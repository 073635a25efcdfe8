from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.config import BuildConfig, OutputStage
from brainsmith_core.context import StopSignal
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_core.runner import BuildRunnerInterface

MakeConfig = Callable[..., BuildConfig]


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
