"""The step `cut`: a part of a model, between tensors."""

from __future__ import annotations

from typing import Any

import onnx
import onnx.utils

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError, did_you_mean

from ..models import Runner, describe, expose, load_input, random_inputs, tally
from .proof import check_comparison, transformed
from .report import outcome, shapes

__all__ = ["run", "subgraph"]


def run(context: StepContext) -> StepOutcome:
    """Cut the part between tensors out and prove that it computes what it did inside the whole.

    Raises:
        ConfigurationError: for an unknown tensor, or outputs that don't follow from the inputs.
        StepError: if the part computes something else.
    """
    given: dict[str, Any] = context.parameters
    model = load_input(context)
    info = describe(model)
    inputs = _names(given["inputs"], [each.name for each in info.inputs], "inputs")
    outputs = _names(given["outputs"], [each.name for each in info.outputs], "outputs")
    whole = _with_shapes(model)
    result = subgraph(whole, inputs, outputs)
    # What the whole model computes at both ends of the part is what the part must compute.
    runner, part = Runner(expose(whole, [*inputs, *outputs])), Runner(result)
    sets = random_inputs(info, given["runs"], given["seed"])
    pairs = (
        (seen[name], computed[name])
        for seen in (feeds | runner.run(feeds) for feeds in sets)
        for computed in (part.run({name: seen[name] for name in inputs}),)
        for name in outputs
    )
    comparison = tally(pairs, sets=len(sets), rtol=given["rtol"], atol=given["atol"])
    return outcome(context, {**shapes(result), **check_comparison(comparison, given)}, result)


def _names(given: Any, otherwise: list[str], what: str) -> list[str]:
    if given is None:
        return otherwise
    if not given or not all(isinstance(each, str) for each in given):
        raise ConfigurationError(f"{what} must be a list of tensor names, but is {given!r}")
    return list(dict.fromkeys(given))


def _with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.infer_shapes import InferShapes

    wrapped = transformed(ModelWrapper(model, make_deepcopy=True), InferShapes(), "finding out the shapes")
    result: onnx.ModelProto = wrapped.model
    return result


def subgraph(model: onnx.ModelProto, inputs: list[str], outputs: list[str]) -> onnx.ModelProto:
    """Return the part of a model between tensors, with what QONNX knows of their values.

    Args:
        model: the model, with the shapes of its tensors.
        inputs: names of the tensors that go in.
        outputs: names of those that come out.

    Raises:
        ConfigurationError: for an unknown tensor, or outputs that need more than the inputs.
    """
    known = [each.name for each in (*model.graph.input, *model.graph.value_info, *model.graph.output)]
    weights = {each.name for each in model.graph.initializer}
    for name in (*inputs, *outputs):
        if name not in known or name in weights:
            hint = did_you_mean(name, set(known) - weights)
            raise ConfigurationError(f'the model has no tensor "{name}"', hint=hint or None)
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    # onnx cuts no model with such notes, so they are taken off and put back.
    notes = list(plain.graph.quantization_annotation)
    del plain.graph.quantization_annotation[:]
    result = onnx.utils.Extractor(plain).extract_model(inputs, outputs)
    _check_closed(result, inputs, outputs)
    ends = {*inputs, *outputs}
    inner = [each for each in result.graph.value_info if each.name not in ends]
    del result.graph.value_info[:]
    result.graph.value_info.extend(inner)
    kept = {name for node in result.graph.node for name in (*node.input, *node.output)}
    result.graph.quantization_annotation.extend(note for note in notes if note.tensor_name in kept)
    return result


def _check_closed(part: onnx.ModelProto, inputs: list[str], outputs: list[str]) -> None:
    made = {name for node in part.graph.node for name in node.output}
    there = made | set(inputs) | {each.name for each in part.graph.initializer}
    missing = [name for node in part.graph.node for name in node.input if name and name not in there]
    if missing:
        text = f'the outputs need "{missing[0]}" too, which doesn\'t follow from the inputs {", ".join(inputs)}'
        raise ConfigurationError(text, hint="name it as an input, or one behind it")
    unmade = [name for name in outputs if name not in made]
    if unmade:
        text = f'the output "{unmade[0]}" isn\'t computed from the inputs {", ".join(inputs)}'
        raise ConfigurationError(text, hint="give a tensor behind the inputs")
