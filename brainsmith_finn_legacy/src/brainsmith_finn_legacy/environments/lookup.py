"""Which FINN environment is meant: by name, version, path, environment variable, or none of these."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from brainsmith_core.errors import ConfigurationError, MissingRequirementError, did_you_mean

from .profiles import DEFAULT_VERSION, FINNVersionManager
from .records import Kind
from .registry import Entry, FINNInstallationRegistry, Record

__all__ = ["CURRENT", "DEFAULT_VARIABLES", "is_checkout", "locate", "locate_default", "path_of"]

#: The name of the interpreter that runs us, if it has FINN.
CURRENT = "current"

#: Environment variables that name the default environment, the first one wins.
DEFAULT_VARIABLES = ("BRAINSMITH_FINN", "FINN_ROOT")

_PYTHON_VARIABLE = "BRAINSMITH_FINN_PYTHON"


def is_checkout(folder: Path) -> bool:
    """Return whether a folder is FINN's source tree."""
    return (folder / "src" / "finn" / "builder").is_dir()


def path_of(wanted: str) -> Path | None:
    """Return the path that is meant, or None where it is a name."""
    if os.sep in wanted or wanted in {".", "..", "~"}:
        return Path(wanted).expanduser().absolute()
    return None


def locate(registry: FINNInstallationRegistry, wanted: str | None, python: Path | None = None) -> Record:
    """Return the environment that is meant; one that was never asked has no facts.

    Args:
        registry: the environments that are known.
        wanted: a name, a version, a path, `current`, or None for the default.
        python: the interpreter of a checkout.

    Raises:
        MissingRequirementError: it isn't there, and how to get it.
        ConfigurationError: there can't be such a one.
    """
    if wanted is None:
        return locate_default(registry, python)
    path = path_of(wanted)
    if path is not None:
        return _by_path(registry, path, python)
    return _by_name(registry, wanted, python)


def locate_default(registry: FINNInstallationRegistry, python: Path | None = None) -> Record:
    """Return the environment that builds take if they don't name one.

    Raises:
        MissingRequirementError: there's none, and how to get it.
        ConfigurationError: an environment variable names one that there can't be.
    """
    for variable in DEFAULT_VARIABLES:
        value = os.environ.get(variable, "")
        if value:
            wanted = value if variable != "FINN_ROOT" else str(Path(value).expanduser().absolute())
            try:
                return locate(registry, wanted, python)
            except (ConfigurationError, MissingRequirementError) as error:
                raise type(error)(f"{variable}: {error.message}", hint=error.hint) from error
    found = _of_version(registry, DEFAULT_VERSION)
    if found is None:
        text = "there is no FINN environment"
        hint = f"make one: brainsmith finn install{_others(registry)}"
        raise MissingRequirementError(text, hint=hint)
    return found


def _others(registry: FINNInstallationRegistry) -> str:
    names = registry.names()
    return f"; or name one that is there (--finn or BRAINSMITH_FINN): {', '.join(names)}" if names else ""


def _by_name(registry: FINNInstallationRegistry, name: str, python: Path | None) -> Record:
    record = registry.load(name) or _of_version(registry, name)
    if record is not None:
        return record
    if name == CURRENT:
        return _interpreter(registry, Path(sys.executable))
    profile = FINNVersionManager().named(name)
    if profile is not None:
        full = " --full" if profile.profile == "full" else ""
        text = f"the FINN environment {name} isn't installed"
        raise MissingRequirementError(text, hint=f"brainsmith finn install {profile.version}{full}")
    if Path(name).is_dir():
        return _by_path(registry, Path(name).absolute(), python)
    known = [*registry.names(), *FINNVersionManager().versions, CURRENT]
    text = f'there is no FINN environment "{name}"; {did_you_mean(name, known)}'
    raise ConfigurationError(text, hint="brainsmith finn list shows all; a path must hold a /")


def _of_version(registry: FINNInstallationRegistry, version: str) -> Record | None:
    """Return the environment of a version; managed ones go before others, and among these the default profile."""
    wanted = version.removeprefix("v")
    found = [each for each in registry.records() if wanted == _version(each)]
    found.sort(key=lambda each: (each.entry.kind != "managed", each.entry.profile != "small", each.entry.name))
    return found[0] if found else None


def _version(record: Record) -> str:
    return record.entry.version if record.facts is None else record.facts.version


def _by_path(registry: FINNInstallationRegistry, path: Path, python: Path | None) -> Record:
    if path.is_file():
        return _interpreter(registry, path)
    for record in registry.records():
        if _same(record.entry.path, path) and (python is None or record.entry.python == python):
            return record
    if is_checkout(path):
        return _checkout(registry, path, python)
    if (path / "bin" / "python").exists():
        return _interpreter(registry, path / "bin" / "python")
    if not path.exists():
        raise MissingRequirementError(f"there is no FINN at {path}: it doesn't exist", hint="name another path")
    text = f"there is no FINN at {path}: neither src/finn/builder (a checkout) nor bin/python (an environment)"
    raise MissingRequirementError(text, hint="name FINN's source tree, or a Python that has FINN installed")


def _checkout(registry: FINNInstallationRegistry, path: Path, python: Path | None) -> Record:
    given = str(python or os.environ.get(_PYTHON_VARIABLE, ""))
    inside = [path / ".venv" / "bin" / "python", path / "venv" / "bin" / "python"]
    candidates = [Path(given).expanduser().absolute()] if given else inside
    for candidate in candidates:
        if candidate.is_file():
            return _new(registry, "checkout", path, candidate)
    if given:
        raise MissingRequirementError(f"there is no interpreter {given}", hint="name one that has what FINN imports")
    text = f"the FINN checkout {path} needs an interpreter that has what FINN imports"
    hint = f"name it once: brainsmith finn check {path} --python INTERPRETER; or set {_PYTHON_VARIABLE}"
    raise MissingRequirementError(text, hint=hint)


def _interpreter(registry: FINNInstallationRegistry, python: Path) -> Record:
    for record in registry.records():
        if record.entry.kind != "checkout" and record.entry.python == python:
            return record
    return _new(registry, "interpreter", python.parent.parent, python)


def _new(registry: FINNInstallationRegistry, kind: Kind, path: Path, python: Path) -> Record:
    """Return a record of something that isn't known yet, with a name that isn't taken."""
    base = CURRENT if python == Path(sys.executable) and kind == "interpreter" else _name(kind, path)
    taken = set(registry.names())
    name = next(each for each in (base, *(f"{base}-{number}" for number in range(2, 10_000))) if each not in taken)
    return Record(entry=Entry(name=name, kind=kind, path=path, python=python))


def _name(kind: Kind, path: Path) -> str:
    return f"{kind}-{re.sub(r'[^A-Za-z0-9._-]+', '-', path.name).strip('-') or 'root'}"


def _same(one: Path, other: Path) -> bool:
    # Of folders only: the interpreters of two virtual environments are links to one and the same program.
    return one == other or one.resolve() == other.resolve()
