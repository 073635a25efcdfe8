"""Code by content: our own, FINN's by its environment, the user's by the modules that a step's module reaches."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from types import ModuleType
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from .own import Own
from .values import file_digest

__all__ = ["Fingerprint", "closure", "digests", "is_foreign", "loaded_since", "own_digest", "source_of"]


@functools.lru_cache(maxsize=None)
def own_digest() -> str:
    """Return a digest of our tasks' sources: with other code, no trace of before is used.

    It is worked out once, when the worker has loaded them: the code that runs is the one that was there then.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    total = hashlib.sha256()
    for place, folders, files in sorted(os.walk(root)):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            if name.endswith(".py"):
                path = os.path.join(place, name)
                total.update(f"{os.path.relpath(path, root)}\0{file_digest(path)}\n".encode())
    return total.hexdigest()


def source_of(module: Optional[ModuleType]) -> Optional[str]:
    """Return a module's source file, or None."""
    path = getattr(module, "__file__", None)
    return os.path.abspath(path) if isinstance(path, str) and os.path.isfile(path) else None


def is_foreign(module: Optional[ModuleType], own: Own) -> bool:
    """Whether a module is the user's: its source lies outside the folders of the environment."""
    path = source_of(module)
    return path is not None and not own.is_below(path)


def closure(module: ModuleType, own: Own) -> List[ModuleType]:
    """Return the user's modules that a module reaches through names in it, itself included.

    Modules of its own package count wherever they are: the user's package may be installed beside FINN.
    """
    found: Dict[str, ModuleType] = {}
    package = module.__name__.partition(".")[0]
    waiting = [module]
    while waiting:
        current = waiting.pop()
        path = source_of(current)
        sibling = current.__name__.partition(".")[0] == package and path is not None and not own.is_core(path)
        if current.__name__ in found or not (sibling or is_foreign(current, own)):
            continue
        found[current.__name__] = current
        waiting.extend(_parents(current))
        waiting.extend(each for value in list(vars(current).values()) for each in _modules_of(value))
    return [found[name] for name in sorted(found)]


def loaded_since(names: Set[str], own: Own) -> List[ModuleType]:
    """Return the user's modules among those that were imported after `names`."""
    return [module for name, module in sorted(sys.modules.items()) if name not in names and is_foreign(module, own)]


def digests(modules: List[ModuleType]) -> List[List[str]]:
    """Return names and contents of modules; a step in a file is named by its content alone."""
    pairs: Set[Tuple[str, str]] = set()
    for module in modules:
        name = module.__name__
        named = "" if name.startswith("brainsmith_step_") else name
        pairs.add((named, file_digest(source_of(module) or "") or ""))
    return [list(pair) for pair in sorted(pairs)]


class Fingerprint:
    """Which objects FINN's and QONNX's modules consist of: to see whether somebody has put others in their place.

    Attributes:
        names: the modules that were imported then.
    """

    def __init__(self) -> None:
        self._before = dict(_identities())
        self.names = set(sys.modules)

    def changed(self) -> bool:
        """Whether something that was there is another object now, or a registry has got or lost an entry."""
        now = dict(_identities())
        return any(now.get(key) != value for key, value in self._before.items())


def _identities() -> Iterator[Tuple[str, Any]]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in ("finn", "qonnx") or not isinstance(module, ModuleType):
            continue
        for key, value in list(vars(module).items()):
            if key.startswith("__"):
                continue
            yield f"{name}:{key}", id(value)
            if isinstance(value, dict):
                yield f"{name}:{key}[]", [(str(each), id(item)) for each, item in value.items()]
            elif isinstance(value, (list, set)):
                yield f"{name}:{key}[]", [id(item) for item in value]
            elif isinstance(value, type) and value.__module__ == name:
                yield f"{name}:{key}.*", [(each, id(item)) for each, item in vars(value).items() if each[:2] != "__"]


def _parents(module: ModuleType) -> Iterator[ModuleType]:
    parent = module.__name__.rpartition(".")[0]
    if parent and isinstance(sys.modules.get(parent), ModuleType):
        yield sys.modules[parent]


def _modules_of(value: Any) -> Iterator[ModuleType]:
    if isinstance(value, ModuleType):
        yield value
        return
    module = sys.modules.get(str(getattr(value, "__module__", "")))
    if module is not None:
        yield module
