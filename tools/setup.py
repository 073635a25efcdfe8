"""Make `.venv` ready: create it, bootstrap uv into it, install what is locked and the workspace packages.

Started by `tools/setup.sh` with any Python 3.11 or newer; needs nothing but the standard library.
When everything is in place it does no work and uses no network: a stamp inside the environment holds a digest
of all that set-up depends on. The stamp is removed before any work and written last.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
BOOTSTRAP = ("packaging", "uv")
# A set-up that was interrupted before its first stamp leaves this file: such an environment is made anew.
UNFINISHED = "brainsmith-setup-unfinished"
STAMP = "brainsmith-setup-stamp"


class SetupError(Exception):
    """Set-up can't go on; the message says why and what to do."""


class Workspace:
    """The checkout: its member packages, its lock file and its environment.

    Args:
        root: the folder of the root `pyproject.toml`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
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
        return [self.lock, *projects, *sorted((self.root / "tools").glob("*.py"))]

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
    astray = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")
    kept = {name: value for name, value in os.environ.items() if name not in astray}
    return kept | {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> bool:
    """Run a command with its output shown on stderr; tell whether it succeeded."""
    environment = clean_environment() if environment is None else environment
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    return done.returncode == 0


def answer(command: Sequence[str | Path]) -> str | None:
    """Return what a command prints, or None where it doesn't run or fails."""
    environment = clean_environment()
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError:
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def venv_version(workspace: Workspace) -> str | None:
    """Return the version of the environment's Python, or None where there's none that runs."""
    return answer([workspace.python, "-I", "-c", "import platform; print(platform.python_version())"])


def is_ready(workspace: Workspace) -> bool:
    """Tell whether an earlier set-up was finished and nothing that it depends on has changed since."""
    try:
        stamp = workspace.stamp.read_text(encoding="utf-8")
    except OSError:
        return False
    version = venv_version(workspace)
    return version is not None and stamp == workspace.fingerprint(version)


def why_unusable(workspace: Workspace) -> str | None:
    """Return why the existing environment has to be made anew, or None where it can be kept."""
    if workspace.unfinished.exists():
        return "its first set-up was interrupted"
    version = venv_version(workspace)
    if version is None:
        return "its Python doesn't run"
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        return f"its Python {version} is too old"
    here = answer([workspace.python, "-I", "-c", "import sys; print(sys.prefix)"])
    if here != str(workspace.venv) or not _scripts_point_here(workspace):
        return "it was made in another folder"
    if answer([workspace.python, "-I", "-m", "pip", "--version"]) is None:
        return "its pip doesn't run"
    return None


def _scripts_point_here(workspace: Workspace) -> bool:
    pip = workspace.venv / "bin" / "pip"
    return not pip.exists() or str(workspace.venv) in pip.read_text(encoding="utf-8", errors="replace")


def ensure_venv(workspace: Workspace) -> None:
    """Keep a usable environment, else make a new one with pip inside.

    Raises:
        SetupError: where the interpreter can't make one.
    """
    if workspace.venv.is_symlink() or workspace.venv.exists():
        reason = why_unusable(workspace)
        if reason is None:
            return
        say(f"making .venv anew: {reason}")
        remove_venv(workspace)
    say(f"creating .venv with Python {sys.version.split()[0]}")
    workspace.venv.mkdir()
    workspace.unfinished.touch()
    if importlib.util.find_spec("ensurepip") is None:
        advice = "on Debian or Ubuntu: apt-get install python3-venv"
        raise SetupError(f"{sys.executable} has no ensurepip, which puts pip into .venv; {advice}")
    if not run([sys.executable, "-I", "-m", "venv", workspace.venv]):
        raise SetupError(f"{sys.executable} -m venv failed (see above)")


def remove_venv(workspace: Workspace) -> None:
    """Remove the environment; a symbolic link is removed, not what it points to."""
    if workspace.venv.is_symlink() or workspace.venv.is_file():
        workspace.venv.unlink()
    else:
        shutil.rmtree(workspace.venv)


def locked_entries(lock: Path) -> dict[str, str]:
    """Return the lock file's entries by name: the requirement with its hashes, as the file has it."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    return {line.partition("==")[0]: line for line in lines}


def bootstrap(workspace: Workspace) -> None:
    """Install the locked uv (and what reads versions) with pip, where they are absent or don't run.

    Raises:
        SetupError: where the package index can't be reached or gives other files than locked.
    """
    works = "import packaging.requirements, uv, subprocess; subprocess.run([uv.find_uv_bin(), '--version'], check=True)"
    if answer([workspace.python, "-I", "-c", works]) is not None:
        return
    say("fetching uv")
    entries = locked_entries(workspace.lock)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as wanted:
        wanted.write("\n".join(entries[name] for name in BOOTSTRAP))
        wanted.flush()
        pip = [workspace.python, "-I", "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
        if not run([*pip, "--force-reinstall", "--only-binary=:all:", "--require-hashes", "-r", wanted.name]):
            raise SetupError("pip couldn't install uv (see above): is the package index within reach?")


@contextmanager
def alone(workspace: Workspace) -> Iterator[None]:
    """Hold the lock that keeps two set-ups of one checkout apart."""
    with (workspace.root / "pyproject.toml").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_stamp(workspace: Workspace) -> None:
    """Mark the set-up as finished; the last thing that it does."""
    version = venv_version(workspace)
    if version is None:
        raise SetupError("the new environment's Python doesn't run")
    fresh = workspace.stamp.with_suffix(".new")
    fresh.write_text(workspace.fingerprint(version), encoding="utf-8")
    fresh.replace(workspace.stamp)
    workspace.unfinished.unlink(missing_ok=True)


def set_up(workspace: Workspace) -> None:
    """Bring the environment up to date, or do nothing where it is.

    Raises:
        SetupError: where that isn't possible.
    """
    with alone(workspace):
        if is_ready(workspace):
            return
        workspace.stamp.unlink(missing_ok=True)
        ensure_venv(workspace)
        bootstrap(workspace)
        install = workspace.root / "tools" / "install_locked.py"
        if not run([workspace.python, "-E", "-s", "-B", install, workspace.root]):
            raise SetupError("installing failed (see above); run `make setup` again to go on")
        write_stamp(workspace)
        say("done")


def main() -> int:
    """Set up the checkout that this file belongs to; return the exit code."""
    try:
        set_up(Workspace(ROOT))
    except SetupError as error:
        say(str(error))
        return 3
    except KeyboardInterrupt:
        say("interrupted; run `make setup` again to go on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
