"""The graphs that accuracy can be measured of: the model before and after preprocessing, and FINN's own stages."""

from __future__ import annotations

from pathlib import Path

import attrs

from brainsmith_core.context import StepContext
from brainsmith_core.errors import ConfigurationError, did_you_mean

__all__ = ["ORIGINAL", "PROCESSED", "Graph", "find_graphs", "original_graph"]

ORIGINAL = "original"
PROCESSED = "processed"

#: FINN's stages: the step after which the graph was saved.
_STAGES = {"streamlined": "step_streamline", "hardware": "step_convert_to_hw"}
_FOLDER = "intermediate_models"


@attrs.frozen(kw_only=True)
class Graph:
    """A model in the build's folder.

    Args:
        name: what a configuration calls it.
        path: its file.
        data_folder: where weights lie that aren't in the file.
        reason: why it isn't there, or "".
    """

    name: str
    path: Path
    data_folder: Path | None = None
    reason: str = ""


def original_graph(context: StepContext) -> Graph:
    """Return the model that came in."""
    folder = Path(context.config.model_path).parent
    return Graph(name=ORIGINAL, path=context.workspace.model, data_folder=folder)


def find_graphs(context: StepContext, names: list[str]) -> list[Graph]:
    """Return graphs by name; one that the build didn't save is given with the reason.

    Args:
        context: the step's.
        names: `processed`, `streamlined`, `hardware`, or a path below the build's folder that ends in `.onnx`.

    Raises:
        ConfigurationError: for an unknown name, or none.
    """
    if not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"graphs must be a list of names, but is {names!r}")
    if not names:
        raise ConfigurationError("graphs is empty", hint="name at least one, such as processed")
    return [_find(context, name) for name in dict.fromkeys(names)]


def _find(context: StepContext, name: str) -> Graph:
    if name == PROCESSED:
        return Graph(name=name, path=Path(context.model_path), data_folder=Path(context.config.model_path).parent)
    if name in _STAGES:
        path = context.workspace.artifacts / _FOLDER / f"{_STAGES[name]}.onnx"
        reason = "the build saved no models between its steps: set the flag save_intermediate_models"
        if path.parent.is_dir() and any(path.parent.glob("step_*.onnx")):
            reason = f"the build saved no model after {_STAGES[name]}"
        return Graph(name=name, path=path, reason="" if path.is_file() else reason)
    if not name.endswith(".onnx"):
        hint = did_you_mean(name, [PROCESSED, *_STAGES])
        raise ConfigurationError(f'there is no graph "{name}"', hint=hint or "or give a path below the build's folder")
    path = context.workspace.root / name
    return Graph(name=name, path=path, reason="" if path.is_file() else f"the build made no {name}")
