"""The folders for whose content the identity of a FINN environment stands."""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import Iterable, Tuple

__all__ = ["Own"]

_CODE = (".py", ".pyc", ".so", ".pth", "METADATA", "entry_points.txt")


class Own:
    """What needs no record, since the environment's identity changes with it.

    Args:
        packages: the folders of FINN and QONNX.
    """

    def __init__(self, packages: Iterable[str]) -> None:
        ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        paths = sysconfig.get_paths()
        self._core = _prefixes([paths["stdlib"], paths["platstdlib"], ours, *packages])
        self._environment = self._core + _prefixes([paths["purelib"], paths["platlib"], sys.prefix])

    def is_core(self, path: str) -> bool:
        """Whether a path is FINN's, QONNX's, Python's or ours."""
        path = os.path.abspath(path)
        return path.startswith(self._core) and "site-packages" not in _tail(path, self._core)

    def is_below(self, path: str) -> bool:
        """Whether a path is in the environment."""
        return os.path.abspath(path).startswith(self._environment)

    def has_file(self, path: str) -> bool:
        """Whether the identity stands for a file; other packages' versions stand for their code, not for their data."""
        return self.is_core(path) or (self.is_below(path) and path.endswith(_CODE))


def _prefixes(folders: Iterable[str]) -> Tuple[str, ...]:
    names = {
        path.rstrip(os.sep) + os.sep for folder in folders for path in (folder, os.path.realpath(folder)) if folder
    }
    return tuple(sorted(names - {os.sep, "/usr/"}))


def _tail(path: str, prefixes: Tuple[str, ...]) -> str:
    """Return what is left of a path behind its longest prefix."""
    return path[max(len(prefix) for prefix in prefixes if path.startswith(prefix)) :]
