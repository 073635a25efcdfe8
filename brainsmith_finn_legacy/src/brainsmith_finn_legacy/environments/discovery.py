"""See which FINN environments there are, without importing any."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

from brainsmith_core.errors import BrainsmithError, MissingRequirementError

from .installation import is_current
from .lookup import CURRENT, is_checkout, locate_default
from .records import FINNInstallation
from .registry import FINNInstallationRegistry, Record

__all__ = ["discover"]


def discover(registry: FINNInstallationRegistry) -> tuple[FINNInstallation, ...]:
    """Return all FINN environments: those that are known, FINN_ROOT, and the running interpreter if it has FINN.

    Args:
        registry: the environments that are known.
    """
    found = [*_known(registry), *_unfinished(registry)]
    known_paths = {each.path for each in found}
    found += [each for each in _others() if each.path not in known_paths]
    default = _default_name(registry)
    marked = [attrs.evolve(each, default=True) if each.name == default else each for each in found]
    return tuple(sorted(marked, key=lambda each: (not each.default, each.name)))


def _default_name(registry: FINNInstallationRegistry) -> str | None:
    try:
        return locate_default(registry).entry.name
    except BrainsmithError:
        return None


def _known(registry: FINNInstallationRegistry) -> Iterator[FINNInstallation]:
    for name in registry.names():
        try:
            record = registry.load(name)
        except MissingRequirementError as error:
            path = registry.folder(name)
            yield FINNInstallation(name=name, kind="managed", path=path, state="broken", reason=error.message)
        else:
            if record is not None:
                yield _installation(record)


def _installation(record: Record) -> FINNInstallation:
    entry, facts = record.entry, record.facts
    found = FINNInstallation(
        name=entry.name,
        kind=entry.kind,
        path=entry.path,
        python=entry.python,
        profile=entry.profile,
        state="unchecked",
        version="" if facts is None else facts.version,
        flavour=None if facts is None else facts.flavour,
    )
    if not entry.python.exists():
        return attrs.evolve(found, state="broken", reason=f"{entry.python} is gone")
    return attrs.evolve(found, state="ready") if facts is not None and is_current(facts, entry.python) else found


def _unfinished(registry: FINNInstallationRegistry) -> Iterator[FINNInstallation]:
    for name in registry.unfinished():
        yield FINNInstallation(name=name, kind="managed", path=registry.folder(name), state="unfinished")


def _others() -> Iterator[FINNInstallation]:
    root = Path(os.environ.get("FINN_ROOT") or "/nonexistent").expanduser().absolute()
    if is_checkout(root):
        yield FINNInstallation(name="FINN_ROOT", kind="checkout", path=root, state="unchecked")
    spec = importlib.util.find_spec("finn")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    if any(Path(folder, "builder").is_dir() for folder in folders):
        python = Path(sys.executable)
        yield FINNInstallation(
            name=CURRENT, kind="interpreter", path=python.parent.parent, python=python, state="unchecked"
        )
