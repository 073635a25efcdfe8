"""From a blueprint to a design space that is checked."""

from __future__ import annotations

import logging
from pathlib import Path

import attrs

from brainsmith_core.build.model_file import check_model_file
from brainsmith_core.build.runner import default_plugins
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.plugins.manager import PluginManager

from .blueprint import load_blueprint
from .metric_names import MetricNames
from .search import SearchStrategy
from .space import DesignSpace

__all__ = ["DEFAULT_MAX_COMBINATIONS", "DesignSpaceValidator", "ValidationResult", "forge"]

#: A design space with more combinations is refused, unless the blueprint's `global.max_combinations` allows it.
DEFAULT_MAX_COMBINATIONS = 100_000

_MANY = 1_000
_log = logging.getLogger("brainsmith.dse")


def forge(
    model_path: str | Path | None,
    blueprint_path: str | Path,
    verbose: bool = False,
    *,
    plugins: PluginManager | None = None,
) -> DesignSpace:
    """Return the design space that a blueprint describes for a model.

    Args:
        model_path: the ONNX model; None takes the blueprint's own.
        blueprint_path: the blueprint, version 3.0.
        verbose: log what was found and every warning.
        plugins: whose metric names count; else the plugins of this environment.

    Raises:
        ConfigurationError: for anything wrong in the blueprint, with file and line; for a file that is no model;
            for more combinations than allowed.
        MissingRequirementError: if the blueprint, the model, or a file that the blueprint names doesn't exist.
    """
    model = None if model_path is None else Path(model_path)
    space = load_blueprint(Path(blueprint_path), model, MetricNames(plugins or default_plugins()))
    check_model_file(Path(space.model_path))
    found = DesignSpaceValidator().validate(space)
    found.raise_if_invalid(str(blueprint_path))
    if verbose:
        _log.info("%s: %s combinations of %s", space.name, f"{space.get_total_combinations():,}", space.model_path)
        for warning in found.warnings:
            _log.warning("%s", warning)
    return space


@attrs.frozen(kw_only=True)
class ValidationResult:
    """What a check of a design space found.

    Args:
        errors: why it can't be explored.
        warnings: what the user should know.
    """

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether there are no errors."""
        return not self.errors

    def raise_if_invalid(self, where: str) -> None:
        """Raise ConfigurationError with all errors if there are any."""
        if self.errors:
            raise ConfigurationError(f"{where}: " + "\n".join(self.errors), hint=_ADVICE)


_ADVICE = "sweep less, raise global.max_combinations, or take strategy: random with max_evaluations"


class DesignSpaceValidator:
    """Checks what no single part of a design space can check: its size."""

    def validate(self, design_space: DesignSpace) -> ValidationResult:
        """Return what is wrong with a design space, and what may surprise its user."""
        total = design_space.get_total_combinations()
        search = design_space.search_config
        # A random search never lists the space, so there only what it draws counts.
        planned = search.evaluations(total) if search.strategy is SearchStrategy.RANDOM else total
        limit = design_space.global_config.max_combinations or DEFAULT_MAX_COMBINATIONS
        if planned > limit:
            return ValidationResult(errors=(f"{planned:,} combinations are more than the {limit:,} allowed",))
        builds = search.evaluations(total)
        if builds > _MANY:
            return ValidationResult(warnings=(f"{builds:,} combinations will be built",))
        return ValidationResult()
