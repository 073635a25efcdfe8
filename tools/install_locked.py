"""Install into the running environment what is locked and absent (or too old), and the workspace packages.

Run by `tools/set_up.py` with the environment's own Python. What a user installed there stays: a package is
replaced only where its version doesn't satisfy what we or our dependencies ask for, or where files of it are
missing.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from workspace import Workspace, clean_environment, locked_entries, run, say

Installed = Mapping[str, Distribution]
UV_OPTIONS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
}


class InstallError(Exception):
    """Something couldn't be installed; the message says what."""


def installed_distributions() -> dict[str, Distribution]:
    """Return what is installed in the running environment, by canonical name."""
    found: dict[str, Distribution] = {}
    for distribution in distributions():
        found.setdefault(canonicalize_name(distribution.name), distribution)
    return found


def own_requirements(workspace: Workspace) -> list[Requirement]:
    """Return what the workspace packages and the root's dependency groups ask for."""
    texts: list[str] = []
    for member in workspace.members():
        texts += _project(member).get("dependencies", [])
    root = tomllib.loads((workspace.root / "pyproject.toml").read_text(encoding="utf-8"))
    for group in root.get("dependency-groups", {}).values():
        texts += group
    return [requirement for requirement in map(Requirement, texts) if _applies(requirement, {""})]


def _project(member: Path) -> dict[str, Any]:
    settings = tomllib.loads((member / "pyproject.toml").read_text(encoding="utf-8"))
    project: dict[str, Any] = settings["project"]
    return project


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras})


def requirements_by_name(roots: Iterable[Requirement], installed: Installed) -> dict[str, list[Requirement]]:
    """Return all that is asked of each package, walking from our requirements through what is installed."""
    asked: dict[str, list[Requirement]] = {}
    waiting = list(roots)
    walked: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        asked.setdefault(name, []).append(requirement)
        if name in installed and (name, extras) not in walked:
            walked.add((name, extras))
            below = map(Requirement, installed[name].requires or [])
            waiting += [each for each in below if _applies(each, extras)]
    return asked


def is_whole(distribution: Distribution, sizes: bool) -> bool:
    """Tell whether all files of an installed package are there.

    Args:
        distribution: the package.
        sizes: whether a file of another size than recorded counts as absent: after an interruption it is
            torn, else somebody edited it.
    """
    if _record_folder(distribution) is None:
        return True
    for file in distribution.files or []:
        if file.suffix == ".pyc":
            continue
        path = Path(str(distribution.locate_file(file)))
        if not path.exists() or (sizes and file.size is not None and path.stat().st_size != file.size):
            return False
    return bool(distribution.files)


def _record_folder(distribution: Distribution) -> Path | None:
    """Return the `.dist-info` folder, or None where a package was installed in another way."""
    folder = getattr(distribution, "_path", None)
    return folder if isinstance(folder, Path) and folder.suffix == ".dist-info" else None


def without_broken(workspace: Workspace, installed: Installed, interrupted: bool) -> Installed:
    """Remove the records of locked packages whose files are incomplete, so that they count as absent."""
    locked = locked_entries(workspace.lock)
    broken = {name for name in locked if name in installed and not is_whole(installed[name], interrupted)}
    for name in broken:
        folder = _record_folder(installed[name])
        if folder is not None:
            shutil.rmtree(folder)
    return {name: distribution for name, distribution in installed.items() if name not in broken}


def satisfies(distribution: Distribution, requirements: Iterable[Requirement]) -> bool:
    """Tell whether an installed version is one that all of the requirements accept."""
    return all(each.specifier.contains(distribution.version, prereleases=True) for each in requirements)


def to_install(workspace: Workspace, installed: Installed) -> dict[str, str]:
    """Return the lock file's entries (by name) that have to be installed."""
    asked = requirements_by_name(own_requirements(workspace), installed)
    wanted: dict[str, str] = {}
    for name, entry in locked_entries(workspace.lock).items():
        if not _applies(Requirement(entry.partition(" --hash")[0]), ()):
            continue
        present = installed.get(name)
        if present is None or not satisfies(present, asked.get(name, [])):
            wanted[name] = entry
    return wanted


