"""What a FINN environment is made of, as one word, and a cheap way to see that it hasn't changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

__all__ = ["identity_of", "source_digest", "stamp_of"]

# What an import or an editor leaves behind is no source.
_IGNORED = {"__pycache__", ".git", ".ipynb_checkpoints"}
_INSTALLED = {".dist-info", ".egg-info", ".egg-link"}


def identity_of(flavour: str, version: str, python_version: str, distributions: Mapping[str, str], digest: str) -> str:
    """Return a word that changes with anything that can change a build's result.

    Args:
        flavour: `finn` or `finn-plus`.
        version: FINN's version.
        python_version: of the interpreter.
        distributions: versions of what FINN imports, by name.
        digest: of FINN's and QONNX's sources, as `source_digest` gives it.

    Example:
        >>> identity_of("finn-plus", "1.6.1", "3.11.2", {"onnx": "1.21.0"}, "ab12")[:16]
        'finn-plus-1.6.1-'
    """
    parts = [flavour, version, python_version, os.uname().machine, digest]
    parts += [f"{name}=={distributions[name]}" for name in sorted(distributions)]
    return f"{flavour}-{version}-{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()[:16]}"


def source_digest(folders: Mapping[str, Path]) -> str:
    """Return a digest over names and contents of all files of packages; compiled files don't count.

    Args:
        folders: each package's folder, by the package's name.
    """
    total = hashlib.sha256()
    for name in sorted(folders):
        for file in _files(folders[name]):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            total.update(f"{name}/{file.relative_to(folders[name])}\0{content}\n".encode())
    return total.hexdigest()


def stamp_of(python: Path, folders: Mapping[str, Path], site_folders: Iterable[Path]) -> str:
    """Return a digest that changes with what an environment holds, without reading any file's content.

    It looks at sizes and times of FINN's and QONNX's files, at the interpreter, and at the names of the installed
    distributions, which hold their versions.

    Args:
        python: the interpreter.
        folders: the packages' folders, by name.
        site_folders: the folders in which distributions are installed.

    Raises:
        OSError: something of it is gone.
    """
    total = hashlib.sha256()
    for name in sorted(folders):
        start = len(os.path.join(folders[name], ""))  # noqa: PTH118 - asked before each build: text is quicker
        for file in _file_names(folders[name]):
            total.update(f"{name}/{file[start:]}\0{_size_and_time(file)}\n".encode())
    total.update(f"{python.resolve()}\0{_size_and_time(python)}\n".encode())
    for folder in sorted(site_folders):
        names = sorted(each.name for each in folder.iterdir() if each.suffix in _INSTALLED)
        total.update(f"{folder}\0{names}\n".encode())
    return total.hexdigest()


def _size_and_time(file: Path | str) -> str:
    status = os.stat(file)  # noqa: PTH116 - asked of many hundred files before each build
    return f"{status.st_size} {status.st_mtime_ns}"


def _files(folder: Path) -> Iterator[Path]:
    return map(Path, _file_names(folder))


def _file_names(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if each not in _IGNORED)
        for name in sorted(files):
            if not name.endswith((".pyc", ".pyo")):
                yield os.path.join(place, name)  # noqa: PTH118 - see above
