"""What has to hold between the powers of instances: the parts of one don't take more than the whole."""

from __future__ import annotations

import attrs

from ...figures import Figures, Scope

__all__ = ["InstanceSums"]

_NAME = "power.instance_w"
#: Each power is rounded to 1 mW.
_HALF = 0.0005


@attrs.define
class _Instance:
    depth: int
    scope: Scope
    watts: float | None


@attrs.define
class InstanceSums:
    """Collects the instances of a table in their order.

    Args:
        figures: what was read.
    """

    figures: Figures
    _instances: list[_Instance] = attrs.field(factory=list)

    def add(self, depth: int, scope: Scope, watts: float | None) -> None:
        """Add an instance.

        Args:
            depth: how many instances stand above it.
            scope: what it is about.
            watts: its power in W; None if the report doesn't give it as a number.
        """
        self._instances.append(_Instance(depth, scope, watts))

    def check(self) -> None:
        """Refute all that stands below an instance if it takes more: some of it belongs to a row that is missing."""
        above: list[tuple[int, float, int]] = []
        for place, each in enumerate([*self._instances, _Instance(0, (), 0.0)]):
            while above and self._instances[above[-1][0]].depth >= each.depth:
                self._check(*above.pop(), end=place)
            if above and self._instances[above[-1][0]].depth == each.depth - 1:
                first, total, count = above[-1]
                above[-1] = (first, total + (each.watts or 0), count + 1)
            above.append((place, 0.0, 0))

    def _check(self, place: int, total: float, count: int, *, end: int) -> None:
        whole = self._instances[place]
        if whole.watts is None or total <= whole.watts + _HALF * (count + 1) + 1e-9:
            return
        self.figures.doubt([(_NAME, each.scope) for each in self._instances[place + 1 : end]])
        name = whole.scope[-1][1] if whole.scope else "the top"
        why = f"below {name} there are {total:g} W, not {whole.watts:g} W"
        self.figures.remark("contradictory", why)
