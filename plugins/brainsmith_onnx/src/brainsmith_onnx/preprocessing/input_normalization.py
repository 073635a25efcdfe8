"""The step `input_normalization`: the model takes raw input, and makes of it what it was trained on."""

from __future__ import annotations

import json
from typing import Any, Literal

import attrs
import numpy as np
import onnx

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue

from ..models import Array, Runner, TensorInfo, describe, load_input, random_inputs, tally
from .proof import check_comparison
from .report import outcome, shapes
from .samples import load_samples, resolve

__all__ = ["Affine", "channel_axis", "normalized", "run"]

_PAIRS = {"mean_std": ("mean", "std"), "min_max": ("minimum", "maximum"), "scale_offset": ("scale", "offset")}
_AXES = {"NC": 1, "NCW": 1, "NCHW": 1, "NWC": -1, "NHWC": -1}
_MOST_SAMPLES = 16


@attrs.frozen(eq=False)
class Affine:
    """What is done to each value: `value * scale + offset`; one number, or one for each channel."""

    scale: Array
    offset: Array


def run(context: StepContext) -> StepOutcome:
    """Put the normalisation into the graph, and prove it on samples.

    Raises:
        ConfigurationError: for values that are missing, too many, of another number than there are channels, or no
            numbers; or for an input that can't be normalised.
        StepError: if the model gives something else for raw samples than it did for normalised ones.
    """
    given: dict[str, Any] = context.parameters
    model = load_input(context)
    tensor = describe(model).static_input()
    _check(tensor)
    affine = _affine(context, given["method"])
    axis = channel_axis(tensor, max(affine.scale.size, affine.offset.size), given["layout"])
    shaped = Affine(_shaped(affine.scale, tensor, axis), _shaped(affine.offset, tensor, axis))
    result = normalized(model, tensor, shaped)
    if given["samples"] is None:
        feeds = random_inputs(describe(model), given["runs"], given["seed"])
    else:
        path = resolve(context, given["samples"], "samples")
        feeds = load_samples(path, tensor, most=_MOST_SAMPLES).batches(tensor)
    before, after = Runner(model), Runner(result)
    first, second = (_shaped(_values(context, name), tensor, axis) for name in _PAIRS[given["method"]])
    pairs = (
        pair
        for each in feeds
        for pair in zip(
            before.run({tensor.name: _apply(each[tensor.name], given["method"], first, second)}).values(),
            after.run(each).values(),
            strict=True,
        )
    )
    found = tally(pairs, sets=len(feeds), rtol=given["rtol"], atol=given["atol"])
    report: dict[str, JSONValue] = {
        **shapes(result),
        "scale": affine.scale.tolist(),
        "offset": affine.offset.tolist(),
        **check_comparison(found, given),
    }
    return outcome(context, report, result)


def _check(tensor: TensorInfo) -> None:
    if np.dtype(tensor.dtype).kind != "f":
        text = f"the model's input {tensor} holds whole numbers, which can't be normalised"
        raise ConfigurationError(text, hint="leave this step out")
    if tensor.datatype and tensor.datatype != "FLOAT32":
        text = f"the model's input is {tensor.datatype} already, so it takes raw input"
        raise ConfigurationError(text, hint="leave this step out, or normalise before set_input_datatype")


def _values(context: StepContext, name: str) -> Array:
    """Return the values of a parameter: a number, a list, or those that a file holds."""
    given = context.parameters[name]
    if given is None:
        raise ConfigurationError(f'input_normalization needs the parameter "{name}" for this method')
    if isinstance(given, str):
        path = resolve(context, given, f"file of {name}")
        try:
            given = json.loads(path.read_text()) if path.suffix == ".json" else np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            text = f"the file of {name} {path} can't be read: {error}"
            raise ConfigurationError(text, hint="give a .npy or .json with a number or a list of numbers") from error
    try:
        values = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{name} must be a number, a list of numbers or a file, but is {given!r}") from error
    if values.ndim > 1 or not values.size or not np.isfinite(values).all():
        text = f"{name} must be one number or a plain list of them, all finite, but has shape {values.shape}"
        raise ConfigurationError(text)
    return values


