"""What an exploration found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.result import BuildResult, BuildStatus

__all__ = ["ExplorationResults"]

_FAILURES = (BuildStatus.FAILED, BuildStatus.TIMEOUT)


def _now() -> datetime:
    return datetime.now(UTC)


@attrs.define(kw_only=True)
class ExplorationResults:
    """What an exploration found; complete once `explore` has returned it.

    Always `total_combinations == evaluated_count + skipped_count` and
    `evaluated_count == success_count + failure_count`.

    Args:
        design_space_id: the design space that was explored.
        total_combinations: its size.
        output_dir: the exploration's folder.
        run_id: names the exploration; the same as long as it goes on in its folder.
        start_time: UTC.
        end_time: UTC; None while it runs.
        seconds: how long this run took, by a clock that never jumps.
        evaluations: one result for each configuration that was built, now or before.
        evaluated_count: builds that came to an end by themselves.
        success_count: those that gave what was asked for.
        failure_count: those that didn't.
        skipped_count: combinations that weren't built: not selected, or stopped by a budget.
        cached_count: those of the evaluated ones that were finished before.
        best_config: the best configuration by the first objective, or None.
        pareto_optimal: configurations that no other one beats in all objectives, best first by the first one.
        metrics_summary: for each metric its `min`, `max`, `mean` and `std` (of the population) over the successes.
        violations: for each successful configuration that isn't eligible the constraints that it doesn't meet.
        warnings: what the user should know.
    """

    design_space_id: str
    total_combinations: int = 0
    output_dir: str = ""
    run_id: str = ""
    start_time: datetime = attrs.field(factory=_now)
    end_time: datetime | None = None
    seconds: float = 0.0
    evaluations: list[BuildResult] = attrs.field(factory=list)
    evaluated_count: int = 0
    success_count: int = 0
    failure_count: int = 0
    skipped_count: int = 0
    cached_count: int = 0
    best_config: BuildConfig | None = None
    pareto_optimal: list[BuildConfig] = attrs.field(factory=list)
    metrics_summary: dict[str, dict[str, float]] = attrs.field(factory=dict)
    violations: dict[str, list[str]] = attrs.field(factory=dict)
    warnings: list[str] = attrs.field(factory=list)
    _configs: dict[str, BuildConfig] = attrs.field(factory=dict, init=False, repr=False)
    _places: dict[str, int] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        given, self.evaluations = self.evaluations, []
        for result in given:
            self.add_result(result)
        self.update_counts()

    def add_config(self, config: BuildConfig) -> None:
        """Keep a configuration, so that `get_config` finds it."""
        self._configs[config.id] = config

    def add_result(self, result: BuildResult) -> None:
        """Keep a result; it takes the place of an earlier one of the same configuration."""
        place = self._places.setdefault(result.config_id, len(self.evaluations))
        self.evaluations[place : place + 1] = [result]

    def get_config(self, config_id: str) -> BuildConfig | None:
        """Return the configuration with that id, or None."""
        return self._configs.get(config_id)

    def get_result(self, config_id: str) -> BuildResult | None:
        """Return the result of the configuration with that id, or None."""
        place = self._places.get(config_id)
        return None if place is None else self.evaluations[place]

    def get_successful_results(self) -> list[BuildResult]:
        """Return the results of the builds that gave what was asked for."""
        return [result for result in self.evaluations if result.succeeded]

    def get_failed_results(self) -> list[BuildResult]:
        """Return the results of the builds that failed or took too long."""
        return [result for result in self.evaluations if result.status in _FAILURES]

    def sort_by_index(self) -> None:
        """Put the results into the order of the design space, whatever the order in which builds came to an end."""
        ranks = {config_id: config.combination_index for config_id, config in self._configs.items()}
        self.evaluations.sort(key=lambda result: ranks.get(result.config_id, len(ranks)))
        self._places = {result.config_id: place for place, result in enumerate(self.evaluations)}

    def update_counts(self) -> None:
        """Count the results anew."""
        self.success_count = len(self.get_successful_results())
        self.failure_count = len(self.get_failed_results())
        self.evaluated_count = self.success_count + self.failure_count
        self.skipped_count = max(0, self.total_combinations - self.evaluated_count)
        counted = (BuildStatus.SUCCESS, *_FAILURES)
        self.cached_count = sum(result.cached and result.status in counted for result in self.evaluations)

    def get_summary_string(self) -> str:
        """Return a few lines for people."""
        counts = {
            "succeeded": self.success_count,
            "failed": self.failure_count,
            "not built": self.skipped_count,
        }
        shown = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count or what == "succeeded")
        cached = f", {self.cached_count:,} of them finished before" if self.cached_count else ""
        lines = [f"{self.total_combinations:,} combinations: {shown}{cached}, in {self.seconds:.1f} s"]
        if self.best_config is not None:
            lines.append(f"best: {self.best_config.id}")
        lines.append(f"Pareto front: {_listed(config.id for config in self.pareto_optimal) or 'empty'}")
        if self.violations:
            lines.append(f"constraints not met by {len(self.violations):,} successful builds")
        return "\n".join(lines)


def _listed(ids: Iterable[str], most: int = 5) -> str:
    found = list(ids)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
