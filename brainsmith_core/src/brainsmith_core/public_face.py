"""A package's public names, each imported when it is first used, so that `brainsmith --help` stays quick."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(package: str, home_of: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the module-level `__getattr__` of a package.

    Args:
        package: the package's `__name__`.
        home_of: the module of the package that defines each public name.

    Example:
        >>> find = lazy_names("brainsmith_core", {"Metric": "metric"})
        >>> find("Metric").__name__
        'Metric'
    """

    def find(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f".{home_of[name]}", package), name)

    return find
