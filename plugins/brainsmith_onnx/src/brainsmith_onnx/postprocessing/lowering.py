"""Write QONNX operators in standard ones, so that onnxruntime runs a whole model at once instead of node by node.

Each operator becomes a call of an ONNX function that stands in the model; onnxruntime expands it. The functions follow
qonnx's own definitions operation by operation, so that the results are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import onnx
from onnx import helper, numpy_helper, parser

from brainsmith_core.errors import BrainsmithError

from ..models import Array
from . import lowered_functions as functions

__all__ = ["NotLoweredError", "lower"]

_DOMAIN: Final = "brainsmith.lowered"

#: Domains under which QONNX's general operators appear; the later ones are those of Brevitas and of old FINN.
_GENERAL = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general", "finn")
_STANDARD = ("", "ai.onnx", "ai.onnx.ml")

_FUNCTIONS_SINCE: Final = 8  # version of the file format
_WHERE_SINCE: Final = 9  # opset of Where and Sign
_ROUND_SINCE: Final = 11  # opset of Round
_AXES_AS_INPUT: Final = 13  # opset since which Unsqueeze and ReduceSum take their axes as an input


class NotLoweredError(BrainsmithError):
    """A model has an operator that can't be written in standard ones; the message says which and why."""


def lower(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model in which all operators are standard ones or functions made of them.

    Args:
        model: a model of standard and QONNX operators, all shapes known; it isn't changed.

    Raises:
        NotLoweredError: if it has an operator that this isn't known for.
    """
    return _Lowering(model).result()


class _Lowering:
    """One model under way."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        opsets = {each.domain: each.version for each in model.opset_import}
        self.opset = opsets.get("", opsets.get("ai.onnx", 0))
        graph = self.model.graph
        self.values = {each.name: each for each in graph.initializer}
        tensors = (*graph.input, *graph.value_info, *graph.output)
        self.ranks = {each.name: len(each.type.tensor_type.shape.dim) for each in tensors}
        self.functions: dict[str, onnx.FunctionProto] = {}
        self.constants: list[onnx.TensorProto] = []

    def result(self) -> onnx.ModelProto:
        if self.opset < _WHERE_SINCE:
            raise NotLoweredError(f"the model is of opset {self.opset}, which is older than {_WHERE_SINCE}")
        model = self.model
        nodes = [node if node.domain in _STANDARD else self.lowered(node) for node in model.graph.node]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        model.graph.initializer.extend(self.constants)
        # onnxruntime warns of each weight that nothing uses any more.
        used = {name for node in nodes for name in node.input}
        weights = [each for each in model.graph.initializer if each.name in used]
        del model.graph.initializer[:]
        model.graph.initializer.extend(weights)
        opsets = [each for each in model.opset_import if each.domain in _STANDARD]
        del model.opset_import[:]
        model.opset_import.extend([*opsets, helper.make_opsetid(_DOMAIN, 1)])
        model.functions.extend(self.functions.values())
        model.ir_version = max(model.ir_version, _FUNCTIONS_SINCE)
        return model

    def lowered(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """Return a call of the function that stands for an operator."""
        make = _OPERATORS.get(node.op_type) if node.domain in _GENERAL else None
        if make is None:
            raise _refused(node, f"{node.domain}.{node.op_type} isn't known in standard operators")
        return make(self, node)

    def quant(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """`Quant`, `IntQuant`: scale, clamp, round, scale back."""
        from qonnx.custom_op.general.intquant import max_int, min_int

        x, scale, zeropoint, width = node.input
        zeropoint = self.zeropoint(node, zeropoint)
        bits = self.value(node, width)
        signed, narrow = bool(_attribute(node, "signed", 1)), bool(_attribute(node, "narrow", 1))
        if bits.size == 1 and bits.item() == 1 and signed:
            return self.call(node, "Bipolar", functions.BIPOLAR, x, scale, zeropoint)
        mode = str(_attribute(node, "rounding_mode", "ROUND")).upper()
        if mode not in functions.ROUNDING:
            raise _refused(node, f"the rounding mode {mode} isn't known")
        rounding = functions.ROUNDING[mode]
        if rounding == functions.ROUNDING["ROUND"] and self.opset < _ROUND_SINCE:
            rounding = functions.ROUND_BEFORE_OPSET_11
        low = self.constant(node, "low", min_int(signed, narrow, bits))
        high = self.constant(node, "high", max_int(signed, narrow, bits))
        return self.call(node, f"Quant_{mode}", functions.quant(rounding), x, scale, zeropoint, low, high)

    def zeropoint(self, node: onnx.NodeProto, name: str) -> str:
        """Return a zero point of 32-bit floats; with a wider one qonnx calculates in 64 bits, which 0 doesn't show."""
        values = self.value(node, name)
        if values.dtype == np.float32:
            return name
        if values.any():
            raise _refused(node, f"its zero point {name} is {values.dtype}")
        return self.constant(node, "zeropoint", values)

    def bipolar_quant(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """`BipolarQuant`: -scale or scale."""
        return self.call(node, "BipolarQuant", functions.BIPOLAR_QUANT, *node.input)

    def xnor(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """`XnorPopcountMatMul`: how many signs agree."""
        length = self.constant(node, "length", np.asarray(self.value(node, node.input[1]).shape[0]))
        return self.call(node, "XnorPopcountMatMul", functions.XNOR, *node.input, length)

    def multi_threshold(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """`MultiThreshold`: how many thresholds a value reaches."""
        rank, values = self.ranks.get(node.input[0], 0), self.value(node, node.input[1])
        if rank < 2 or values.ndim != 2:
            raise _refused(node, "its input or its thresholds have no known shape")
        layout = str(_attribute(node, "data_layout", "")) or {2: "NC", 3: "NWC", 4: "NCHW"}.get(rank, "")
        shape = [1] * rank
        shape[layout.index("C") if "C" in layout else 1] = values.shape[0]
        thresholds = self.constant(node, "thresholds", values.reshape(*shape, values.shape[1]))
        scale = self.constant(node, "scale", np.asarray(_attribute(node, "out_scale", 1.0)))
        bias = self.constant(node, "bias", np.asarray(_attribute(node, "out_bias", 0.0)))
        text = functions.multi_threshold(rank, self.opset >= _AXES_AS_INPUT)
        return self.call(node, f"MultiThreshold_{rank}", text, node.input[0], thresholds, scale, bias)

    def value(self, node: onnx.NodeProto, name: str) -> Array:
        """Return the value of a constant."""
        if name not in self.values:
            raise _refused(node, f"its input {name} is no constant")
        return numpy_helper.to_array(self.values[name])

    def constant(self, node: onnx.NodeProto, role: str, value: Array) -> str:
        """Add a constant of 32-bit floats and return its name."""
        name = f"{node.output[0]}_{role}_lowered"
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def call(self, node: onnx.NodeProto, function: str, text: str, *inputs: str) -> onnx.NodeProto:
        """Return a call of a function, which is added to the model if it isn't there yet."""
        if function not in self.functions:
            head = f'<domain: "{_DOMAIN}", opset_import: ["" : {self.opset}]> {function} '
            self.functions[function] = parser.parse_function(head + text)
        return helper.make_node(function, inputs, list(node.output), name=node.name, domain=_DOMAIN)


_OPERATORS: dict[str, Callable[[_Lowering, onnx.NodeProto], onnx.NodeProto]] = {
    "Quant": _Lowering.quant,
    "IntQuant": _Lowering.quant,
    "BipolarQuant": _Lowering.bipolar_quant,
    "XnorPopcountMatMul": _Lowering.xnor,
    "MultiThreshold": _Lowering.multi_threshold,
}


def _refused(node: onnx.NodeProto, reason: str) -> NotLoweredError:
    return NotLoweredError(f"node {node.name or node.output[0]} ({node.op_type}): {reason}")


def _attribute(node: onnx.NodeProto, name: str, default: float | str) -> float | str:
    for each in node.attribute:
        if each.name == name:
            value: float | str | bytes = helper.get_attribute_value(each)
            return value.decode() if isinstance(value, bytes) else value
    return default
