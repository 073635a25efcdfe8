"""The simulated FINN-Brainsmith backend: it marshals a whole build and simulates what would come of it.

The names below are the public face; each is imported when it is first used, so that `brainsmith --help` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .backend import FutureBrainsmithBackend

_HOME_OF = {
    "FutureBrainsmithBackend": "backend",
}

__all__ = [
    "FutureBrainsmithBackend",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
