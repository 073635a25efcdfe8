"""Check flags against the fields of FINN's `DataflowBuildConfig`, as the environment describes them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue

from .environments.records import ConfigField

__all__ = ["checked_value", "find_file", "names_file"]

#: Fields that name a file to read, where FINN's annotation is no more than `str`.
_FILE_ENDINGS = ("_file", "_npy", "_config_path")
_WRAPPERS = ("Optional", "Union", "None", "NoneType")


def checked_value(field: ConfigField, value: JSONValue, where: str) -> JSONValue:
    """Return a flag's value as FINN's field takes it.

    Args:
        field: the field.
        value: what the user gave; a whole number may be written as a float where an integer is asked for.
        where: the FINN that it is for, for messages.

    Raises:
        ConfigurationError: for a wrong type, or a value that isn't among the choices, with the nearest one.

    Example:
        >>> checked_value(ConfigField(name="target_fps", type="Optional[int]", optional=True), 1000.0, "FINN")
        1000
    """
    named = f'flag "{field.name}" of {where}'
    if value is None:
        if not field.optional:
            raise ConfigurationError(f"{named} can't be null")
        return None
    if field.many:
        return [_checked_item(field, item, named) for item in _checked_list(value, named)]
    return _checked_item(field, value, named)


def names_file(field: ConfigField) -> bool:
    """Whether the field's value is the path of a file that FINN reads."""
    return field.name.endswith(_FILE_ENDINGS)


def find_file(value: JSONValue, folder: Path, named: str) -> Path:
    """Return the file that a flag names, as an absolute path.

    Args:
        value: an absolute path, or one relative to the model's folder or to the working directory.
        folder: the model's folder.
        named: the flag, for messages.

    Raises:
        ConfigurationError: if there is no such file, or it is a `.json` file that holds no JSON object.
    """
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{named} must be a path, but is {value!r}")
    places = list(dict.fromkeys((folder.absolute() / value, Path(value).absolute())))
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        tried = " nor ".join(str(place) for place in places)
        raise ConfigurationError(f"{named} names a file that doesn't exist", hint=f"neither {tried} is there")
    if found.suffix == ".json":
        _check_json_object(found, named)
    return found


def _check_json_object(path: Path, named: str) -> None:
    try:
        data = json.loads(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(f"{named}: {path} isn't JSON: {error}") from error
    if not isinstance(data, dict) or not all(isinstance(value, dict) for value in data.values()):
        text = f"{named}: {path} must hold an object with an object of attributes for each layer"
        raise ConfigurationError(text, hint='for example {"Defaults": {}, "MVAU_hls_0": {"PE": 2, "SIMD": 4}}')


def _checked_list(value: JSONValue, named: str) -> list[JSONValue]:
    if not isinstance(value, list):
        raise ConfigurationError(f"{named} must be a list, but is {value!r}")
    return value


def _checked_item(field: ConfigField, value: JSONValue, named: str) -> JSONValue:
    if field.choices:
        return _checked_choice(value, field.choices, named)
    check = _CHECKS.get(_item_type(field))
    return value if check is None else check(value, named)


def _checked_choice(value: JSONValue, choices: tuple[str, ...], named: str) -> JSONValue:
    text = str(value)
    if isinstance(value, bool) or text not in choices:
        raise ConfigurationError(f"{named} can't be {value!r}", hint=did_you_mean(text, choices))
    return text


def _item_type(field: ConfigField) -> str:
    """Return the type in a field's annotation, such as `int` for `Optional[list[int]]`, or "" for a compound one."""
    words = [word for word in re.findall(r"[A-Za-z_]\w*", field.type) if word not in _WRAPPERS]
    if field.many:
        if words[:1] not in (["list"], ["List"]) or len(words) != 2:
            return ""
        del words[0]
    names = set(words)
    return "path" if "Path" in names and names <= {"str", "Path"} else "".join(names) if len(names) == 1 else ""


def _wrong(named: str, expected: str, value: JSONValue) -> ConfigurationError:
    return ConfigurationError(f"{named} must be {expected}, but is {type(value).__name__}: {value!r}")


def _checked_int(value: JSONValue, named: str) -> JSONValue:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(named, "a whole number", value)
    return value


def _checked_float(value: JSONValue, named: str) -> JSONValue:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong(named, "a number", value)
    return float(value)


def _checked_bool(value: JSONValue, named: str) -> JSONValue:
    if not isinstance(value, bool):
        raise _wrong(named, "true or false", value)
    return value


def _checked_str(value: JSONValue, named: str) -> JSONValue:
    if not isinstance(value, str):
        raise _wrong(named, "text", value)
    return value


_CHECKS: dict[str, Callable[[JSONValue, str], JSONValue]] = {
    "int": _checked_int,
    "float": _checked_float,
    "bool": _checked_bool,
    "str": _checked_str,
    "path": _checked_str,
}
