"""Fixtures for the tests of core: a model file, a registered fake backend, a build's configuration."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brainsmith_core.build.runner import BuildRunner, create_build_runner_factory
from brainsmith_core.config import BuildConfig, OutputStage
from brainsmith_core.context import BackendOutcome, BuildContext
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import BackendSpec, StepSpec

#: The first bytes of a real ONNX file (IR version and producer); core looks no deeper.
MODEL_BYTES = b"\x08\x0a\x12\x07pytorch:\x00\x00"


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "model_in.onnx"
    path.write_bytes(MODEL_BYTES)
    return path


@pytest.fixture
def make_config(model_file: Path, tmp_path: Path) -> Callable[..., BuildConfig]:
    def make(**changes: Any) -> BuildConfig:
        settings = {"id": "point", "model_path": str(model_file), "output_dir": str(tmp_path / "out")}
        return BuildConfig(**{**settings, **changes})

    return make


class FakeBackend:
    """A backend whose build is a function that the test gives."""

    def __init__(self, function: Callable[[BuildContext], BackendOutcome] | None = None) -> None:
        self._function = function

    def build(self, context: BuildContext) -> BackendOutcome:
        return self._function(context) if self._function else BackendOutcome()


def fake_plugin(**hooks: list[Any]) -> SimpleNamespace:
    """Return a plugin module whose hooks yield the given records."""
    functions = {f"brainsmith_{name}": hookimpl(lambda records=records: records) for name, records in hooks.items()}
    return SimpleNamespace(**functions)


@pytest.fixture
def step_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Write a module with step functions that a worker can import; returns its name."""
    folder = tmp_path / "step_modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    names: list[str] = []

    def write(text: str) -> str:
        name = f"steps_{abs(hash(str(tmp_path)))}_{len(names)}"
        (folder / f"{name}.py").write_text(text)
        names.append(name)
        return name

    yield write
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def plugins() -> PluginManager:
    """A manager with core only and a fake backend `fake`."""
    manager = PluginManager()
    spec = BackendSpec(
        name="fake",
        summary="a backend of the tests",
        target=f"{__name__}:FakeBackend",
        output_stages=(OutputStage.DATAFLOW_GRAPH,),
    )
    manager.register(fake_plugin(backends=[spec]), "fakes", "fake-distribution", "1.2.3")
    return manager


@pytest.fixture
def add_steps(plugins: PluginManager) -> Callable[..., None]:
    def add(kind: str, *specs: StepSpec) -> None:
        plugins.register(fake_plugin(**{f"{kind}_steps": list(specs)}), f"{kind}_fakes", "fake-steps", "0.1")

    return add


@pytest.fixture
def run_fake(plugins: PluginManager) -> Callable[..., Any]:
    """Run a build whose backend is a function."""

    def run(config: BuildConfig, build: Callable[[BuildContext], BackendOutcome] | None = None, **options: Any) -> Any:
        return BuildRunner(FakeBackend(build), plugins.backend("fake"), plugins).run(config, **options)

    return run


__all__ = ["MODEL_BYTES", "FakeBackend", "create_build_runner_factory", "fake_plugin"]
