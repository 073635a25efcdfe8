"""What objectives and constraints may name: fields of the summary, and names of the metric vocabulary."""

from __future__ import annotations

from typing import Final

from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.metrics.vocabulary import Vocabulary
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.result import BuildMetrics, BuildResult

from .search import Direction

__all__ = ["SUMMARY_FIELDS", "MetricNames", "metric_value", "numbers_of"]

#: Fields of `BuildMetrics` that are figures, and which direction is better.
SUMMARY_FIELDS: Final[dict[str, Direction]] = {
    "throughput": "maximize",
    "latency": "minimize",
    "clock_frequency": "maximize",
    "lut_utilization": "minimize",
    "dsp_utilization": "minimize",
    "bram_utilization": "minimize",
    "uram_utilization": "minimize",
    "total_power": "minimize",
    "accuracy": "maximize",
}

_DIRECTIONS: Final[dict[str, Direction]] = {"up": "maximize", "down": "minimize"}


class MetricNames:
    """The metric names that are known.

    Args:
        plugins: whose vocabulary counts.
    """

    def __init__(self, plugins: PluginManager) -> None:
        self._vocabulary = Vocabulary.of(plugins)

    def resolve(self, name: str) -> str:
        """Return the name that `name` means, which may be an alias.

        Raises:
            ConfigurationError: for an unknown name, with the nearest one.
        """
        if name in SUMMARY_FIELDS:
            return name
        try:
            return self._vocabulary.resolve(name).name
        except ConfigurationError as error:
            near = did_you_mean(name, SUMMARY_FIELDS)
            raise ConfigurationError(error.message, hint=near if near.startswith("did you") else error.hint) from None

    def better(self, name: str) -> Direction | None:
        """Return the direction in which the metric gets better, or None if neither is."""
        if name in SUMMARY_FIELDS:
            return SUMMARY_FIELDS[name]
        found = self._vocabulary.get(name)
        return _DIRECTIONS.get(found.better) if found else None


def metric_value(result: BuildResult, name: str) -> float | None:
    """Return a build's figure, or None where it is missing or no number.

    Args:
        result: the build.
        name: a field of `BuildMetrics`, or a name of the vocabulary.
    """
    if result.metrics is None:
        return None
    value = getattr(result.metrics, name) if name in SUMMARY_FIELDS else result.metrics.raw_metrics.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def numbers_of(metrics: BuildMetrics) -> dict[str, float]:
    """Return all figures of a build that are numbers, by name; those that are missing aren't there."""
    found = {name: getattr(metrics, name) for name in SUMMARY_FIELDS}
    found |= metrics.raw_metrics
    return {
        name: float(value)
        for name, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
