"""How far a build is that runs now, for those who look from outside."""

from __future__ import annotations

from typing import Any

from brainsmith_core.events import BuildEvent

__all__ = ["LiveBuild"]


class LiveBuild:
    """A build under way.

    Args:
        id: its id in the store.

    Example:
        >>> live = LiveBuild("x")
        >>> live.note(BuildEvent(kind="step_started", build_id="a", data={"step": "hls", "index": 2, "total": 9}))
        >>> live.to_dict()["step"], live.changed
        ('hls', False)
    """

    def __init__(self, id: str) -> None:  # noqa: A002 - the name that it has everywhere
        self.id = id
        #: Everything that happened so far.
        self.events: list[BuildEvent] = []
        #: Whether something happened since `to_dict`.
        self.changed = False
        self._place: dict[str, Any] = {"phase": "", "step": "", "index": None, "total": None}
        self._sample: dict[str, Any] = {}

    def note(self, event: BuildEvent) -> None:
        """Take in an event."""
        self.events.append(event)
        self.changed = True
        data = event.data
        if event.kind == "phase_started":
            self._place = {"phase": str(data.get("phase", "")), "step": "", "index": None, "total": None}
        elif event.kind == "step_started":
            self._place |= {"step": str(data.get("step", "")), "index": data.get("index"), "total": data.get("total")}
        elif event.kind == "sample":
            self._sample = dict(data)

    def to_dict(self) -> dict[str, Any]:
        """Return how far it is, as JSON data."""
        self.changed = False
        return {**self._place, "sample": self._sample}
