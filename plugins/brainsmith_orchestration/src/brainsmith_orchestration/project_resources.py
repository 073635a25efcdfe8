"""What there is for all builds of a project, as its settings say."""

from __future__ import annotations

from brainsmith_core import plugin_settings
from brainsmith_core.errors import ConfigurationError

from .scheduling.request import CORES, MEMORY

__all__ = ["project_resources"]


def project_resources() -> dict[str, float]:
    """Return the totals that `[plugins.orchestration]` names: cores, memory in GB and tokens; others are left out.

    Raises:
        ConfigurationError: for a number of tokens that can't be.
    """
    settings = plugin_settings("orchestration")
    totals: dict[str, float] = {}
    for name, key in ((CORES, "cores"), (MEMORY, "memory_gb")):
        value = settings[key]
        if isinstance(value, int | float) and value > 0:
            totals[name] = float(value)
    tokens = settings["tokens"]
    for name, count in (tokens if isinstance(tokens, dict) else {}).items():
        if name in (CORES, MEMORY) or isinstance(count, bool) or not isinstance(count, int | float) or count < 0:
            text = f"[plugins.orchestration] tokens: {name} = {count!r} is no number of tokens"
            raise ConfigurationError(text, hint="name each token with its count, such as tokens = {vivado = 2}")
        totals[name] = float(count)
    return totals