def pip_settings() -> dict[str, list[str]]:
    """Return pip's settings for finding packages, environment variables before files."""
    listed = subprocess.run(
        [sys.executable, "-I", "-m", "pip", "config", "list"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    settings: dict[str, list[str]] = {}
    for section in ("global", "install", ":env:"):
        for line in listed.splitlines():
            key, _, value = line.partition("=")
            name = key.removeprefix(f"{section}.")
            if name != key:
                settings[name] = str(ast.literal_eval(value)).split()
    return settings


def index_options(settings: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the options that make uv look where pip is set to look.

    Looking at all indexes alike is safe here, since a file is taken only if its hash is in the lock.
    """
    options: list[str] = []
    for name, option in UV_OPTIONS.items():
        for url in settings.get(name, []):
            options += [option, url]
    if settings.get("no-index", ["false"])[0].lower() in {"1", "true", "yes", "on"}:
        options.append("--no-index")
    return [*options, "--index-strategy", "unsafe-best-match"] if options else []


def uv_environment(settings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the environment variables for uv, with pip's certificate and proxy where none are set."""
    environment = clean_environment()
    for name, variable in (("cert", "SSL_CERT_FILE"), ("proxy", "ALL_PROXY")):
        if settings.get(name):
            environment.setdefault(variable, settings[name][0])
    return environment


def install_locked(entries: Mapping[str, str]) -> None:
    """Install lock file entries, hashes checked: with uv, or with pip where uv doesn't get at the index."""
    say(f"installing {len(entries)} locked packages: {', '.join(sorted(entries))}")
    settings = pip_settings()
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as wanted:
        wanted.write("\n".join(entries.values()) + "\n")
        wanted.flush()
        common = ["--no-deps", "--require-hashes", "--only-binary=:all:", "-r", wanted.name]
        with_uv = [*_uv(), *index_options(settings), *common]
        if run(with_uv, uv_environment(settings)):
            return
        say("uv couldn't fetch them (see above); trying pip, with all of its settings")
        with_pip = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--no-input", *common]
        if not run(with_pip):
            raise InstallError("the locked packages can't be fetched (see above): is the package index within reach?")


def _uv() -> list[str]:
    from uv import find_uv_bin

    return [os.fspath(find_uv_bin()), "pip", "install", "--quiet", "--python", sys.executable]


def members_to_install(workspace: Workspace, installed: Installed) -> list[Path]:
    """Return the workspace packages to install, leaving out those that a user replaced by a newer version."""
    wanted = []
    for member in workspace.members():
        project = _project(member)
        present = installed.get(canonicalize_name(project["name"]))
        if present is not None and _is_newer_than_ours(present, project["version"]):
            say(f"keeping {present.name} {present.version}, newer than {member.relative_to(workspace.root)}")
        else:
            wanted.append(member)
    return wanted


def _is_newer_than_ours(distribution: Distribution, version: str) -> bool:
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    editable = bool(origin.get("dir_info", {}).get("editable"))
    return not editable and Version(distribution.version) > Version(version)


def install_members(members: Sequence[Path]) -> None:
    """Install workspace packages editable, without network: what builds them is locked and installed."""
    say(f"installing {len(members)} workspace packages: {', '.join(member.name for member in members)}")
    editable = [text for member in members for text in ("--editable", str(member))]
    command = [*_uv(), "--offline", "--no-deps", "--no-build-isolation", *editable]
    if not run(command):
        raise InstallError("the workspace packages can't be installed (see above)")


def report_conflicts(workspace: Workspace, installed: Installed) -> None:
    """Name what still doesn't fit together after installing, and the command that mends it."""
    asked = requirements_by_name(own_requirements(workspace), installed)
    own = {canonicalize_name(_project(member)["name"]) for member in workspace.members()}
    for name in sorted(set(asked) - own):
        present = installed.get(name)
        if present is None or not satisfies(present, asked[name]):
            have = "absent" if present is None else present.version
            asks = ",".join(sorted({str(each.specifier) for each in asked[name] if str(each.specifier)}))
            say(f"warning: {name} is {have}, asked for is {asks}; try: .venv/bin/pip install '{name}{asks}'")


def install(workspace: Workspace, interrupted: bool) -> None:
    """Install all that a checkout needs.

    Args:
        workspace: the checkout.
        interrupted: whether the last set-up didn't finish.

    Raises:
        InstallError: where something can't be installed.
    """
    entries = to_install(workspace, without_broken(workspace, installed_distributions(), interrupted))
    if entries:
        install_locked(entries)
    install_members(members_to_install(workspace, installed_distributions()))
    report_conflicts(workspace, installed_distributions())


def main() -> int:
    """Read the command line, install, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="the folder of the checkout")
    parser.add_argument("--interrupted", action="store_true", help="the last set-up didn't finish")
    arguments = parser.parse_args()
    try:
        install(Workspace(arguments.root.resolve()), arguments.interrupted)
    except InstallError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
