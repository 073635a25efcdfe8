"""A build in the queue, and the states that it goes through."""

from __future__ import annotations

from typing import Final

import attrs

from .request import BuildRequest

__all__ = ["ENDED", "Job"]

#: States that a job doesn't leave by itself; the others are `waiting` and `running`.
ENDED: Final = ("succeeded", "failed", "skipped", "cancelled")


@attrs.define(kw_only=True, eq=False)
class Job:
    """A build in the queue.

    Args:
        id: its build's id in the store.
        request: what it is.
        priority: one of `PRIORITIES`.
        rank: the number of the priority.
        arrival: its place among all that ever came.
        enqueued: when it came, by a clock that doesn't go back.
        expected: how long it will take, in s.
        state: `waiting`, `running`, or what became of it.
        reason: why it is in that state, where that needs one.
        not_before: it doesn't start before then.
        retries: how often it was tried again, by class of failure.
        parents: the jobs that it waits for.
        level: jobs of a lower one start first; see `order`.
    """

    id: str
    request: BuildRequest
    priority: str = "normal"
    rank: int = 2
    arrival: int = 0
    enqueued: float = 0.0
    expected: float = 0.0
    state: str = "waiting"
    reason: str = ""
    not_before: float = 0.0
    retries: dict[str, int] = attrs.field(factory=dict)
    parents: tuple[str, ...] = ()
    level: int = 0

    @property
    def name(self) -> str:
        """The id of its configuration."""
        return self.request.config.id

    @property
    def exploration(self) -> str:
        """The design space that it is part of, or ""."""
        return self.request.config.design_space_id
