"""The configuration object that a step is given: FINN's own, with a record of what is read from it.

It is an instance of a class derived from FINN's, so methods of FINN's class that read fields do it through the record
too. It shares the fields with FINN's object: what a step writes is seen by the steps after it, as without us.
"""

from __future__ import annotations

import dataclasses
import functools
from types import FunctionType
from typing import Any, Callable, Dict, List, Set

from .reads import Place, Reads
from .values import OpaqueValueError, canonical, encode, named_file

__all__ = ["recording", "written_fields"]

_ALL = ("__dict__", "__getstate__", "__reduce__", "__reduce_ex__", "__copy__", "__deepcopy__")


def recording(place: Place, reads: Reads, written: Set[str]) -> Any:
    """Return the configuration of `place` as an object that records.

    Args:
        place: has FINN's object.
        reads: gets what is read.
        written: gets the names of fields that are set or deleted.
    """
    recorder = _Recorder(place, reads, written)
    kind: Any = type(place.config)
    methods: Dict[str, Any] = {
        "__module__": kind.__module__,
        "__getattribute__": lambda self, name: recorder.get(self, name),  # noqa: PLW0108 - it must get the object
        "__setattr__": lambda self, name, value: recorder.put(self, name, value),  # noqa: PLW0108 - it must get the object
        "__delattr__": lambda self, name: recorder.remove(self, name),  # noqa: PLW0108 - it must get the object
        "__dir__": lambda self: recorder.names(),
    }
    recorder.made = object.__new__(type(kind.__name__, (_Quiet, kind), methods))
    object.__setattr__(recorder.made, "__dict__", vars(place.config))
    return recorder.made


class _Recorder:
    """What the object's own methods do; it is the same for all of them, and not one of the object's fields."""

    def __init__(self, place: Place, reads: Reads, written: Set[str]) -> None:
        self._place, self._reads, self._written = place, reads, written
        self._original = place.config
        self._kind: Any = type(place.config)
        self._fields = vars(place.config)
        self.made: Any = None

    def get(self, made: Any, name: str) -> Any:
        if name == "__class__":
            return self._kind  # dataclasses compare by it
        if made is not self.made:  # a shallow copy: all that is in it has been read
            return object.__getattribute__(made, name)
        if name in _ALL:
            self._note_all()
            # Copies and pickles are of FINN's class, and all that is in them has been read.
            return self._fields if name == "__dict__" else getattr(self._original, name)
        if name == "__dataclass_fields__":  # `asdict` and its like begin with it
            self._note_paths()
        try:
            value = object.__getattribute__(made, name)
        except AttributeError:
            if not name.startswith("__"):
                self._note(name)
            raise
        if name in self._fields or not _is_code(self._kind, name):
            self._note(name)
        return value

    def put(self, made: Any, name: str, value: Any) -> None:
        self._kind.__setattr__(self._target(made, name), name, value)

    def remove(self, made: Any, name: str) -> None:
        self._kind.__delattr__(self._target(made, name), name)

    def names(self) -> List[str]:
        self._note_all()
        return list(object.__dir__(self._original))

    def _target(self, made: Any, name: str) -> Any:
        if made is not self.made:
            return made
        self._written.add(name)
        return self._original

    def _note(self, name: str) -> None:
        if name not in self._written:
            self._reads.note("field", name, lambda: self._place.field(name))

    def _note_all(self) -> None:
        for name in self._fields:
            self._note(name)
        self._note_paths()

    def _note_paths(self) -> None:
        """Record paths of files as they are: who goes through all fields writes them down, or makes a hash of them."""
        for name, value in self._fields.items():
            if name not in self._written and named_file(value) is not None:
                self._reads.note("exact", name, functools.partial(self._place.exact, name))


class _Quiet:
    """Keeps a base class from doing work for each class derived from it: that of FINN+ compiles code."""

    def __init_subclass__(cls, **_: object) -> None:
        pass


def _is_code(kind: type, name: str) -> bool:
    """Whether a name of the class isn't data: methods and properties record what they read themselves."""
    for each in kind.__mro__:
        if name in vars(each):
            found = vars(each)[name]
            return isinstance(found, (FunctionType, classmethod, staticmethod, property)) or name.startswith("__")
    return False


def states(config: Any) -> Dict[str, str]:
    """Return each field's value as text, to see later which ones have changed; "" for what can't be written down."""
    return {name: _state(value) for name, value in vars(config).items()}


def _state(value: Any) -> str:
    try:
        return canonical(encode(value))
    except OpaqueValueError:
        return ""


def written_fields(config: Any, before: Dict[str, str], written: Set[str], problems: List[str]) -> Dict[str, Any]:
    """Return what a step has written into the configuration, by field; None for a field that it deleted.

    Args:
        config: FINN's object.
        before: what `states` gave before the step.
        written: the fields that were set; values changed in place are found by comparison.
        problems: gets a sentence for each one that can't be restored.
    """
    now = states(config)
    changed = {name for name in {*before, *now} if before.get(name) != now.get(name)}
    found: Dict[str, Any] = {}
    for name in sorted(changed | written):
        if name not in now:
            found[name] = None
        elif now[name] == "" or '{"step":' in now[name]:
            problems.append(f"it writes {name}, which is no data")
        else:
            found[name] = {"value": encode(vars(config)[name])}
    return found


def restore_fields(config: Any, written: Dict[str, Any], decode: Callable[[Any], Any]) -> None:
    """Write into the configuration what `written_fields` has found."""
    for name, value in written.items():
        if value is None:
            if name in vars(config):
                delattr(config, name)
        else:
            setattr(config, name, decode(value["value"]))


def is_plain(config: Any) -> bool:
    """Whether a configuration keeps its fields in a dictionary of its own, so that they can be shared."""
    return dataclasses.is_dataclass(config) and hasattr(config, "__dict__")
