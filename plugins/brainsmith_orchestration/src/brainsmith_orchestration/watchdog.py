"""Find builds that hang: no event, no growth of the log, or one step that takes too long."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.events import BuildEvent

__all__ = ["Watchdog"]


@attrs.define
class _Watched:
    log: Path
    moved: float
    size: int = 0
    step: str = ""
    step_began: float = 0.0


class Watchdog:
    """Looks after running builds.

    Args:
        no_progress_minutes: a build that gave no event and whose log didn't grow for so long hangs; None for no limit.
        step_minutes: no step may take longer; None for no limit.
        clock: gives seconds; it never goes back.

    Raises:
        ConfigurationError: for a limit that can't be.

    Example:
        >>> now = 0.0
        >>> dog = Watchdog(5, clock=lambda: now)
        >>> dog.begin(BuildConfig(id="a", model_path="m", output_dir="/nowhere"))
        >>> now = 301.0
        >>> dog.hanging()
        {'a': 'no progress for 5 min: no event, and the log did not grow'}
    """

    def __init__(
        self,
        no_progress_minutes: float | None = None,
        step_minutes: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, value in (("no_progress_minutes", no_progress_minutes), ("step_minutes", step_minutes)):
            if value is not None and value <= 0:
                raise ConfigurationError(f"{name} must be greater than 0, but is {value}")
        self._silence, self._step, self._clock = no_progress_minutes, step_minutes, clock
        self._watched: dict[str, _Watched] = {}

    @property
    def needed(self) -> bool:
        """Whether there is any limit."""
        return self._silence is not None or self._step is not None

    def begin(self, config: BuildConfig) -> None:
        """Look after a build from now on."""
        now = self._clock()
        self._watched[config.id] = _Watched(Path(config.output_dir) / "build.log", now)

    def note(self, event: BuildEvent) -> None:
        """Take in an event; a resource sample isn't progress."""
        watched = self._watched.get(event.build_id)
        if watched is None or event.kind == "sample":
            return
        watched.moved = self._clock()
        if event.kind == "step_started":
            watched.step, watched.step_began = str(event.data.get("step", "")), watched.moved
        elif event.kind in ("step_finished", "phase_started", "phase_finished"):
            watched.step = ""

    def end(self, name: str) -> None:
        """Look after a build no longer."""
        self._watched.pop(name, None)

    def hanging(self) -> dict[str, str]:
        """Return the builds that hang, each with the reason."""
        found = ((name, self._fault(watched)) for name, watched in list(self._watched.items()))
        return {name: fault for name, fault in found if fault}

    def _fault(self, watched: _Watched) -> str:
        now = self._clock()
        try:
            size = watched.log.stat().st_size
        except OSError:  # there is none yet
            size = 0
        if size != watched.size:
            watched.size, watched.moved = size, now
        if self._silence is not None and now - watched.moved >= 60 * self._silence:
            return f"no progress for {self._silence:g} min: no event, and the log did not grow"
        if self._step is not None and watched.step and now - watched.step_began >= 60 * self._step:
            return f"the step {watched.step} took longer than {self._step:g} min"
        return ""
