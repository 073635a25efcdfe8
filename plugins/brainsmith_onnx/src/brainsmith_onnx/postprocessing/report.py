"""Where a postprocessing step writes what it found."""

from __future__ import annotations

from pathlib import Path

from brainsmith_core.build.workspace import write_json
from brainsmith_core.context import StepContext
from brainsmith_core.formats.json_values import JSONValue

__all__ = ["report_stem", "write_report"]


def report_stem(context: StepContext, step: str) -> str:
    """Return the name that a step's files begin with: its own, with its place in front where it runs several times."""
    same = [each for each in context.config.postprocessing if each.name == step and each.enabled]
    return step if len(same) <= 1 else Path(context.output_model_path).stem


def write_report(context: StepContext, step: str, data: dict[str, JSONValue]) -> dict[str, str]:
    """Write a step's report as JSON into `postprocessing_logs` and return it as the step's artefact, by name."""
    stem = report_stem(context, step)
    path = Path(context.report_dir) / f"{stem}.json"
    write_json(path, {"config_id": context.config.id, **data})
    return {stem: str(path)}
