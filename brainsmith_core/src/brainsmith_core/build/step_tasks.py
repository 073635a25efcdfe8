"""What the worker runs for a processing step: import its target, call it, give back plain data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import PluginError
from brainsmith_core.formats.serialization import from_data, to_data
from brainsmith_core.plugins.manager import load_target

__all__ = ["check_step", "run_step"]


def check_step(args: dict[str, Any], emit: Callable[[dict[str, Any]], None]) -> dict[str, str]:
    """Import a step's target and return what is wrong with it, or empty texts.

    Args:
        args: `target` of the step, and `owner`, `requires` and `distribution` as for `load_target`.
        emit: gives progress to the build.
    """
    del emit
    try:
        step = load_target(args["target"], args["owner"], requires=args["requires"], distribution=args["distribution"])
    except PluginError as error:
        return {"message": error.message, "hint": error.hint or ""}
    if not callable(step):
        text = f"{args['owner']} can't be run: {args['target']} can't be called"
        return {"message": text, "hint": f"mend or remove {args['distribution']}"}
    return {"message": "", "hint": ""}


def run_step(args: dict[str, Any], emit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Run one step in this process.

    Args:
        args: `target` of the step and its `context` as plain data.
        emit: gives progress to the build.

    Returns:
        The StepOutcome as plain data.
    """
    del emit
    context = from_data(StepContext, args["context"], "step context")
    outcome = load_target(args["target"], "the step")(context)
    if outcome is None:
        outcome = StepOutcome()
    if not isinstance(outcome, StepOutcome):
        raise TypeError(f"{args['target']} gave {outcome!r}, but a step gives a StepOutcome")
    return to_data(outcome)
