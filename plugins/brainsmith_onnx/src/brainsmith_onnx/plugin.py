"""What this package offers, through the hooks that every plugin has; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import MetricDefinition, StepSpec

__all__ = ["brainsmith_metric_definitions", "brainsmith_postprocessing_steps", "brainsmith_preprocessing_steps"]

BRAINSMITH_API = 1


@hookimpl
def brainsmith_preprocessing_steps() -> Iterator[StepSpec]:
    """Yield the steps that work on the model before the backend gets it."""
    from .pre_records import STEPS

    yield from STEPS


@hookimpl
def brainsmith_postprocessing_steps() -> Iterator[StepSpec]:
    """Yield the steps that work on what the backend made."""
    from .post_records import STEPS

    yield from STEPS


@hookimpl
def brainsmith_metric_definitions() -> Iterator[MetricDefinition]:
    """Yield the names that the steps use beside those of core."""
    from . import post_records, pre_records

    yield from pre_records.DEFINITIONS
    yield from post_records.DEFINITIONS
