"""Write a new plugin package: `brainsmith plugins new NAME --kind KIND`."""

from __future__ import annotations

from .generate import KINDS, create_package

__all__ = ["KINDS", "create_package"]
