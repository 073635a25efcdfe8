"""Converters of the records' fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["to_tuple"]


# `tuple` itself would do at run time, but mypy can't tell what a generic converter accepts.
def to_tuple(value: Iterable[Any]) -> tuple[Any, ...]:
    """Return the items as a tuple.

    Raises:
        TypeError: for a string: its letters are hardly what was meant.

    Example:
        >>> to_tuple(["a", "b"])
        ('a', 'b')
    """
    if isinstance(value, str):
        text = f"a list is needed, but {value!r} is a string"
        raise TypeError(text)
    return tuple(value)
