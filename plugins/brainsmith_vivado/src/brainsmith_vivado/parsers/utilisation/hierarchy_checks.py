"""What has to hold between instances: where it doesn't, figures are wrong or stand at the wrong instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import attrs

from ...figures import Figures, Scope

__all__ = ["Column", "Counts", "Instance", "check_instances"]

#: What an instance uses, a number for each column.
Counts: TypeAlias = "list[int | float | None]"

_LUTS = ("util.lut", "util.lut_logic", "util.lutram", "util.srl")
#: Pins on the border of a reconfigurable partition are counted on both sides.
_BORDER = "util.pploc"
#: LUTs of several instances can be combined into one, so that the sum of the parts is more than the whole.
_SHARED = (*_LUTS, _BORDER)
#: What else is said of an instance; also this would be of another one if its row is at the wrong place.
_SAID = ("instance.module", "instance.pr_attribute")


@attrs.define
class Column:
    """A column of counts.

    Args:
        index: its place. name: the metric. heading: what the report calls it.
    """

    index: int
    name: str
    heading: str


@attrs.define
class Instance:
    """One row.

    Args:
        depth: how many instances stand above it. scope: what it is about. counts: what it uses.
    """

    depth: int
    scope: Scope
    counts: Counts


def check_instances(figures: Figures, columns: Sequence[Column], instances: Sequence[Instance]) -> None:
    """Refute figures that contradict each other.

    Args:
        figures: what was read.
        columns: the columns of counts.
        instances: the rows in their order.
    """
    _check_luts(figures, columns, instances)
    above: list[int] = []
    sums: list[list[float]] = []
    for index, instance in enumerate([*instances, Instance(0, (), [])]):
        while len(above) > instance.depth:
            _check_sum(figures, columns, instances, above.pop(), sums.pop())
        if index == len(instances):
            break
        if above:
            _check_part(figures, columns, instance, instances[above[-1]])
            sums[-1] = [total + (part or 0) for total, part in zip(sums[-1], instance.counts, strict=True)]
        above.append(index)
        sums.append([0.0] * len(columns))


def _check_luts(figures: Figures, columns: Sequence[Column], instances: Sequence[Instance]) -> None:
    """Refute LUTs that aren't the sum of what they are used as; without all their columns nothing can be said."""
    places = {column.name: place for place, column in enumerate(columns)}
    if not all(name in places for name in _LUTS):
        return
    total, *parts = (places[name] for name in _LUTS)
    for instance in instances:
        numbers = [number for number in (instance.counts[place] for place in parts) if number is not None]
        whole = instance.counts[total]
        if whole is not None and len(numbers) == len(parts) and whole != sum(numbers):
            why = f"{_shown(instance)}: Total LUTs isn't Logic LUTs + LUTRAMs + SRLs"
            figures.doubt([(name, instance.scope) for name in _LUTS], why)


def _check_part(figures: Figures, columns: Sequence[Column], instance: Instance, parent: Instance) -> None:
    """Refute figures of an instance that are greater than those of the instance that it is part of."""
    for column, part, whole in zip(columns, instance.counts, parent.counts, strict=True):
        if part is not None and whole is not None and part > whole and column.name != _BORDER:
            why = f"{column.heading}: {_shown(instance)} has {part}, more than the instance above it"
            figures.doubt([(column.name, instance.scope), (column.name, parent.scope)], why)


def _check_sum(
    figures: Figures, columns: Sequence[Column], instances: Sequence[Instance], place: int, sums: Sequence[float]
) -> None:
    """Refute all that stands below an instance if it adds up to more: some of it belongs to a row that is missing."""
    instance = instances[place]
    for column, whole, total in zip(columns, instance.counts, sums, strict=True):
        if whole is None or total <= whole or column.name in _SHARED:
            continue
        below = place + 1
        while below < len(instances) and instances[below].depth > instance.depth:
            names = (*_SAID, *(each.name for each in columns))
            figures.doubt([(name, instances[below].scope) for name in names])
            below += 1
        figures.remark("contradictory", f"{column.heading}: below {_shown(instance)} there are {total:g}, not {whole}")
        return


def _shown(instance: Instance) -> str:
    return instance.scope[-1][1] if instance.scope else "the top"
