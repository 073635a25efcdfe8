"""The Pareto front: what no other point beats in everything."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["pareto_front"]

Point = tuple[float, ...]


def pareto_front(costs: Sequence[Sequence[float]]) -> list[int]:
    """Return the indices of the points that no other point dominates, in their order.

    A point dominates another one if it is nowhere worse and somewhere better. Equal points don't dominate each other:
    all of them are kept.

    Args:
        costs: for each point its figures, of which less is better; all of one length.

    Example:
        >>> pareto_front([(1, 5), (2, 2), (3, 3), (2, 2)])
        [0, 1, 3]
    """
    points = [tuple(cost) for cost in costs]
    # In this order a point can only be dominated by one before it.
    order = sorted(set(points))
    best = _front_of_pairs(order) if order and len(order[0]) == 2 else _front(order)
    return [index for index, point in enumerate(points) if point in best]


def _front_of_pairs(order: Sequence[Point]) -> set[Point]:
    """With two figures it's enough to look at the least second figure so far."""
    front: set[Point] = set()
    least = float("inf")
    for point in order:
        if point[1] < least or not front:
            front.add(point)
            least = point[1]
    return front


def _front(order: Sequence[Point]) -> set[Point]:
    front: list[Point] = []
    for point in order:
        if not any(all(a <= b for a, b in zip(other, point, strict=True)) for other in front):
            front.append(point)
    return set(front)
