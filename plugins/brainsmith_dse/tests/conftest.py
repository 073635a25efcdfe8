from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from brainsmith_core.build.runner import BuildRunner, default_plugins
from brainsmith_core.config import OutputStage
from brainsmith_core.context import BackendOutcome, BuildContext, BuildFailure
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import BackendSpec
from brainsmith_core.result import BuildStatus
from brainsmith_dse.forge_api import forge
from brainsmith_dse.space import DesignSpace, HWCompilerSpace

#: As much of an ONNX file as core looks at.
MODEL_BYTES = b"\x08\x0a\x12\x07pytorch:\x00\x00"

HEAD = 'version: "3.0"\nmodel: model.onnx\n'

_SPEC = BackendSpec(
    name="counting",
    summary="Counts its builds; its figures follow from the flags.",
    target="nowhere:nothing",
    output_stages=(OutputStage.DATAFLOW_GRAPH,),
)


class CountingBackend:
    """Gives measured figures that follow from `target_fps`, and knows which configurations it has built."""

    flags = ("target_fps", "board", "fpga_part", "synth_clk_period_ns", "fail", "call", "no_lut")

    def __init__(self) -> None:
        self.built: list[str] = []
        self.checked: list[str] = []
        self.on_build: Callable[[BuildContext], None] = lambda context: None

    def validate(self, config: Any) -> None:
        self.checked.append(config.id)
        for name in config.config_flags:
            if name not in self.flags:
                raise ConfigurationError(f'there is no flag "{name}"', hint=did_you_mean(name, self.flags))

    def build(self, context: BuildContext) -> BackendOutcome:
        self.built.append(context.config.id)
        self.on_build(context)
        flags: dict[str, Any] = context.config.config_flags
        if flags.get("fail"):
            return BackendOutcome(status=BuildStatus.FAILED, failure=BuildFailure(message="as asked for"))
        fps = float(flags.get("target_fps", 1000))
        figures = {"perf.throughput_fps": (fps, "frames/s"), "perf.latency_us": (1e6 / fps, "µs")}
        if not flags.get("no_lut"):
            figures["util.lut"] = (fps // 10, "count")
        metrics = [
            Metric(name=name, value=value, unit=unit, stage=Stage.ESTIMATE) for name, (value, unit) in figures.items()
        ]
        return BackendOutcome(metrics=tuple(metrics))


@pytest.fixture
def backend() -> CountingBackend:
    return CountingBackend()


@pytest.fixture
def plugins() -> PluginManager:
    """Core and a backend of the tests."""
    manager = PluginManager()
    manager.register(SimpleNamespace(brainsmith_backends=hookimpl(lambda: [_SPEC])), "counting", "counting", "1.0")
    return manager


@pytest.fixture
def factory(backend: CountingBackend, plugins: PluginManager) -> RunnerFactory:
    """Makes runners of the counting backend."""
    return lambda: BuildRunner(backend, plugins.backend("counting"), plugins)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(MODEL_BYTES)
    return path


@pytest.fixture
def write_blueprint(tmp_path: Path, model: Path) -> Callable[..., Path]:
    """Write a blueprint; without a version and a model of its own it gets both."""

    def write(text: str = "", name: str = "blueprint.yaml") -> Path:
        text = textwrap.dedent(text)
        path = tmp_path / name
        path.write_text(text if "version" in text else HEAD + text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def read(write_blueprint: Callable[..., Path]) -> Callable[[str], DesignSpace]:
    """Forge the text of a blueprint."""

    def of(text: str = "") -> DesignSpace:
        return forge(None, write_blueprint(text), plugins=default_plugins())

    return of


@pytest.fixture
def make_space(model: Path, tmp_path: Path) -> Callable[..., DesignSpace]:
    """Make a design space from flags and other fields."""

    def make(flags: dict[str, Any] | None = None, **changes: Any) -> DesignSpace:
        values = {
            "model_path": model,
            "hw_compiler_space": HWCompilerSpace(config_flags=flags or {}),
            "name": "space",
            **changes,
        }
        return DesignSpace(**values)

    return make
