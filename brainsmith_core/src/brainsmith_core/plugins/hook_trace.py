"""What `brainsmith --trace-hooks` shows: which hook of which plugin ran where, in which order, for how long."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import attrs

__all__ = ["HookCall", "HookTrace"]


@attrs.frozen(kw_only=True)
class HookCall:
    """A call of a plugin's code.

    Args:
        order: its place among all calls of this process, from 1.
        what: the hook's name, or `import`.
        plugin: the plugin's name.
        where: file and line of the code, or its module.
        seconds: how long it took.
        outcome: what it gave, or what it raised.
        thread: the name of the thread that it ran in.
    """

    order: int
    what: str
    plugin: str
    where: str
    seconds: float
    outcome: str
    thread: str

    def __str__(self) -> str:
        return (
            f"hook {self.order:3} {self.what:30} {self.plugin:16} {1000 * self.seconds:9.2f} ms"
            f"  {self.outcome}  [{self.thread}] {self.where}"
        )


class HookTrace:
    """Numbers the calls of plugins' code and hands each to a function.

    Args:
        tell: is given each call; called from the thread that it ran in.
    """

    def __init__(self, tell: Callable[[HookCall], None]) -> None:
        self._tell = tell
        self._numbers = itertools.count(1)

    def add(self, what: str, plugin: str, where: str, seconds: float, outcome: str) -> None:
        """Record a call; see `HookCall`."""
        call = HookCall(
            order=next(self._numbers),
            what=what,
            plugin=plugin,
            where=where,
            seconds=seconds,
            outcome=outcome,
            thread=threading.current_thread().name,
        )
        self._tell(call)
