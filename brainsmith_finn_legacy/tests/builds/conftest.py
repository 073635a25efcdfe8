"""What the tests of builds share: a stand-in for FINN that runs in our own interpreter, and the real FINN."""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core.build.runner import BuildRunner, default_plugins
from brainsmith_core.config import BuildConfig, GlobalConfig
from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.formats.serialization import from_data
from brainsmith_core.result import BuildResult
from brainsmith_finn_legacy.backend import LegacyFINNBackend
from brainsmith_finn_legacy.environments import FINNEnvironmentManager
from brainsmith_finn_legacy.environments.records import FINNDescription, FINNEnvironment, Step, Transformation

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SHARED = Path(os.environ.get("BRAINSMITH_SHARED", ROOT.parent / "shared"))
HARDWARE = "finn.custom_op.fpgadataflow"

collect_ignore = ["by_hand", "fake_finn", "user_steps"]  # for other interpreters

MakeConfig = Callable[..., BuildConfig]
MakeLayer = Callable[..., dict[str, Any]]
RunBuild = Callable[..., BuildResult]
WriteModel = Callable[..., Path]


@pytest.fixture(scope="session")
def environment() -> FINNEnvironment:
    """FINN+ 1.6.1 as it describes itself; nothing can run in it."""
    data = json.loads((HERE / "data" / "finn_plus_1_6_1.json").read_text())
    return FINNEnvironment(
        name="finn-plus-1.6.1",
        kind="interpreter",
        path=Path("/opt/finn"),
        python=Path("/opt/finn/bin/python"),
        version="1.6.1",
        flavour="finn-plus",
        identity="1" * 64,
        description=from_data(FINNDescription, data, "data"),
    )


@pytest.fixture(scope="session")
def fake_environment(environment: FINNEnvironment) -> FINNEnvironment:
    """A stand-in for FINN that runs in the tests' own interpreter, described as FINN+ 1.6.1 with more steps."""
    source = HERE / "fake_finn" / "src" / "finn" / "builder" / "build_dataflow_steps.py"
    functions = [node.name for node in ast.parse(source.read_text()).body if isinstance(node, ast.FunctionDef)]
    steps = [Step(name=name) for name in functions if name.startswith("step_")]
    transformations = [
        Transformation(name="qonnx.transformation.general.Fails"),
        *environment.description.transformations,
    ]
    flow = [
        *("step_qonnx_to_finn", "step_tidy_up", "step_streamline", "step_create_dataflow_partition"),
        *("step_specialize_layers", "step_apply_folding_config", "step_generate_estimate_reports"),
    ]
    boards = ("lets exceptions through", "gives up", "warns", "survives failures")
    description = attrs.evolve(
        environment.description,
        steps=steps,
        estimate_steps=flow,
        transformations=transformations,
        boards={**environment.description.boards, **dict.fromkeys(boards, "xc7z020clg400-1")},
    )
    return attrs.evolve(
        environment,
        name="fake",
        kind="checkout",
        path=HERE / "fake_finn",
        python=Path(sys.executable),
        identity="fake",
        description=description,
    )


@pytest.fixture(scope="session")
def hardware() -> MakeLayer:
    """Make a hardware layer of a model for the stand-in."""

    def make(op_type: str, **attributes: Any) -> dict[str, Any]:
        return {"op_type": op_type, "name": f"{op_type}_0", "domain": HARDWARE, "attributes": attributes}

    return make


@pytest.fixture
def write_model(tmp_path: Path) -> WriteModel:
    """Write a model for the stand-in."""

    def write(*nodes: dict[str, Any], name: str = "fake.onnx") -> Path:
        path = tmp_path / name
        path.write_bytes(b"\x08\x0a\x12\x00" + json.dumps({"nodes": nodes}).encode())
        return path

    return write


@pytest.fixture
def fake_model(write_model: WriteModel, hardware: MakeLayer) -> Path:
    """A model for the stand-in: two hardware layers."""
    return write_model(hardware("Thresholding", NumChannels=8, PE=1), hardware("MVAU", MW=12, MH=8, PE=1, SIMD=1))


@pytest.fixture
def make_config(tmp_path: Path, fake_model: Path) -> MakeConfig:
    """Make a build's configuration; `settings` go to its global configuration, the rest as they are."""

    def make(*, settings: dict[str, Any] | None = None, **changes: Any) -> BuildConfig:
        values: dict[str, Any] = {
            "id": "point",
            "model_path": str(fake_model),
            "output_dir": str(tmp_path / "out"),
            "config_flags": {"board": "Pynq-Z1"},
            "global_config": GlobalConfig(**(settings or {})),
        }
        return BuildConfig(**{**values, **changes})

    return make


@pytest.fixture(scope="session")
def build_with() -> RunBuild:
    """Run a build with a backend, through the path that all builds take."""

    def run(backend: LegacyFINNBackend, config: BuildConfig, **how: Any) -> BuildResult:
        plugins = default_plugins()
        return BuildRunner(backend, plugins.backend("legacy_finn"), plugins).run(config, **how)

    return run


@pytest.fixture
def run_build(fake_environment: FINNEnvironment, build_with: RunBuild) -> RunBuild:
    """Run a build in the stand-in."""

    def run(config: BuildConfig, **settings: Any) -> BuildResult:
        return build_with(LegacyFINNBackend(environment=fake_environment, **settings), config)

    return run


@pytest.fixture(scope="session")
def finn() -> Iterator[FINNEnvironment]:
    """The real FINN environment."""
    try:
        yield FINNEnvironmentManager().find()
    except MissingRequirementError as error:
        pytest.skip(f"no FINN environment: {error.message}")


@pytest.fixture(scope="session")
def models() -> dict[str, Path]:
    """The real models that are there, by file name; the one of our own is `digits.onnx`."""
    found = {path.name: path.resolve() for path in sorted((SHARED / "models").glob("*.onnx"))}
    digits = ROOT / "examples" / "digits" / "model.onnx"
    return {**found, "digits.onnx": digits} if digits.is_file() else found


@pytest.fixture
def real_model(models: dict[str, Path]) -> Path:
    """A small real model."""
    for name in ("digits.onnx", "TFC_2W2A.onnx"):
        if name in models:
            return models[name]
    pytest.skip(f"neither examples/digits/model.onnx nor {SHARED}/models/TFC_2W2A.onnx is there")
