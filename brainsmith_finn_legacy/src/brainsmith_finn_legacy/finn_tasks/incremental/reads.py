"""What a step read, and what it would read now: a trace may be used again as long as both are the same."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Callable, Dict, List, Optional, Tuple

from .values import OpaqueValueError, canonical, encode, encode_field, file_digest

__all__ = ["ABSENT", "Place", "Reads"]

Key = Tuple[str, str]

#: The value of a field that the configuration doesn't have.
ABSENT: Dict[str, Any] = {"absent": True}
_MISSING = object()


class Place:
    """Where a build runs, and with what configuration: what reads are looked up in.

    Args:
        config: FINN's own configuration object.
        build_dir: FINN_BUILD_DIR, a folder for this build only.

    Attributes:
        output: the output folder, absolute.
    """

    def __init__(self, config: Any, build_dir: str) -> None:
        self.config = config
        self.build_dir = build_dir
        self.output = os.path.abspath(str(config.output_dir))
        self._real = os.path.realpath(self.output)

    def below_output(self, path: str) -> Optional[str]:
        """Return a path relative to the output folder ("." for itself), or None if it is outside."""
        absolute = os.path.abspath(path)
        for folder in (self.output, self._real):
            if absolute == folder or absolute.startswith(folder + os.sep):
                return os.path.relpath(absolute, folder)
        real = os.path.join(os.path.realpath(os.path.dirname(absolute)), os.path.basename(absolute))
        if real == self._real or real.startswith(self._real + os.sep):
            return os.path.relpath(real, self._real)
        return None

    def current(self, kind: str, name: str) -> Any:
        """Return what a read of this kind and name gives now.

        Raises:
            OpaqueValueError: for a field whose value isn't data.
        """
        return _READERS[kind](self, name)

    def field(self, name: str) -> Any:
        """Return a field as its reads are recorded; the output folder counts only as the place that it is."""
        value = vars(self.config).get(name, getattr(type(self.config), name, _MISSING))
        if value is _MISSING:
            return ABSENT
        if name == "output_dir":
            return {"output": type(value).__name__}
        return encode_field(value)

    def exact(self, name: str) -> Any:
        """Return a field, or this build's own folder, by its very value."""
        return self.build_dir if name == "build_dir" else encode(getattr(self.config, name))

    def variable(self, name: str) -> Any:
        """Return a variable of the environment; this build's own folder counts only as the place that it is."""
        value = os.environ.get(name)
        return {"build_dir": True} if value is not None and value == self.build_dir else value

    def in_output(self, name: str) -> str:
        """Return a path below the output folder as an absolute one."""
        return os.path.normpath(os.path.join(self.output, name))


class Reads:
    """The reads of one step, by kind and name; the first value counts."""

    def __init__(self) -> None:
        self.values: Dict[Key, Any] = {}
        self.opaque: List[str] = []

    def note(self, kind: str, name: str, value: Callable[[], Any]) -> None:
        """Record a read, with its value unless it is recorded already."""
        if (kind, name) in self.values:
            return
        try:
            self.values[kind, name] = value()
        except OpaqueValueError as error:
            self.values[kind, name] = None
            self.opaque.append(f"it reads {name}, which is no data but a {error}")

    def drop(self, kind: str, name: str) -> None:
        """Forget a read that another one stands for."""
        self.values.pop((kind, name), None)

    def keys(self) -> List[List[str]]:
        """Return kinds and names, in order."""
        return [list(key) for key in sorted(self.values)]

    def listed(self) -> List[List[Any]]:
        """Return kinds, names and values, in order."""
        return [[kind, name, self.values[kind, name]] for kind, name in sorted(self.values)]


def current_values(place: Place, keys: List[List[str]]) -> Optional[List[List[Any]]]:
    """Return reads with what they give now, or None if one of them can't be written down."""
    try:
        return [[kind, name, place.current(kind, name)] for kind, name in keys]
    except OpaqueValueError:
        return None


def differences(now: List[List[Any]], then: List[List[Any]]) -> List[Dict[str, Any]]:
    """Return the reads that differ, each as `{"read", "now", "then"}`; both lists have the same reads."""
    return [
        {"read": f"{new[0]} {new[1]}".strip(), "now": new[2], "then": old[2]}
        for new, old in zip(now, then)
        if canonical(new) != canonical(old)
    ]


def state_of(path: str) -> str:
    """Return what is at a path, as much as `os.stat` is commonly asked for: its kind, and a file's size."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return "missing"
    kind = status.st_mode & 0o170000
    if kind == 0o100000:
        return f"file:{status.st_size}"
    return "folder" if kind == 0o040000 else "other"


def listing_of(path: str) -> Optional[str]:
    """Return a digest of a folder's names, or None where it can't be read."""
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return None
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()


def whole_environment(place: Place) -> str:
    """Return a digest of all variables."""
    values = {name: place.variable(name) for name in sorted(os.environ)}
    return hashlib.sha256(canonical(values).encode("utf-8", "surrogateescape")).hexdigest()


_READERS: Dict[str, Callable[[Place, str], Any]] = {
    "field": lambda place, name: place.field(name),
    "exact": lambda place, name: place.exact(name),
    "file": lambda place, name: file_digest(name),
    "listing": lambda place, name: listing_of(name),
    "stat": lambda place, name: state_of(name),
    "output": lambda place, name: file_digest(place.in_output(name)),
    "output-listing": lambda place, name: listing_of(place.in_output(name)),
    "output-stat": lambda place, name: state_of(place.in_output(name)),
    "env": lambda place, name: place.variable(name),
    "environment": lambda place, name: whole_environment(place),
}
