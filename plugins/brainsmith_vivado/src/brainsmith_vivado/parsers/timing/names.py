"""What columns and checks of timing reports are called; the names stand in `names.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import attrs

__all__ = ["Slack", "check_name", "scope_keys", "slacks"]


@attrs.frozen
class Slack:
    """The four figures of one kind of slack: worst slack, total violation, failing endpoints, all endpoints.

    Args:
        columns: their headings.
        design: their metrics for the whole design and for a clock.
        pair: their metrics for a pair of clocks, with a place for what kind of pair it is; empty if there are none.
    """

    columns: tuple[str, ...] = attrs.field(converter=tuple)
    design: tuple[str, ...] = attrs.field(converter=tuple)
    pair: tuple[str, ...] = attrs.field(default=(), converter=tuple)


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("names.toml").read_text("utf-8"))


@cache
def slacks() -> tuple[Slack, ...]:
    """Return setup, hold and pulse width."""
    return tuple(Slack(**fields) for fields in _data()["slacks"])


@cache
def scope_keys() -> Mapping[str, str]:
    """Return the scope keys of columns."""
    found: Mapping[str, str] = _data()["scope"]
    return found


def check_name(name: str) -> str:
    """Return the metric of a check.

    Example:
        >>> check_name("unconstrained_internal_endpoints"), check_name("constant clock")
        ('timing.check.unconstrained_endpoints', 'timing.check.constant_clock')
    """
    plain = name.strip().lower().replace(" ", "_")
    return f"timing.check.{_data()['checks'].get(plain, plain)}"
