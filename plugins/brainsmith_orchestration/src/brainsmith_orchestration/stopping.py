"""The flag that stops a build and says why."""

from __future__ import annotations

__all__ = ["StopFlag"]


class StopFlag:
    """Says whether a build shall stop, and why; may be set from any thread and from a signal handler.

    Example:
        >>> flag = StopFlag()
        >>> flag.set("the time is over")
        >>> flag.is_set(), flag.reason
        (True, 'the time is over')
    """

    def __init__(self) -> None:
        self.reason = ""

    def set(self, reason: str) -> None:
        """Ask for a stop; the first reason stays."""
        self.reason = self.reason or reason

    def is_set(self) -> bool:
        """Return whether to stop."""
        return bool(self.reason)
