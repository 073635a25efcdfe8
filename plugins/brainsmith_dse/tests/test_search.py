from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.errors import ConfigurationError
from brainsmith_dse.search import (
    Objective,
    SearchConfig,
    SearchConstraint,
    SearchStrategy,
    direction_named,
    selected_indices,
    strategy_named,
)


def drawn(total: int, count: int | None, seed: int = 0) -> list[int]:
    search = SearchConfig(strategy=SearchStrategy.RANDOM, max_evaluations=count, seed=seed)
    return list(selected_indices(search, total))


@given(total=st.integers(1, 300), seed=st.integers(0, 5))
def test_a_random_search_of_everything_is_an_order_of_everything(total: int, seed: int) -> None:
    assert sorted(drawn(total, None, seed)) == list(range(total))


@given(total=st.integers(1, 10**40), count=st.integers(1, 50), seed=st.integers(0, 5))
def test_a_random_search_never_draws_twice_and_goes_on_in_the_same_order(total: int, count: int, seed: int) -> None:
    indices = drawn(total, count, seed)
    assert len(set(indices)) == len(indices) == min(count, total)
    assert all(0 <= index < total for index in indices)
    assert drawn(total, count + 7, seed)[: len(indices)] == indices


def test_another_seed_gives_another_order() -> None:
    assert drawn(1000, 20, 1) != drawn(1000, 20, 2)


def test_a_random_order_is_about_even() -> None:
    counts = [0] * 4
    for seed in range(400):
        counts[drawn(4, 1, seed)[0]] += 1
    assert min(counts) > 60


def test_an_exhaustive_search_lists_nothing() -> None:
    assert selected_indices(SearchConfig(), 10**15) == range(10**15)
    assert selected_indices(SearchConfig(max_evaluations=3), 10) == range(3)


@pytest.mark.parametrize(
    ("operator", "value", "met"),
    [("<=", 1, True), ("<=", 2, False), (">=", 1, True), ("==", 1, True), ("<", 1, False), (">", 2, True)],
)
def test_constraints_compare(operator: str, value: float, met: bool) -> None:
    assert SearchConstraint("latency", operator, 1).evaluate(value) is met


def test_a_figure_that_is_missing_meets_no_constraint() -> None:
    assert not SearchConstraint("latency", "<=", 1e9).evaluate(None)
    assert not SearchConstraint("latency", ">=", 0).evaluate(None)


def test_wrong_names_are_refused_with_what_is_known() -> None:
    with pytest.raises(ConfigurationError, match='"=<" is no operator'):
        SearchConstraint("latency", "=<", 1)
    with pytest.raises(ConfigurationError, match='"up" is no direction'):
        Objective("latency", "up")  # type: ignore[arg-type]  # the fault under test
    with pytest.raises(ConfigurationError, match='no search strategy "rnadom"') as caught:
        strategy_named("rnadom")
    assert caught.value.hint == 'did you mean "random"?'
    assert direction_named("minimize") == "minimize"


@pytest.mark.parametrize("name", ["max_evaluations", "timeout_minutes", "parallel_builds"])
def test_budgets_must_be_greater_than_nothing(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be greater than 0"):
        SearchConfig(**{name: 0})  # type: ignore[arg-type]  # a name at a time


def test_objectives_name_each_metric_once() -> None:
    with pytest.raises(ConfigurationError, match='"latency" is given twice'):
        SearchConfig(objectives=[Objective("latency", "minimize"), Objective("latency", "maximize")])
    with pytest.raises(ConfigurationError, match="an empty list"):
        SearchConfig(objectives=[])
