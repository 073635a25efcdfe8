"""What builds share: cores, memory and named tokens; a build gets all that it needs or nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping

from brainsmith_core.errors import ConfigurationError, did_you_mean

from .request import CORES, MEMORY

__all__ = ["ResourcePool", "fits", "machine_resources"]

#: Sums of fractions of cores aren't exact.
_TINY = 1e-9


def machine_resources() -> dict[str, float]:
    """Return the cores that this process may use and the machine's memory in GB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {CORES: float(len(os.sched_getaffinity(0))), MEMORY: memory}


_HINT = "; tokens are named in brainsmith.toml: [plugins.orchestration] tokens = {NAME = COUNT}"


class ResourcePool:
    """Counts what is there and what is taken.

    Args:
        totals: how much there is, by name.

    Example:
        >>> pool = ResourcePool({"cores": 4, "vivado": 1})
        >>> pool.take("a", {"cores": 1, "vivado": 1})
        True
        >>> pool.take("b", {"cores": 1, "vivado": 1})
        False
        >>> pool.give_back("a")
        >>> pool.free()
        {'cores': 4.0, 'vivado': 1.0}
    """

    def __init__(self, totals: Mapping[str, float]) -> None:
        self.totals = {name: float(amount) for name, amount in totals.items()}
        self._taken: dict[str, Mapping[str, float]] = {}
        self._used = dict.fromkeys(self.totals, 0.0)

    def check(self, name: str, demands: Mapping[str, float]) -> None:
        """Make sure that something could ever get what it needs.

        Args:
            name: of the build, for the message.
            demands: what it needs.

        Raises:
            ConfigurationError: if there is no such thing, or not so much of it.
        """
        for resource, amount in demands.items():
            if resource not in self.totals:
                text = f'build {name} needs the token "{resource}", which there isn\'t'
                raise ConfigurationError(text, hint=(did_you_mean(resource, self.totals) + _HINT).removeprefix("; "))
            if amount > self.totals[resource] + _TINY:
                text = f"build {name} needs {amount:g} of {resource}, but there is {self.totals[resource]:g} in all"
                raise ConfigurationError(text, hint="ask for less, or run it where there is more")

    def free(self) -> dict[str, float]:
        """Return what nobody has taken."""
        return {name: total - self._used[name] for name, total in self.totals.items()}

    def take(self, holder: str, demands: Mapping[str, float]) -> bool:
        """Take all that is asked for, or nothing; return whether it was taken.

        Args:
            holder: who takes it; it must not hold anything already.
            demands: how much of what.
        """
        assert holder not in self._taken, holder
        if not fits(demands, self.free()):
            return False
        self._taken[holder] = demands
        for name, amount in demands.items():
            self._used[name] += amount
        return True

    def give_back(self, holder: str) -> None:
        """Free all that somebody holds; nothing happens if that is nothing."""
        for name, amount in self._taken.pop(holder, {}).items():
            self._used[name] -= amount
        if not self._taken:
            self._used = dict.fromkeys(self.totals, 0.0)  # no rest of rounding stays


def fits(demands: Mapping[str, float], free: Mapping[str, float]) -> bool:
    """Return whether so much is free."""
    return all(amount <= free.get(name, 0.0) + _TINY for name, amount in demands.items())
