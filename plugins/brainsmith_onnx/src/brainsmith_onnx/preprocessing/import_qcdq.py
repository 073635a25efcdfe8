"""The step `import_qcdq`: from QuantizeLinear, Clip and DequantizeLinear to the Quant of QONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue

from ..models import load_input
from .proof import prove, transformed
from .report import outcome, shapes

__all__ = ["run"]

_LINEAR = ("QuantizeLinear", "DequantizeLinear")


def run(context: StepContext) -> StepOutcome:
    """Replace the quantisers of onnx by those of QONNX and prove that the outputs stay the same.

    Raises:
        ConfigurationError: if the model has none, or one that QONNX can't take.
        StepError: if the model computes something else afterwards.
    """
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.fold_constants import FoldConstants
    from qonnx.transformation.general import RemoveUnusedTensors
    from qonnx.transformation.infer_shapes import InferShapes
    from qonnx.transformation.qcdq_to_qonnx import QCDQToQuant

    given: dict[str, Any] = context.parameters
    model = load_input(context)
    if not any(node.op_type in _LINEAR for node in model.graph.node):
        text = "the model has no QuantizeLinear and no DequantizeLinear, so there is nothing to import"
        raise ConfigurationError(text, hint="quantise a float model with the step model_quantization")
    wrapped: Any = ModelWrapper(model, make_deepcopy=True)
    _fill_in_zero_points(wrapped)
    # Exporters keep scales in Constant nodes; qonnx looks for them among the weights.
    for transformation in (InferShapes(), FoldConstants(exclude_op_types=[*_LINEAR, "Clip"]), QCDQToQuant()):
        wrapped = transformed(wrapped, transformation, type(transformation).__name__)
    _check(wrapped)
    for transformation in (InferShapes(), RemoveUnusedTensors()):
        wrapped = transformed(wrapped, transformation, type(transformation).__name__)
    result: onnx.ModelProto = wrapped.model
    if all(each.domain != "qonnx.custom_op.general" for each in result.opset_import):
        result.opset_import.append(onnx.helper.make_opsetid("qonnx.custom_op.general", 1))
    report: dict[str, JSONValue] = {
        **shapes(result),
        "quantizers": sum(node.op_type == "Quant" for node in result.graph.node),
        **prove(model, result, given),
    }
    return outcome(context, report, result, warnings=_warnings(wrapped))


def _fill_in_zero_points(wrapped: Any) -> None:
    """Write zero points that the model leaves out, since 0 goes without saying in onnx, but not in qonnx."""
    for node in wrapped.graph.node:
        if node.op_type in _LINEAR and len(node.input) == 2:
            scale = wrapped.get_initializer(node.input[1])
            kind = np.uint8
            if node.op_type == "DequantizeLinear" and wrapped.get_initializer(node.input[0]) is not None:
                kind = wrapped.get_initializer(node.input[0]).dtype
            name = f"{node.output[0]}_zero_point"
            wrapped.graph.initializer.append(
                onnx.numpy_helper.from_array(np.zeros(np.shape(scale) if scale is not None else (), kind), name)
            )
            node.input.append(name)


def _check(wrapped: Any) -> None:
    left = [f"{node.op_type} ({node.name or node.output[0]})" for node in wrapped.graph.node if node.op_type in _LINEAR]
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        text = f"QONNX can't take {', '.join(left[:3])}{more}"
        hint = (
            "each QuantizeLinear needs a DequantizeLinear behind it, both with the same constant scale and zero point"
        )
        raise ConfigurationError(text, hint=hint)


def _warnings(wrapped: Any) -> list[str]:
    shifted = [
        node.name
        for node in wrapped.graph.node
        if node.op_type == "Quant" and np.any(wrapped.get_initializer(node.input[2]) != 0)
    ]
    if not shifted:
        return []
    return [f"FINN builds quantisers with zero point 0 only; {len(shifted)} have another one, such as {shifted[0]}"]
