"""Whether a build that failed is tried again, when, and with what: by the class of its failure.

Each class has a budget of its own, so that a busy licence server doesn't burn the attempts that a crash may need.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from brainsmith_core.result import BuildResult, BuildStatus

__all__ = ["DEFAULT_RULES", "RetryPolicy", "RetryRule", "failure_class"]


@attrs.frozen(kw_only=True)
class RetryRule:
    """How failures of one class are tried again.

    Args:
        most: how often.
        first_seconds: the longest wait before the first retry; it doubles with each one.
        longest_seconds: no wait is longer.
        more_memory: by how much the memory grows with each retry; 1 for not at all.
    """

    most: int
    first_seconds: float
    longest_seconds: float
    more_memory: float = 1.0


#: Classes that aren't here are never tried again: synthesis, timing, configuration, time-outs, ...
DEFAULT_RULES: Final[Mapping[str, RetryRule]] = MappingProxyType(
    {
        "licence": RetryRule(most=20, first_seconds=30, longest_seconds=1800),
        "disk": RetryRule(most=5, first_seconds=60, longest_seconds=1800),
        "crash": RetryRule(most=3, first_seconds=10, longest_seconds=600),
        "memory": RetryRule(most=2, first_seconds=10, longest_seconds=600, more_memory=1.5),
        "retryable": RetryRule(most=2, first_seconds=30, longest_seconds=600),
    }
)

_NEVER = ("synthesis", "timing", "configuration", "resource", "timeout", "cancelled", "deadlock")


def failure_class(result: BuildResult) -> str:
    """Return the class of a failure: its category, `retryable` for other ones whose error rule says so, or ""."""
    if result.succeeded or result.status in (BuildStatus.CANCELLED, BuildStatus.SKIPPED):
        return ""
    if result.status is BuildStatus.TIMEOUT:
        return "timeout"
    category = result.error.category if result.error else "unknown"
    if category in DEFAULT_RULES or category in _NEVER:
        return category
    return "retryable" if result.error and result.error.retryable else category


class RetryPolicy:
    """Decides on retries.

    Args:
        rules: by class of failure.
        dice: where the jitter comes from.

    Example:
        >>> policy = RetryPolicy(dice=random.Random(1))
        >>> policy.delay("synthesis", 0) is None, policy.delay("licence", 20) is None
        (True, True)
        >>> 0 <= policy.delay("licence", 3) <= 240
        True
    """

    def __init__(self, rules: Mapping[str, RetryRule] = DEFAULT_RULES, dice: random.Random | None = None) -> None:
        self.rules = dict(rules)
        # Jitter only has to differ between builds; it guards no secret.
        self._dice = dice or random.Random()  # noqa: S311 - as the line above says

    def delay(self, failure: str, before: int) -> float | None:
        """Return how long to wait before the next attempt, in s; None if there is none.

        Full jitter: anything up to the limit, so that builds that failed together don't come back together.

        Args:
            failure: its class.
            before: how many retries of this class there were.
        """
        rule = self.rules.get(failure)
        if rule is None or before >= rule.most:
            return None
        return self._dice.uniform(0, min(rule.longest_seconds, rule.first_seconds * 2.0**before))

    @property
    def longest_seconds(self) -> float:
        """No wait is longer: one that seems to be means that the clock has jumped."""
        return max((rule.longest_seconds for rule in self.rules.values()), default=0.0)
