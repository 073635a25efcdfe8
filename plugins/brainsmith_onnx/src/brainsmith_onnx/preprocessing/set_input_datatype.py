"""The step `set_input_datatype`: say which whole numbers come in, so that hardware has no more bits than they need."""

from __future__ import annotations

from typing import Any

import numpy as np

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError, did_you_mean

from ..models import Runner, TensorInfo, describe, load_input, random_inputs
from .report import outcome, shapes
from .samples import load_samples, resolve

__all__ = ["datatype_named", "run"]

_WIDTHS = range(2, 33)
_KNOWN = ["BIPOLAR", "BINARY", "TERNARY", "FLOAT32", *(f"{kind}{bits}" for kind in ("INT", "UINT") for bits in _WIDTHS)]


def run(context: StepContext) -> StepOutcome:
    """Note the type of the model's input, and run the model on such values.

    Raises:
        ConfigurationError: for an unknown type or input, samples that don't fit it, or a model that can't be run.
    """
    from qonnx.core.modelwrapper import ModelWrapper

    given: dict[str, Any] = context.parameters
    datatype = datatype_named(given["datatype"])
    model = load_input(context)
    tensor = describe(model).static_input(given["input"])
    if given["samples"] is not None:
        _check_samples(context, tensor, datatype, given["datatype"])
    wrapped = ModelWrapper(model, make_deepcopy=True)
    wrapped.set_tensor_datatype(tensor.name, datatype)
    info = describe(wrapped.model)
    Runner(wrapped.model).run(random_inputs(info, 1, given["seed"])[0])
    return outcome(context, shapes(wrapped.model), wrapped.model)


def datatype_named(name: str) -> Any:
    """Return a type of QONNX.

    Raises:
        ConfigurationError: for an unknown one, with the nearest name.

    Example:
        >>> datatype_named("UINT5").max()
        31
    """
    from qonnx.core.datatype import DataType

    if name not in _KNOWN:
        near = did_you_mean(name, _KNOWN)
        hint = near if near.startswith("did") else "give INT2 to INT32, UINT2 to UINT32, BIPOLAR, BINARY or TERNARY"
        raise ConfigurationError(f'there is no datatype "{name}"', hint=hint)
    return DataType[name]


def _check_samples(context: StepContext, tensor: TensorInfo, datatype: Any, name: str) -> None:
    path = resolve(context, str(context.parameters["samples"]), "samples")
    inputs = np.asarray(load_samples(path, tensor).inputs, np.float32)
    low, high = float(inputs.min()), float(inputs.max())
    fits = low >= datatype.min() and high <= datatype.max()
    if datatype.is_integer() and not (fits and bool((inputs == np.round(inputs)).all())):
        text = f"the samples {path} aren't {name}: they hold "
        text += "fractions" if fits else f"values from {low:g} to {high:g}"
        raise ConfigurationError(text, hint="give the type of what really comes in")
