"""JSON as a Python type, and checks that a value really is JSON (finite numbers, string keys)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TypeAlias

from ..errors import ConfigurationError

__all__ = ["JSONValue", "checked_json", "checked_json_dict", "readable_json"]

JSONValue: TypeAlias = "bool | int | float | str | list[JSONValue] | dict[str, JSONValue] | None"

_UNCHANGEABLE = frozenset({bool, int, str, type(None)})
_encode = json.JSONEncoder(ensure_ascii=False).encode


def checked_json(value: object, where: str = "value") -> JSONValue:
    """Return a deep copy of `value` as plain JSON types; tuples become lists.

    Args:
        value: anything built from None, bool, int, finite float, str, lists, tuples and mappings with string keys.
        where: named in the error.

    Raises:
        ConfigurationError: for anything else; JSON has no NaN and no infinity.

    Example:
        >>> checked_json({"a": (1, 2)})
        {'a': [1, 2]}
    """
    kind = type(value)
    if kind in _UNCHANGEABLE or (kind is float and value - value == 0):  # type: ignore[operator]  # infinite - infinite isn't 0
        return value  # type: ignore[return-value]  # its type was just looked at
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if isinstance(value, bool) else int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ConfigurationError(f"{where} is {value}, which JSON can't hold", hint="give a finite number")
        return float(value)
    if isinstance(value, list | tuple):
        return [checked_json(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return checked_json_dict(value, where)
    raise ConfigurationError(
        f"{where} is of type {type(value).__name__}, which JSON can't hold",
        hint="use null, true/false, numbers, strings, lists and mappings",
    )


def checked_json_dict(value: object, where: str = "value") -> dict[str, JSONValue]:
    """Return `value` as a plain JSON object.

    Raises:
        ConfigurationError: if it isn't a mapping with string keys, or holds something that isn't JSON.

    Example:
        >>> checked_json_dict({"clock_ns": 10})
        {'clock_ns': 10}
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where} must be a mapping, but is {type(value).__name__}: {value!r}")
    result: dict[str, JSONValue] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise ConfigurationError(f"{where} has the key {key!r}, but keys must be strings")
        result[key] = checked_json(item, f"{where}.{key}")
    return result


# Python's encoder takes many times as long when it indents, and would do so for every figure of every build.
def readable_json(data: JSONValue, levels: int = 2, indent: str = "") -> str:
    """Return JSON text in which the outer levels have a line for each item, and each inner value stands on one line.

    Args:
        data: plain JSON data.
        levels: how many levels of lists and objects are broken into lines.
        indent: put before each further line.

    Example:
        >>> print(readable_json({"id": "a", "flags": {"fps": 10}, "steps": [{"x": [1, 2]}]}))
        {
         "id": "a",
         "flags": {
          "fps": 10
         },
         "steps": [
          {"x": [1, 2]}
         ]
        }
    """
    if levels == 0 or not data or not isinstance(data, dict | list):
        return _encode(data)
    inner = indent + " "
    if isinstance(data, dict):
        items = [f"{_encode(key)}: {readable_json(value, levels - 1, inner)}" for key, value in data.items()]
    else:
        items = [readable_json(value, levels - 1, inner) for value in data]
    first, last = "{}" if isinstance(data, dict) else "[]"
    return f"{first}\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}{last}"
