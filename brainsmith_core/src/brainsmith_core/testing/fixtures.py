"""Fixtures for the tests of plugins: `pytest_plugins = ["brainsmith_core.testing.fixtures"]`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..build.recorder import BuildRecorder
from ..build.workspace import Workspace
from ..config import BuildConfig
from ..context import BuildContext
from .tools import CorpusReader, EventRecorder, FakeClock, make_config

__all__ = ["build_context", "build_workspace", "corpus_reader", "event_recorder", "fake_clock"]


@pytest.fixture
def build_workspace(tmp_path: Path) -> Workspace:
    """The folder of a build, made as a build makes it, with a configuration and a model."""
    config = make_config(tmp_path)
    workspace = Workspace(Path(config.output_dir))
    workspace.create(config)
    return workspace


@pytest.fixture
def event_recorder() -> EventRecorder:
    """Keeps the events of builds."""
    return EventRecorder()


@pytest.fixture
def build_context(build_workspace: Workspace, event_recorder: EventRecorder) -> Iterator[BuildContext]:
    """What a backend's `build` is given; its events are in `event_recorder`."""
    config: BuildConfig = build_workspace.read_config()
    recorder = BuildRecorder(config.id, build_workspace.events, build_workspace.log, observers=[event_recorder])
    yield BuildContext(
        config=config,
        workspace=build_workspace,
        model_path=build_workspace.model,
        emit=recorder.emit,
        log=recorder.log,
        stop=threading.Event(),
    )
    recorder.close()


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that only goes when the test says so."""
    return FakeClock()


@pytest.fixture
def corpus_reader() -> Callable[[Path], CorpusReader]:
    """Gives, for a folder, the reader of the sample reports in it."""
    return CorpusReader
