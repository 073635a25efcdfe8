"""Which products stay: by their worth first, then by number, age and size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from brainsmith_core.errors import ConfigurationError

from .record import ArtifactRecord

__all__ = ["RetentionPolicy", "reasons_to_stay"]


@attrs.frozen(kw_only=True)
class RetentionPolicy:
    """What stays. Pinned versions and those whose metadata says `baseline: true` always do, whole.

    Of the others the Pareto-optimal ones stay if `pareto` is given, and the newest `last` of each build; what is left
    goes if it is older than `max_age_days`, and then the oldest until all of it has at most `max_bytes`. Without
    either limit nothing goes. What goes is never the metrics or the raw reports.

    Args:
        pareto: figures of `BuildMetrics` with `up` or `down`; simulated and measured builds are compared apart.
        last: so many of the newest versions of each build stay.
        max_age_days: what isn't kept by its worth goes after so many days.
        max_bytes: for all that is stored.
    """

    pareto: Mapping[str, str] = attrs.field(factory=dict)
    last: int = 1
    max_age_days: float | None = None
    max_bytes: int | None = None

    def __attrs_post_init__(self) -> None:
        for name, direction in self.pareto.items():
            if direction not in ("up", "down"):
                text = f"the better direction of {name} must be up or down, but is {direction!r}"
                raise ConfigurationError(text)
        for name in ("last", "max_age_days", "max_bytes"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigurationError(f"{name} must be at least 0, but is {value}")


def reasons_to_stay(records: Sequence[ArtifactRecord], policy: RetentionPolicy) -> dict[tuple[str, int], str]:
    """Return why versions stay whole whatever their age and size, by build and version.

    Args:
        records: all that are stored.
        policy: what has worth.
    """
    reasons: dict[tuple[str, int], str] = {}
    newest: dict[str, int] = {}
    for record in sorted(records, key=lambda each: -each.version):
        newest[record.build_id] = newest.get(record.build_id, 0) + 1
        if newest[record.build_id] <= policy.last:
            reasons[record.build_id, record.version] = f"among the last {policy.last}"
    for record in _front(records, policy.pareto):
        reasons[record.build_id, record.version] = "Pareto-optimal"
    for record in records:
        if record.metadata.get("baseline") is True:
            reasons[record.build_id, record.version] = "baseline"
        if record.pinned:
            reasons[record.build_id, record.version] = "pinned"
    return reasons


def is_too_old(record: ArtifactRecord, policy: RetentionPolicy, now: datetime) -> bool:
    """Return whether a version is older than the policy allows; one from the future isn't."""
    return policy.max_age_days is not None and now - record.stored > timedelta(days=policy.max_age_days)


def _front(records: Sequence[ArtifactRecord], objectives: Mapping[str, str]) -> list[ArtifactRecord]:
    """Return the records that no other of their kind is better than in all objectives; unknown figures don't count."""
    if not objectives:
        return []
    points = [
        (record, [_cost(record.metrics[name], direction) for name, direction in objectives.items()])
        for record in records
        if record.status == "success" and all(name in record.metrics for name in objectives)
    ]
    return [
        record
        for record, costs in points
        if not any(
            other.simulated == record.simulated
            and others != costs
            and all(theirs <= mine for theirs, mine in zip(others, costs, strict=True))
            for other, others in points
        )
    ]


def _cost(value: float, direction: str) -> float:
    return -value if direction == "up" else value
