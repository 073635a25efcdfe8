"""What happens during a build, as records: for `events.jsonl`, for progress, for observers."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs

from .formats.json_values import JSONValue, checked_json_dict
from .formats.serialization import from_data, to_data

__all__ = ["BuildEvent"]


def _now() -> datetime:
    return datetime.now(UTC)


@attrs.frozen(kw_only=True)
class BuildEvent:
    """Something that happened.

    Args:
        kind: `build_started`, `phase_started`, `phase_finished`, `step_started`, `step_finished`, `sample`,
            `step_progress`, `warning`, `build_finished`, or a plugin's own.
        build_id: the id of the configuration that is built.
        time: UTC.
        data: what belongs to it; `step_*` have `step`, `index` (from 1) and `total`, `*_finished` have `seconds`,
            `step_progress` has `done` `of` how many of `what`.
    """

    kind: str
    build_id: str
    time: datetime = attrs.field(factory=_now)
    data: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)

    def to_dict(self) -> dict[str, JSONValue]:
        """Return plain JSON data that `from_dict` reads back to an equal object."""
        return to_data(self)

    @classmethod
    def from_dict(cls, data: object) -> BuildEvent:
        """Return the event that `data` describes; raises ConfigurationError where it is wrong."""
        return from_data(cls, data)
