"""Every type to plain JSON data and back, strictly: unknown keys and wrong types are errors with a suggestion."""

from __future__ import annotations

import enum
import functools
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import attrs

from ..errors import ConfigurationError, did_you_mean
from .json_values import JSONValue, checked_json, checked_json_dict

if typing.TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["from_data", "to_data"]

T = TypeVar("T")


def to_data(value: object) -> dict[str, JSONValue]:
    """Return an attrs object as plain JSON data.

    Example:
        >>> from brainsmith_core.config import ProcessingStep
        >>> to_data(ProcessingStep(name="cut", type="preprocessing"))["name"]
        'cut'
    """
    data = _converter().unstructure(value)
    assert isinstance(data, dict)
    return data


def from_data(cls: type[T], data: object, where: str = "") -> T:
    """Return an object of `cls` made from plain JSON data.

    Args:
        cls: an attrs class of the contract.
        data: what `to_data` gave, or what a user wrote.
        where: what the data is, for messages, such as a file name.

    Raises:
        ConfigurationError: for an unknown or missing key or a wrong type, with the path to it and a suggestion.
    """
    try:
        return _converter().structure(data, cls)
    except _DataError as error:
        place = ".".join(part for part in (where, error.path) if part)
        message = f"{place}: {error.text}" if place else error.text
        raise ConfigurationError(message, hint=error.hint or None) from None
    except ConfigurationError as error:
        prefix = f"{where}: " if where else ""
        raise ConfigurationError(f"{prefix}{error.message}", hint=error.hint) from None


class _DataError(Exception):
    """A fault in the data, with the path to it; the path grows while the error travels outwards."""

    def __init__(self, text: str, hint: str = "", path: str = "") -> None:
        super().__init__(text)
        self.text, self.hint, self.path = text, hint, path

    def inside(self, key: str) -> _DataError:
        joined = f"{key}.{self.path}" if self.path and not self.path.startswith("[") else f"{key}{self.path}"
        return _DataError(self.text, self.hint, joined)


@functools.cache
def _converter() -> Converter:
    # Imported here: the command line's help needs none of it, and it's a third of its time.
    from cattrs import Converter

    converter = Converter(detailed_validation=False, prefer_attrib_converters=False)
    converter.register_unstructure_hook_factory(_is_sequence, lambda hint: _list_hook(converter))
    converter.register_unstructure_hook_factory(_is_json, lambda hint: _same)
    converter.register_unstructure_hook_factory(_is_json_dict, lambda hint: dict)
    for primitive in (str, bool, int, float):
        converter.register_structure_hook(primitive, functools.partial(_structure_primitive, primitive))
    converter.register_structure_hook_func(_is_enum, _structure_enum)
    converter.register_structure_hook(datetime, _structure_datetime)
    converter.register_unstructure_hook(datetime, lambda value: value.isoformat())
    converter.register_structure_hook_func(_is_json, lambda value, _: checked_json(value))
    converter.register_structure_hook_func(_is_json_dict, lambda value, _: checked_json_dict(value))
    converter.register_structure_hook_func(_is_literal, _structure_literal)
    converter.register_structure_hook_factory(_is_optional, lambda hint: _optional_hook(converter, hint))
    converter.register_structure_hook_factory(_is_sequence, lambda hint: _sequence_hook(converter, hint))
    converter.register_structure_hook_factory(_is_mapping, lambda hint: _mapping_hook(converter, hint))
    converter.register_structure_hook_factory(attrs.has, lambda cls: _attrs_hook(converter, cls))
    return converter


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, enum.Enum)


def _is_json(hint: Any) -> bool:
    return _is_union(hint) and {bool, int, float, str} <= set(typing.get_args(hint))


def _is_json_dict(hint: Any) -> bool:
    return typing.get_origin(hint) is dict and _is_json(typing.get_args(hint)[1])


