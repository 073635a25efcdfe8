"""What an entry point says of a plugin before its import, and its import, whose faults and output stay with it."""

from __future__ import annotations

import contextlib
import io
import time
import traceback
from importlib import metadata

from .plugin_state import Plugin, PluginState
from .targets import import_fix

__all__ = [
    "CORE_DISTRIBUTION",
    "core_version",
    "distribution_name",
    "import_contained",
    "note_fault",
    "unmet_core_requirement",
]

CORE_DISTRIBUTION = "brainsmith-core"


def core_version() -> str:
    """Return the version of the core that is installed."""
    return metadata.version(CORE_DISTRIBUTION)


def distribution_name(entry_point: metadata.EntryPoint) -> str:
    """Return the name of the distribution that brings an entry point, or ""."""
    return entry_point.dist.name if entry_point.dist else ""


def import_contained(plugin: Plugin, entry_point: metadata.EntryPoint) -> object:
    """Import a plugin's module; its faults and its output stay with it."""
    started = time.perf_counter()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return entry_point.load()
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 - foreign code: its import may raise anything
        note_fault(plugin, error)
        return None
    finally:
        plugin.import_seconds = time.perf_counter() - started


def note_fault(plugin: Plugin, error: BaseException) -> None:
    """Put a plugin aside for what it raised."""
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    plugin.put_aside(PluginState.FAILED, reason, import_fix(error, plugin.distribution))
    plugin.traceback = "".join(traceback.format_exception(error))


def unmet_core_requirement(entry_point: metadata.EntryPoint) -> str:
    """Return the plugin's requirement on core that this core doesn't meet, or ""."""
    requirements = (entry_point.dist.requires or []) if entry_point.dist else []
    ours = [text for text in requirements if text.replace("_", "-").lower().startswith(CORE_DISTRIBUTION)]
    if not ours:
        return ""
    from packaging.requirements import Requirement

    for text in ours:
        requirement = Requirement(text)
        if requirement.marker is None and not requirement.specifier.contains(core_version(), prereleases=True):
            return text
    return ""
