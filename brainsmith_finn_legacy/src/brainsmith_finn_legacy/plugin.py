"""What this package offers, through the hooks that every plugin has; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import BackendSpec, CommandSpec, Device, ErrorRule, MetricDefinition, MetricParserSpec

__all__ = [
    "brainsmith_backends",
    "brainsmith_commands",
    "brainsmith_devices",
    "brainsmith_error_rules",
    "brainsmith_metric_definitions",
    "brainsmith_metric_parsers",
]

BRAINSMITH_API = 1


@hookimpl
def brainsmith_backends() -> Iterator[BackendSpec]:
    """Yield the backend that runs FINN."""
    from .backend_spec import LEGACY_FINN

    yield LEGACY_FINN


@hookimpl
def brainsmith_commands() -> Iterator[CommandSpec]:
    """Yield the command group for FINN environments."""
    yield CommandSpec(
        name="finn",
        summary="Install, list, check and remove FINN environments; see what one can do.",
        target="brainsmith_finn_legacy.finn_command:command",
    )


@hookimpl
def brainsmith_error_rules() -> Iterator[ErrorRule]:
    """Yield what FINN's messages mean."""
    from .error_rules import RULES

    yield from RULES


@hookimpl
def brainsmith_metric_parsers() -> Iterator[MetricParserSpec]:
    """Yield the parsers of FINN's reports."""
    from .parser_specs import PARSERS

    yield from PARSERS


@hookimpl
def brainsmith_metric_definitions() -> Iterator[MetricDefinition]:
    """Yield the names that FINN's reports need beside core's vocabulary."""
    from .metric_names import DEFINITIONS

    yield from DEFINITIONS


@hookimpl
def brainsmith_devices() -> Iterator[Device]:
    """Yield the totals of the boards that FINN names."""
    from .devices import DEVICES

    yield from DEVICES
