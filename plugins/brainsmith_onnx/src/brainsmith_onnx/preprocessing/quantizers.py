"""Where a float model needs quantisers so that FINN can build it, and how they get into its graph.

Each layer with weights needs integer weights and an integer input. So a quantiser goes in front of its weights, and one
behind the node that its input really comes from: nodes that only move values around need none of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import numpy as np
import onnx

from brainsmith_core.errors import ConfigurationError

from ..models import Array

__all__ = ["Layer", "Quantizer", "Source", "find_layers", "find_sources", "insert_quantizer"]

#: Layers with weights, and the direction of their output channels in the weights.
_CHANNEL_AXIS = {"MatMul": 1, "Gemm": 1, "Conv": 0, "ConvTranspose": 1}
#: Nodes that only move values around: what goes in quantised comes out quantised.
_PASSING = {"Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "MaxPool", "Identity", "Dropout"}
#: What a normalisation of the input is made of.
_AFFINE = {"Mul", "Add", "Sub", "Div"}
#: Nodes without weights that FINN builds on integers only.
_ON_INTEGERS = {"GlobalAveragePool"}


@attrs.frozen
class Layer:
    """A node with weights.

    Args:
        name: the node's name.
        operator: its type.
        weights: the name of its weights.
        axis: the direction of the output channels in them.
    """

    name: str
    operator: str
    weights: str
    axis: int


@attrs.frozen
class Source:
    """A tensor whose values must be integers.

    Args:
        tensor: its name.
        node: the node that makes it, or "" for the model's input.
        operator: that node's type, or "".
        is_entry: whether it is the model's input, or that input scaled and shifted.
    """

    tensor: str
    node: str
    operator: str
    is_entry: bool = False


@attrs.frozen(eq=False)
class Quantizer:
    """A quantiser that goes into a graph.

    Args:
        tensor: what is quantised.
        bits: the width.
        scale: the step width, or one for each channel.
        signed: whether there are negative numbers.
        narrow: whether the most negative number is left out.
    """

    tensor: str
    bits: int
    scale: Array
    signed: bool
    narrow: bool


def find_layers(wrapped: Any) -> list[Layer]:
    """Return the nodes with weights of a model, in the graph's order.

    Args:
        wrapped: the model as qonnx's ModelWrapper; constants are folded and nodes have names.

    Raises:
        ConfigurationError: if it has none, or if one's weights aren't constant.
    """
    found: list[Layer] = []
    for node in wrapped.graph.node:
        if node.op_type not in _CHANNEL_AXIS:
            continue
        weights = wrapped.get_initializer(node.input[1])
        if weights is None:
            text = f'the node "{node.name}" ({node.op_type}) has no constant weights'
            raise ConfigurationError(text, hint="FINN builds no product of two computed tensors: cut or replace it")
        found.append(Layer(node.name, node.op_type, node.input[1], _axis(node, weights)))
    if not found:
        raise ConfigurationError("the model has no layer with weights (MatMul, Gemm, Conv), so nothing to quantise")
    return found


def _axis(node: onnx.NodeProto, weights: Array) -> int:
    if node.op_type == "Gemm":
        transposed = any(each.name == "transB" and each.i for each in node.attribute)
        return 0 if transposed else 1
    return weights.ndim - 1 if node.op_type == "MatMul" else _CHANNEL_AXIS[node.op_type]


def find_sources(wrapped: Any, layers: Iterable[Layer]) -> list[Source]:
    """Return the tensors that must be quantised so that every layer gets integers, each once."""
    names = {layer.name for layer in layers}
    found: dict[str, Source] = {}
    for node in wrapped.graph.node:
        if node.name in names or node.op_type in _ON_INTEGERS:
            source = _source(wrapped, node.input[0])
            found.setdefault(source.tensor, source)
    return list(found.values())


def _source(wrapped: Any, tensor: str) -> Source:
    node = wrapped.find_producer(tensor)
    while node is not None and node.op_type in _PASSING:
        tensor = node.input[0]
        node = wrapped.find_producer(tensor)
    if node is None:
        return Source(tensor, "", "", is_entry=True)
    return Source(tensor, node.name, node.op_type, is_entry=_is_normalised_input(wrapped, node))


def _is_normalised_input(wrapped: Any, node: onnx.NodeProto | None) -> bool:
    """Whether nothing but adding to the input and multiplying it with constants leads to a node."""
    while node is not None:
        computed = [name for name in node.input if wrapped.get_initializer(name) is None]
        if node.op_type not in _AFFINE or len(computed) != 1:
            return False
        node = wrapped.find_producer(computed[0])
    return True


def insert_quantizer(wrapped: Any, quantizer: Quantizer) -> None:
    """Put a quantiser behind a tensor: all that used the tensor use what comes out of it.

    Args:
        wrapped: the model as qonnx's ModelWrapper; it is changed.
        quantizer: the quantiser.
    """
    from qonnx.transformation.quantize_graph import create_quantnode

    consumers = wrapped.find_consumers(quantizer.tensor)
    node, result = create_quantnode(
        wrapped,
        quantizer.tensor,
        wrapped.get_tensor_shape(quantizer.tensor),
        scale_value=quantizer.scale,
        zeropoint_value=np.float32(0),
        bitwidth_value=np.float32(quantizer.bits),
        narrow=int(quantizer.narrow),
        signed=int(quantizer.signed),
        rounding_mode="ROUND",
    )
    node.domain = "qonnx.custom_op.general"
    for consumer in consumers:
        for index, name in enumerate(consumer.input):
            if name == quantizer.tensor:
                consumer.input[index] = result.name
    wrapped.graph.node.append(node)
