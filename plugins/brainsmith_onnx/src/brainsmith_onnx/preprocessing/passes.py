"""The passes of `graph_optimization` by name: what each does, and which of qonnx's or onnxruntime's work it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attrs
import onnx

from brainsmith_core.errors import ConfigurationError, did_you_mean

from ..models import is_custom, readable_bytes
from .proof import transformed

__all__ = ["PASSES", "Pass", "checked_passes", "optimised"]

#: Nodes that stay, though all that goes into them is constant: they say how weights are quantised.
_QUANTISERS = ["Quant", "BipolarQuant", "IntQuant", "Trunc", "QuantizeLinear", "DequantizeLinear"]


@attrs.frozen
class Pass:
    """A pass of `graph_optimization`.

    Args:
        summary: what it does, in one line.
        target: the transformation of qonnx, as `module:Class` below `qonnx.transformation`, or "" for one of our own.
        arguments: what the transformation is made with.
    """

    summary: str
    target: str = ""
    arguments: dict[str, Any] = attrs.field(factory=dict)


#: All passes, in the order of the documentation. None of them changes what a model computes.
PASSES: dict[str, Pass] = {
    "cleanup": Pass("qonnx's whole clean-up: shapes, constants, unused tensors, names; quantisers stay"),
    "infer_shapes": Pass("find out the shape of every tensor", "infer_shapes:InferShapes"),
    "infer_datatypes": Pass(
        "find out which tensors hold integers, and of which width", "infer_datatypes:InferDataTypes"
    ),
    "infer_data_layouts": Pass("find out where channels are: NCHW or NHWC", "infer_data_layouts:InferDataLayouts"),
    "fold_constants": Pass(
        "calculate what depends on constants alone; quantisers of weights stay",
        "fold_constants:FoldConstants",
        {"exclude_op_types": _QUANTISERS},
    ),
    "fold_transpose_into_quant": Pass(
        "turn weights once, in the file, instead of behind their quantiser",
        "quant_constant_folding:FoldTransposeIntoQuantInit",
    ),
    "remove_identity": Pass(
        "remove what changes nothing: adding 0, multiplying by 1, Identity", "remove:RemoveIdentityOps"
    ),
    "remove_unused_nodes": Pass("remove nodes that no output depends on", "remove:RemoveUnusedNodes"),
    "remove_unused_tensors": Pass("remove weights and notes that no node uses", "general:RemoveUnusedTensors"),
    "remove_static_inputs": Pass("no longer list weights as inputs", "general:RemoveStaticGraphInputs"),
    "unique_parameters": Pass(
        "give each node weights of its own where several share them", "general:GiveUniqueParameterTensors"
    ),
    "unique_node_names": Pass("name nodes by operator and number", "general:GiveUniqueNodeNames"),
    "readable_tensor_names": Pass("name tensors after their nodes", "general:GiveReadableTensorNames"),
    "sort_graph": Pass("list nodes in the order in which they can run", "general:SortGraph"),
    "sort_inputs": Pass(
        "put the constant behind the computed input of Add, Mul, And, Or, Xor and Sum",
        "general:SortCommutativeInputsInitializerLast",
    ),
    "sub_to_add": Pass("replace subtracting a constant by adding its negative", "general:ConvertSubToAdd"),
    "div_to_mul": Pass("replace dividing by a constant by multiplying with its inverse", "general:ConvertDivToMul"),
    "gemm_to_matmul": Pass("replace Gemm by MatMul and Add", "gemm_to_matmul:GemmToMatMul"),
    "extract_conv_bias": Pass("take the bias of Conv out into an Add", "extract_conv_bias:ExtractBiasFromConv"),
    "batchnorm_to_affine": Pass("replace BatchNormalization by Mul and Add", "batchnorm_to_affine:BatchNormToAffine"),
    "double_to_single": Pass("turn 64-bit floating point into 32-bit", "double_to_single_float:DoubleToSingleFloat"),
    "onnxruntime_basic": Pass(
        "onnxruntime's basic level: folds constants, removes what is redundant, folds BatchNormalization into Conv;"
        " for float models only"
    ),
}


def checked_passes(names: Iterable[Any]) -> list[str]:
    """Return the names of passes.

    Raises:
        ConfigurationError: for an unknown one, with the nearest name, or for none.
    """
    found = []
    for name in names:
        if not isinstance(name, str):
            raise ConfigurationError(f"passes must be a list of names, but holds {name!r}")
        if name not in PASSES:
            hint = did_you_mean(name, PASSES)
            raise ConfigurationError(f'graph_optimization has no pass "{name}"', hint=hint or None)
        found.append(name)
    if not found:
        raise ConfigurationError("graph_optimization has no passes to run", hint=did_you_mean("", PASSES) or None)
    return found


def optimised(model: onnx.ModelProto, names: Iterable[str]) -> tuple[onnx.ModelProto, dict[str, int]]:
    """Return a model after passes, and the number of nodes after each.

    Args:
        model: the model; it isn't changed.
        names: the passes, in order; one may be run several times.

    Raises:
        ConfigurationError: if a pass fails on this model.
    """
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.infer_shapes import InferShapes

    # Some transformations fail, or do nothing, where they don't know the shapes.
    wrapped: Any = transformed(ModelWrapper(model, make_deepcopy=True), InferShapes(), "finding out the shapes")
    nodes: dict[str, int] = {}
    for index, name in enumerate(names, start=1):
        own = _OWN.get(name)
        wrapped = own(wrapped) if own else transformed(wrapped, _made(PASSES[name]), f'the pass "{name}"')
        nodes[f"{index:02d}_{name}"] = len(wrapped.graph.node)
    result: onnx.ModelProto = wrapped.model
    return result, nodes


def _made(each: Pass) -> Any:
    import importlib

    module, _, name = each.target.partition(":")
    return getattr(importlib.import_module(f"qonnx.transformation.{module}"), name)(**each.arguments)


def _cleanup(wrapped: Any) -> Any:
    from qonnx.transformation.base import Transformation
    from qonnx.util.cleanup import cleanup_model

    class Cleanup(Transformation):  # type: ignore[misc] # qonnx's classes are untyped
        def apply(self, model: Any) -> tuple[Any, bool]:
            return cleanup_model(model), False

    return transformed(wrapped, Cleanup(), 'the pass "cleanup"')


def _onnxruntime_basic(wrapped: Any) -> Any:
    import onnxruntime
    from qonnx.core.modelwrapper import ModelWrapper

    if is_custom(wrapped.model) or any(node.op_type in _QUANTISERS for node in wrapped.graph.node):
        text = 'the pass "onnxruntime_basic" is for float models, but this one is quantised'
        raise ConfigurationError(text, hint="run it before the quantisation, or leave it out")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optimised.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        options.log_severity_level = 3
        try:
            onnxruntime.InferenceSession(readable_bytes(wrapped.model), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # foreign code: onnxruntime's exceptions have no public base class
            text = f'the pass "onnxruntime_basic" fails on this model: {type(error).__name__}: {error}'
            raise ConfigurationError(text, hint="leave it out, or mend what it names") from error
        return ModelWrapper(onnx.load(path))


_OWN: dict[str, Callable[[Any], Any]] = {"cleanup": _cleanup, "onnxruntime_basic": _onnxruntime_basic}
