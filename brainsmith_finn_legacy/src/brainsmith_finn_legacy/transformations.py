"""Transformations by name: which ones an environment has, and how a configuration asks for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

import attrs

from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue, checked_json_dict

from .environments.records import Transformation

__all__ = ["FINNTransformationRegistry", "TransformCall", "parse_call"]

_CALL = re.compile(r"(?P<optional>~?)\s*(?P<name>[A-Za-z_][\w.]*)\s*(\{(?P<parameters>.*)\})?\Z", re.DOTALL)
_PARAMETER = re.compile(r"[\s,]*(?P<name>[A-Za-z_]\w*)\s*=\s*")
_WORD = re.compile(r"[^\s,{}\[\]\"=]+")
_WORDS: dict[str, JSONValue] = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}


@attrs.frozen(kw_only=True)
class TransformCall:
    """A transformation with its parameters.

    Args:
        name: the class, dotted or not.
        parameters: what its constructor gets.
        optional: whether it may be left out where the environment doesn't have it.
    """

    name: str
    parameters: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)
    optional: bool = False

    def to_task(self) -> dict[str, JSONValue]:
        """Return it as the tasks in FINN's interpreter take it."""
        module, _, name = self.name.rpartition(".")
        return {"module": module, "name": name, "parameters": self.parameters}

    def __str__(self) -> str:
        inner = ", ".join(f"{key}={json.dumps(value)}" for key, value in self.parameters.items())
        return f"{'~' if self.optional else ''}{self.name}{'{' + inner + '}' if inner else ''}"


def parse_call(text: str) -> TransformCall:
    """Return the transformation that a text asks for.

    Args:
        text: a name, `~` in front if it is optional, parameters in braces behind; values are JSON or plain words.

    Raises:
        ConfigurationError: for a text of another form.

    Example:
        >>> parse_call("~GiveUniqueNodeNames{prefix=top_, n=2}")
        TransformCall(name='GiveUniqueNodeNames', parameters={'prefix': 'top_', 'n': 2}, optional=True)
    """
    found = _CALL.match(text.strip())
    if found is None:
        raise ConfigurationError(f'"{text}" is no transformation', hint="write Name or Name{parameter=value}")
    return TransformCall(
        name=found["name"],
        parameters=_parse_parameters(found["parameters"] or "", text),
        optional=bool(found["optional"]),
    )


def _parse_parameters(text: str, whole: str) -> dict[str, JSONValue]:
    parameters: dict[str, JSONValue] = {}
    position = 0
    while text[position:].strip(" ,\t\n"):
        found = _PARAMETER.match(text, position)
        if found is None:
            raise ConfigurationError(f'"{whole}" has a parameter that is no name=value: {text[position:]}')
        value, position = _parse_value(text, found.end(), whole)
        parameters[found["name"]] = value
    return parameters


def _parse_value(text: str, position: int, whole: str) -> tuple[JSONValue, int]:
    word = _WORD.match(text, position)
    if word is not None and word[0] in _WORDS:
        return _WORDS[word[0]], word.end()
    try:
        decoded: tuple[JSONValue, int] = json.JSONDecoder().raw_decode(text, position)
    except ValueError:
        decoded = (None, -1)
    if decoded[1] >= 0 and text[decoded[1] : decoded[1] + 1] in ("", " ", ",", "\t", "\n"):
        return decoded
    if word is None:
        raise ConfigurationError(f'"{whole}" has a value that is neither JSON nor a word: {text[position:]}')
    return word[0], word.end()


class FINNTransformationRegistry:
    """The transformations that a FINN environment really has, those of QONNX and those of FINN.

    Args:
        transformations: what the environment's description lists.
        title: the environment's name, for messages.

    Example:
        >>> registry = FINNTransformationRegistry([Transformation(name="qonnx.general.GiveUniqueNodeNames")], "FINN")
        >>> registry.resolve("GiveUniqueNodeNames").name
        'qonnx.general.GiveUniqueNodeNames'
    """

    def __init__(self, transformations: Iterable[Transformation], title: str) -> None:
        self._title = title
        self._by_name = {each.name: each for each in transformations}
        self._by_class: dict[str, list[str]] = {}
        for name in self._by_name:
            self._by_class.setdefault(name.rpartition(".")[2], []).append(name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[Transformation]:
        return iter(self._by_name.values())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name or name in self._by_class

    def get(self, name: str) -> Transformation:
        """Return a transformation by its class name or dotted name.

        Raises:
            ConfigurationError: if there is none, with the nearest one, or several of that name.
        """
        if name in self._by_name:
            return self._by_name[name]
        found = self._by_class.get(name, [])
        if not found:
            known = self._by_name if "." in name else self._by_class
            text = f"{self._title} has no transformation {name}"
            raise ConfigurationError(text, hint=did_you_mean(name, known) or None)
        if len(found) > 1:
            text = f"{self._title} has several transformations {name}"
            raise ConfigurationError(text, hint=f"give one of them: {', '.join(found)}")
        return self._by_name[found[0]]

    def resolve(self, text: str) -> TransformCall:
        """Return the call that a text such as `Name{parameter=value}` asks for, with the dotted name.

        Raises:
            ConfigurationError: for an unknown transformation or a wrong parameter.
        """
        call = parse_call(text)
        found = self.get(call.name)
        known = {parameter.name for parameter in found.parameters}
        for name in call.parameters:
            if name not in known:
                text = f"transformation {call.name} has no parameter {name}"
                raise ConfigurationError(text, hint=did_you_mean(name, known) or "it takes none")
        missing = [each.name for each in found.parameters if each.required and each.name not in call.parameters]
        if missing:
            example = ", ".join(f"{name}=..." for name in missing)
            text = f"transformation {call.name} needs the parameter {' and '.join(missing)}"
            raise ConfigurationError(text, hint=f"write {call.name}{{{example}}}")
        return attrs.evolve(call, name=found.name)
