"""What says that something under way shall stop."""

from __future__ import annotations

from typing import Protocol

__all__ = ["StopSignal"]


class StopSignal(Protocol):
    """Says whether the build shall stop; a `threading.Event` is one."""

    def is_set(self) -> bool:
        """Return whether the build shall stop."""
