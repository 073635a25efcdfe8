"""Imports what reads a kind of report when the first such report comes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["load"]


@cache
def load(target: str) -> Callable[..., Any]:
    """Return a function of this package.

    Args:
        target: `module:function` below `parsers`, such as `power.report:read_power`.
    """
    module, _, name = target.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"{__package__}.parsers.{module}"), name)
    return found
