"""Plain helpers of the test kit; the fixtures hand them out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ..config import BuildConfig
from ..events import BuildEvent
from ..metric import MetricSource
from ..metrics.report import Report

__all__ = ["MODEL_BYTES", "CorpusReader", "EventRecorder", "FakeClock", "imported_by_listing", "make_config"]

#: The first bytes of a real ONNX file (IR version and producer); core looks no deeper.
MODEL_BYTES = b"\x08\x0a\x12\x07pytorch:\x00\x00"


def make_config(folder: Path, model: bytes = MODEL_BYTES, **changes: Any) -> BuildConfig:
    """Return a configuration whose model and output lie in a folder.

    Args:
        folder: where `model_in.onnx` is written; the build's folder is `out` in it.
        model: the model's content.
        changes: other settings of `BuildConfig`.
    """
    path = folder / "model_in.onnx"
    path.write_bytes(model)
    settings: dict[str, Any] = {"id": "point", "model_path": str(path), "output_dir": str(folder / "out")}
    return BuildConfig(**{**settings, **changes})


class FakeClock:
    """A clock that only goes when the test says so; it stands in for the module `time`.

    Example:
        >>> clock = FakeClock()
        >>> clock.sleep(2.5)
        >>> clock.monotonic(), clock.slept
        (2.5, [2.5])
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds since the clock was made."""
        return self.now

    time = perf_counter = monotonic

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once, and remember it."""
        self.slept.append(seconds)
        self.now += seconds

    def advance(self, seconds: float) -> None:
        """Let the time pass."""
        self.now += seconds

    def install(self, module: ModuleType, patch: pytest.MonkeyPatch) -> None:
        """Put the clock in the place of `time` in a module that says `import time`."""
        patch.setattr(module, "time", self)


class EventRecorder:
    """Keeps the events of builds; give it as `on_event`, or register it as a plugin's observer.

    Example:
        >>> recorder = EventRecorder()
        >>> recorder(BuildEvent(kind="build_started", build_id="a"))
        >>> recorder.kinds
        ['build_started']
    """

    def __init__(self) -> None:
        self.events: list[BuildEvent] = []

    def __call__(self, event: BuildEvent) -> None:
        """Keep an event."""
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        """The kinds of the events, in order."""
        return [event.kind for event in self.events]

    def of(self, kind: str) -> list[BuildEvent]:
        """Return the events of a kind."""
        return [event for event in self.events if event.kind == kind]


class CorpusReader:
    """Reads sample reports from a folder, as a parser gets them.

    Args:
        folder: where the samples lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> Report:
        """Return one report."""
        path = self.folder / name
        return Report(path=path, data=path.read_bytes(), source=MetricSource(file=name))

    def __iter__(self) -> Iterator[Report]:
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                yield self.read(str(path.relative_to(self.folder)))


_LISTING = """
import sys
from brainsmith_core.plugins.manager import PluginManager
PluginManager.discover().check_all()
print(*sorted(sys.modules))
"""


def imported_by_listing() -> set[str]:
    """Return the modules that listing all plugins imports, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", _LISTING], capture_output=True, text=True, check=True)
    return set(done.stdout.split())
