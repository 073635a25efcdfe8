"""An installed plugin: the one state that it is in, why, and what mends it."""

from __future__ import annotations

import enum
from typing import Generic, TypeVar

import attrs

__all__ = ["Offer", "Plugin", "PluginState"]

R = TypeVar("R")


class PluginState(enum.Enum):
    """The one state that a plugin is in."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    INCOMPATIBLE = "incompatible"
    FAILED = "failed"
    SHADOWED = "shadowed"
    UNKNOWN_HOOK = "unknown-hook"


@attrs.define(kw_only=True)
class Plugin:
    """An installed plugin, whatever its state.

    Args:
        name: the entry point's name.
        target: the entry point's value.
        distribution: the distribution that brings it.
        version: that distribution's version.
        state: whether it takes part.
        reason: why it doesn't.
        fix: the command or action that mends it.
        import_seconds: how long its import took.
        provides: names of what it offers, by hook.
        traceback: of the fault, or "".
    """

    name: str
    target: str
    distribution: str
    version: str
    state: PluginState = PluginState.ACTIVE
    reason: str = ""
    fix: str = ""
    import_seconds: float = 0.0
    provides: dict[str, list[str]] = attrs.field(factory=dict)
    traceback: str = ""

    def put_aside(self, state: PluginState, reason: str, fix: str) -> None:
        """Give the plugin a state in which it takes no part."""
        self.state, self.reason, self.fix = state, reason, fix


@attrs.frozen
class Offer(Generic[R]):
    """A record together with the plugin that offers it."""

    record: R
    plugin: Plugin
