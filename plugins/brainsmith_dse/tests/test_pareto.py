from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brainsmith_dse.pareto import pareto_front

Points = list[tuple[float, ...]]


def brute_force(points: Points) -> list[int]:
    def dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
        return all(x <= y for x, y in zip(a, b, strict=True)) and a != b

    return [i for i, point in enumerate(points) if not any(dominates(other, point) for other in points)]


@st.composite
def clouds(draw: st.DrawFn) -> Points:
    """Points of one dimension, close enough together for many ties."""
    dimensions = draw(st.integers(1, 5))
    coordinate = st.integers(-3, 3).map(float) | st.floats(-4, 4)
    return draw(st.lists(st.tuples(*[coordinate] * dimensions), max_size=30))


@given(clouds())
def test_the_front_is_what_a_comparison_of_all_with_all_gives(points: Points) -> None:
    assert pareto_front(points) == brute_force(points)


def test_equal_points_are_all_kept() -> None:
    assert pareto_front([(1.0, 2.0), (1.0, 2.0), (2.0, 2.0)]) == [0, 1]


def test_no_points_have_no_front() -> None:
    assert pareto_front([]) == []


def test_infinite_costs_are_costs_like_others() -> None:
    infinite = float("inf")
    assert pareto_front([(infinite, infinite)]) == [0]
    assert pareto_front([(1.0, infinite), (2.0, infinite), (3.0, 1.0)]) == [0, 2]
