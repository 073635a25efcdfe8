"""The step `qonnx_transformation`: any transformation of QONNX by name, with parameters."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue

from ..models import load_input
from .proof import prove, transformed
from .report import outcome, shapes

__all__ = ["known_transformations", "run", "transformation_named"]


def run(context: StepContext) -> StepOutcome:
    """Apply one transformation; unless told otherwise, prove that the outputs stay the same.

    Raises:
        ConfigurationError: for an unknown transformation or parameter, or if it fails on this model.
        StepError: if the model computes something else afterwards, and may not.
    """
    from qonnx.core.modelwrapper import ModelWrapper

    given: dict[str, Any] = context.parameters
    transformation = transformation_named(given["transformation"], given["parameters"])
    model = load_input(context)
    wrapped = transformed(ModelWrapper(model, make_deepcopy=True), transformation, given["transformation"])
    report: dict[str, JSONValue] = {**shapes(wrapped.model), "nodes": len(wrapped.graph.node)}
    if given["prove"]:
        report |= prove(model, wrapped.model, given)
    return outcome(context, report, wrapped.model)


def known_transformations() -> dict[str, type]:
    """Return the transformations of the installed qonnx by class name."""
    import qonnx.transformation
    from qonnx.transformation.base import Transformation

    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(qonnx.transformation.__path__):
        if module.name == "base":
            continue
        home = importlib.import_module(f"qonnx.transformation.{module.name}")
        found |= {
            name: each
            for name, each in inspect.getmembers(home, inspect.isclass)
            if issubclass(each, Transformation) and each.__module__ == home.__name__ and not inspect.isabstract(each)
        }
    return found


def transformation_named(name: str, parameters: Mapping[str, JSONValue]) -> Any:
    """Return a transformation, made with parameters.

    Args:
        name: its class, dotted or not.
        parameters: what it is made with.

    Raises:
        ConfigurationError: for an unknown name, an unknown or missing parameter, or a value that it refuses.
    """
    known = known_transformations()
    short = name.rpartition(".")[2]
    found = known.get(short)
    if found is None or not f"{found.__module__}.{short}".endswith(name):
        hint = did_you_mean(short, known)
        raise ConfigurationError(f'qonnx has no transformation "{name}"', hint=hint or None)
    accepted = _parameters(found)
    for key in parameters:
        if key not in accepted:
            hint = did_you_mean(key, accepted) or "it takes none"
            raise ConfigurationError(f'the transformation {short} has no parameter "{key}"', hint=hint)
    missing = [
        key for key, each in accepted.items() if each.default is inspect.Parameter.empty and key not in parameters
    ]
    if missing:
        raise ConfigurationError(f"the transformation {short} needs the parameter {' and '.join(missing)}")
    try:
        return found(**parameters)
    except Exception as error:  # foreign code: constructors raise whatever they like, asserts included
        raise ConfigurationError(f"the transformation {short} refuses its parameters: {error}") from error


def _parameters(found: type) -> dict[str, inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: each for name, each in inspect.signature(found).parameters.items() if each.kind in kinds}
