"""Imports that failed when they were last tried: told until something changes that may have mended them.

Only an import shows whether it works, and lists import no heavy code. So what a build or `plugins check` met is
remembered for the lists to come. It is told, nothing else: what needs the plugin tries again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ..errors import PluginError
from ..formats.json_values import JSONValue
from ..formats.memory import memory
from .state import Plugin
from .target_check import TargetCheck

__all__ = ["forget_failure", "known_failure", "remember_failure"]

_KIND = "failures"


def remember_failure(plugin: Plugin, target: str, error: PluginError) -> None:
    """Remember that importing a target failed.

    Args:
        plugin: whose target it is.
        target: as in its record.
        error: what the user was told.
    """
    source = TargetCheck().source(target)
    known: dict[str, JSONValue] = {
        "version": plugin.version,
        "source": source,
        "stamp": _stamp(source),
        "message": error.message,
        "hint": error.hint or "",
    }
    memory().keep(_KIND, target, known)
    memory().save()


def forget_failure(target: str) -> None:
    """Forget that importing a target failed: it works now."""
    if memory().recall(_KIND, target) is not None:
        memory().drop(_KIND, target)
        memory().save()


def known_failure(plugin: Plugin, target: str) -> tuple[str, str] | None:
    """Return reason and fix if importing a target failed and nothing was installed or changed since; else None."""
    known = memory().recall(_KIND, target)
    if not isinstance(known, Mapping):
        return None
    if known["version"] != plugin.version or known["stamp"] != _stamp(str(known["source"])):
        return None
    return str(known["message"]), str(known["hint"])


def _stamp(source: str) -> list[JSONValue]:
    """Return what changes when something is installed into this environment, or the module itself changes."""
    places = [entry for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages"}]
    return [_changed(place) for place in (*places, source) if place]


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - paths come as text, and go as text
    except OSError:
        return 0
