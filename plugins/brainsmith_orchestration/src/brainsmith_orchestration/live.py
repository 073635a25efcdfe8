"""How far a build is that runs now, for those who look from outside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from brainsmith_core.events import BuildEvent

from .store.recording import clean

__all__ = ["LiveBuild", "read_last_line"]

_TAIL_BYTES = 2000
_LONGEST_LINE = 200
#: Of a long build every second sample is let go whenever there are so many.
_MOST_SAMPLES = 1000


def read_last_line(log: Path) -> str:
    """Return the last line of a log that isn't empty, cut where it is long; "" if there is none.

    Args:
        log: the log.
    """
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:  # there is none yet
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return clean(last[:_LONGEST_LINE])


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
        #: Everything that happened so far, but for some of the samples of a long build.
        self.events: list[BuildEvent] = []
        #: Whether something happened since `to_dict`.
        self.changed = False
        self._place: dict[str, Any] = {"phase": "", "step": "", "index": None, "total": None}
        self._sample: dict[str, Any] = {}
        self._samples = 0
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
            self._samples += 1
            if self._samples >= _MOST_SAMPLES:
                self._thin()

    def look(self, log: Path) -> None:
        """Take in what the log of the build says last.

        Args:
            log: the build's log.
        """
        last = read_last_line(log)
        if last and last != self.last_line:
            self.last_line, self.changed = last, True

    def to_dict(self) -> dict[str, Any]:
        """Return how far it is, as JSON data."""
        self.changed = False
        return {**self._place, "sample": self._sample, "line": self.last_line}

    def _thin(self) -> None:
        samples = [event for event in self.events if event.kind == "sample"]
        gone = {id(event) for event in samples[::2]}
        self.events = [event for event in self.events if id(event) not in gone]
        self._samples = len(samples) - len(gone)
