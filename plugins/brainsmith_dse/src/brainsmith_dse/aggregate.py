"""From results to what is worth knowing: the best, the Pareto front, figures over all builds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from brainsmith_core.config import BuildConfig
from brainsmith_core.result import BuildResult

from .metric_names import SUMMARY_FIELDS, metric_value, numbers_of
from .pareto import pareto_front
from .results import ExplorationResults
from .search import DEFAULT_OBJECTIVES, Direction, Objective, SearchConstraint

__all__ = ["ResultsAggregator"]


class ResultsAggregator:
    """Says which results are good.

    Measured and simulated figures are never compared: where there are measured ones, simulated ones don't count.

    Args:
        results: what the exploration found so far.
        objectives: what is good.
        constraints: what a design must meet to be best or on the Pareto front.
    """

    def __init__(
        self,
        results: ExplorationResults,
        objectives: Sequence[Objective] = DEFAULT_OBJECTIVES,
        constraints: Sequence[SearchConstraint] = (),
    ) -> None:
        self.results, self.objectives, self.constraints = results, tuple(objectives), tuple(constraints)

    def finalize(self) -> None:
        """Fill in counts, best configuration, Pareto front, summary and violated constraints."""
        results = self.results
        results.update_counts()
        counted = self.comparable()
        results.violations = {result.config_id: broken for result in counted if (broken := self.violated(result))}
        allowed = [result for result in counted if result.config_id not in results.violations]
        results.pareto_optimal = self._configs(self.pareto(allowed))
        best = self._ranked(allowed, self.objectives[0])
        results.best_config = next(iter(self._configs(best[:1])), None)
        results.metrics_summary = _summary(counted)
        self._warn(counted, allowed)

    def comparable(self) -> list[BuildResult]:
        """Return the successful results that may be compared: the measured ones, or all if none was measured."""
        succeeded = self.results.get_successful_results()
        measured = [result for result in succeeded if not _is_simulated(result)]
        return measured or succeeded

    def violated(self, result: BuildResult) -> list[str]:
        """Return the constraints that a result doesn't meet; a figure that is missing meets none."""
        found = []
        for constraint in self.constraints:
            value = metric_value(result, constraint.metric)
            if not constraint.evaluate(value):
                found.append(f"{constraint} ({'missing' if value is None else f'is {value:g}'})")
        return found

    def pareto(self, results: Iterable[BuildResult]) -> list[BuildResult]:
        """Return those results that none beats in all objectives, best first by the first objective."""
        eligible = [result for result in results if self._missing(result) is None]
        costs = [[each.cost(_known(result, each.metric)) for each in self.objectives] for result in eligible]
        return self._ranked([eligible[index] for index in pareto_front(costs)], self.objectives[0])

    def get_top_n_configs(self, n: int, metric: str, direction: Direction | None = None) -> list[BuildConfig]:
        """Return the `n` best configurations by one metric; those without a figure don't take part.

        Args:
            n: how many at most.
            metric: a field of `BuildMetrics` or a name of the vocabulary.
            direction: which is better; by default that of the objective on this metric, or of the summary's field.

        Raises:
            ValueError: if nothing says which direction is better.
        """
        known = {objective.metric: objective.direction for objective in self.objectives}
        better = direction or known.get(metric) or SUMMARY_FIELDS.get(metric)
        if better is None:
            text = f"which direction of {metric} is better? Give maximize or minimize"
            raise ValueError(text)
        allowed = [result for result in self.comparable() if not self.violated(result)]
        return self._configs(self._ranked(allowed, Objective(metric, better))[:n])

    def get_failed_summary(self) -> dict[str, int]:
        """Return how many builds failed for each category of error, most first."""
        failed = self.results.get_failed_results()
        counts = Counter(result.error.category if result.error else "unknown" for result in failed)
        return dict(counts.most_common())

    def _missing(self, result: BuildResult) -> str | None:
        """Return the first objective of which the result has no figure, or None."""
        names = (objective.metric for objective in self.objectives)
        return next((name for name in names if metric_value(result, name) is None), None)

    def _ranked(self, results: Iterable[BuildResult], objective: Objective) -> list[BuildResult]:
        """Return the results that have a figure, best first; equal ones by the other objectives, then by id."""
        order = (objective, *(other for other in self.objectives if other.metric != objective.metric))
        having = [result for result in results if metric_value(result, objective.metric) is not None]
        return sorted(having, key=lambda result: (*(_rank(result, each) for each in order), result.config_id))

    def _configs(self, results: Iterable[BuildResult]) -> list[BuildConfig]:
        found = (self.results.get_config(result.config_id) for result in results)
        return [config for config in found if config is not None]

    def _warn(self, counted: Sequence[BuildResult], allowed: Sequence[BuildResult]) -> None:
        left_out = self.results.success_count - len(counted)
        if left_out:
            self._note(f"{left_out:,} simulated results don't count beside measured ones")
        if counted and not allowed:
            self._note("no successful build meets all constraints: there is no best one")
        missing = Counter(name for result in allowed if (name := self._missing(result)))
        for name, count in missing.items():
            self._note(f'{count:,} successful builds have no "{name}" and can\'t be on the Pareto front')

    def _note(self, text: str) -> None:
        if text not in self.results.warnings:
            self.results.warnings.append(text)


def _is_simulated(result: BuildResult) -> bool:
    return result.simulated or (result.metrics is not None and result.metrics.simulated)


def _known(result: BuildResult, name: str) -> float:
    value = metric_value(result, name)
    assert value is not None
    return value


def _rank(result: BuildResult, objective: Objective) -> float:
    value = metric_value(result, objective.metric)
    return math.inf if value is None else objective.cost(value)


def _summary(results: Iterable[BuildResult]) -> dict[str, dict[str, float]]:
    columns: dict[str, list[float]] = {}
    for result in results:
        for name, value in numbers_of(result.metrics).items() if result.metrics else ():
            columns.setdefault(name, []).append(value)
    return {name: _statistics(values) for name, values in columns.items()}


def _statistics(values: Sequence[float]) -> dict[str, float]:
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    return {"min": min(values), "max": max(values), "mean": mean, "std": deviation}
