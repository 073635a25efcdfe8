"""How many bits a value of a (Q)ONNX data type has."""

from __future__ import annotations

import re

from .cycle_formulas import Attributes

__all__ = ["bits_of", "width_of"]

_NAMED = {"BINARY": 1, "BIPOLAR": 1, "TERNARY": 2}
_SIZED = re.compile(r"(?:U?INT|FLOAT)([0-9]{1,4})\Z")
_FIXED = re.compile(r"U?(?:FIXED|SCALEDINT)<([0-9]{1,4})(?:,[0-9]+)?>\Z")


def width_of(name: str) -> int | None:
    """Return the bits of a data type; None for one that isn't known.

    Example:
        >>> width_of("INT4"), width_of("BIPOLAR"), width_of("FIXED<8,3>"), width_of("odd")
        (4, 1, 8, None)
    """
    found = _SIZED.match(name) or _FIXED.match(name)
    return int(found[1]) if found else _NAMED.get(name)


def bits_of(attributes: Attributes, name: str) -> int:
    """Return the bits of the data type that an attribute names.

    Raises:
        KeyError: if the attribute is missing or names no known type.
    """
    value = attributes.get(name)
    bits = width_of(value) if isinstance(value, str) else None
    if bits is None:
        raise KeyError(name)
    return bits
