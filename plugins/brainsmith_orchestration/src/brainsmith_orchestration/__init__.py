"""Many builds: what runs when, what needn't run again, and how all of it is stopped.

The names below are the public face; each is imported when it is first used, so that `brainsmith --help` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
