"""What this package offers, through the hooks that every plugin has; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import Device, ErrorRule, MetricDefinition, MetricParserSpec

__all__ = [
    "brainsmith_devices",
    "brainsmith_error_rules",
    "brainsmith_metric_definitions",
    "brainsmith_metric_parsers",
]

BRAINSMITH_API = 1


@hookimpl
def brainsmith_metric_parsers() -> Iterator[MetricParserSpec]:
    """Yield the parsers of Vivado's and Vitis' reports; they are told by what stands in the file, not by its name."""
    from .kinds import KINDS, sniff_of
    from .tool_parsers import PARSERS

    for kind in KINDS:
        yield MetricParserSpec(
            name=kind.name, summary=kind.summary, target=f"{__package__}.reports:parse", sniff=sniff_of(kind)
        )
    yield from PARSERS


@hookimpl
def brainsmith_metric_definitions() -> Iterator[MetricDefinition]:
    """Yield the names that the parsers use beside those of core."""
    from .definitions import load_own_definitions

    yield from load_own_definitions()


@hookimpl
def brainsmith_devices() -> Iterator[Device]:
    """Yield what the dies have that reports are about, each number with where it stands."""
    from .devices import load_devices

    yield from load_devices()


@hookimpl
def brainsmith_error_rules() -> Iterator[ErrorRule]:
    """Yield what the tools' error messages mean."""
    from .error_rules import RULES

    yield from RULES
