"""Put what a lock file names into a virtual environment, with uv or pip."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from brainsmith_core.errors import MissingRequirementError

from .interpreters import Interpreter
from .profiles import Extra, Profile
from .programs import Finished, clean_environment, run_program

__all__ = ["FINNDependencyResolver", "find_uv"]

_Command: TypeAlias = list[str | os.PathLike[str]]

_LOCKED = ("--no-deps", "--require-hashes", "--only-binary", ":all:")

#: Settings of pip and what says the same to uv.
_UV_OPTIONS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
}
#: Variables that say to uv what pip's settings say to pip.
_UV_VARIABLES = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY"}
_SETTINGS = {*_UV_OPTIONS, *_UV_VARIABLES, "no-index"}
_UV_INDEX_VARIABLES = {
    "UV_CONFIG_FILE",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_NO_INDEX",
}
_UNREACHABLE = (
    re.compile(r"Failed to fetch: `?([^`\s]+)"),
    re.compile(r"Failed to download `([^`]+)`"),
    re.compile(r"No matching distribution found for (\S+)"),
    re.compile(r"HTTPS?ConnectionPool\(host='([^']+)'"),
    re.compile(r"Could not fetch URL (\S+)"),
    re.compile(r"Because (.+?) was not found in the (?:package registry|provided package locations)"),
    re.compile(r"Because (.+?) has no wheels"),
)

_ADVICE = """check the network, and proxy or mirror (UV_DEFAULT_INDEX, PIP_INDEX_URL), then run it again;
without any network: fetch the wheels elsewhere (pip download --no-deps -r LOCK -d FOLDER, LOCK from the folder
brainsmith_finn_legacy/locks), then: PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER brainsmith finn install"""
_WIDTH = 160


def find_uv() -> Path | None:
    """Return uv: the one beside our interpreter, else the one on PATH, else None."""
    beside = Path(sys.executable).with_name("uv")
    if os.access(beside, os.X_OK):
        return beside
    on_path = shutil.which("uv")
    return Path(on_path) if on_path else None


class FINNDependencyResolver:
    """Makes virtual environments that hold exactly what a lock file names.

    Args:
        report: told what goes on, a line at a time.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._uv = find_uv()

    def make_environment(self, folder: Path, interpreter: Interpreter, held: Sequence[int]) -> Path:
        """Make an empty virtual environment and return its interpreter.

        Args:
            folder: where; it may hold our mark already.
            interpreter: the Python that it is made with.
            held: see `programs.run_program`.

        Raises:
            MissingRequirementError: that Python can't make one.
        """
        # Without pip inside: many systems lack what puts it there, and nobody needs it.
        command: _Command = [interpreter.path, "-I", "-m", "venv", "--without-pip", folder]
        made = run_program(command, on_line=self._report, held=held)
        if not made.ok:
            text = f"{interpreter.path} can't make a virtual environment in {folder}"
            raise MissingRequirementError(text, hint=_tail(made.output), category=_category(made.output))
        return folder / "bin" / "python"

    def install(self, profile: Profile, python: Path, held: Sequence[int]) -> None:
        """Install what a profile's lock file names.

        Args:
            profile: the profile.
            python: the interpreter of the virtual environment.
            held: see `programs.run_program`.

        Raises:
            MissingRequirementError: something couldn't be had; the message names it.
        """
        lock = profile.lock()
        if profile.extra is not None:
            lock = _without(lock, profile.extra)
        self._install(profile, lock, python, held)
        if profile.extra is not None:
            self._install_extra(profile, profile.extra, python, held)
        _unlink_sources(python.parent.parent)

    def _install_extra(self, profile: Profile, extra: Extra, python: Path, held: Sequence[int]) -> None:
        text = f"{extra.requirement} --hash={extra.hash}\n"
        try:
            self._install(profile, text, python, held)
        except MissingRequirementError:
            self._report(f"looking for {extra.requirement} at {extra.index}")
            self._install(profile, text, python, held, index=extra.index)

    def _install(self, profile: Profile, lock: str, python: Path, held: Sequence[int], index: str = "") -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.write(lock)
            file.flush()
            finished = None
            for command, env in self._commands(python, Path(file.name), index):
                finished = run_program(command, on_line=self._tell, held=held, env=env)
                if finished.ok:
                    return
                if _category(finished.output) == "disk":
                    break  # another program would fail like it
        raise _failure(profile, finished)

    def _commands(self, python: Path, lock: Path, index: str) -> Iterator[tuple[_Command, dict[str, str]]]:
        """Yield the ways to install with their environment variables, the next one for when one fails."""
        env = clean_environment()
        pip = _pip()
        settings = {} if pip is None else _pip_settings(pip)
        if self._uv is not None:
            more = ["--index", index] if index else []
            options = [*_uv_options(settings), *more, *_LOCKED]
            yield [self._uv, "pip", "install", "--python", python, *options, "-r", lock], _uv_env(env, settings)
        # uv doesn't know all that pip can be set to; but without settings, it would fail like uv did.
        if pip is not None and (self._uv is None or settings):
            if self._uv is not None:
                self._report("uv couldn't get everything; trying pip, with all of its settings")
            more = ["--extra-index-url", index] if index else []
            more += ["--retries", "1"] if self._uv is not None else []  # uv has tried for long enough
            quiet = ["--no-input", "--disable-pip-version-check", "--no-compile", "--progress-bar", "off"]
            yield [*pip, "--python", python, "install", *quiet, *more, *_LOCKED, "-r", lock], env

    def _tell(self, line: str) -> None:
        # "Downloading scipy (33.6MiB)", "Installed 57 packages in 1.30s": the rest is of no use to anybody.
        if line.startswith(("Downloading ", "Downloaded ", "Prepared ", "Installed ")):
            self._report(line)
        elif line.startswith("Installing "):  # pip goes on with all of their names
            self._report("Installing")


