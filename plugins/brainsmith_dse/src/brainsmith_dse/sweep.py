"""Sweeps: the values that a flag takes over a design space."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import attrs

from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue, checked_json

__all__ = ["MAX_VALUES", "Sweep", "canonical", "parse_flag", "parse_range"]

#: More values than this on one axis are refused before they are listed.
MAX_VALUES: Final = 1_000_000

# Enough for every setting of a tool, few enough that 0.1 + 0.2 is written 0.3 in a configuration's id.
_DIGITS = 12


def canonical(value: JSONValue) -> str:
    """Return JSON that is the same for equal values: keys sorted, `10.0` written as `10`.

    Example:
        >>> canonical({"b": 10.0, "a": [True, 1.5]})
        '{"a":[true,1.5],"b":10}'
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: JSONValue) -> JSONValue:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _values(items: Iterable[object]) -> tuple[JSONValue, ...]:
    return tuple(checked_json(item) for item in items)


@attrs.frozen
class Sweep:
    """The values of one flag, each once.

    Args:
        values: what the flag is set to, in order; one value: the flag is fixed.
    """

    values: tuple[JSONValue, ...] = attrs.field(converter=_values)

    def __attrs_post_init__(self) -> None:
        if not self.values:
            raise ConfigurationError("a sweep without values is an empty design space", hint="give at least one value")
        seen: set[str] = set()
        for value in self.values:
            text = canonical(value)
            if text in seen:
                raise ConfigurationError(f"the value {text} is given twice", hint="give each value once")
            seen.add(text)


def parse_flag(value: object) -> Sweep:
    """Return the values that a flag's entry in `config_flags` stands for.

    Args:
        value: a plain value; `{values: [...]}` or `{range: {...}}` for a sweep; `{value: ...}` for a single value
            that is itself a list or a mapping.

    Raises:
        ConfigurationError: for anything else: a bare list could mean a sweep or one value.

    Example:
        >>> parse_flag(True).values, parse_flag({"values": [1, 2]}).values
        ((True,), (1, 2))
        >>> parse_flag({"value": ["a", "b"]}).values
        (['a', 'b'],)
        >>> parse_flag({"range": {"from": 10, "to": 1000, "count": 3, "scale": "log"}}).values
        (10, 100, 1000)
    """
    if isinstance(value, Sweep):
        return value
    if isinstance(value, list | tuple):
        hint = "write {values: [...]} to try each value, or {value: [...]} if the flag's value is the list"
        raise ConfigurationError("a bare list is ambiguous", hint=hint)
    if not isinstance(value, Mapping):
        return Sweep((value,))
    if len(value) != 1 or next(iter(value)) not in ("value", "values", "range"):
        unknown = next((str(key) for key in value if key not in ("value", "values", "range")), "")
        hint = (did_you_mean(unknown, ("value", "values", "range")) + "; " if unknown else "") + (
            "a flag is a value, {values: [...]}, {range: {...}}, or {value: {...}} if its value is a mapping"
        )
        raise ConfigurationError("this is neither a value nor a sweep", hint=hint)
    ((kind, inner),) = value.items()
    if kind == "value":
        return Sweep((inner,))
    if kind == "range":
        return parse_range(inner)
    if not isinstance(inner, list | tuple):
        raise ConfigurationError(f"values must be a list, but is {inner!r}")
    return Sweep(inner)


def parse_range(data: object) -> Sweep:
    """Return the values of a range, both ends included.

    If `from`, `to` (and `step`) are written as whole numbers, so are all values (rounded); write `2.0` for fractions.

    Args:
        data: a mapping with `from` and `to`, either `step` or `count`, and `scale` (`linear` or `log`; with `count`).

    Raises:
        ConfigurationError: for a range that contradicts itself, is empty, or gives a value twice.

    Example:
        >>> parse_range({"from": 1, "to": 10, "step": 4}).values
        (1, 5, 9)
        >>> parse_range({"from": 2.5, "to": 10, "count": 4}).values
        (2.5, 5.0, 7.5, 10.0)
    """
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"a range must be a mapping, but is {data!r}", hint="{from: 1, to: 9, count: 3}")
    _check_keys(data)
    numbers = {key: _number(key, data[key]) for key in ("from", "to", "step") if key in data}
    low, high = numbers["from"], numbers["to"]
    if low > high:
        raise ConfigurationError(f"the range goes from {low} down to {high}", hint="from is the lesser one")
    whole = all(isinstance(number, int) for number in numbers.values())
    values = _stepped(low, high, numbers["step"]) if "step" in numbers else _counted(low, high, data)
    finished = [round(value) if whole else _rounded(float(value)) for value in values]
    if len(set(finished)) < len(finished):
        twice = next(a for a, b in itertools.pairwise(finished) if a == b)
        hint = f"ask for fewer, or write {float(low)} for fractions" if whole else "ask for fewer"
        raise ConfigurationError(f"the range gives the value {twice} twice", hint=hint)
    return Sweep(finished)


def _check_keys(data: Mapping[Any, Any]) -> None:
    known = ("from", "to", "step", "count", "scale")
    for key in data:
        if key not in known:
            raise ConfigurationError(f'a range has no key "{key}"', hint=did_you_mean(str(key), known))
    for key in ("from", "to"):
        if key not in data:
            raise ConfigurationError(f'the range\'s "{key}" is missing')
    if ("step" in data) == ("count" in data):
        raise ConfigurationError("a range needs either step or count")
    scale = data.get("scale", "linear")
    if scale not in ("linear", "log"):
        raise ConfigurationError(f'"{scale}" is no scale', hint=did_you_mean(str(scale), ("linear", "log")))
    if scale == "log" and "step" in data:
        raise ConfigurationError("step goes with a linear scale", hint="give count instead")


def _number(key: str, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigurationError(f"the range's {key} must be a number, but is {value!r}")
    if key == "step" and value <= 0:
        raise ConfigurationError(f"the range's step must be greater than 0, but is {value}")
    return value


def _stepped(low: float, high: float, step: float) -> list[Decimal]:
    """Return the values from `low` by `step`, none beyond `high`; in decimals, so that 0.1 is a tenth."""
    start, end, width = (Decimal(str(number)) for number in (low, high, step))
    count = int((end - start) // width) + 1
    _check_count(count)
    return [start + index * width for index in range(count)]


def _counted(low: float, high: float, data: Mapping[Any, Any]) -> list[float]:
    count = data["count"]
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ConfigurationError(f"the range's count must be a whole number of at least 1, but is {count!r}")
    _check_count(count)
    if count == 1:
        if low != high:
            raise ConfigurationError(f"one value can't go from {low} to {high}", hint="give a count of at least 2")
        return [low]
    if data.get("scale", "linear") == "linear":
        inner = [low + (high - low) * index / (count - 1) for index in range(1, count - 1)]
    else:
        if low <= 0:
            raise ConfigurationError(f"a logarithmic range must begin above 0, but begins at {low}")
        inner = [low * (high / low) ** (index / (count - 1)) for index in range(1, count - 1)]
    return [low, *inner, high]


def _check_count(count: int) -> None:
    if count > MAX_VALUES:
        raise ConfigurationError(f"the range has {count:,} values, the most is {MAX_VALUES:,}", hint="widen its step")


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
