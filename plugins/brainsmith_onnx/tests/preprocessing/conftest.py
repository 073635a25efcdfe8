"""Runs preprocessing steps in this process, on small models made here and on the digits."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from brainsmith_core.build.parameters import checked_parameters
from brainsmith_core.config import BuildConfig
from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_onnx.pre_records import STEPS

EXAMPLES = Path(__file__).parents[4] / "examples"


@attrs.frozen
class Ran:
    """What a step gave."""

    outcome: StepOutcome
    report: dict[str, Any]
    model: onnx.ModelProto | None


class StepRunner:
    """Runs steps by name, in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str, model: onnx.ModelProto | bytes | Path, **parameters: Any) -> Ran:
        """Run a step on a model, and check that the model's file stays as it is."""
        (spec,) = [each for each in STEPS if each.name == name]
        path = self.save(model)
        before = path.read_bytes()
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        context = StepContext(
            config=BuildConfig(id="a", model_path=str(path), output_dir=str(self.folder)),
            parameters=checked_parameters(spec.parameters, parameters, name),
            model_path=str(path),
            output_model_path=str(logs / f"01_{name}.onnx"),
            report_dir=str(logs),
            output_dir=str(self.folder),
        )
        module, _, function = spec.target.partition(":")
        try:
            outcome: StepOutcome = getattr(importlib.import_module(module), function)(context)
        finally:
            assert path.read_bytes() == before
        (report,) = outcome.artifacts.values()
        made = onnx.load(outcome.model_path) if outcome.model_path else None
        return Ran(outcome, json.loads(Path(report).read_text()), made)

    def save(self, model: onnx.ModelProto | bytes | Path) -> Path:
        """Return the path of a model."""
        if isinstance(model, Path):
            return model
        path = self.folder / "model.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        return path

    def samples(self, inputs: Any, labels: Any = None, name: str = "samples.npz") -> str:
        """Write samples and return their file's name."""
        arrays = {"inputs": np.asarray(inputs)}
        if labels is not None:
            arrays["labels"] = np.asarray(labels)
        np.savez(self.folder / name, **arrays)  # type: ignore[arg-type] # numpy takes arrays by name
        return name


@pytest.fixture
def step(tmp_path: Path) -> StepRunner:
    """Runs a step."""
    return StepRunner(tmp_path)


def make_model(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list[Any]],
    outputs: dict[str, list[Any]],
    weights: dict[str, Any] | None = None,
    opset: int = 13,
) -> onnx.ModelProto:
    """Return a model of these nodes."""

    def tensors(shapes: dict[str, list[Any]]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]

    arrays = [numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()]
    graph = helper.make_graph(nodes, "test", tensors(inputs), tensors(outputs), arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


@pytest.fixture
def make() -> Callable[..., onnx.ModelProto]:
    """Makes a model."""
    return make_model


@pytest.fixture
def mlp() -> onnx.ModelProto:
    """Two layers with a ReLU between: 6 in, 3 out."""
    random = np.random.default_rng(1)
    weights = {
        "w0": random.normal(size=(6, 8)).astype(np.float32),
        "b0": random.normal(size=8).astype(np.float32),
        "w1": random.normal(size=(8, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Gemm", ["x", "w0", "b0"], ["h"], "first"),
        helper.make_node("Relu", ["h"], ["r"], "relu"),
        helper.make_node("MatMul", ["r", "w1"], ["y"], "second"),
    ]
    return make_model(nodes, {"x": [1, 6]}, {"y": [1, 3]}, weights)


@pytest.fixture
def convnet() -> onnx.ModelProto:
    """A convolution with batch normalisation, ReLU, pooling and a layer: 3 x 8 x 8 in, 4 out."""
    random = np.random.default_rng(2)
    weights = {
        "k": random.normal(size=(5, 3, 3, 3)).astype(np.float32),
        "kb": random.normal(size=5).astype(np.float32),
        "gamma": random.uniform(0.5, 1.5, 5).astype(np.float32),
        "beta": random.normal(size=5).astype(np.float32),
        "mean": random.normal(size=5).astype(np.float32),
        "var": random.uniform(0.5, 1.5, 5).astype(np.float32),
        "shape": np.array([1, -1]),
        "w": random.normal(size=(5 * 3 * 3, 4)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "k", "kb"], ["c"], "conv", kernel_shape=[3, 3]),
        helper.make_node("BatchNormalization", ["c", "gamma", "beta", "mean", "var"], ["n"], "norm"),
        helper.make_node("Relu", ["n"], ["r"], "relu"),
        helper.make_node("MaxPool", ["r"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Reshape", ["p", "shape"], ["f"], "flat"),
        helper.make_node("MatMul", ["f", "w"], ["y"], "last"),
    ]
    return make_model(nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 4]}, weights)


@pytest.fixture
def digits() -> Path:
    """The quantised digits model."""
    return EXAMPLES / "digits" / "model.onnx"


@pytest.fixture
def digits_float() -> Path:
    """The float digits model."""
    return EXAMPLES / "digits_float" / "model.onnx"
