"""How a hook or an argument of a hook goes: first its plugins are told, in a later API it is gone.

The policy stands in `docs/reference/plugin-api.md`.
"""

from __future__ import annotations

__all__ = ["HookDeprecationWarning", "deprecated"]


class HookDeprecationWarning(DeprecationWarning):
    """A plugin implements a hook, or takes an argument, that a later plugin API won't have.

    Args:
        text: what, until when, and what to use instead.
        removed_in: the plugin API that won't have it any more.
    """

    def __init__(self, text: str, removed_in: int) -> None:
        super().__init__(text)
        self.removed_in = removed_in


def deprecated(what: str, *, since: int, removed_in: int, instead: str) -> HookDeprecationWarning:
    """Return the warning for `hookspec(warn_on_impl=...)` or `hookspec(warn_on_impl_args={name: ...})`.

    Args:
        what: the hook or argument.
        since: the plugin API in which it is still there, but shouldn't be used.
        removed_in: the plugin API that won't have it any more; later than `since`.
        instead: what to use.

    Example:
        >>> print(deprecated("brainsmith_old", since=1, removed_in=2, instead="brainsmith_new"))
        brainsmith_old is deprecated since plugin API 1 and gone in API 2; use brainsmith_new
    """
    if removed_in <= since:
        raise ValueError(f"{what}: a plugin API is between its deprecation and its end")
    text = f"{what} is deprecated since plugin API {since} and gone in API {removed_in}; use {instead}"
    return HookDeprecationWarning(text, removed_in)
