"""Install a FINN environment: wholly or not at all, and only once, however many try at the same time."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import attrs

from brainsmith_core.errors import ConfigurationError, MissingRequirementError

from .dependencies import FINNDependencyResolver
from .identity import stamp_of
from .inspection import inspect_finn
from .interpreters import Interpreter, find_interpreter
from .profiles import Profile
from .registry import MARKER, Entry, Facts, FINNInstallationRegistry, Record, clear_folder

__all__ = ["InstallRequest", "install", "is_current"]


@attrs.frozen(kw_only=True)
class InstallRequest:
    """What is to be installed.

    Args:
        profile: which FINN, and how much of it.
        name: what the environment is called.
        folder: where it goes.
        python: the Python to make it with; None: find one.
        again: install it even if it is there.
    """

    profile: Profile
    name: str
    folder: Path
    python: Path | None = None
    again: bool = False


def is_current(facts: Facts, python: Path) -> bool:
    """Return whether nothing has changed since an environment was asked; it costs some milliseconds."""
    folders = {name: Path(folder) for name, folder in facts.folders.items()}
    try:
        return stamp_of(python, folders, map(Path, facts.site_folders)) == facts.stamp
    except OSError:
        return False


def install(
    request: InstallRequest,
    registry: FINNInstallationRegistry,
    resolver: FINNDependencyResolver,
    report: Callable[[str], None],
) -> Record:
    """Return the environment asked for, installed now if it isn't there.

    Args:
        request: what is wanted.
        registry: remembers it once it is finished.
        resolver: fetches what goes in.
        report: told what goes on, a line at a time.

    Raises:
        ConfigurationError: the name or folder is taken, or the Python doesn't suit.
        MissingRequirementError: something couldn't be had; nothing is left of the attempt.
    """
    found = _ready(request, registry)
    if found is not None:
        return found
    with _alone(request, registry, report) as held:
        for name in registry.sweep():
            report(f"removed what an interrupted installation had left of {name}")
        # Whoever held the lock before may have installed it.
        found = _ready(request, registry) or _mended(request, registry, report)
        if found is not None:
            return found
        return _replace(request, registry, resolver, report, held)


@contextlib.contextmanager
def _alone(
    request: InstallRequest, registry: FINNInstallationRegistry, report: Callable[[str], None]
) -> Iterator[tuple[int, int]]:
    def waiting() -> None:
        report(f"waiting for another process that installs {request.name}")

    with registry.lock(request.name, waiting) as by_name, registry.folder_lock(request.folder, waiting) as by_folder:
        yield by_name, by_folder


def _present(request: InstallRequest, registry: FINNInstallationRegistry) -> Record | None:
    """Return what is known of the environment; raise if its name belongs to another one."""
    record = registry.load(request.name)
    if record is not None and (record.entry.kind != "managed" or record.entry.path != request.folder):
        text = f'there is a FINN environment "{request.name}" already: {record.entry.path}'
        raise ConfigurationError(text, hint="choose another --name, or remove that one")
    return record


def _ready(request: InstallRequest, registry: FINNInstallationRegistry) -> Record | None:
    """Return the environment if it is there and nothing was changed in it."""
    record = _present(request, registry)
    if record is None or request.again or record.facts is None:
        return None
    return record if is_current(record.facts, record.entry.python) else None


def _mended(
    request: InstallRequest, registry: FINNInstallationRegistry, report: Callable[[str], None]
) -> Record | None:
    """Return the environment if it was changed, but works: somebody's changes aren't ours to remove.

    Raises:
        MissingRequirementError: it doesn't work any more.
    """
    record = _present(request, registry)
    if record is None or request.again or not record.entry.python.exists():
        return None
    report(f"{request.name} was changed since it was installed; importing it")
    try:
        fresh = attrs.evolve(record, facts=inspect_finn(record.entry.python))
    except MissingRequirementError as error:
        text = f"{request.name} is there, but doesn't work: {error.message}"
        raise MissingRequirementError(text, hint=f"make it anew: {record.entry.install_command} --again") from error
    registry.save(fresh)
    return fresh


def _replace(
    request: InstallRequest,
    registry: FINNInstallationRegistry,
    resolver: FINNDependencyResolver,
    report: Callable[[str], None],
    held: tuple[int, int],
) -> Record:
    """Install; an environment that was there before comes back if that fails."""
    interpreter = find_interpreter(request.profile, request.python)
    old = registry.load(request.name)
    aside = request.folder.with_name(f"{request.folder.name}.replaced")
    try:
        clear_folder(aside)
        registry.forget(request.name)
        if request.folder.exists() and old is not None:
            report(f"making {request.name} anew")
            request.folder.rename(aside)
        try:
            record = _install(request, interpreter, registry, resolver, report, held)
        except BaseException:
            if old is not None and aside.exists():
                aside.rename(request.folder)
                registry.save(old)
            raise
        clear_folder(aside)
    except OSError as error:
        text = f"{request.profile.title} can't be installed into {request.folder}: {error.strerror or error}"
        hint = "name another folder with --path, or set BRAINSMITH_HOME"
        raise MissingRequirementError(text, hint=hint, category="disk") from error
    return record


def _install(
    request: InstallRequest,
    interpreter: Interpreter,
    registry: FINNInstallationRegistry,
    resolver: FINNDependencyResolver,
    report: Callable[[str], None],
    held: tuple[int, int],
) -> Record:
    profile = request.profile
    _claim(request)
    begun = time.monotonic()
    try:
        report(f"installing {profile.title} into {request.folder}, about {profile.megabytes} MB")
        python = resolver.make_environment(request.folder, interpreter, held)
        resolver.install(profile, python, held)
        report("importing FINN for the first time (its modules are compiled now)")
        facts = inspect_finn(python)
        entry = Entry(
            name=request.name,
            kind="managed",
            path=request.folder,
            python=python,
            version=profile.version,
            profile=profile.profile,
            lock_sha256=profile.lock_sha256(),
            installed_identity=facts.identity,
            installed_at=datetime.now().astimezone().isoformat(timespec="seconds"),
            install_seconds=round(time.monotonic() - begun, 1),
            size_bytes=_size(request.folder),
        )
        record = Record(entry=entry, facts=facts)
        registry.save(record)  # the last thing: from now on, the environment is there
    except BaseException:  # Ctrl-C too: nothing is left of an attempt
        registry.forget(request.name)
        clear_folder(request.folder)
        raise
    return record


def _claim(request: InstallRequest) -> None:
    """Make the folder, marked as ours before anything else is in it; a leftover of ours is cleared away."""
    folder = request.folder
    clear_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        text = f"{folder} isn't empty, and nothing in it was made by brainsmith finn install"
        raise ConfigurationError(text, hint="name a folder that doesn't exist or is empty")
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < request.profile.megabytes:
        folder.rmdir()
        text = f"{request.profile.title} takes about {request.profile.megabytes} MB, but {folder} has {free} MB left"
        hint = "free some, or set BRAINSMITH_HOME to a folder on another disk"
        raise MissingRequirementError(text, hint=hint, category="disk")
    (folder / MARKER).touch()


def _size(folder: Path) -> int:
    """Return how many bytes the files of a folder take on disk."""
    total = 0
    for place, _, files in os.walk(folder):
        total += sum(Path(place, name).lstat().st_blocks for name in files)
    return total * 512
