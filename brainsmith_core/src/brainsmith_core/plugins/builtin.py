"""What core itself offers, through the same hooks as every plugin."""

from __future__ import annotations

from collections.abc import Iterator

from ..hookspecs import hookimpl
from ..records import CommandSpec, ErrorRule, MetricDefinition

__all__ = ["brainsmith_commands", "brainsmith_error_rules", "brainsmith_metric_definitions"]

_COMMANDS = {
    "run": "Run one build from a configuration file.",
    "validate": "Check a configuration or blueprint without building.",
    "plugins": "List the installed plugins and what they offer.",
    "metrics": "Look up metric names; read metrics from report files and builds.",
    "diagnose": "Say why a build or a tool failed, and what to do.",
    "doctor": "Show the state of everything, each with the next action.",
    "cache": "See, explain, verify and clean what is kept for reuse.",
}


@hookimpl
def brainsmith_commands() -> Iterator[CommandSpec]:
    """Yield core's commands."""
    for name, summary in _COMMANDS.items():
        yield CommandSpec(name=name, summary=summary, target=f"brainsmith_core.cli.{name}_command:command")


@hookimpl
def brainsmith_error_rules() -> Iterator[ErrorRule]:
    """Yield the rules that hold for every backend."""
    from ..diagnosis.error_rules import RULES

    yield from RULES


@hookimpl
def brainsmith_metric_definitions() -> Iterator[MetricDefinition]:
    """Yield core's metric vocabulary."""
    from ..metrics.vocabulary import load_definitions

    yield from load_definitions()
