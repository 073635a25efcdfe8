"""Design-space exploration: a blueprint says what to try, `explore` builds it and says what is worth having.

The names below are the public face; each is imported when it is first used, so that `brainsmith --help` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsmith_core.public_face import lazy_names

if TYPE_CHECKING:
    from .aggregate import ResultsAggregator
    from .combinations import CombinationGenerator
    from .explorer import explore
    from .forge_api import DesignSpaceValidator, ValidationResult, forge
    from .hooks import CachingHook, ExplorationHook, LoggingHook
    from .pareto import pareto_front
    from .results import ExplorationResults
    from .search import Objective, SearchConfig, SearchConstraint, SearchStrategy
    from .space import DesignSpace, HWCompilerSpace, ProcessingSpace
    from .targets import Target

_HOMES = {
    "aggregate": ("ResultsAggregator",),
    "combinations": ("CombinationGenerator",),
    "explorer": ("explore",),
    "forge_api": ("DesignSpaceValidator", "ValidationResult", "forge"),
    "hooks": ("CachingHook", "ExplorationHook", "LoggingHook"),
    "pareto": ("pareto_front",),
    "results": ("ExplorationResults",),
    "search": ("Objective", "SearchConfig", "SearchConstraint", "SearchStrategy"),
    "space": ("DesignSpace", "HWCompilerSpace", "ProcessingSpace"),
    "targets": ("Target",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CachingHook",
    "CombinationGenerator",
    "DesignSpace",
    "DesignSpaceValidator",
    "ExplorationHook",
    "ExplorationResults",
    "HWCompilerSpace",
    "LoggingHook",
    "Objective",
    "ProcessingSpace",
    "ResultsAggregator",
    "SearchConfig",
    "SearchConstraint",
    "SearchStrategy",
    "Target",
    "ValidationResult",
    "explore",
    "forge",
    "pareto_front",
]

__getattr__ = lazy_names(__name__, _HOME_OF)
