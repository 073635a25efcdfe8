"""Check the parameters that a user gave against those that a step declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import ConfigurationError, did_you_mean
from ..formats.json_values import JSONValue
from ..records import Parameter

__all__ = ["check_value", "checked_parameters"]

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


def checked_parameters(
    declared: Iterable[Parameter], given: Mapping[str, JSONValue], where: str
) -> dict[str, JSONValue]:
    """Return the parameters with defaults filled in.

    Args:
        declared: what is accepted.
        given: what the user wrote.
        where: whose parameters they are, for messages.

    Raises:
        ConfigurationError: for an unknown, missing or wrong parameter, with a suggestion.

    Example:
        >>> bits = Parameter(name="bits", type="int", summary="bit width", default=4, minimum=1, maximum=8)
        >>> checked_parameters([bits], {}, "the step")
        {'bits': 4}
    """
    known = {parameter.name: parameter for parameter in declared}
    for name in given:
        if name not in known:
            raise ConfigurationError(f'{where} has no parameter "{name}"', hint=did_you_mean(name, known) or None)
    values: dict[str, JSONValue] = {}
    for name, parameter in known.items():
        if name in given:
            check_value(parameter, given[name], f'{where}: parameter "{name}"')
        elif parameter.required:
            raise ConfigurationError(f'{where} needs the parameter "{name}": {parameter.summary}')
        values[name] = given.get(name, parameter.default)
    return values


def check_value(parameter: Parameter, value: JSONValue, named: str) -> None:
    """Check a value against what is declared.

    Args:
        parameter: the declaration.
        value: what the user wrote.
        named: what it is, for messages.

    Raises:
        ConfigurationError: if it is wrong.
    """
    if value is None and parameter.default is None and not parameter.required:
        return
    if parameter.type != "any":
        wrong = not isinstance(value, _TYPES[parameter.type])
        if wrong or (isinstance(value, bool) and parameter.type != "bool"):
            raise ConfigurationError(f"{named} must be {parameter.type}, but is {value!r}", hint=parameter.summary)
    if parameter.choices and value not in parameter.choices:
        choices = [str(choice) for choice in parameter.choices]
        raise ConfigurationError(f"{named} can't be {value!r}", hint=did_you_mean(str(value), choices))
    if isinstance(value, int | float):
        low, high = parameter.minimum, parameter.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"{'-∞' if low is None else low} to {'∞' if high is None else high}"
            raise ConfigurationError(f"{named} is {value}, but must be {bounds}", hint=parameter.summary)
