"""Make small ONNX models that FINN can't convert, each for another reason. Usage: python make_models.py FOLDER"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(sys.argv[1])
RANDOM = np.random.default_rng(0)


class Graph:
    """Nodes and their constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Any) -> str:
        """Add a constant."""
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, op_type: str, name: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node."""
        self.nodes.append(helper.make_node(op_type, inputs, [output], name=name, **attributes))
        return output

    def quant(self, tensor: str, output: str, bits: int) -> str:
        """Add a quantiser."""
        settings = {"scale": 0.25, "zero_point": 0, "bits": bits}
        inputs = [tensor, *(self.constant(f"{output}_{each}", value) for each, value in settings.items())]
        attributes = {"domain": "qonnx.custom_op.general", "signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
        return self.node("Quant", f"quant_{output}", inputs, output, **attributes)

    def save(self, name: str, width_in: int, width_out: int) -> None:
        """Write the model."""
        tensors = [
            helper.make_tensor_value_info(tensor, TensorProto.FLOAT, [1, width])
            for tensor, width in (("in", width_in), ("out", width_out))
        ]
        graph = helper.make_graph(self.nodes, name, tensors[:1], tensors[1:], self.constants)
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
        model = helper.make_model(graph, opset_imports=opsets)
        model.ir_version = 8
        onnx.save(model, str(FOLDER / f"{name}.onnx"))


def float_mlp() -> None:
    """Make a network that nobody has quantised."""
    graph = Graph()
    first = graph.node("MatMul", "fc1", ["in", graph.constant("w1", RANDOM.normal(size=(16, 32)))], "a")
    active = graph.node("Relu", "relu1", [first], "b")
    graph.node("MatMul", "fc2", [active, graph.constant("w2", RANDOM.normal(size=(32, 8)))], "out")
    graph.save("float_mlp", 16, 8)


def sine_between() -> None:
    """Make a quantised network with an operator in it for which there is no hardware."""
    graph = Graph()
    tensor = graph.quant("in", "q_in", 8)
    for layer, (rows, columns, output) in enumerate(((16, 16, "q1"), (16, 8, "out"))):
        weights = graph.quant(graph.constant(f"w{layer}", RANDOM.normal(size=(rows, columns))), f"qw{layer}", 4)
        product = graph.node("MatMul", f"fc{layer}", [tensor, weights], f"mm{layer}")
        tensor = graph.quant(product, output, 4)
        if layer == 0:
            tensor = graph.quant(graph.node("Sin", "sine", [tensor], "sin"), "q_sin", 4)
    graph.save("sine_between", 16, 8)


def no_layers() -> None:
    """Make a graph without anything that FINN has hardware for."""
    graph = Graph()
    graph.node("Cos", "cosine", [graph.node("Sin", "sine", ["in"], "a")], "out")
    graph.save("no_layers", 16, 16)


float_mlp()
sine_between()
no_layers()
