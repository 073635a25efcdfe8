from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.config import BuildConfig
from brainsmith_core.result import BuildMetrics, BuildResult, BuildStatus, ErrorReport
from brainsmith_dse.aggregate import ResultsAggregator
from brainsmith_dse.metric_names import metric_value
from brainsmith_dse.results import ExplorationResults
from brainsmith_dse.search import Objective, SearchConstraint

FAST_AND_SMALL = (Objective("throughput", "maximize"), Objective("util.lut", "minimize"))


def result(name: str, throughput: float | None = None, lut: Any = None, **changes: Any) -> BuildResult:
    raw = {} if lut is None else {"util.lut": lut}
    simulated = changes.pop("simulated", False)
    metrics = BuildMetrics(
        throughput=throughput, latency=changes.pop("latency", None), raw_metrics=raw, simulated=simulated
    )
    values = {"status": BuildStatus.SUCCESS, "metrics": metrics, "simulated": simulated, **changes}
    return BuildResult(config_id=name, **values)


def results_of(*found: BuildResult, total: int | None = None) -> ExplorationResults:
    results = ExplorationResults(design_space_id="dse", total_combinations=total or len(found))
    for each in found:
        results.add_config(BuildConfig(id=each.config_id, model_path="m", output_dir="o"))
        results.add_result(each)
    return results


def finalized(*found: BuildResult, **settings: Any) -> ExplorationResults:
    results = results_of(*found)
    ResultsAggregator(results, **settings).finalize()
    return results


def front(results: ExplorationResults) -> list[str]:
    return [config.id for config in results.pareto_optimal]


def best(results: ExplorationResults) -> str | None:
    return results.best_config.id if results.best_config else None


def test_the_front_is_sorted_by_the_first_objective_and_the_best_is_its_head() -> None:
    results = finalized(result("a", 10, 5), result("b", 30, 9), result("c", 20, 9), result("d", 20, 7))
    assert front(results) == ["b", "d", "a"]
    assert best(results) == "b"


def test_ties_are_all_on_the_front_and_the_best_is_decided_by_the_other_objectives() -> None:
    results = finalized(result("b", 10, 5), result("a", 10, 5), result("c", 10, 6))
    assert front(results) == ["a", "b"]
    assert best(results) == "a"


def test_one_objective_has_a_front_of_its_best() -> None:
    settings = {"objectives": [Objective("util.lut", "minimize")]}
    results = finalized(result("a", lut=4), result("b", lut=3), result("c", lut=3), **settings)
    assert front(results) == ["b", "c"]


def test_a_figure_that_is_missing_is_never_zero() -> None:
    results = finalized(result("a", 10, 5), result("b", 20), result("c", lut=0), result("d", 0, 9))
    assert front(results) == ["a"]
    assert best(results) == "b"
    assert results.warnings == [
        '1 successful builds have no "util.lut" and can\'t be on the Pareto front',
        '1 successful builds have no "throughput" and can\'t be on the Pareto front',
    ]


def test_zero_is_a_figure() -> None:
    assert front(finalized(result("a", 10, 0), result("b", 10, 1))) == ["a"]


def test_figures_that_are_no_numbers_are_missing() -> None:
    assert metric_value(result("a", lut=True), "util.lut") is None
    assert metric_value(result("a", lut="many"), "util.lut") is None
    assert metric_value(BuildResult(config_id="a"), "util.lut") is None
    assert metric_value(result("a", lut=3), "util.lut") == 3.0


def test_simulated_figures_never_compete_with_measured_ones() -> None:
    results = finalized(result("real", 10, 5), result("made up", 99, 1, simulated=True))
    assert front(results) == ["real"]
    assert best(results) == "real"
    assert results.metrics_summary["throughput"]["max"] == 10
    assert results.warnings == ["1 simulated results don't count beside measured ones"]


def test_simulated_figures_compete_with_each_other() -> None:
    found = [result("a", 10, 5, simulated=True), result("b", 9, 6, simulated=True)]
    assert front(finalized(*found)) == ["a"]


def test_what_doesnt_meet_a_constraint_is_reported_and_doesnt_compete() -> None:
    constraints = [SearchConstraint("util.lut", "<=", 6), SearchConstraint("latency", "<", 100)]
    results = finalized(
        result("a", 10, 5, latency=1.0),
        result("b", 20, 7, latency=1.0),
        result("c", 30, 6),
        result("d", 40, 9, latency=200.0),
        constraints=constraints,
    )
    assert front(results) == ["a"]
    assert results.violations == {
        "b": ["util.lut <= 6 (is 7)"],
        "c": ["latency < 100 (missing)"],
        "d": ["util.lut <= 6 (is 9)", "latency < 100 (is 200)"],
    }


def test_if_nothing_meets_the_constraints_there_is_no_best_one() -> None:
    results = finalized(result("a", 10, 5), constraints=[SearchConstraint("throughput", ">", 10)])
    assert (best(results), front(results)) == (None, [])
    assert results.warnings == ["no successful build meets all constraints: there is no best one"]


def test_failed_builds_never_compete() -> None:
    failed = result("b", 99, 1, status=BuildStatus.FAILED)
    assert front(finalized(result("a", 10, 5), failed)) == ["a"]


