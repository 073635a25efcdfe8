"""Many builds: what runs when, what needn't run again, and how all of it is stopped.

The names below are the public face; each is imported when it is first used, so that `brainsmith --help` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsmith_core.public_face import lazy_names

if TYPE_CHECKING:
    from .controller import Controller
    from .local import LocalExecutor
    from .orchestrator import FINNBuildOrchestrator

_HOME_OF = {
    "Controller": "controller",
    "LocalExecutor": "local",
    "FINNBuildOrchestrator": "orchestrator",
}

__all__ = [
    "Controller",
    "FINNBuildOrchestrator",
    "LocalExecutor",
]

__getattr__ = lazy_names(__name__, _HOME_OF)
