"""What the worker runs for a processing step: import its target, call it, give back plain data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from brainsmith_core.build.cache.step_reads import WatchedStepContext, watched
from brainsmith_core.build.step_progress import progress_to
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
        args: `target` of the step and its `context` as plain data; with `watch`, it is seen what the step reads.
        emit: gives progress to the build.

    Returns:
        The StepOutcome as plain data; where it is watched, as `outcome` beside the `reads`.
    """
    context = from_data(StepContext, args["context"], "step context")
    with progress_to(emit):
        if args.get("watch"):
            return _watched(args["target"], context)
        return to_data(_outcome(args["target"], context))


def _watched(target: str, context: StepContext) -> dict[str, Any]:
    """Run a step and return its outcome with what it was seen to read."""
    fields = {field.name: getattr(context, field.name) for field in attrs.fields(StepContext)}
    step = load_target(target, "the step")  # imported before: its code is part of the key
    with watched(context.output_dir) as reads:
        outcome = _call(step, target, WatchedStepContext(**fields))
    return {"outcome": to_data(outcome), "reads": attrs.asdict(reads)}


def _outcome(target: str, context: StepContext) -> StepOutcome:
    return _call(load_target(target, "the step"), target, context)


def _call(step: Callable[[StepContext], Any], target: str, context: StepContext) -> StepOutcome:
    outcome = step(context)
    if outcome is None:
        outcome = StepOutcome()
    if not isinstance(outcome, StepOutcome):
        raise TypeError(f"{target} gave {outcome!r}, but a step gives a StepOutcome")
    return outcome
