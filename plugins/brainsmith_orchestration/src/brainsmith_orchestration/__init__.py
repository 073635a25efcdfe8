"""Many builds: what runs when, what needn't run again, and how all of it is stopped.

The names below are the public face; each is imported when it is first used, so that `brainsmith --help` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsmith_core.public_face import lazy_names

if TYPE_CHECKING:
    from .artifacts.manager import BuildArtifactManager
    from .artifacts.retention import RetentionPolicy
    from .build_queue import IntelligentBuildQueue
    from .controller import Controller
    from .local import LocalExecutor
    from .multi_target.comparison import CrossPlatformComparison
    from .multi_target.manager import MultiTargetBuildManager
    from .multi_target.platforms import FPGAPlatform, FPGAPlatformRegistry
    from .orchestrator import FINNBuildOrchestrator
    from .scheduling.request import BuildRequest

_HOME_OF = {
    "BuildArtifactManager": "artifacts.manager",
    "RetentionPolicy": "artifacts.retention",
    "BuildRequest": "scheduling.request",
    "IntelligentBuildQueue": "build_queue",
    "Controller": "controller",
    "CrossPlatformComparison": "multi_target.comparison",
    "FPGAPlatform": "multi_target.platforms",
    "FPGAPlatformRegistry": "multi_target.platforms",
    "LocalExecutor": "local",
    "FINNBuildOrchestrator": "orchestrator",
    "MultiTargetBuildManager": "multi_target.manager",
}

__all__ = [
    "BuildArtifactManager",
    "BuildRequest",
    "Controller",
    "CrossPlatformComparison",
    "FINNBuildOrchestrator",
    "FPGAPlatform",
    "FPGAPlatformRegistry",
    "IntelligentBuildQueue",
    "LocalExecutor",
    "MultiTargetBuildManager",
    "RetentionPolicy",
]

__getattr__ = lazy_names(__name__, _HOME_OF)
