"""The metric vocabulary: which names there are, with unit, better direction, kind and meaning."""

from __future__ import annotations

from .records import MetricDefinition

__all__ = ["load_definitions"]


def load_definitions() -> list[MetricDefinition]:
    """Return core's vocabulary."""
    return []
