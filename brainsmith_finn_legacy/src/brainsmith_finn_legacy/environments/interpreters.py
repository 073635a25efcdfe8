"""Find a Python that a FINN environment can be made with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from brainsmith_core.errors import ConfigurationError, MissingRequirementError

from .profiles import Profile, PythonVersion

__all__ = ["Interpreter", "find_interpreter", "look_at"]

_QUESTION = (
    "import json, platform, sys, venv; print(json.dumps([sys.executable, sys.version_info[:2],"
    " platform.python_implementation()]))"
)


@attrs.frozen
class Interpreter:
    """A Python that really runs.

    Args:
        path: its program.
        version: its major and minor version.
    """

    path: Path
    version: PythonVersion


def find_interpreter(profile: Profile, python: Path | None = None) -> Interpreter:
    """Return an interpreter that suits a profile.

    Looked at are the running one, `pythonX.Y` on PATH, and those of pyenv and uv.

    Args:
        profile: what is to be installed.
        python: the one to take, instead of looking.

    Raises:
        ConfigurationError: `python` doesn't suit.
        MissingRequirementError: there's none.
    """
    if python is not None:
        return _checked(profile, python)
    for candidate in _candidates(profile.pythons):
        found = look_at(candidate)
        if found is not None and found.version in profile.pythons:
            return found
    wanted = _versions(profile.pythons)
    text = f"{profile.title} needs {wanted}, and there's none: looked at {sys.executable}, PATH, pyenv and uv"
    best = ".".join(map(str, profile.pythons[0]))
    hint = f"install one (for example: uv python install {best}), or name it with --python"
    raise MissingRequirementError(text, hint=hint)


def look_at(python: Path) -> Interpreter | None:
    """Return what a program says of itself, or None if it isn't a Python that can make environments."""
    try:
        # A shim of pyenv exists without any version behind it: only running it tells.
        run = subprocess.run(
            [str(python), "-I", "-c", _QUESTION], capture_output=True, text=True, timeout=60, check=True
        )
        path, version, implementation = json.loads(run.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter(Path(path), (version[0], version[1])) if implementation == "CPython" else None


def _checked(profile: Profile, python: Path) -> Interpreter:
    found = look_at(python.expanduser())
    wanted = _versions(profile.pythons)
    if found is None:
        raise ConfigurationError(f"{python} is no CPython that runs and has the module venv", hint=f"name {wanted}")
    if found.version not in profile.pythons:
        text = f"{python} is Python {found.version[0]}.{found.version[1]}, but {profile.title} needs {wanted}"
        raise ConfigurationError(text, hint="name another one with --python, or leave that out")
    return found


def _versions(versions: Iterable[PythonVersion]) -> str:
    return "Python " + " or ".join(f"{major}.{minor}" for major, minor in sorted(versions))


def _candidates(versions: Iterable[PythonVersion]) -> Iterator[Path]:
    yield Path(sys.executable)
    for version in versions:
        name = f"python{version[0]}.{version[1]}"
        for folder in os.get_exec_path():
            found = shutil.which(name, path=folder)
            if found:
                yield Path(found)
        yield from _managed_by_others(name)


def _managed_by_others(name: str) -> Iterator[Path]:
    version = name.removeprefix("python")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    for folder in (pyenv / "versions", uv):
        yield from sorted(folder.glob(f"*{version}*/bin/{name}"))
