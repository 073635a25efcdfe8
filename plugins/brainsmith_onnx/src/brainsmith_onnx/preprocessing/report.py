"""What every step leaves: the model that it made, and a report of what it did."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from brainsmith_core.build.workspace import write_json
from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.metric import Metric

from ..models import describe, save_model

if TYPE_CHECKING:
    import onnx

    from brainsmith_core.formats.json_values import JSONValue

__all__ = ["outcome", "shapes"]


def outcome(
    context: StepContext,
    report: dict[str, JSONValue],
    model: onnx.ModelProto | None = None,
    *,
    metrics: Iterable[Metric] = (),
    warnings: Iterable[str] = (),
) -> StepOutcome:
    """Write the step's report and model, and return what the step gives.

    Args:
        context: the step's context.
        report: what it did and found; written beside its log as JSON.
        model: the model that it made, or None if it leaves the model as it is.
        metrics: its figures.
        warnings: what the user should know.
    """
    place = Path(context.output_model_path)
    path = place.with_suffix(".json")
    write_json(path, report)
    if model is not None:
        save_model(model, place)
    return StepOutcome(
        model_path=str(place) if model is not None else "",
        metrics=tuple(metrics),
        artifacts={f"preprocessing_{path.stem}_report": str(path)},
        warnings=tuple(warnings),
    )


def shapes(model: onnx.ModelProto) -> dict[str, JSONValue]:
    """Return a model's inputs and outputs for a report."""
    info = describe(model)
    return {
        "inputs": [str(each) for each in info.inputs],
        "outputs": [str(each) for each in info.outputs],
    }
