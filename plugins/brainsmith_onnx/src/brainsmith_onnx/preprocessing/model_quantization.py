"""The step `model_quantization`: from a float model to QONNX that FINN builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import onnx

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue

from ..models import Runner, describe, is_custom, load_input
from .accuracy import measure
from .attributes import spell_out
from .calibration import Progress, Range, calibrate, nobody
from .quantizers import Layer, Quantizer, Source, find_layers, find_sources, insert_quantizer
from .report import outcome, shapes
from .samples import Samples, load_samples, resolve
from .set_input_datatype import datatype_named
from .weight_scales import weight_scale

__all__ = ["Settings", "check_overrides", "quantize", "run"]

_QUANTISED = {"QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul"}
_MOST_BITS = 8


@attrs.frozen(kw_only=True)
class Settings:
    """How a model is quantised; see the step's parameters."""

    weight_bits: int
    activation_bits: int
    input_bits: int
    input_type: str
    weight_scale: str
    weight_range: str
    calibration: str
    percentile: float
    layers: Mapping[str, Mapping[str, int]]


def run(context: StepContext) -> StepOutcome:
    """Quantise the model after training, calibrated on samples, and say what it cost.

    Raises:
        ConfigurationError: for a model or samples that can't be used, or if the result is worse than allowed.
    """
    given: dict[str, Any] = context.parameters
    settings = Settings(**{each.name: given[each.name] for each in attrs.fields(Settings)})
    check_overrides(settings.layers)
    if settings.input_type not in ("auto", "float"):
        datatype_named(settings.input_type)
    model = load_input(context)
    tensor = describe(model).static_input()
    path = resolve(context, given["samples"], "calibration samples")
    samples = load_samples(path, tensor, most=given["max_samples"])
    if given["evaluate"] is None:
        judged = samples
    else:
        judged = load_samples(resolve(context, given["evaluate"], "samples to evaluate on"), tensor)
    result, quantizers = quantize(model, samples, settings, context.progress)
    cost = measure(Runner(model), result, judged, context.progress)
    cost.check(given["max_accuracy_loss"])
    report: dict[str, JSONValue] = {
        **shapes(result),
        "calibration_samples": len(samples),
        "quantizers": [_row(each) for each in quantizers],
        **cost.to_dict(),
    }
    return outcome(context, report, result, metrics=cost.metrics())


def check_overrides(layers: Mapping[str, Any]) -> None:
    """Check the form of the overrides by layer.

    Raises:
        ConfigurationError: for one of another form, with an unknown key, or with a width out of range.
    """
    known = ("weight_bits", "activation_bits")
    for name, values in layers.items():
        if not isinstance(values, Mapping):
            text = f'layers: "{name}" must be a mapping such as {{weight_bits: 4}}, but is {values!r}'
            raise ConfigurationError(text)
        for key, bits in values.items():
            if key not in known:
                raise ConfigurationError(f'layers: "{name}" has no setting "{key}"', hint=did_you_mean(key, known))
            if not isinstance(bits, int) or isinstance(bits, bool) or not 2 <= bits <= _MOST_BITS:
                raise ConfigurationError(f'layers: {key} of "{name}" is {bits!r}, but must be 2 to {_MOST_BITS}')


def quantize(
    model: onnx.ModelProto, samples: Samples, settings: Settings, progress: Progress = nobody
) -> tuple[onnx.ModelProto, list[tuple[str, Quantizer]]]:
    """Return a model with quantisers, and these with the nodes that they belong to.

    Raises:
        ConfigurationError: for a model that can't be quantised.
    """
    wrapped = _prepared(model)
    layers = find_layers(wrapped)
    sources = find_sources(wrapped, layers)
    _check_names(settings.layers, layers, sources)
    feeds = samples.batches(describe(model).static_input())
    entry = describe(model).only_input().name
    names = list(dict.fromkeys([entry, *(source.tensor for source in sources)]))
    method, percentile = settings.calibration, settings.percentile
    ranges = calibrate(wrapped.model, names, feeds, method, percentile, progress)  # type: ignore[arg-type] # one of the step's choices
    found = [(layer.name, _of_weights(wrapped, layer, settings)) for layer in layers]
    # FINN takes no thresholds below 0 on unsigned values, and those of shifted input may lie there.
    is_shifted = any(each.is_entry and each.tensor != entry and ranges[each.tensor].low < 0 for each in sources)
    is_whole = _annotate(wrapped, entry, ranges[entry], settings.input_type, signed=is_shifted)
    for source in sources:
        if source.tensor == entry and is_whole:
            continue
        bits = settings.input_bits if source.is_entry else _bits(settings, source.node, "activation_bits")
        found.append((source.node or entry, _of_values(source, ranges[source.tensor], bits)))
    for _, quantizer in found:
        insert_quantizer(wrapped, quantizer)
    return _finished(wrapped), found


