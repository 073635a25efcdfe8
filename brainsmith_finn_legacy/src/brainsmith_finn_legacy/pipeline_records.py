"""Pipelines of the workflow engine: what is to run, how far it is, what came of it."""

from __future__ import annotations

import uuid
from pathlib import Path

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.context import BuildFailure
from brainsmith_core.formats.converters import to_tuple
from brainsmith_core.formats.json_values import JSONValue, checked_json_dict
from brainsmith_core.result import BuildResult, BuildStatus

from .transformations import TransformCall

__all__ = ["FINNPipeline", "PipelineResult", "PipelineStatus"]


def _new_id() -> str:
    return f"pipeline-{uuid.uuid4().hex[:12]}"


@attrs.frozen(kw_only=True)
class FINNPipeline:
    """A sequence to run on a model: transformations alone, or the steps of a whole build.

    Args:
        transformations: the transformations, where it is a sequence of them.
        build: the build, where it is one; its model and folder are those of the execution.
        steps: the names of what runs, in order.
        id: what its execution is watched by.
    """

    transformations: tuple[TransformCall, ...] = attrs.field(default=(), converter=to_tuple)
    build: BuildConfig | None = None
    steps: tuple[str, ...] = attrs.field(converter=to_tuple)
    id: str = attrs.field(factory=_new_id)


@attrs.frozen(kw_only=True)
class PipelineStatus:
    """How far the execution of a pipeline is.

    Args:
        pipeline_id: the pipeline.
        status: PENDING, RUNNING, or what became of it.
        step: what runs now, or ran last.
        index: its place, from 1; 0 before the first.
        total: how many there are.
        seconds: since the execution began.
        events: all events so far, each with its `kind`.
        message: why it failed, or "".
    """

    pipeline_id: str
    status: BuildStatus
    step: str = ""
    index: int = 0
    total: int = 0
    seconds: float = 0.0
    events: tuple[dict[str, JSONValue], ...] = attrs.field(default=(), converter=to_tuple)
    message: str = ""


@attrs.frozen(kw_only=True)
class PipelineResult:
    """What came of a pipeline.

    Args:
        pipeline_id: the pipeline.
        status: what became of it.
        model: the model that it made, or None.
        seconds: how long it took.
        layers: hardware layers of that model, by kind.
        log: what was printed.
        failure: why it failed, or None.
        build: the build's result, where the pipeline is a build.
    """

    pipeline_id: str
    status: BuildStatus
    model: Path | None = None
    seconds: float = 0.0
    layers: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)
    log: Path
    failure: BuildFailure | None = None
    build: BuildResult | None = None
