"""Every preprocessing step passes the standard tests of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import pytest

from brainsmith_core.testing import StepSuite

EXAMPLES = Path(__file__).parents[4] / "examples"
DIGITS = (EXAMPLES / "digits" / "model.onnx").read_bytes()
FLOAT = (EXAMPLES / "digits_float" / "model.onnx").read_bytes()
SAMPLES = str(EXAMPLES / "digits" / "samples.npz")

pytestmark = pytest.mark.slow


class TestGraphOptimization(StepSuite):
    step, model = "graph_optimization", DIGITS


class TestInputNormalization(StepSuite):
    step, model = "input_normalization", FLOAT
    parameters: ClassVar[dict[str, Any]] = {"method": "mean_std", "mean": 8, "std": 4}


class TestModelQuantization(StepSuite):
    step, model = "model_quantization", FLOAT
    parameters: ClassVar[dict[str, Any]] = {"samples": SAMPLES}


class TestChangeBatchSize(StepSuite):
    step, model = "change_batch_size", DIGITS
    parameters: ClassVar[dict[str, Any]] = {"size": 4}


class TestSetInputDatatype(StepSuite):
    step, model = "set_input_datatype", FLOAT
    parameters: ClassVar[dict[str, Any]] = {"datatype": "UINT8"}


class TestCut(StepSuite):
    step, model = "cut", FLOAT
    parameters: ClassVar[dict[str, Any]] = {"outputs": ["relu1_out"]}


class TestQonnxTransformation(StepSuite):
    step, model = "qonnx_transformation", DIGITS
    parameters: ClassVar[dict[str, Any]] = {"transformation": "GiveUniqueNodeNames", "parameters": {"prefix": "p_"}}


class TestVerifyModel(StepSuite):
    step, model = "verify_model", DIGITS
    parameters: ClassVar[dict[str, Any]] = {"samples": SAMPLES}


def _qdq() -> bytes:
    """Return a model that rounds to halves."""
    node, tensor = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])]
    into, out = ([tensor(name, onnx.TensorProto.FLOAT, [1, 4])] for name in ("x", "y"))
    weights = [
        onnx.numpy_helper.from_array(np.array(0.5, np.float32), "s"),
        onnx.numpy_helper.from_array(np.array(0, np.uint8), "z"),
    ]
    graph = onnx.helper.make_graph(nodes, "qdq", into, out, weights)
    opset = [onnx.helper.make_opsetid("", 13)]
    return bytes(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


class TestImportQcdq(StepSuite):
    step, model = "import_qcdq", _qdq()