def _prepared(model: onnx.ModelProto) -> Any:
    """Return the model as qonnx works on it: constants folded, shapes known, every node with a name of its own."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.fold_constants import FoldConstants
    from qonnx.transformation.general import RemoveStaticGraphInputs
    from qonnx.transformation.infer_shapes import InferShapes

    quantised = sorted({node.op_type for node in model.graph.node if node.op_type in _QUANTISED})
    if quantised or is_custom(model):
        what = ", ".join(quantised) or "operators of QONNX"
        text = f"the model is quantised already: it has {what}"
        raise ConfigurationError(text, hint="leave this step out; QDQ models are imported by the step import_qcdq")
    wrapped = ModelWrapper(model, make_deepcopy=True)
    for transformation in (InferShapes(), FoldConstants(), RemoveStaticGraphInputs()):
        wrapped = wrapped.transform(transformation)
    spell_out(wrapped)
    taken = {node.name for node in wrapped.graph.node}
    for index, node in enumerate(wrapped.graph.node):
        if not node.name:
            fresh = f"{node.op_type}_{index}"
            node.name = fresh if fresh not in taken else f"{fresh}_{node.output[0]}"
    return wrapped


def _check_names(layers: Mapping[str, Mapping[str, int]], found: list[Layer], sources: list[Source]) -> None:
    with_key = {
        "weight_bits": [layer.name for layer in found],
        "activation_bits": [source.node for source in sources if not source.is_entry],
    }
    for name, values in layers.items():
        for key in values:
            if name not in with_key[key]:
                text = f'layers: no node "{name}" of the model has {key.removesuffix("_bits")}s to quantise'
                raise ConfigurationError(text, hint=did_you_mean(name, with_key[key]) or None)


def _bits(settings: Settings, node: str, key: str) -> int:
    value: int = settings.layers.get(node, {}).get(key, getattr(settings, key))
    return value


def _of_weights(wrapped: Any, layer: Layer, settings: Settings) -> Quantizer:
    weights = wrapped.get_initializer(layer.weights)
    bits = _bits(settings, layer.name, "weight_bits")
    axis = layer.axis if settings.weight_scale == "per_channel" else None
    scale = weight_scale(weights, bits, axis, settings.weight_range)
    return Quantizer(layer.weights, bits, scale, signed=True, narrow=True)


def _of_values(source: Source, found: Range, bits: int) -> Quantizer:
    """Return a quantiser for computed values: without a sign where there is none, since that is one bit more."""
    signed = found.low < 0 and source.operator != "Relu"
    steps = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    largest = max(abs(found.low), found.high) if signed else found.high
    # A tensor that is always 0 needs a step width too: any will do.
    scale = np.float32(largest / steps if largest > 0 else 1.0)
    return Quantizer(source.tensor, bits, np.asarray(scale), signed=signed, narrow=False)


def _annotate(wrapped: Any, name: str, found: Range, wanted: str, *, signed: bool) -> bool:
    """Say of the input that it is whole numbers, where it is; then it needs no quantiser, and nothing is lost."""
    from qonnx.core.datatype import DataType

    if wanted == "auto":
        if not found.whole or found.high - found.low >= 2**_MOST_BITS:
            return False
        kind = _smallest(found, signed=signed)
    elif wanted == "float":
        return False
    else:
        kind = wanted
        allowed = DataType[kind]
        if not found.whole or found.low < allowed.min() or found.high > allowed.max():
            text = f"input_type is {kind}, but the calibration samples are "
            text += f"{'whole' if found.whole else 'fractional'} numbers from {found.low:g} to {found.high:g}"
            raise ConfigurationError(text, hint="use another type, or auto")
    wrapped.set_tensor_datatype(name, DataType[kind])
    return True


def _smallest(found: Range, *, signed: bool = False) -> str:
    """Return the narrowest integer type that holds a range.

    Args:
        found: the range.
        signed: whether the type must be one with a sign.

    Example:
        >>> _smallest(Range(0.0, 16.0)), _smallest(Range(-3.0, 2.0)), _smallest(Range(0.0, 255.0), signed=True)
        ('UINT5', 'INT3', 'INT9')
    """
    if found.low >= 0 and not signed:
        return f"UINT{max(1, int(found.high).bit_length())}"
    return f"INT{max(int(-found.low - 1), int(max(found.high, 0))).bit_length() + 1}"


def _finished(wrapped: Any) -> onnx.ModelProto:
    from qonnx.transformation.general import RemoveUnusedTensors, SortGraph
    from qonnx.transformation.infer_shapes import InferShapes

    for transformation in (SortGraph(), InferShapes(), RemoveUnusedTensors()):
        wrapped = wrapped.transform(transformation)
    model: onnx.ModelProto = wrapped.model
    if all(each.domain != "qonnx.custom_op.general" for each in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid("qonnx.custom_op.general", 1))
    return model


def _row(found: tuple[str, Quantizer]) -> dict[str, JSONValue]:
    node, quantizer = found
    scale = np.asarray(quantizer.scale)
    return {
        "node": node,
        "tensor": quantizer.tensor,
        "bits": quantizer.bits,
        "signed": quantizer.signed,
        "narrow": quantizer.narrow,
        "scales": int(scale.size),
        "least_scale": float(scale.min()),
        "greatest_scale": float(scale.max()),
    }
