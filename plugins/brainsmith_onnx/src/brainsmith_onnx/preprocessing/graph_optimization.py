"""The step `graph_optimization`: passes by name, with the proof that the model computes what it did."""

from __future__ import annotations

from typing import Any

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.formats.json_values import JSONValue

from ..models import load_input
from .passes import checked_passes, optimised
from .proof import prove
from .report import outcome, shapes

__all__ = ["run"]


def run(context: StepContext) -> StepOutcome:
    """Run passes over the model and prove that its outputs stay the same.

    Raises:
        ConfigurationError: for an unknown pass, or a model that one fails on.
        StepError: if the model computes something else afterwards.
    """
    given: dict[str, Any] = context.parameters
    names = checked_passes(given["passes"])
    model = load_input(context)
    result, nodes = optimised(model, names)
    proof = prove(model, result, given)
    counts: dict[str, JSONValue] = dict(nodes)
    report: dict[str, JSONValue] = {
        **shapes(result),
        "nodes_before": len(model.graph.node),
        "nodes_after_pass": counts,
        **proof,
    }
    return outcome(context, report, result)
