"""Whether a target can be imported, as far as that can be told without importing anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from typing import Any

import attrs

from ..formats.memory import memory
from .module_facts import TRUSTED, facts_of, names_of

__all__ = ["TargetCheck", "TargetFault"]

_FACTS, _NAMES = "modules", "names"


@attrs.frozen(kw_only=True)
class TargetFault:
    """Why a target can't be imported.

    Args:
        reason: why, for the end of a sentence.
        missing: the top-level module of another package that isn't there, or "".
    """

    reason: str
    missing: str = ""


@attrs.frozen
class _Found:
    """Where a module is: its source or "", and where the modules in it are or None if it isn't a package."""

    source: str
    inside: tuple[str, ...] | None


class TargetCheck:
    """Looks at the modules that targets name, and at those of the same package that they import; at each once.

    Example:
        >>> TargetCheck().fault("os.path:join"), TargetCheck().fault("no_such_package.part:thing").reason
        (None, 'there is no module no_such_package')
    """

    def __init__(self) -> None:
        self._places: dict[str, _Found | None] = {}
        self._faults: dict[str, TargetFault | None] = {}

    def fault(self, target: str) -> TargetFault | None:
        """Return why a target can't be imported, or None if nothing speaks against it.

        Args:
            target: as in a record, `"package.module:attribute"`.
        """
        name, _, attribute = target.partition(":")
        if name.partition(".")[0] in sys.stdlib_module_names:
            return None
        return self._module_fault(name) or self._attribute_fault(name, attribute.partition(".")[0])

    def source(self, target: str) -> str:
        """Return the file that a target's module is made from, or "" where that can't be told."""
        name = target.partition(":")[0]
        loaded = getattr(sys.modules.get(name), "__file__", None)
        place = self._place(name)
        return loaded or (place.source if place else "")

    def _attribute_fault(self, name: str, attribute: str) -> TargetFault | None:
        loaded = sys.modules.get(name)
        if loaded is not None:
            known = hasattr(loaded, attribute)
        else:
            place = self._place(name)
            names = memory().of_file(_NAMES, place.source, names_of) if place and place.source else None
            known = names is None or attribute in names or self._place(f"{name}.{attribute}") is not None
        return None if known else TargetFault(reason=f"there is no {attribute} in {name}")

    def _module_fault(self, name: str) -> TargetFault | None:
        """Return why a module can't be imported; the packages that it is in are imported before it."""
        if name not in self._faults:
            self._faults[name] = None  # modules that import each other: what is being looked at isn't looked at again
            package = name.rpartition(".")[0]
            fault = self._module_fault(package) if package else None
            self._faults[name] = fault or self._own_fault(name)
        return self._faults[name]

    def _own_fault(self, name: str) -> TargetFault | None:
        if sys.modules.get(name) is not None:
            return None
        place = self._place(name)
        if place is None:
            return TargetFault(reason=f"there is no module {name}", missing=name if "." not in name else "")
        if not place.source:
            return None
        try:
            facts = memory().of_file(_FACTS, place.source, facts_of)
        except OSError as error:
            return TargetFault(reason=f"{place.source} can't be read: {error.strerror or error}")
        for line, module, names in facts.get("imports", ()):
            fault = self._import_fault(name, place, module, names)
            if fault is not None:
                where = f"{name}, line {line}"
                told = fault.reason if fault.reason.endswith(")") else f"{fault.reason} ({where})"
                return attrs.evolve(fault, reason=told)
        return TargetFault(reason=f"{facts['fault']} ({name})") if facts["fault"] else None

    def _import_fault(self, name: str, place: _Found, module: str, names: Iterable[str]) -> TargetFault | None:
        wanted = _absolute(name, module, is_package=place.inside is not None)
        root = wanted.partition(".")[0]
        if not root or root in TRUSTED:
            return None
        if root != name.partition(".")[0]:  # of others only whether they are there: what they do is their own affair
            there = sys.modules.get(root) is not None or self._place(root) is not None
            return None if there else TargetFault(reason=f"there is no module {root}", missing=root)
        inner = [f"{wanted}.{each}" for each in names if self._place(f"{wanted}.{each}") is not None]
        return next((fault for each in (wanted, *inner) if (fault := self._module_fault(each))), None)

    def _place(self, name: str) -> _Found | None:
        """Return where a module is, or None if there is none; imports nothing."""
        if name not in self._places:
            self._places[name] = self._look_for(name)
        return self._places[name]

    def _look_for(self, name: str) -> _Found | None:
        loaded = sys.modules.get(name)
        if loaded is not None:
            path = getattr(loaded, "__path__", None)
            return _Found("", None if path is None else tuple(path))
        package, _, last = name.rpartition(".")
        if not package:
            return _from_spec(_find(name, None))
        outer = self._place(package)
        if outer is None or outer.inside is None:
            return None
        for folder in outer.inside:  # a few calls of stat; the import system takes ten times as long
            if os.path.isfile(f"{folder}/{last}.py"):  # noqa: PTH113 - see above
                return _Found(f"{folder}/{last}.py", None)
            if os.path.isfile(f"{folder}/{last}/__init__.py"):  # noqa: PTH113 - see above
                return _Found(f"{folder}/{last}/__init__.py", (f"{folder}/{last}",))
        return _from_spec(_find(name, outer.inside))


def _absolute(name: str, module: str, *, is_package: bool) -> str:
    """Return a module's name as it is without dots in front of it."""
    level = len(module) - len(module.lstrip("."))
    if not level:
        return module
    parts = name.split(".")
    base = parts[: len(parts) - level + is_package]
    return ".".join([*base, *filter(None, [module.lstrip(".")])])


def _from_spec(spec: ModuleSpec | None) -> _Found | None:
    if spec is None:
        return None
    source = spec.origin if spec.origin and spec.origin.endswith(".py") else ""
    inside = spec.submodule_search_locations
    return _Found(source, None if inside is None else tuple(inside))


def _find(name: str, path: Any) -> ModuleSpec | None:
    """Ask the import system for a module without importing the packages that it is in."""
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find_spec(name, path) if find_spec else None
        if spec is not None:
            return spec
    return None
