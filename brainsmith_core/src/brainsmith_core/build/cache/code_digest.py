"""Digests of code and files that results depend on."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ...formats.json_values import JSONValue
from ..workspace import file_digest

__all__ = ["code_digest", "named_files", "packages_digest"]

#: A folder that a setting names counts by what its files look like; one with more files isn't looked through.
_MOST_FILES = 2_000


#: Folders of our packages that have no part in what a build gives.
_NO_PART = {"__pycache__", "cli", "scaffold", "testing"}


@functools.cache
def code_digest(package: str) -> str | None:
    """Return a digest of the files of an installed package, read once; None if there is no such package.

    Folders called `cli`, `scaffold` and `testing` don't count: no result depends on them.

    Args:
        package: the top-level name; the module itself isn't imported.

    Example:
        >>> len(code_digest("brainsmith_core") or ""), code_digest("no_such_package")
        (64, None)
    """
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if found is None:
        return None
    digest = hashlib.sha256()
    roots = found.submodule_search_locations or ([found.origin] if found.origin else [])
    for root in roots:
        for path in _files(Path(root)):
            digest.update(os.fsencode(path.relative_to(root)) + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest() if roots else None


def _files(root: Path) -> Iterator[Path]:
    """Yield a file itself, or a folder's files in order."""
    if root.is_file():
        yield root
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _NO_PART)
        yield from (Path(folder, name) for name in sorted(files))


def named_files(data: JSONValue) -> dict[str, str] | None:
    """Return the digests of all files and folders whose paths are among the texts of some JSON data.

    A file counts by its content; a folder by the names, sizes and times of its files.

    Returns:
        digests by path, or None if a folder has too many files to be looked through.
    """
    found: dict[str, str] = {}
    for text in _texts(data):
        path = Path(text)
        if path.is_file():
            found[text] = file_digest(path)
        elif path.is_dir():
            digest = _folder_digest(path)
            if digest is None:
                return None
            found[text] = digest
    return found


def _texts(data: JSONValue) -> Iterator[str]:
    """Yield the texts that can be paths."""
    if isinstance(data, str):
        if data and len(data) < 4096 and "\0" not in data and "\n" not in data:
            yield data
    elif isinstance(data, list):
        for item in data:
            yield from _texts(item)
    elif isinstance(data, dict):
        for item in data.values():
            yield from _texts(item)


def _folder_digest(root: Path) -> str | None:
    digest = hashlib.sha256()
    for count, path in enumerate(_files(root)):
        if count == _MOST_FILES:
            return None
        state = path.lstat()
        digest.update(f"{path.relative_to(root)}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def packages_digest() -> str:
    """Return a digest of this interpreter's version and of the installed distributions' names and versions."""
    names = {name for folder in sys.path for name in _listed(folder) if name.endswith((".dist-info", ".egg-info"))}
    return hashlib.sha256("\n".join([sys.version, *sorted(names)]).encode()).hexdigest()


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - many names, and nothing but these
    except OSError:  # a zip file, or not there
        return []
