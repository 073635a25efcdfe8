"""The step `change_batch_size`: a model for another number of samples at once."""

from __future__ import annotations

from typing import Any

import onnx

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError

from ..models import Runner, describe, is_custom, load_input, random_inputs, tally
from .batches import rebatched
from .proof import check_comparison
from .report import outcome, shapes

__all__ = ["run"]


def run(context: StepContext) -> StepOutcome:
    """Change the batch size, also of a model that leaves it open, and prove that each sample gives what it did.

    Raises:
        ConfigurationError: if the model has several inputs or outputs, other dynamic axes, or the size built in.
        StepError: if a sample gives something else afterwards.
    """
    given: dict[str, Any] = context.parameters
    model = load_input(context)
    _check(model)
    result = rebatched(model, given["size"])
    static = describe(result).static_input()
    # qonnx runs no dynamic axes: a model that leaves the size open is taken one by one.
    is_open = describe(model).only_input().batch is None
    before = rebatched(model, 1) if is_open and is_custom(model) else model
    (feeds,) = random_inputs(describe(result), 1, given["seed"])
    samples = feeds[static.name]
    pair = Runner(before).run_samples(samples), Runner(result).run_samples(samples)
    found = tally([pair], sets=1, rtol=given["rtol"], atol=given["atol"])
    return outcome(context, {**shapes(result), **check_comparison(found, given)}, result)


def _check(model: onnx.ModelProto) -> None:
    info = describe(model)
    only = info.only_input()
    if len(info.outputs) != 1:
        names = ", ".join(each.name for each in info.outputs)
        raise ConfigurationError(f"the model must have one output, but has {len(info.outputs)}: {names}")
    if len(only.shape) < 2:
        raise ConfigurationError(f"the model's input {only} has no batch direction")
    if not all(isinstance(size, int) for size in only.shape[1:]):
        text = f"the model's input has dynamic axes beside the batch: {only}"
        raise ConfigurationError(text, hint="export it again with fixed sizes")
