"""Which operators FINN can build, said before a build spends hours on a model that it can't."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import onnx

__all__ = ["SUPPORTED", "Unsupported", "unsupported_nodes"]

#: What FINN+ 1.6.1 converts, folds away or absorbs, and under which condition. Taken from its steps `step_tidy_up`,
#: `step_qonnx_to_finn`, `step_streamline` and `step_convert_to_hw`.
SUPPORTED: dict[str, str] = {
    # quantisers
    **dict.fromkeys(("Quant", "BipolarQuant", "IntQuant", "Trunc", "MultiThreshold"), ""),
    # products
    **dict.fromkeys(("MatMul", "Gemm", "Conv", "ConvTranspose", "Im2Col", "XnorPopcountMatMul"), ""),
    # folded into thresholds, or element by element
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "BatchNormalization", "Relu", "Sign"), ""),
    **dict.fromkeys(("And", "Or", "Xor", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Where"), ""),
    **dict.fromkeys(("Softmax", "LayerNormalization", "Gelu", "Sigmoid", "Tanh", "Erf"), ""),
    # pooling and shape
    **dict.fromkeys(("MaxPool", "AveragePool", "MaxPoolNHWC", "QuantAvgPool2d", "GlobalAveragePool"), ""),
    **dict.fromkeys(("ReduceMax", "ReduceSum", "ReduceMean", "TopK"), ""),
    **dict.fromkeys(("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity", "Pad"), ""),
    **dict.fromkeys(("Concat", "Split", "Gather", "Upsample", "Resize", "Slice"), ""),
    # constants
    **dict.fromkeys(("Constant", "Shape", "Cast", "ConstantOfShape"), "folded where its value is constant"),
}

_IMPORT_FIRST = "QuantizeLinear and DequantizeLinear must become Quant first: step import_qcdq"
_REASONS = {
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), _IMPORT_FIRST),
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"), "export as QDQ or QONNX instead"),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "Loop", "If", "Scan"), "FINN builds no control flow and no recurrence"),
}


_FLOAT = "its weights aren't quantised: step model_quantization"
_PRODUCTS = ("MatMul", "Gemm", "Conv", "ConvTranspose")
_MOVES = ("Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")


@attrs.frozen
class Unsupported:
    """A node that FINN can't build.

    Args:
        node: its name, or the name of its output.
        operator: its type.
        reason: why, and what may help.
    """

    node: str
    operator: str
    reason: str

    def __str__(self) -> str:
        return f"{self.operator} ({self.node}): {self.reason}"


def unsupported_nodes(model: onnx.ModelProto, allow: Iterable[str] = ()) -> list[Unsupported]:
    """Return the nodes that FINN can't build, in the graph's order.

    Args:
        model: the model.
        allow: operators that count as supported.
    """
    allowed = set(allow)
    is_float = _FloatWeights(model)
    constant = {"", *(each.name for each in model.graph.initializer)}
    found = []
    for node in model.graph.node:
        if all(name in constant for name in node.input):
            constant.update(node.output)  # calculated once, before any hardware is built
            continue
        if node.op_type in allowed or node.domain.startswith("finn."):
            continue
        if node.op_type in SUPPORTED and not is_float(node):
            continue
        reason = _FLOAT if node.op_type in SUPPORTED else _REASONS.get(node.op_type, "FINN has no hardware for it")
        found.append(Unsupported(node.name or node.output[0], node.op_type, reason))
    return found


class _FloatWeights:
    """Tells which layers have weights that nothing quantises; of those that are calculated it says nothing."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._makers = {name: node for node in model.graph.node for name in node.output}
        whole = {
            note.tensor_name
            for note in model.graph.quantization_annotation
            for entry in note.quant_parameter_tensor_names
            if entry.key == "finn_datatype" and entry.value != "FLOAT32"
        }
        self._floats = {
            each.name
            for each in model.graph.initializer
            if each.data_type == onnx.TensorProto.FLOAT and each.name not in whole
        }

    def __call__(self, node: onnx.NodeProto) -> bool:
        return node.op_type in _PRODUCTS and any(self._is_float(name) for name in node.input[:2])

    def _is_float(self, name: str) -> bool:
        maker = self._makers.get(name)
        while maker is not None and maker.op_type in _MOVES:
            name = maker.input[0]
            maker = self._makers.get(name)
        if maker is not None and maker.op_type == "Constant":
            return any(
                each.type == each.TENSOR and each.t.data_type == onnx.TensorProto.FLOAT for each in maker.attribute
            )
        return name in self._floats
