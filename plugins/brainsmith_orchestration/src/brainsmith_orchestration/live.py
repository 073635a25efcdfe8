"""How far a build is that runs now, for those who look from outside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from brainsmith_core.events import BuildEvent

from .store.recording import clean

__all__ = ["LiveBuild"]

_TAIL_BYTES = 2000
_LONGEST_LINE = 200


class LiveBuild:
    """A build under way.

    Args:
        id: its id in the store.
        folder: where it is built, or None.

    Example:
        >>> live = LiveBuild("x")
        >>> live.note(BuildEvent(kind="step_started", build_id="a", data={"step": "hls", "index": 2, "total": 9}))
        >>> live.to_dict()["step"], live.changed
        ('hls', False)
    """

    def __init__(self, id: str, folder: Path | None = None) -> None:  # noqa: A002 - the name that it has everywhere
        self.id = id
        self.folder = folder
        #: Everything that happened so far.
        self.events: list[BuildEvent] = []
        #: Whether something happened since `to_dict`.
        self.changed = False
        self._place: dict[str, Any] = {"phase": "", "step": "", "index": None, "total": None}
        self._sample: dict[str, Any] = {}
        #: The last line of the build's log.
        self.last_line = ""

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

    def look(self, log: Path) -> None:
        """Take in what the log of the build says last.

        Args:
            log: the build's log.
        """
        try:
            with log.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - _TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").split("\n")
        except OSError:  # there is none yet
            return
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if last != self.last_line:
            self.last_line, self.changed = clean(last[:_LONGEST_LINE]), True

    def to_dict(self) -> dict[str, Any]:
        """Return how far it is, as JSON data."""
        self.changed = False
        return {**self._place, "sample": self._sample, "line": self.last_line}
