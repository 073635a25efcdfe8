"""What progress displays show: counts, what runs and how far it is, what is to come."""

from __future__ import annotations

import time
from typing import Any

import attrs

from brainsmith_core.events import BuildEvent
from brainsmith_core.result import BuildResult, BuildStatus

__all__ = ["ProgressState", "RunningBuild"]


@attrs.define
class RunningBuild:
    """A build under way.

    Args:
        phase: the part of the build that runs, or "".
        step: the step that runs, or "".
        index: its number from 1, or None.
        total: the number of steps, or None.
        started: by `time.monotonic`.
    """

    phase: str = ""
    step: str = ""
    index: int | None = None
    total: int | None = None
    started: float = attrs.field(factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since it started."""
        return time.monotonic() - self.started

    def note(self, event: BuildEvent) -> None:
        """Take in an event of this build."""
        data: dict[str, Any] = event.data
        if event.kind == "phase_started":
            self.phase, self.step, self.index, self.total = str(data.get("phase", "")), "", None, None
        elif event.kind == "step_started":
            self.step, self.index, self.total = str(data.get("step", "")), data.get("index"), data.get("total")

    def describe(self) -> str:
        """Return what it is doing.

        Example:
            >>> RunningBuild(phase="backend", step="step_hls", index=3, total=9).describe()
            'step_hls (3/9)'
        """
        place = f" ({self.index}/{self.total})" if self.index and self.total else ""
        return f"{self.step}{place}" if self.step else self.phase


@attrs.define
class ProgressState:
    """Counts of a run.

    Args:
        total: how many results there will be, or None if that isn't known.
        started: by `time.monotonic`.
    """

    total: int | None = None
    started: float = attrs.field(factory=time.monotonic)
    running: dict[str, RunningBuild] = attrs.field(factory=dict)
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0
    cached: int = 0
    stopping: str = ""
    draining: bool = False

    @property
    def done(self) -> int:
        """How many results there are."""
        return self.succeeded + self.failed + self.skipped + self.cancelled

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the pace so far of what was really built; None where nothing can be said."""
        built = self.succeeded + self.failed - self.cached
        if self.total is None or built <= 0 or self.stopping:
            return None
        return self.elapsed / built * max(0, self.total - self.done)

    def note(self, event: BuildEvent) -> None:
        """Take in an event."""
        if event.kind in ("run_stopping", "run_draining"):
            self.draining = event.kind == "run_draining"
            self.stopping = str(event.data.get("reason", ""))
        elif event.kind == "build_finished":
            self.running.pop(event.build_id, None)
        elif event.kind in ("build_started", "phase_started"):
            self.running.setdefault(event.build_id, RunningBuild()).note(event)
        elif event.build_id in self.running:
            self.running[event.build_id].note(event)

    def finish(self, result: BuildResult) -> None:
        """Take in a result."""
        self.running.pop(result.config_id, None)
        self.cached += result.cached
        if result.succeeded:
            self.succeeded += 1
        elif result.status is BuildStatus.SKIPPED:
            self.skipped += 1
        elif result.status is BuildStatus.CANCELLED:
            self.cancelled += 1
        else:
            self.failed += 1

    def counts(self) -> str:
        """Return the counts for people; those that are 0 are left out, but for the successes.

        Example:
            >>> ProgressState(total=9, succeeded=4, failed=1, cached=2).counts()
            '5/9 done: 4 succeeded, 1 failed (2 of them cached)'
        """
        of_total = "" if self.total is None else f"/{self.total}"
        named = {"failed": self.failed, "skipped": self.skipped, "cancelled": self.cancelled}
        others = "".join(f", {count} {name}" for name, count in named.items() if count)
        cached = f" ({self.cached} of them cached)" if self.cached else ""
        return f"{self.done}{of_total} done: {self.succeeded} succeeded{others}{cached}"
