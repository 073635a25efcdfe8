"""Make `.venv` ready: create it, bootstrap uv into it, install what is locked and the workspace packages.

Started by `tools/setup.sh` with any Python 3.11 or newer; needs nothing but the standard library.
When everything is in place it does no work and uses no network: a stamp inside the environment holds a digest
of all that set-up depends on. The stamp is removed before any work and written last.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fetch_pip import FetchError, fetch_pip
from workspace import Command, Workspace, answer, clean_environment, locked_entries, run, say

OLDEST = (3, 11)
BOOTSTRAP = ("packaging", "uv")


class SetupError(Exception):
    """Set-up can't go on; the message says why and what to do."""


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
    if not _was_made_here(workspace):
        return "it was made in another folder"
    if not _has_pip(workspace):
        return "it has no pip that runs"
    return None


def _was_made_here(workspace: Workspace) -> bool:
    """Tell whether the environment's scripts, which hold absolute paths, name this folder."""
    activate = workspace.venv / "bin" / "activate"
    return activate.exists() and str(workspace.venv) in activate.read_text(encoding="utf-8", errors="replace")


def _has_pip(workspace: Workspace) -> bool:
    """Tell whether pip runs in the environment, adding it where it was absent (as uv leaves it)."""
    version: Command = [workspace.python, "-I", "-m", "pip", "--version"]
    if answer(version) is not None:
        return True
    answer([workspace.python, "-I", "-m", "ensurepip"])
    return answer(version) is not None


def ensure_venv(workspace: Workspace) -> None:
    """Keep a usable environment, else make a new one with pip inside.

    Raises:
        SetupError: where the interpreter can't make one.
    """
    remove(workspace.discarded)
    if os.path.lexists(workspace.venv):
        reason = why_unusable(workspace)
        if reason is None:
            return
        say(f"making .venv anew: {reason}")
        # Renamed first, so that an interruption leaves nothing that looks like an environment.
        workspace.venv.rename(workspace.discarded)
        remove(workspace.discarded)
    create_venv(workspace)


def remove(path: Path) -> None:
    """Remove a folder, a file, or a symbolic link but not what it points to, if there is one."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def create_venv(workspace: Workspace) -> None:
    """Make a new environment with pip inside, marked as unfinished until the first stamp.

    Raises:
        SetupError: where the interpreter can't make one.
    """
    say(f"creating .venv with Python {sys.version.split()[0]} ({sys.executable})")
    workspace.venv.mkdir()
    workspace.unfinished.touch()
    # Debian and Ubuntu ship Python without ensurepip; there pip comes from the package index.
    bundled = importlib.util.find_spec("ensurepip") is not None
    options = [] if bundled else ["--without-pip"]
    if not run([sys.executable, "-I", "-m", "venv", *options, workspace.venv]):
        raise SetupError(f"{sys.executable} -m venv failed (see above)")
    if not bundled:
        install_pip(workspace)


def install_pip(workspace: Workspace) -> None:
    """Install the locked pip from the package index.

    Raises:
        SetupError: where it can't be fetched.
    """
    say("fetching pip, since this Python has no ensurepip")
    with tempfile.TemporaryDirectory() as folder:
        try:
            wheel = fetch_pip(locked_entries(workspace.lock)["pip"], Path(folder))
        except FetchError as error:
            advice = "Or install ensurepip; on Debian and Ubuntu: apt-get install python3-venv"
            raise SetupError(f"{error}. {advice}") from error
        # A wheel is a zip archive: pip runs from inside its own.
        pip: Command = [workspace.python, "-E", "-s", wheel / "pip"]
        if not run([*pip, "install", "--quiet", "--no-index", "--no-deps", wheel]):
            raise SetupError("pip couldn't install itself (see above)")


def bootstrap(workspace: Workspace) -> None:
    """Install the locked uv (and what reads versions) with pip, where they are absent or don't run.

    Raises:
        SetupError: where the package index can't be reached or gives other files than locked.
    """
    if _can_install(workspace):
        return
    say("fetching uv")
    entries = locked_entries(workspace.lock)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as wanted:
        wanted.write("\n".join(entries[name] for name in BOOTSTRAP))
        wanted.flush()
        pip: Command = [workspace.python, "-I", "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
        if not run([*pip, "--force-reinstall", "--only-binary=:all:", "--require-hashes", "-r", wanted.name]):
            raise SetupError("pip couldn't install uv (see above): is the package index within reach?")
    if not _can_install(workspace):
        raise SetupError("uv doesn't run in .venv, though pip installed it: is the folder mounted noexec?")


def _can_install(workspace: Workspace) -> bool:
    imports = "import packaging.requirements, subprocess, uv"
    code = f"{imports}; subprocess.check_call([uv.find_uv_bin(), '--version'])"
    return answer([workspace.python, "-I", "-c", code]) is not None


@contextmanager
def alone(workspace: Workspace) -> Iterator[None]:
    """Hold the lock that keeps two set-ups of one checkout apart."""
    with (workspace.root / "pyproject.toml").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        # Children inherit the lock: if we are killed, it holds until the installer that we started has ended.
        os.set_inheritable(file.fileno(), True)
        yield


def write_stamp(workspace: Workspace) -> None:
    """Mark the set-up as finished; the last thing that it does.

    Raises:
        SetupError: where the environment's Python doesn't run.
    """
    version = venv_version(workspace)
    if version is None:
        raise SetupError("the new environment's Python doesn't run")
    workspace.unfinished.unlink(missing_ok=True)
    fresh = workspace.stamp.with_suffix(".new")
    fresh.write_text(workspace.fingerprint(version), encoding="utf-8")
    fresh.replace(workspace.stamp)


def warm_up(workspace: Workspace) -> None:
    """Run the command line once with byte code written, as pip would at install; it then starts far sooner.

    Only a matter of speed: whether the command works is for the tests to say.
    """
    command = [str(workspace.venv / "bin" / "brainsmith"), "plugins", "list"]
    environment = clean_environment()
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if Path(command[0]).exists():
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def note_other_python(workspace: Workspace) -> None:
    """Say so where PYTHON asks for another version than the environment has: that alone doesn't end it."""
    version = venv_version(workspace)
    if os.environ.get("PYTHON") and version and version.split(".")[:2] != sys.version.split()[0].split(".")[:2]:
        say(f"keeping .venv with Python {version}; to change it, remove .venv and run `make setup` again")


def set_up(workspace: Workspace) -> None:
    """Bring the environment up to date, or do nothing where it is.

    Args:
        workspace: the checkout.

    Raises:
        SetupError: where that isn't possible.
    """
    with alone(workspace):
        if not is_ready(workspace):
            interrupted = not workspace.stamp.exists()
            workspace.stamp.unlink(missing_ok=True)
            ensure_venv(workspace)
            bootstrap(workspace)
            install = workspace.root / "tools" / "install_locked.py"
            options = ["--interrupted"] if interrupted else []
            if not run([workspace.python, "-E", "-s", "-B", install, *options, workspace.root]):
                raise SetupError("installing failed (see above); run `make setup` again to go on")
            warm_up(workspace)
            write_stamp(workspace)
            say("done")
        note_other_python(workspace)


def main() -> int:
    """Set up the checkout that this file belongs to; return the exit code."""
    try:
        set_up(Workspace(Path(__file__).resolve().parent.parent))
    except SetupError as error:
        say(str(error))
        return 3
    except KeyboardInterrupt:
        say("interrupted; run `make setup` again to go on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
