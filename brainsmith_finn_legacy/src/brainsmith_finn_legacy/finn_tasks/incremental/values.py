"""Values of configuration fields as JSON: equal text means equal value; files count by their content."""

from __future__ import annotations

import enum
import hashlib
import importlib
import json
import os
from pathlib import PurePath
from typing import Any, Dict, Optional

__all__ = ["OpaqueValueError", "canonical", "decode", "digest_of", "encode", "encode_field", "file_digest"]

_PLAIN = (bool, int, float, str)


class OpaqueValueError(TypeError):
    """A value can't be written down, so nobody can say later whether it is the same."""


def canonical(data: Any) -> str:
    """Return JSON data as the one text that stands for it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def digest_of(data: Any) -> str:
    """Return the SHA-256 of JSON data."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def file_digest(path: str) -> Optional[str]:
    """Return the SHA-256 of a file's content, or None where there is no regular file."""
    if not os.path.isfile(path):
        return None
    total = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            total.update(block)
    return total.hexdigest()


def encode(value: Any) -> Any:
    """Return a value as JSON.

    Raises:
        OpaqueValueError: for a value that isn't data.
    """
    if isinstance(value, enum.Enum):  # before str and int: FINN's enums are those as well
        kind = type(value)
        return {"enum": [kind.__module__, kind.__qualname__, value.name]}
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, PurePath):
        return {"path": str(value)}
    if type(value) is list:
        return {"list": [encode(item) for item in value]}
    if type(value) is tuple:
        return {"tuple": [encode(item) for item in value]}
    if type(value) is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(getattr(value, "brainsmith_identity", None), str):  # a step, as `Progress` makes them
        return {"step": value.brainsmith_identity}
    raise OpaqueValueError(type(value).__name__)


def decode(data: Any) -> Any:
    """Return the value that `encode` was given.

    Raises:
        OpaqueValueError: for steps: they can't be made from their name.
    """
    if not isinstance(data, dict):
        return data
    ((kind, content),) = data.items()
    if kind not in _DECODERS:
        raise OpaqueValueError(kind)
    return _DECODERS[kind](content)


def encode_field(value: Any) -> Any:
    """Return a field's value as JSON, where an absolute path of a file counts by the file's type, suffix and content.

    Raises:
        OpaqueValueError: for a value that isn't data.
    """
    path = named_file(value)
    if path is not None:
        digest = file_digest(path)
        if digest is not None:
            return {"file": [type(value).__name__, os.path.splitext(path)[1], digest]}
    if type(value) is list:
        return {"list": [encode_field(item) for item in value]}
    return encode(value)


def named_file(value: Any) -> Optional[str]:
    """Return the file that a value names by its absolute path, or None."""
    if type(value) is str or isinstance(value, PurePath):
        path = str(value)
        if os.path.isabs(path) and "\0" not in path and os.path.isfile(path):
            return path
    return None


def _decode_enum(content: Any) -> Any:
    module, name, member = content
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found[member]


def _decode_path(content: str) -> Any:
    from pathlib import Path

    return Path(content)


_DECODERS: Dict[str, Any] = {
    "enum": _decode_enum,
    "path": _decode_path,
    "list": lambda content: [decode(item) for item in content],
    "tuple": lambda content: tuple(decode(item) for item in content),
    "dict": lambda content: {decode(key): decode(item) for key, item in content},
}
