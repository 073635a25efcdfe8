"""Builds that wait for their turn, most urgent first."""

from __future__ import annotations

import heapq
import itertools
from typing import Final

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, did_you_mean

__all__ = ["PRIORITIES", "BuildQueue"]

#: Names of priorities, most urgent first.
PRIORITIES: Final = ("critical", "high", "normal", "low")


class BuildQueue:
    """A queue in memory: by priority, and in order of arrival within one.

    Example:
        >>> waiting = BuildQueue()
        >>> for name, priority in (("a", "low"), ("b", "high"), ("c", "high")):
        ...     waiting.put(BuildConfig(id=name, model_path="m", output_dir=name), priority)
        >>> [waiting.get().id for _ in range(len(waiting))]
        ['b', 'c', 'a']
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, BuildConfig]] = []
        self._arrivals = itertools.count()

    def put(self, config: BuildConfig, priority: str = "normal") -> None:
        """Add a build.

        Raises:
            ConfigurationError: for a priority that there isn't.
        """
        if priority not in PRIORITIES:
            text = f'there is no priority "{priority}"'
            raise ConfigurationError(text, hint=did_you_mean(priority, PRIORITIES))
        heapq.heappush(self._heap, (PRIORITIES.index(priority), next(self._arrivals), config))

    def get(self) -> BuildConfig:
        """Take out the build whose turn it is; raises IndexError if there is none."""
        return heapq.heappop(self._heap)[2]

    def __len__(self) -> int:
        return len(self._heap)
