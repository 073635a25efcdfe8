"""YAML as a tree that remembers lines, so that every error in a file can say where it is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs
import yaml

from ..errors import ConfigurationError, MissingRequirementError, did_you_mean
from .json_values import JSONValue

__all__ = ["Node", "read_yaml"]

#: Aliases may make a small file a huge tree; nobody's configuration has this many values.
_MOST_VALUES = 1_000_000


@attrs.frozen
class Node:
    """A value of a YAML file with its place.

    Args:
        value: a scalar, a list of nodes, or a mapping from keys to nodes.
        file: the file, as the user named it.
        line: the line from 1; for the value of a mapping's key, that of the key.
        path: the way to it, such as `search.constraints[0].metric`; "" for the whole file.
    """

    value: bool | int | float | str | list[Node] | dict[str, Node] | None
    file: str
    line: int
    path: str = ""

    def error(self, text: str, hint: str | None = None) -> ConfigurationError:
        """Return an error that names this place."""
        place = f"{self.file}, line {self.line}"
        what = f"{self.path}: {text}" if self.path else text
        return ConfigurationError(f"{place}: {what}", hint=hint or None)

    def placed(self, error: ConfigurationError) -> ConfigurationError:
        """Return an error with this place in front of its message."""
        return self.error(error.message, error.hint)

    def mapping(self, known: Iterable[str], required: Iterable[str] = ()) -> dict[str, Node]:
        """Return the mapping that this node is.

        Args:
            known: the keys allowed; any key if empty.
            required: the keys that must be there.

        Raises:
            ConfigurationError: if it isn't a mapping, or for an unknown or missing key.
        """
        if not isinstance(self.value, dict):
            raise self.error(f"must be a mapping, but is {self.kind}")
        allowed = list(known)
        for key, node in self.value.items():
            if allowed and key not in allowed:
                raise node.error(f'there is no key "{key}" here', did_you_mean(key, allowed))
        for key in required:
            if key not in self.value:
                raise self.error(f'the key "{key}" is missing')
        return self.value

    def items(self) -> list[Node]:
        """Return the list that this node is; raises ConfigurationError if it is none."""
        if not isinstance(self.value, list):
            raise self.error(f"must be a list, but is {self.kind}")
        return self.value

    def one_or_more(self) -> list[Node]:
        """Return the items of a list, or the node itself where it is no list."""
        return self.value if isinstance(self.value, list) else [self]

    def text(self) -> str:
        """Return the string that this node is; raises ConfigurationError if it is none or empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.error(f"must be a text, but is {self.kind}")
        return self.value

    def number(self) -> float:
        """Return the number that this node is; raises ConfigurationError if it is none."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.error(f"must be a number, but is {self.kind}")
        return self.value

    def whole_number(self) -> int:
        """Return the whole number that this node is; raises ConfigurationError if it is none."""
        number = self.number()
        if not float(number).is_integer():
            raise self.error(f"must be a whole number, but is {number}")
        return int(number)

    def data(self) -> JSONValue:
        """Return the value without the places."""
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        if isinstance(self.value, dict):
            return {key: node.data() for key, node in self.value.items()}
        return self.value

    @property
    def kind(self) -> str:
        """What the value is, for messages."""
        if self.value is None:
            return "empty"
        if isinstance(self.value, list):
            return "a list"
        if isinstance(self.value, dict):
            return "a mapping"
        return f"{type(self.value).__name__} {self.value!r}"


class _Loader(yaml.SafeLoader):
    """YAML as JSON knows it: `1e6` is a number, and a date is a text."""


_MERGE = "tag:yaml.org,2002:merge"
_FLOAT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+\Z")
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


def read_yaml(path: Path, kind: str = "file", beginning: str | None = None) -> Node:
    """Return the mapping that a YAML (or JSON) file holds, with places.

    Args:
        path: the file.
        kind: what it should be, for messages.
        beginning: how such a file begins, for messages.

    Raises:
        MissingRequirementError: if there is no such file.
        ConfigurationError: if it can't be read or isn't YAML, for duplicate keys, and if it holds no mapping.
    """
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise MissingRequirementError(f"the {kind} {path} doesn't exist", hint="check the path") from None
    except OSError as error:
        raise ConfigurationError(f"the {kind} {path} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} isn't text in UTF-8: {error}", hint="give a YAML file") from error
    root = _parse(text, path, beginning)
    if not isinstance(root.value, dict):
        raise root.error(f"a {kind} is a mapping, but this is {root.kind}", beginning)
    return root


def _parse(text: str, path: Path, beginning: str | None) -> Node:
    try:
        loader = _Loader(text)
        found = loader.get_single_node()
        if found is None:
            raise Node(None, str(path), 1).error("the file is empty", beginning)
        return _Converter(loader, str(path)).convert(found, "", found.start_mark.line + 1, ())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Node(None, str(path), line).error(f"this is no YAML: {error.problem}", error.note) from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise ConfigurationError(f"{path} is nested too deeply", hint="no configuration needs that") from None


class _Converter:
    """Turns what PyYAML composes into nodes."""

    def __init__(self, loader: _Loader, file: str) -> None:
        self._loader, self._file = loader, file
        self._values = 0

    def convert(self, found: yaml.Node, path: str, line: int, parents: tuple[yaml.Node, ...]) -> Node:
        if found in parents:
            raise Node(None, self._file, line, path).error("contains itself (a recursive alias)")
        self._values += 1
        if self._values > _MOST_VALUES:
            raise Node(None, self._file, line, path).error(
                f"with its aliases, the file has over {_MOST_VALUES:,} values"
            )
        inside = (*parents, found)
        if isinstance(found, yaml.MappingNode):
            return Node(dict(self._pairs(found, path, inside)), self._file, line, path)
        if isinstance(found, yaml.SequenceNode):
            items = [
                self.convert(item, f"{path}[{index}]", item.start_mark.line + 1, inside)
                for index, item in enumerate(found.value)
            ]
            return Node(items, self._file, line, path)
        return self._scalar(found, path, line)

    def _pairs(self, found: yaml.MappingNode, path: str, parents: tuple[yaml.Node, ...]) -> Iterator[tuple[str, Node]]:
        seen: dict[str, int] = {}
        for key_node, value_node in found.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            place = Node(None, self._file, line, path)
            if not isinstance(key_node, yaml.ScalarNode) or not isinstance(key, str) or not key:
                raise place.error("a key must be a text")
            if key_node.tag == _MERGE:
                raise place.error("merge keys (<<) aren't allowed here", "write the keys out")
            if key in seen:
                raise place.error(f'the key "{key}" is given twice, first in line {seen[key]}')
            seen[key] = line
            yield key, self.convert(value_node, f"{path}.{key}" if path else key, line, parents)

    def _scalar(self, found: yaml.Node, path: str, line: int) -> Node:
        value = self._loader.construct_object(found)
        node = Node(value, self._file, line, path)
        if isinstance(value, float) and not math.isfinite(value):
            raise node.error(f"{value} is no finite number")
        if value is not None and not isinstance(value, bool | int | float | str):
            raise node.error(f"{found.value!r} is a {type(value).__name__}, which JSON can't hold")
        return node
