"""What the commands `explore` and `plan` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from brainsmith_core.plugins.manager import PluginManager

from .forge_api import forge
from .space import DesignSpace

__all__ = ["blueprint_argument", "forge_with_budgets", "limit_option", "model_option", "output_option"]

blueprint_argument = click.argument("blueprint", type=click.Path(path_type=Path))
model_option = click.option(
    "--model", type=click.Path(path_type=Path), help="The ONNX model, instead of the blueprint's."
)
output_option = click.option(
    "--output", type=click.Path(path_type=Path), help="The exploration's folder; it goes on with what lies there."
)
limit_option = click.option("--limit", type=click.IntRange(min=1), help="Build at most so many configurations.")

_SEARCH_KEYS = {"limit": "max_evaluations", "timeout": "timeout_minutes", "parallel": "parallel_builds"}


def forge_with_budgets(plugins: PluginManager, blueprint: Path, model: Path | None, **budgets: Any) -> DesignSpace:
    """Return a blueprint's design space with the budgets of the command line in place of its own.

    Args:
        plugins: whose metric names count.
        blueprint: the blueprint.
        model: the ONNX model, or None for the blueprint's.
        budgets: `limit`, `timeout` in minutes and `parallel`; None leaves the blueprint's.
    """
    space = forge(model, blueprint, plugins=plugins)
    given = {_SEARCH_KEYS[name]: value for name, value in budgets.items() if value is not None}
    return attrs.evolve(space, search_config=attrs.evolve(space.search_config, **given))
