"""The simulated FINN-Brainsmith backend: it marshals a whole build and simulates what would come of it.

The names below are the public face; each is imported when it is first used, so that `brainsmith --help` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsmith_core.public_face import lazy_names

if TYPE_CHECKING:
    from .backend import FutureBrainsmithBackend

_HOME_OF = {
    "FutureBrainsmithBackend": "backend",
}

__all__ = [
    "FutureBrainsmithBackend",
]

__getattr__ = lazy_names(__name__, _HOME_OF)
