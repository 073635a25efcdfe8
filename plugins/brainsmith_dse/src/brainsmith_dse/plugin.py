"""What design-space exploration offers, as records."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import CommandSpec, ValidatorSpec

__all__ = ["brainsmith_commands", "brainsmith_validators"]


@hookimpl
def brainsmith_commands() -> Iterator[CommandSpec]:
    """Yield the commands."""
    yield CommandSpec(
        name="explore",
        summary="Build what a blueprint says, and show the Pareto front.",
        target="brainsmith_dse.explore_command:command",
    )
    yield CommandSpec(
        name="plan",
        summary="Show what a blueprint would build, and what of it is finished.",
        target="brainsmith_dse.plan_command:command",
    )


@hookimpl
def brainsmith_validators() -> Iterator[ValidatorSpec]:
    """Yield the check of blueprints."""
    yield ValidatorSpec(
        name="blueprint",
        summary="A blueprint, version 3.0.",
        target="brainsmith_dse.validation:validate_blueprint",
        key="version",
    )
