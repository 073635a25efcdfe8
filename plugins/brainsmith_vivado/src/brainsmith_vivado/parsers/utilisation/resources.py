"""What rows and columns of utilisation reports are called; the names stand in `resources.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import attrs

__all__ = ["Total", "column_of", "is_known_site", "needs_path", "primitives", "resource_of", "summed_as", "totals"]


@attrs.frozen
class Total:
    """A resource that is the sum of others.

    Args:
        total: the resource. parts: what it is made of. optional: parts that not all families have.
    """

    total: str
    parts: tuple[str, ...] = attrs.field(converter=tuple)
    optional: tuple[str, ...] = attrs.field(default=(), converter=tuple)


@cache
def _data() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("resources.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _rows() -> dict[str, str]:
    return {alias: name for name, aliases in _data()["rows"].items() for alias in aliases}


@cache
def _columns() -> dict[str, str]:
    return {alias: name for name, aliases in _data()["columns"].items() for alias in aliases}


@cache
def _sites() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{name})" for name in _data()["sites"]["names"]))


@cache
def _ambiguous() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{name})" for name in _data()["sites"]["ambiguous"]))


@cache
def _sums() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(pattern) for name, pattern in _data()["sums"].items()}


@lru_cache(maxsize=4096)
def summed_as(row: str) -> tuple[str, ...]:
    """Return the resources that a row is counted in together with others.

    Example:
        >>> summed_as("GTYE4_CHANNEL"), summed_as("SYSMONE4")
        (('gt',), ())
    """
    return tuple(name for name, pattern in _sums().items() if pattern.fullmatch(row))


@cache
def totals() -> tuple[Total, ...]:
    """Return which resources are the sums of which."""
    return tuple(Total(**fields) for fields in _data()["totals"])


@cache
def primitives() -> dict[str, str]:
    """Return resources that may stand only among the primitives, by the primitive's name."""
    return {primitive: name for name, primitive in _data()["primitives"].items()}


@lru_cache(maxsize=4096)
def resource_of(row: str, parent: str = "") -> str | None:
    """Return the resource that a row counts, or None if it has no name of its own.

    Args:
        row: the row's name, without footnotes.
        parent: the name of the row that it is part of.

    Example:
        >>> resource_of("CLB LUTs"), resource_of("BUFGCTRL"), resource_of("BUFGCTRL", "GLOBAL CLOCK BUFFERs")
        ('lut', 'clk.bufg', 'clk.bufgctrl')
    """
    return _rows().get(f"{parent} > {row}") or _rows().get(row)


def column_of(heading: str) -> str | None:
    """Return the resource that a column of a report by hierarchy or kernel counts, or None."""
    return _columns().get(heading)


@lru_cache(maxsize=4096)
def is_known_site(row: str) -> bool:
    """Return whether a row without a name of its own is one that Vivado is known to print."""
    return _sites().fullmatch(row) is not None


@lru_cache(maxsize=4096)
def needs_path(row: str) -> bool:
    """Return whether several rows have this name, so that it takes the names above it to tell them apart."""
    return _ambiguous().fullmatch(row) is not None