def test_no_results_have_no_best_and_no_front() -> None:
    results = finalized()
    assert (best(results), front(results), results.metrics_summary, results.warnings) == (None, [], {}, [])


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=1, max_size=25)
)
def test_the_front_of_any_results_is_what_a_comparison_of_all_with_all_gives(
    points: list[tuple[int, int, int, bool]],
) -> None:
    objectives = [*FAST_AND_SMALL, Objective("latency", "minimize")]
    found = [
        result(str(n), fps, lut, latency=float(latency), status=BuildStatus.SUCCESS if ok else BuildStatus.FAILED)
        for n, (fps, lut, latency, ok) in enumerate(points)
    ]
    costs = {str(n): (-fps, lut, latency) for n, (fps, lut, latency, ok) in enumerate(points) if ok}
    expected = {
        name
        for name, mine in costs.items()
        if not any(all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine for other in costs.values())
    }
    assert set(front(finalized(*found, objectives=objectives))) == expected


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_the_summary_of_a_metric_is_its_statistics(values: list[float]) -> None:
    found = [result(str(n), lut=value) for n, value in enumerate(values)]
    summary = finalized(*found).metrics_summary["util.lut"]
    assert (summary["min"], summary["max"]) == (min(values), max(values))
    assert math.isclose(summary["mean"], statistics.fmean(values), rel_tol=1e-9, abs_tol=1e-6)
    assert math.isclose(summary["std"], statistics.pstdev(values), rel_tol=1e-6, abs_tol=1e-6)


def test_the_summary_leaves_out_what_is_missing_and_what_failed() -> None:
    results = finalized(result("a", 10), result("b"), result("c", 90, status=BuildStatus.TIMEOUT))
    assert results.metrics_summary == {"throughput": {"min": 10.0, "max": 10.0, "mean": 10.0, "std": 0.0}}


def test_the_best_few_of_any_metric_can_be_asked_for() -> None:
    results = results_of(result("a", 10, 5), result("b", 30, 9), result("c", 20))
    aggregator = ResultsAggregator(results, FAST_AND_SMALL)
    assert [config.id for config in aggregator.get_top_n_configs(2, "throughput")] == ["b", "c"]
    assert [config.id for config in aggregator.get_top_n_configs(5, "util.lut")] == ["a", "b"]
    assert [config.id for config in aggregator.get_top_n_configs(1, "util.lut", "maximize")] == ["b"]
    assert aggregator.get_top_n_configs(1, "accuracy") == []
    with pytest.raises(ValueError, match=r"which direction of model\.ops\.mac"):
        aggregator.get_top_n_configs(1, "model.ops.mac")


def test_failures_are_counted_by_category() -> None:
    def failed(name: str, category: str | None) -> BuildResult:
        error = ErrorReport(category=category, message="m") if category else None
        return BuildResult(config_id=name, status=BuildStatus.FAILED, error=error)

    results = results_of(failed("a", "memory"), failed("b", "synthesis"), failed("c", "memory"), failed("d", None))
    assert ResultsAggregator(results).get_failed_summary() == {"memory": 2, "synthesis": 1, "unknown": 1}


def test_counts_add_up_whatever_is_added_twice() -> None:
    results = results_of(
        result("a", 1),
        result("b", status=BuildStatus.FAILED),
        result("c", status=BuildStatus.TIMEOUT),
        result("d", status=BuildStatus.CANCELLED),
        total=10,
    )
    results.add_result(result("a", 2, cached=True))
    results.add_result(result("b", 3))
    results.update_counts()
    assert len(results.evaluations) == 4
    assert (results.success_count, results.failure_count, results.cached_count) == (2, 1, 1)
    assert (results.evaluated_count, results.skipped_count) == (3, 7)
    assert [each.config_id for each in results.get_failed_results()] == ["c"]
    assert [each.config_id for each in results.get_successful_results()] == ["a", "b"]


def test_results_are_found_by_id() -> None:
    results = results_of(result("a", 1))
    config, found = results.get_config("a"), results.get_result("a")
    assert config is not None
    assert found is not None
    assert (config.id, found.config_id) == ("a", "a")
    assert (results.get_config("b"), results.get_result("b")) == (None, None)


def test_results_can_be_given_at_once() -> None:
    results = ExplorationResults(design_space_id="d", total_combinations=3, evaluations=[result("a"), result("a")])
    assert (results.evaluated_count, results.skipped_count) == (1, 2)


def test_the_summary_for_people_says_how_many_and_which() -> None:
    found = [result(f"c{n}", n, n) for n in range(7)]
    results = results_of(*found, result("x", status=BuildStatus.FAILED), result("y", 1, cached=True), total=12)
    ResultsAggregator(results, constraints=[SearchConstraint("util.lut", ">=", 0)]).finalize()
    assert results.get_summary_string().splitlines() == [
        "12 combinations: 8 succeeded, 1 failed, 3 not built, 1 of them finished before, in 0.0 s",
        "best: c6",
        "Pareto front: c6, c5, c4, c3, c2 and 2 more",
        "constraints not met by 1 successful builds",
    ]
    assert "Pareto front: empty" in results_of().get_summary_string()