def _affine(context: StepContext, method: str) -> Affine:
    used = _PAIRS[method]
    others = {name for pair in _PAIRS.values() for name in pair} - set(used)
    extra = sorted(name for name in others if context.parameters[name] is not None)
    if extra:
        raise ConfigurationError(f"{extra[0]} has no meaning for method {method}, which takes {' and '.join(used)}")
    first, second = (_values(context, name) for name in used)
    if first.size != second.size and 1 not in (first.size, second.size):
        text = f"{used[0]} has {first.size} values, but {used[1]} has {second.size}"
        raise ConfigurationError(text, hint="give one for each channel, or one in all")
    if method == "scale_offset":
        return Affine(first, second)
    width = second if method == "mean_std" else second - first
    if (width <= 0).any():
        what = "std must be above 0" if method == "mean_std" else "maximum must be above minimum"
        raise ConfigurationError(f"{what}, in every channel")
    return Affine(1 / width, -first / width)


def channel_axis(tensor: TensorInfo, count: int, layout: str) -> int | None:
    """Return the direction of the channels, or None where one value holds for all.

    Args:
        tensor: the model's input.
        count: how many values there are for the channels.
        layout: `NCHW` and so on, or `auto` where only one direction fits.

    Raises:
        ConfigurationError: if the layout doesn't fit the input, or the number of values doesn't fit the channels.

    Example:
        >>> channel_axis(TensorInfo("x", "float32", (1, 3, 32, 32)), 3, "auto")
        1
    """
    rank = len(tensor.shape)
    if layout != "auto" and len(layout) != rank:
        raise ConfigurationError(
            f"layout {layout} has {len(layout)} directions, but the model's input {tensor} has {rank}"
        )
    if count == 1:
        return None
    if layout != "auto":
        axis = _AXES[layout] % rank
        if tensor.shape[axis] != count:
            there = f"the model's input {tensor} has {tensor.shape[axis]} channels in {layout}"
            text = f"there are {count} values, but {there}"
            raise ConfigurationError(text, hint="give one value for each channel, or one in all")
        return axis
    fitting = [axis for axis in sorted({1, rank - 1}) if 0 < axis < rank and tensor.shape[axis] == count]
    if len(fitting) != 1:
        why = "several directions" if fitting else "no direction"
        text = f"there are {count} values, and {why} of the model's input {tensor} could be the {count} channels"
        raise ConfigurationError(text, hint="give the layout" if fitting else "give one value for each channel")
    return fitting[0]


def _shaped(values: Array, tensor: TensorInfo, axis: int | None) -> Array:
    if values.size == 1:
        return values.reshape(())
    return values.reshape([values.size if each == axis else 1 for each in range(len(tensor.shape))])


def normalized(model: onnx.ModelProto, tensor: TensorInfo, affine: Affine) -> onnx.ModelProto:
    """Return a model that scales and shifts its input first.

    qonnx and onnx can put one model before another, but they rename all nodes and tensors, or lose what QONNX knows of
    them. So the one or two nodes are put in here.

    Args:
        model: the model; it isn't changed.
        tensor: its input.
        affine: what to do, in a shape that broadcasts against the input.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    taken = {name for node in graph.node for name in (*node.input, *node.output, node.name)}
    steps: list[tuple[Literal["Mul", "Add"], Array]] = [("Mul", affine.scale), ("Add", affine.offset)]
    needed = [(kind, values) for kind, values in steps if (values != (1 if kind == "Mul" else 0)).any()]
    nodes, current = [], tensor.name
    for kind, values in needed:
        name = _free(f"normalize_{kind.lower()}", taken)
        graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values, tensor.dtype), f"{name}_value"))
        nodes.append(onnx.helper.make_node(kind, [current, f"{name}_value"], [f"{name}_out"], name))
        current = f"{name}_out"
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == tensor.name:
                node.input[index] = current
    following = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *following])
    return result


def _free(name: str, taken: set[str]) -> str:
    while any(other.startswith(name) for other in taken):
        name += "_"
    return name


def _apply(values: Array, method: str, first: Array, second: Array) -> Array:
    """Normalise values as the method is defined: for the proof, so not as the graph does it."""
    wide = values.astype(np.float64)
    if method == "mean_std":
        result = (wide - first) / second
    elif method == "min_max":
        result = (wide - first) / (second - first)
    else:
        result = wide * first + second
    return np.asarray(result, values.dtype)
