"""Which distributions are installed, and which plugins they bring, read from their metadata alone.

`importlib.metadata` costs five times what this does (it imports an e-mail parser), and each command would pay for it.
It is asked only where there is more than folders to look into: archives on the path, finders of other tools.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import attrs

from ..errors import MissingRequirementError

if TYPE_CHECKING:
    from importlib import metadata

__all__ = ["CORE_DISTRIBUTION", "ENTRY_POINT_GROUP", "Distribution", "core_version", "installed", "normalised"]

CORE_DISTRIBUTION = "brainsmith-core"
ENTRY_POINT_GROUP = "brainsmith.plugins"

_SECTION = f"[{ENTRY_POINT_GROUP}]"
_FOLDER = re.compile(r"(?P<name>[^-]+)(-(?P<version>[^-]+))?.*\.(dist|egg)-info\Z")
_SEPARATORS = re.compile(r"[-_.]+")


@attrs.frozen(kw_only=True)
class Distribution:
    """An installed distribution.

    Args:
        name: as it calls itself.
        version: its version.
        folder: where its metadata lies.
        plugins: name and value of each entry point of our group.
        requires: what it requires (`Requires-Dist`); read only if it brings plugins.
        problem: what is wrong with its metadata, or "".
    """

    name: str
    version: str
    folder: str
    plugins: tuple[tuple[str, str], ...] = ()
    requires: tuple[str, ...] = ()
    problem: str = ""


def normalised(name: str) -> str:
    """Return a distribution's name in the one form that all its spellings have.

    Example:
        >>> normalised("Brainsmith_Core.X")
        'brainsmith-core-x'
    """
    return _SEPARATORS.sub("-", name).lower()


@functools.cache
def core_version() -> str:
    """Return the version of the core that is installed."""
    for entry in dict.fromkeys(sys.path):
        for each in _in_entry(entry or os.curdir, only=CORE_DISTRIBUTION):
            return each.version
    found = installed().get(CORE_DISTRIBUTION)
    if found is None:
        text = f"{CORE_DISTRIBUTION} isn't installed in this environment: only its source was found"
        raise MissingRequirementError(text, hint=f"pip install {CORE_DISTRIBUTION}")
    return found.version


def installed(path: Iterable[str] | None = None) -> dict[str, Distribution]:
    """Return the installed distributions by normalised name, in an order that is the same on every machine.

    Of two with one name, the one that comes first on the path counts, as for Python's own lookup.

    Args:
        path: the folders to look into; else `sys.path`.
    """
    found: dict[str, Distribution] = {}
    for entry in dict.fromkeys(sys.path if path is None else path):
        for each in _in_entry(entry or os.curdir):
            found.setdefault(normalised(each.name), each)
    if path is None:
        for finder in sys.meta_path:
            if hasattr(finder, "find_distributions") and not _looks_at_the_path(finder):
                for each in _from_finder(finder):
                    found.setdefault(normalised(each.name), each)
    return dict(sorted(found.items()))


def _looks_at_the_path(finder: object) -> bool:
    """Return whether a finder gives what lies on the path: Python's own, and that of `importlib_metadata`."""
    cls = finder if isinstance(finder, type) else type(finder)
    return cls.__name__ == "PathFinder" or cls.__module__.startswith("importlib_metadata")


def _in_entry(entry: str, only: str = "") -> Iterator[Distribution]:
    try:
        # Sorted: the order of a folder's entries differs from machine to machine.
        names = sorted(os.listdir(entry))  # noqa: PTH208 - as below: a thousand paths at each start
    except NotADirectoryError:
        if not only:
            yield from _in_archive(entry)
        return
    except OSError:
        return
    for name in names:
        matched = _FOLDER.match(name)
        # `~`: what pip leaves behind when an uninstallation is interrupted.
        if matched and not name.startswith("~") and only in ("", normalised(matched["name"])):
            yield _read(f"{entry}/{name}", matched["name"], matched["version"] or "")


def _read(folder: str, name: str, version: str) -> Distribution:
    """Return a distribution; only one that brings plugins is read further than its folder's name."""
    try:
        data = _read_file(folder, "entry_points.txt")
        if _SECTION.encode() not in data:
            return Distribution(name=name, version=version, folder=folder)
        return _with_plugins(folder, name, version, data)
    except OSError:
        return Distribution(name=name, version=version, folder=folder)


def _read_file(folder: str, name: str) -> bytes:
    with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123 - a thousand paths at each start
        return file.read()


def _with_plugins(folder: str, name: str, version: str, entry_points: bytes) -> Distribution:
    plugins = tuple(_entry_points(entry_points.decode(errors="replace")))
    egg = folder.endswith(".egg-info")
    try:
        headers = _headers(_read_file(folder, "PKG-INFO" if egg else "METADATA").decode())
        requires = _egg_requires(folder) if egg else tuple(headers.get("requires-dist", ()))
        name, version = headers["name"][0], headers["version"][0]
    except FileNotFoundError:
        problem = "its metadata is not there"
    except UnicodeDecodeError:
        problem = "its metadata is no text"
    except KeyError as error:
        problem = f"its metadata has no {str(error.args[0]).capitalize()}"
    else:
        return Distribution(name=name, version=version, folder=folder, plugins=plugins, requires=requires)
    return Distribution(name=name, version=version, folder=folder, plugins=plugins, problem=f"{problem} ({folder})")


def _entry_points(text: str) -> Iterator[tuple[str, str]]:
    inside = False
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped == _SECTION
        elif inside and stripped and stripped[0] not in "#;":
            name, _, value = stripped.partition("=")
            yield name.strip(), value.strip()


def _headers(text: str) -> dict[str, list[str]]:
    """Return the headers of a metadata file: what stands before the first blank line."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if colon and not line[0].isspace() and value.strip():
            found.setdefault(key.lower(), []).append(value.strip())
    return found


def _egg_requires(folder: str) -> tuple[str, ...]:
    """Return what an old-style distribution always requires: the lines before the first section."""
    try:
        text = _read_file(folder, "requires.txt").decode()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    lines = text.partition("[")[0].splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _in_archive(entry: str) -> Iterator[Distribution]:
    from importlib import metadata

    for each in metadata.distributions(path=[entry]):
        yield _converted(each, entry)


def _from_finder(finder: object) -> Iterator[Distribution]:
    from importlib import metadata

    find = finder.find_distributions  # type: ignore[attr-defined]  # seen by the caller
    for each in find(metadata.DistributionFinder.Context()):
        yield _converted(each, type(finder).__name__)


def _converted(each: metadata.Distribution, folder: str) -> Distribution:
    plugins = tuple(_entry_points(each.read_text("entry_points.txt") or ""))
    known = {key: each.metadata[key] for key in ("Name", "Version") if key in each.metadata}
    return Distribution(
        name=known.get("Name", ""),
        version=known.get("Version", ""),
        folder=folder,
        plugins=plugins,
        requires=tuple(each.requires or ()),
    )
