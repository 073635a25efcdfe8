"""Real FINN builds: FINN environments, worker, workflow engine, report parsers.

The names below are the public face; each is imported when it is first used, so that `brainsmith --help` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .backend import LegacyFINNBackend
    from .environments import FINNEnvironmentManager
    from .transformations import FINNTransformationRegistry
    from .workflow import FINNPipelineExecutor, FINNWorkflowEngine

_HOME_OF = {
    "LegacyFINNBackend": "backend",
    "FINNEnvironmentManager": "environments",
    "FINNTransformationRegistry": "transformations",
    "FINNPipelineExecutor": "workflow",
    "FINNWorkflowEngine": "workflow",
}

__all__ = [
    "FINNEnvironmentManager",
    "FINNPipelineExecutor",
    "FINNTransformationRegistry",
    "FINNWorkflowEngine",
    "LegacyFINNBackend",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
