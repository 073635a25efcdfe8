"""What is asked of the queue: a build, and what it needs while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import from_data, to_data

__all__ = ["CORES", "MEMORY", "PRIORITIES", "BuildRequest", "check_priority"]

#: Names of priorities, most urgent first.
PRIORITIES: Final = ("critical", "high", "normal", "low")

#: The resources that every machine has; all others are named tokens.
CORES: Final = "cores"
MEMORY: Final = "memory_gb"


def check_priority(priority: str) -> int:
    """Return the rank of a priority, 0 being the most urgent.

    Raises:
        ConfigurationError: for one that there isn't.
    """
    if priority not in PRIORITIES:
        text = f'there is no priority "{priority}"'
        raise ConfigurationError(text, hint=did_you_mean(priority, PRIORITIES))
    return PRIORITIES.index(priority)


@attrs.frozen(kw_only=True)
class BuildRequest:
    """A build that shall run, and what it needs.

    Args:
        config: what to build.
        cores: how many cores it keeps busy.
        memory_gb: how much memory it needs, in GB; 0 where that isn't known.
        tokens: named things of which there are only so many, such as licences: `{"vivado": 1}`.
        expected_seconds: how long it will take; else what history says of it.

    Example:
        >>> config = BuildConfig(id="a", model_path="m", output_dir="o")
        >>> request = BuildRequest(config=config, cores=2, tokens={"vivado": 1})
        >>> BuildRequest.from_dict(request.to_dict()) == request
        True
        >>> request.demands()
        {'cores': 2.0, 'vivado': 1.0}
    """

    config: BuildConfig
    cores: float = 1.0
    memory_gb: float = 0.0
    tokens: dict[str, int] = attrs.field(factory=dict)
    expected_seconds: float | None = None

    def __attrs_post_init__(self) -> None:
        amounts: Mapping[str, float] = {CORES: self.cores, MEMORY: self.memory_gb, **self.tokens}
        for name, amount in amounts.items():
            if not 0 <= amount < float("inf"):
                raise ConfigurationError(f"build {self.config.id} can't need {amount} of {name}")
        if CORES in self.tokens or MEMORY in self.tokens:
            raise ConfigurationError(f"build {self.config.id}: {CORES} and {MEMORY} are no tokens")

    def demands(self) -> dict[str, float]:
        """Return what it needs, by name; what it doesn't need is left out."""
        amounts: Mapping[str, float] = {CORES: self.cores, MEMORY: self.memory_gb, **self.tokens}
        return {name: float(amount) for name, amount in amounts.items() if amount}

    def to_dict(self) -> dict[str, JSONValue]:
        """Return plain JSON data that `from_dict` reads back to an equal object."""
        return to_data(self)

    @classmethod
    def from_dict(cls, data: object, where: str = "") -> BuildRequest:
        """Return the request that `data` describes; raises ConfigurationError where it is wrong."""
        return from_data(cls, data, where)
