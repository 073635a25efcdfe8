"""FINN environments: find, install, check and remove them; know what each can do."""

from __future__ import annotations

from .dependencies import FINNDependencyResolver
from .homes import finn_home
from .manager import FINNEnvironmentManager
from .profiles import DEFAULT_VERSION, FINNVersionManager
from .records import (
    ConfigField,
    FINNDescription,
    FINNEnvironment,
    FINNInstallation,
    FINNValidation,
    Step,
    Transformation,
    TransformationParameter,
    Unimportable,
)
from .registry import FINNInstallationRegistry

__all__ = [
    "DEFAULT_VERSION",
    "ConfigField",
    "FINNDependencyResolver",
    "FINNDescription",
    "FINNEnvironment",
    "FINNEnvironmentManager",
    "FINNInstallation",
    "FINNInstallationRegistry",
    "FINNValidation",
    "FINNVersionManager",
    "Step",
    "Transformation",
    "TransformationParameter",
    "Unimportable",
    "finn_home",
]
