"""An installed plugin: the one state that it is in, why, and what mends it."""

from __future__ import annotations

import enum
from typing import Generic, TypeVar

import attrs

__all__ = ["Hook", "Offer", "Plugin", "PluginFault", "PluginState"]

R = TypeVar("R")


class PluginState(enum.Enum):
    """The one state that a plugin is in."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    INCOMPATIBLE = "incompatible"
    FAILED = "failed"
    SHADOWED = "shadowed"
    UNKNOWN_HOOK = "unknown-hook"


class PluginFault(Exception):  # noqa: N818 - it is the plugin's fault, and the plugin's state, not an error of ours
    """Why a plugin can't take part.

    Args:
        state: the state that it gets.
        reason: why, in one line.
        fix: the command or action that mends it, in one line.
    """

    def __init__(self, state: PluginState, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.state, self.reason, self.fix = state, reason, fix


@attrs.frozen(kw_only=True)
class Hook:
    """A hook that a plugin implements.

    Args:
        name: the hook's name.
        where: file and line of the implementation.
    """

    name: str
    where: str


@attrs.define(kw_only=True)
class Plugin:
    """An installed plugin, whatever its state.

    Args:
        name: the entry point's name.
        target: the entry point's value.
        distribution: the distribution that brings it.
        version: that distribution's version.
        location: the folder that its module lies in or, before its import, the one with its metadata.
        requires: what its distribution requires.
        state: whether it takes part.
        reason: why it doesn't.
        fix: the command or action that mends it.
        import_seconds: how long its import took.
        hooks: the hooks that it implements.
        provides: names of what it offers, by hook.
        notes: what its user should know although it is active.
        broken: reason and fix of each part that couldn't be imported when it was last needed.
        output: what it printed while it was imported or asked.
        traceback: of the fault, or "".
    """

    name: str
    target: str
    distribution: str
    version: str
    location: str = ""
    requires: tuple[str, ...] = ()
    state: PluginState = PluginState.ACTIVE
    reason: str = ""
    fix: str = ""
    import_seconds: float = 0.0
    hooks: tuple[Hook, ...] = ()
    provides: dict[str, list[str]] = attrs.field(factory=dict)
    notes: list[str] = attrs.field(factory=list)
    broken: list[tuple[str, str]] = attrs.field(factory=list)
    output: str = ""
    traceback: str = ""

    @property
    def is_active(self) -> bool:
        """Whether it takes part."""
        return self.state is PluginState.ACTIVE

    @property
    def label(self) -> str:
        """Its name with its distribution and version, for messages."""
        return f"{self.name} ({' '.join(filter(None, (self.distribution, self.version)))})"

    def put_aside(self, state: PluginState, reason: str, fix: str) -> None:
        """Give the plugin a state in which it takes no part."""
        self.state, self.reason, self.fix = state, reason, fix

    def note(self, text: str) -> None:
        """Add something that its user should know, once."""
        if text not in self.notes:
            self.notes.append(text)


@attrs.frozen
class Offer(Generic[R]):
    """A record together with the plugin that offers it."""

    record: R
    plugin: Plugin