def _unlink_sources(folder: Path) -> None:
    """Give an environment files of its own for what people edit: FINN and QONNX.

    uv makes links into its cache, which saves seconds and disk. But who edited such a file would change it in the cache
    too, and so in all other environments, those to come included.
    """
    for package in ("finn", "finn_xsi", "qonnx"):
        for file in folder.glob(f"lib/python*/site-packages/{package}/**/*"):
            if file.is_file() and file.stat().st_nlink > 1:
                fresh = file.with_name(f"{file.name}.new")
                shutil.copy2(file, fresh)
                fresh.replace(file)


def _pip() -> _Command | None:
    """Return the command of our own pip, which can work on other environments, or None where there's no pip."""
    if importlib.util.find_spec("pip") is None:
        return None
    return [sys.executable, "-I", "-m", "pip"]


def _pip_settings(pip: _Command) -> dict[str, list[str]]:
    """Return what pip is set to, in files and environment variables; the latter win."""
    listed = run_program([*pip, "config", "list"], on_line=lambda _: None)
    settings: dict[str, list[str]] = {}
    for section in ("global", "install", ":env:"):
        for line in listed.output.splitlines():
            key, _, value = line.partition("=")
            if key.startswith(f"{section}."):
                settings[key.removeprefix(f"{section}.")] = str(ast.literal_eval(value)).split()
    return {name: value for name, value in settings.items() if name in _SETTINGS}


def _uv_options(settings: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what makes uv look where pip is set to look; nothing if uv has settings of its own."""
    if _UV_INDEX_VARIABLES & set(os.environ):
        return []
    options: list[str] = []
    for name, option in _UV_OPTIONS.items():
        for value in settings.get(name, ()):
            options += [option, value]
    if settings.get("no-index", ["false"])[0].lower() in {"1", "true", "yes", "on"}:
        options.append("--no-index")
    # To ask all indexes alike is safe: a file is taken only if the lock has its hash.
    return [*options, "--index-strategy", "unsafe-best-match"] if options else []


def _uv_env(env: Mapping[str, str], settings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the environment variables for uv, with pip's certificates and proxy where it has none of its own."""
    from_pip = {_UV_VARIABLES[name]: value[0] for name, value in settings.items() if name in _UV_VARIABLES}
    return {**from_pip, **env}


def _without(lock: str, extra: Extra) -> str:
    head, found, rest = lock.partition(f"{extra.requirement} ")
    assert found, f"{extra.requirement} isn't in its lock file"
    lines = rest.splitlines(keepends=True)[1:]
    while lines and lines[0].startswith(" "):
        del lines[0]
    return head + "".join(lines)


def _failure(profile: Profile, finished: Finished | None) -> MissingRequirementError:
    if finished is None:
        text = f"{profile.title} can't be installed: there's neither uv nor pip"
        return MissingRequirementError(text, hint=f"install one: {sys.executable} -m ensurepip, or pip install uv")
    output = " ".join(finished.output.split())
    category = _category(output)
    if category == "disk":
        text = f"{profile.title} can't be installed: the disk is full"
        hint = f"it takes about {profile.megabytes} MB; free some, or set BRAINSMITH_HOME to a folder on another disk"
        return MissingRequirementError(text, hint=hint, category=category)
    if re.search(r"hash mismatch|do not match the hashes", output, re.IGNORECASE):
        text = f"{profile.title} can't be installed: the package index has other files than were locked"
        return MissingRequirementError(text, hint=_tail(finished.output))
    named = [match[1] for pattern in _UNREACHABLE for match in [pattern.search(output)] if match]
    what = named[0] if named else "what it needs"
    text = f"{profile.title} can't be installed: couldn't get {what}"
    return MissingRequirementError(text, hint=f"{_tail(finished.output)}\n{_ADVICE}")


def _tail(output: str, lines: int = 6) -> str:
    """Return the last lines of an output that say something."""
    said = [line.rstrip() for line in output.splitlines() if line.strip()]
    return "\n".join(line if len(line) <= _WIDTH else f"{line[:_WIDTH]}..." for line in said[-lines:])


def _category(output: str) -> str:
    return "disk" if re.search(r"No space left on device|Disk quota exceeded|os error 28", output) else "environment"
