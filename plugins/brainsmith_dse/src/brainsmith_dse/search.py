"""How a design space is searched, and what counts as good."""

from __future__ import annotations

import enum
import operator
import random
from collections.abc import Callable, Sequence
from typing import Final, Literal

import attrs

from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.converters import to_tuple

__all__ = [
    "DEFAULT_OBJECTIVES",
    "Direction",
    "Objective",
    "SearchConfig",
    "SearchConstraint",
    "SearchStrategy",
    "direction_named",
    "selected_indices",
    "strategy_named",
]

Direction = Literal["maximize", "minimize"]

_OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}


class SearchStrategy(enum.Enum):
    """In which order the combinations of a design space are built."""

    EXHAUSTIVE = "exhaustive"
    RANDOM = "random"


def direction_named(name: str) -> Direction:
    """Return the direction of that name; raises ConfigurationError for an unknown one."""
    known: dict[str, Direction] = {"maximize": "maximize", "minimize": "minimize"}
    if name in known:
        return known[name]
    raise ConfigurationError(f'"{name}" is no direction', hint=did_you_mean(name, ("maximize", "minimize")))


@attrs.frozen
class Objective:
    """A metric that shall be as great or as small as possible.

    Args:
        metric: a field of `BuildMetrics` (`throughput`) or a name of the metric vocabulary (`util.lut`).
        direction: `maximize` or `minimize`.

    Raises:
        ConfigurationError: for another direction.
    """

    metric: str
    direction: Direction

    def __attrs_post_init__(self) -> None:
        direction_named(self.direction)

    def cost(self, value: float) -> float:
        """Return the value as a number of which less is better."""
        return -value if self.direction == "maximize" else value


#: What counts as good where a blueprint doesn't say: inferences per second against the number of LUTs.
DEFAULT_OBJECTIVES: Final = (Objective("throughput", "maximize"), Objective("util.lut", "minimize"))


@attrs.frozen
class SearchConstraint:
    """A condition that a design must meet to be best or on the Pareto front.

    Args:
        metric: as for an objective.
        operator: one of `<= >= == < >`.
        value: what the metric is compared with.

    Raises:
        ConfigurationError: for an unknown operator.

    Example:
        >>> SearchConstraint("lut_utilization", "<=", 0.7).evaluate(0.5)
        True
    """

    metric: str
    operator: str
    value: float

    def __attrs_post_init__(self) -> None:
        if self.operator not in _OPERATORS:
            hint = f"known: {' '.join(_OPERATORS)}"
            raise ConfigurationError(f'"{self.operator}" is no operator of a constraint', hint=hint)

    def evaluate(self, value: float | None) -> bool:
        """Return whether a value meets the constraint; one that is missing doesn't."""
        return value is not None and _OPERATORS[self.operator](value, self.value)

    def __str__(self) -> str:
        return f"{self.metric} {self.operator} {self.value:g}"


def _objectives(items: Sequence[Objective]) -> tuple[Objective, ...]:
    found = tuple(items)
    if not found:
        raise ConfigurationError("objectives are an empty list", hint="name a metric, or leave the key out")
    names = [objective.metric for objective in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f'the objective "{name}" is given twice', hint="name each metric once")
    return found


@attrs.frozen(kw_only=True)
class SearchConfig:
    """How a design space is searched.

    Args:
        strategy: `exhaustive` builds in the order of the design space, `random` in an order drawn from `seed`.
        objectives: what is best: the first decides `best`, all together the Pareto front.
        constraints: what a design must meet.
        max_evaluations: how many combinations are built at most; None for all.
        timeout_minutes: how long one run of the exploration may take; what is running then is stopped.
        parallel_builds: how many builds run at the same time.
        seed: of the random order; a greater `max_evaluations` goes on in the same order.
    """

    strategy: SearchStrategy = SearchStrategy.EXHAUSTIVE
    objectives: tuple[Objective, ...] = attrs.field(default=DEFAULT_OBJECTIVES, converter=_objectives)
    constraints: tuple[SearchConstraint, ...] = attrs.field(default=(), converter=to_tuple)
    max_evaluations: int | None = None
    timeout_minutes: float | None = None
    parallel_builds: int = 1
    seed: int = 0

    def __attrs_post_init__(self) -> None:
        for name in ("max_evaluations", "timeout_minutes", "parallel_builds"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigurationError(f"{name} must be greater than 0, but is {value}")

    def evaluations(self, total: int) -> int:
        """Return how many of `total` combinations are built."""
        return total if self.max_evaluations is None else min(total, self.max_evaluations)


def selected_indices(search: SearchConfig, total: int) -> Sequence[int]:
    """Return the indices of the combinations that are built, in order; lazily where there is nothing to draw.

    Args:
        search: how.
        total: size of the design space, which may be larger than anything that could be listed.

    Example:
        >>> list(selected_indices(SearchConfig(max_evaluations=3), 10))
        [0, 1, 2]
        >>> drawn = selected_indices(SearchConfig(strategy=SearchStrategy.RANDOM, max_evaluations=3), 10**30)
        >>> len(set(drawn))
        3
    """
    count = search.evaluations(total)
    if search.strategy is SearchStrategy.EXHAUSTIVE:
        return range(count)
    return _drawn(random.Random(search.seed), total, count)  # noqa: S311 - a seeded order, no secret


def _drawn(source: random.Random, total: int, count: int) -> list[int]:
    """Draw `count` different indices; the beginning doesn't depend on how many are drawn.

    This is a shuffle of all indices of which only what was exchanged is kept, so its cost is that of `count`.
    """
    exchanged: dict[int, int] = {}
    drawn = []
    for index in range(count):
        other = source.randrange(index, total)
        drawn.append(exchanged.get(other, other))
        exchanged[other] = exchanged.get(index, index)
    return drawn


def strategy_named(name: str) -> SearchStrategy:
    """Return the strategy of that name; raises ConfigurationError for an unknown one."""
    known = {strategy.value: strategy for strategy in SearchStrategy}
    if name not in known:
        raise ConfigurationError(f'there is no search strategy "{name}"', hint=did_you_mean(name, known))
    return known[name]