def _is_literal(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.Literal


def _is_union(hint: Any) -> bool:
    import types

    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _is_optional(hint: Any) -> bool:
    args = typing.get_args(hint)
    return _is_union(hint) and len(args) == 2 and type(None) in args


def _is_sequence(hint: Any) -> bool:
    return typing.get_origin(hint) in (tuple, list)


def _is_mapping(hint: Any) -> bool:
    return typing.get_origin(hint) is dict and not _is_json_dict(hint)


def _wrong_type(value: object, expected: str) -> _DataError:
    return _DataError(f"must be {expected}, but is {type(value).__name__}: {value!r}")


def _structure_primitive(cls: type, value: object, _: object) -> object:
    if cls is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, cls) or (isinstance(value, bool) and cls is not bool):
        raise _wrong_type(value, cls.__name__)
    return checked_json(value)


def _structure_enum(value: object, cls: type[enum.Enum]) -> enum.Enum:
    if not isinstance(value, cls):
        try:
            return cls(value)  # a look-up: metrics have thousands of these
        except ValueError:
            pass
    known = [str(member.value) for member in cls]
    raise _DataError(f'"{value}" is no {cls.__name__}', did_you_mean(str(value), known))


def _structure_literal(value: object, hint: Any) -> object:
    known = typing.get_args(hint)
    if value in known:
        return value
    raise _DataError(f'"{value}" is not allowed here', did_you_mean(str(value), [str(item) for item in known]))


def _structure_datetime(value: object, _: object) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise _wrong_type(value, "a time in ISO 8601") from None


def _same(value: object) -> object:
    return value


def _list_hook(converter: Converter) -> Callable[[Any], list[object]]:
    def unstructure(value: Any) -> list[object]:
        return [converter.unstructure(item) for item in value]

    return unstructure


def _optional_hook(converter: Converter, hint: Any) -> Callable[[object, object], object]:
    (inner,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
    hook = converter.get_structure_hook(inner)

    def structure(value: object, _: object) -> object:
        return None if value is None else hook(value, inner)

    return structure


def _sequence_hook(converter: Converter, hint: Any) -> Callable[[object, object], object]:
    container = typing.get_origin(hint)
    args = typing.get_args(hint)
    fixed = args if container is tuple and (len(args) < 2 or args[1] is not Ellipsis) else None
    hooks = {each: converter.get_structure_hook(each) for each in args if each is not Ellipsis}

    def structure(value: object, _: object) -> object:
        if not isinstance(value, list | tuple):
            raise _wrong_type(value, "a list")
        if fixed and len(fixed) != len(value):
            raise _DataError(f"must have {len(fixed)} items, but has {len(value)}: {value!r}")
        hints = fixed or (args[0],) * len(value)
        return container(
            _inside(f"[{index}]", hooks[each], item, each)
            for index, (item, each) in enumerate(zip(value, hints, strict=True))
        )

    return structure


def _mapping_hook(converter: Converter, hint: Any) -> Callable[[object, object], object]:
    inner = typing.get_args(hint)[1]
    hook = converter.get_structure_hook(inner)

    def structure(value: object, _: object) -> object:
        if not isinstance(value, Mapping):
            raise _wrong_type(value, "a mapping")
        for key in value:
            if not isinstance(key, str):
                raise _DataError(f"has the key {key!r}, but keys must be strings")
        return {key: _inside(key, hook, item, inner) for key, item in value.items()}

    return structure


def _attrs_hook(converter: Converter, cls: Any) -> Callable[[object, object], object]:
    resolved = attrs.fields(attrs.resolve_types(cls, localns={"JSONValue": JSONValue}))
    fields = {field.name: field for field in resolved if field.init}
    hooks = {name: converter.get_structure_hook(field.type) for name, field in fields.items()}
    required = [name for name, field in fields.items() if field.default is attrs.NOTHING]

    def structure(value: object, _: object) -> object:
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise _wrong_type(value, f"a mapping ({cls.__name__})")
        for key in value:
            if key not in fields:
                raise _DataError(f'unknown key "{key}"', did_you_mean(str(key), fields))
        for name in required:
            if name not in value:
                raise _DataError(f'the key "{name}" is missing', f"{cls.__name__} needs: {', '.join(required)}")
        return cls(**{key: _inside(key, hooks[key], item, fields[key].type) for key, item in value.items()})

    return structure


def _inside(key: str, hook: Callable[[object, Any], object], value: object, hint: Any) -> object:
    try:
        return hook(value, hint)
    except _DataError as error:
        raise error.inside(key) from None
    except ConfigurationError as error:
        raise _DataError(error.message, error.hint or "", key) from None
