"""How `brainsmith validate` checks a blueprint."""

from __future__ import annotations

from pathlib import Path

from brainsmith_core.build.runner import BuildRunner
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.formats.json_values import JSONValue

from .combinations import CombinationGenerator
from .exploration_folder import default_output_dir
from .forge_api import forge

__all__ = ["validate_blueprint"]


def validate_blueprint(path: Path, factory: RunnerFactory) -> dict[str, JSONValue]:
    """Check a blueprint and every configuration that it stands for; writes nothing.

    Args:
        path: the blueprint.
        factory: makes the runner that checks the configurations.

    Returns:
        what it is: its name, the size of its design space, how many builds it asks for.

    Raises:
        ConfigurationError: for what is wrong.
        MissingRequirementError: for what is needed and isn't here.
    """
    runner = factory()
    space = forge(None, path, plugins=runner.plugins if isinstance(runner, BuildRunner) else None)
    configs = CombinationGenerator(default_output_dir(space)).select(space)
    if isinstance(runner, BuildRunner):
        for config in configs:
            runner.validate(config)
    return {
        "kind": "blueprint",
        "name": space.name,
        "combinations": space.get_total_combinations(),
        "builds": len(configs),
    }
