"""Attributes that onnx lets exporters leave out, and that qonnx and FINN need."""

from __future__ import annotations

from typing import Any

import onnx

__all__ = ["spell_out"]

_WINDOWED = ("Conv", "ConvTranspose", "MaxPool", "AveragePool")


def spell_out(wrapped: Any) -> None:
    """Write the attributes of convolutions and pooling that go without saying in onnx: FINN fails without them.

    Args:
        wrapped: the model as qonnx's ModelWrapper, shapes known; it is changed, but computes what it did.
    """
    for node in wrapped.graph.node:
        if node.op_type not in _WINDOWED:
            continue
        given = {each.name for each in node.attribute}
        rank = len(wrapped.get_tensor_shape(node.input[0])) - 2
        defaults: dict[str, Any] = {"strides": [1] * rank}
        if node.op_type.startswith("Conv"):
            kernel = wrapped.get_tensor_shape(node.input[1])[2:]
            defaults |= {"kernel_shape": list(kernel), "dilations": [1] * rank, "group": 1}
        if "auto_pad" not in given:
            defaults["pads"] = [0] * (2 * rank)
        node.attribute.extend(
            onnx.helper.make_attribute(name, value) for name, value in defaults.items() if name not in given
        )
