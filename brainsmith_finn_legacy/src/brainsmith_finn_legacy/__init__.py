"""Real FINN builds: FINN environments, worker, workflow engine, report parsers.

The names below are the public face; each is imported when it is first used, so that `brainsmith --help` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsmith_core.public_face import lazy_names

if TYPE_CHECKING:
    from .analysis.performance import AdvancedPerformanceMetrics
    from .analysis.tracker import ResourceUtilizationTracker
    from .backend import LegacyFINNBackend
    from .environments import FINNEnvironmentManager
    from .transformations import FINNTransformationRegistry
    from .workflow import FINNPipelineExecutor, FINNWorkflowEngine

_HOME_OF = {
    "AdvancedPerformanceMetrics": "analysis.performance",
    "LegacyFINNBackend": "backend",
    "FINNEnvironmentManager": "environments",
    "FINNTransformationRegistry": "transformations",
    "FINNPipelineExecutor": "workflow",
    "FINNWorkflowEngine": "workflow",
    "ResourceUtilizationTracker": "analysis.tracker",
}

__all__ = [
    "AdvancedPerformanceMetrics",
    "FINNEnvironmentManager",
    "FINNPipelineExecutor",
    "FINNTransformationRegistry",
    "FINNWorkflowEngine",
    "LegacyFINNBackend",
    "ResourceUtilizationTracker",
]

__getattr__ = lazy_names(__name__, _HOME_OF)
