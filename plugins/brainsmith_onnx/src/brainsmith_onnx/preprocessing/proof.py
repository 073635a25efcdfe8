"""The proof that a step changed a model's graph, but not what it computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx

from brainsmith_core.errors import ConfigurationError, StepError
from brainsmith_core.formats.json_values import JSONValue

from ..models import Array, Comparison, Runner, compare, describe, random_inputs

__all__ = ["check_comparison", "prove", "transformed"]


def prove(
    before: onnx.ModelProto,
    after: onnx.ModelProto,
    given: dict[str, Any],
    feeds: Sequence[dict[str, Array]] | None = None,
) -> dict[str, JSONValue]:
    """Run two models on the same inputs; return what was seen, for the report.

    Args:
        before: the model that came in.
        after: what a step made of it.
        given: the step's parameters: `runs`, `seed`, `rtol`, `atol`.
        feeds: sets of inputs of the first model, else random ones.

    Raises:
        StepError: if their outputs differ by more than the tolerance.
        ConfigurationError: if one of them can't be run.
    """
    sets = random_inputs(describe(before), given["runs"], given["seed"]) if feeds is None else feeds
    found = compare(Runner(before), Runner(after), sets, rtol=given["rtol"], atol=given["atol"])
    return check_comparison(found, given)


def check_comparison(found: Comparison, given: dict[str, Any]) -> dict[str, JSONValue]:
    """Return what a comparison saw, for the report.

    Raises:
        StepError: if the outputs differ by more than the tolerance.
    """
    if not found.agree:
        text = "the model computes something else than before: "
        if found.largest_difference == float("inf"):
            text += "its outputs have another shape"
        else:
            text += (
                f"its outputs differ by up to {found.largest_difference:g} (values are up to {found.largest_value:g})"
            )
        hint = f"allowed are rtol={given['rtol']:g}, atol={given['atol']:g}; the model is left as it was"
        raise StepError(text, hint=hint)
    return {
        "proof": {
            "runs": found.sets,
            "largest_difference": found.largest_difference,
            "largest_value": found.largest_value,
            "rtol": given["rtol"],
            "atol": given["atol"],
        }
    }


def transformed(wrapped: Any, transformation: Any, what: str) -> Any:
    """Return the model after a transformation of qonnx.

    Args:
        wrapped: the model as qonnx's ModelWrapper.
        transformation: the transformation.
        what: its name, for messages.

    Raises:
        ConfigurationError: if it fails on this model.
    """
    try:
        return wrapped.transform(transformation)
    except Exception as error:  # foreign code: transformations raise whatever they like, asserts included
        text = f"{what} fails on this model: {type(error).__name__}: {error}"
        raise ConfigurationError(text, hint="leave it out, or mend what it names") from error
