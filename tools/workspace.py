"""What set-up knows about the checkout, and how it starts other programs; standard library only."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

# A first set-up that was interrupted leaves this file: such an environment is made anew.
UNFINISHED = "brainsmith-setup-unfinished"
STAMP = "brainsmith-setup-stamp"
OWN_PROGRAMS = ("fetch_pip.py", "install_locked.py", "set_up.py", "setup.sh", "workspace.py")
# Variables that would lead a child's Python or pip astray.
ASTRAY = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")
Command = Sequence[str | Path]


class Workspace:
    """The checkout: its member packages, its lock file and its environment.

    Args:
        root: the folder of the root `pyproject.toml`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.discarded = root / ".venv-discarded"
        self.python = self.venv / "bin" / "python"
        self.lock = root / "requirements.lock"
        self.stamp = self.venv / STAMP
        self.unfinished = self.venv / UNFINISHED

    def members(self) -> list[Path]:
        """Return the folders of the workspace packages, sorted."""
        settings = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))
        patterns = settings["tool"]["uv"]["workspace"]["members"]
        found = {path.parent for pattern in patterns for path in self.root.glob(f"{pattern}/pyproject.toml")}
        return sorted(found)

    def inputs(self) -> list[Path]:
        """Return the files whose content decides what set-up has to do."""
        projects = [self.root / "pyproject.toml", *(member / "pyproject.toml" for member in self.members())]
        return [self.lock, *projects, *(self.root / "tools" / name for name in OWN_PROGRAMS)]

    def fingerprint(self, python_version: str) -> str:
        """Return a digest of the inputs, the Python version and the environment's place.

        The place is part of it because the scripts in an environment hold absolute paths.
        """
        digest = hashlib.sha256(f"{python_version}\n{self.venv}\n".encode())
        for path in self.inputs():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(self.root)} {content}\n".encode())
        return digest.hexdigest()


def say(text: str) -> None:
    """Print one line of progress to stderr."""
    print(f"set-up: {text}", file=sys.stderr, flush=True)


def clean_environment() -> dict[str, str]:
    """Return our environment variables without those that would lead a child's Python or pip astray."""
    kept = {name: value for name, value in os.environ.items() if name not in ASTRAY}
    return kept | {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def run(command: Command, environment: Mapping[str, str] | None = None) -> bool:
    """Run a command with its output shown on stderr; tell whether it succeeded."""
    environment = clean_environment() if environment is None else environment
    # close_fds=False: a child keeps set-up's lock, the only file that is inheritable.
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False, close_fds=False
    )
    return done.returncode == 0


def answer(command: Command) -> str | None:
    """Return what a command prints, or None where it doesn't run or fails."""
    environment = clean_environment()
    try:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def locked_entries(lock: Path) -> dict[str, str]:
    """Return the lock file's entries by name: the requirement with its hashes, as the file has it."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    entries = {line.partition("==")[0]: line for line in lines}
    if len(entries) < len(lines):
        raise ValueError(f"{lock} locks a package in two versions: constrain it to one in the root's pyproject.toml")
    return entries
