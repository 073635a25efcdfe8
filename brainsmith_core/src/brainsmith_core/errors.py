"""The exceptions that a user can meet, each with the exit code that the command line gives it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "BrainsmithError",
    "BuildCancelledError",
    "ConfigurationError",
    "MissingRequirementError",
    "PluginError",
    "StepError",
    "did_you_mean",
]


class BrainsmithError(Exception):
    """An error whose message says what happened, where, and what to do.

    Args:
        message: what happened and where, in one sentence or a few lines.
        hint: what to do about it; printed on a line of its own.
        category: the diagnosis category (see `brainsmith_core.diagnosis.handler`).
    """

    exit_code: ClassVar[int] = 1
    default_category: ClassVar[str] = "unknown"

    def __init__(self, message: str, *, hint: str | None = None, category: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.category = category or self.default_category

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class ConfigurationError(BrainsmithError):
    """The request itself is wrong: an unknown key, name or value, or a contradiction."""

    exit_code = 2
    default_category = "configuration"


class MissingRequirementError(BrainsmithError):
    """The request is right, but something that it needs isn't here: a file, a tool, an environment."""

    exit_code = 3
    default_category = "environment"


class PluginError(MissingRequirementError):
    """A plugin that the request names isn't active; the message carries its state and reason."""


class StepError(BrainsmithError):
    """A preprocessing or postprocessing step failed."""

    default_category = "preprocessing"


class BuildCancelledError(BrainsmithError):
    """The build was stopped from outside (cancel, Ctrl-C, SIGTERM)."""

    exit_code = 130
    default_category = "cancelled"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean "x"?` for the nearest known name, else a list of the known names, else "".

    Args:
        name: what was asked for.
        known: the names that would have been right.

    Example:
        >>> did_you_mean("streamlin", ["streamline", "tidy_up"])
        'did you mean "streamline"?'
        >>> did_you_mean("zzz", ["b", "a"])
        'known: a, b'
        >>> did_you_mean("zzz", [])
        ''
    """
    names = sorted(set(known))
    near = _nearest(name, names) or _case_insensitive(name, names)
    if near:
        return f'did you mean "{near[0]}"?'
    if not names:
        return ""
    shown = names[:20]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"known: {', '.join(shown)}{more}"


def _case_insensitive(name: str, names: list[str]) -> list[str]:
    lowered = {candidate.lower(): candidate for candidate in names}
    return [lowered[match] for match in _nearest(name.lower(), list(lowered))]


def _nearest(name: str, names: list[str]) -> list[str]:
    import difflib  # a command that finds no fault needs none of it

    return difflib.get_close_matches(name, names, n=1)
