"""What the stub offers, as records."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import BackendSpec, ErrorRule, MetricDefinition, MetricKind

from .spec import SPEC

__all__ = ["brainsmith_backends", "brainsmith_error_rules", "brainsmith_metric_definitions"]

_RAW_FIGURES = {
    "mock_build": ("bool", "Whether the build was a simulation"),
    "complexity_factor": ("1", "Kernels and transforms of a simulated build, divided by ten"),
    "kernel_count": ("count", "Kernels that the simulated build was asked for"),
    "transform_count": ("count", "Transforms of all stages that the simulated build was asked for"),
}


@hookimpl
def brainsmith_backends() -> Iterator[BackendSpec]:
    """Yield the simulated backend."""
    yield SPEC


@hookimpl
def brainsmith_metric_definitions() -> Iterator[MetricDefinition]:
    """Yield the names of the figures that only a simulated build has."""
    for name, (unit, description) in _RAW_FIGURES.items():
        yield MetricDefinition(name=name, unit=unit, better="none", kind=MetricKind.EXACT, description=description)


@hookimpl
def brainsmith_error_rules() -> Iterator[ErrorRule]:
    """Yield the rule that explains a simulated failure."""
    yield ErrorRule(
        name="stub-mock-failure",
        pattern=r"FINN-Brainsmith build failed \(mock failure\)",
        category="unknown",
        advice="the failure is simulated: raise config_flags.mock_success_rate, or choose another mock_seed",
        priority=100,
    )
