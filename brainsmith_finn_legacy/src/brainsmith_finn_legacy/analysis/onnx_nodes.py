"""The nodes of an ONNX file with their attributes, read without the onnx package.

FINN's layers carry what their cycle and memory formulas need (`MW`, `MH`, `NumChannels`, data types, ...) as
attributes of ONNX nodes. Only those are read: weights and everything else are stepped over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import attrs

__all__ = ["Attribute", "Node", "read_nodes"]

#: The value of an attribute; tensors and graphs are left out.
Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]

#: Wire types of protocol buffers.
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
#: Field numbers of ONNX's messages.
_MODEL_GRAPH, _GRAPH_NODE = 7, 1
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OP_TYPE, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 3, 4, 5, 7
_NAME, _FLOAT, _INT, _STRING, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 4, 7, 8, 9
_SIGN = 1 << 63

_Value = int | float | memoryview


@attrs.frozen(kw_only=True)
class Node:
    """A node of the graph.

    Args:
        name: its name, for a layer the one in FINN's reports.
        op_type: its operator, such as `MVAU_hls`.
        domain: the operator's domain.
        inputs: names of its input tensors.
        outputs: names of its output tensors.
        attributes: numbers, texts and lists of them, by name.
    """

    name: str
    op_type: str
    domain: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    attributes: dict[str, Attribute] = attrs.field(factory=dict)


def read_nodes(path: Path) -> list[Node]:
    """Return the nodes of a model's graph, in the file's order.

    Args:
        path: an ONNX file.

    Raises:
        ValueError: if the file is no ONNX model, or is cut off.
        OSError: if it can't be read.
    """
    nodes: list[Node] = []
    try:
        for number, graph in _fields(memoryview(path.read_bytes())):
            if number == _MODEL_GRAPH:
                nodes += [_node(_message(value)) for field, value in _fields(_message(graph)) if field == _GRAPH_NODE]
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no whole ONNX model: {error}") from error
    return nodes


def _fields(data: memoryview) -> Iterator[tuple[int, _Value]]:
    """Yield field numbers and values of a message."""
    place, end = 0, len(data)
    while place < end:
        tag, place = _varint(data, place)
        number, kind = tag >> 3, tag & 7
        value: _Value
        if kind == _VARINT:
            value, place = _varint(data, place)
        elif kind == _BYTES:
            length, place = _varint(data, place)
            value, place = data[place : place + length], place + length
        elif kind == _FIXED32:
            (value,), place = struct.unpack_from("<f", data, place), place + 4
        elif kind == _FIXED64:
            (value,), place = struct.unpack_from("<d", data, place), place + 8
        else:
            raise ValueError(f"field {number} has the wire type {kind}, which ONNX doesn't use")
        if place > end:
            raise IndexError("it is cut off")
        yield number, value


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """Return a number of variable length, and the place after it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise IndexError("a number has no end")


def _message(value: _Value) -> memoryview:
    if not isinstance(value, memoryview):
        raise IndexError("a number stands where a message should")
    return value


def _text(value: _Value) -> str:
    return bytes(_message(value)).decode()


def _signed(value: _Value) -> int:
    if not isinstance(value, int):
        raise IndexError("an integer is none")
    return value - 2 * _SIGN if value >= _SIGN else value


def _node(data: memoryview) -> Node:
    texts: dict[int, list[str]] = {}
    attributes: dict[str, Attribute] = {}
    for number, value in _fields(data):
        if number == _NODE_ATTRIBUTE:
            name, found = _attribute(_message(value))
            if found is not None:
                attributes[name] = found
        elif number in (_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OP_TYPE, _NODE_DOMAIN):
            texts.setdefault(number, []).append(_text(value))
    return Node(
        name="".join(texts.get(_NODE_NAME, ())),
        op_type="".join(texts.get(_NODE_OP_TYPE, ())),
        domain="".join(texts.get(_NODE_DOMAIN, ())),
        inputs=tuple(texts.get(_NODE_INPUT, ())),
        outputs=tuple(texts.get(_NODE_OUTPUT, ())),
        attributes=attributes,
    )


def _attribute(data: memoryview) -> tuple[str, Attribute | None]:
    """Return an attribute's name and value; lists may be packed into one field or come one by one."""
    name = ""
    single: Attribute | None = None
    ints: list[int] = []
    floats: list[float] = []
    strings: list[str] = []
    for number, value in _fields(data):
        if number == _NAME:
            name = _text(value)
        elif number == _INT:
            single = _signed(value)
        elif number == _FLOAT and isinstance(value, float):
            single = value
        elif number == _STRING:
            single = bytes(_message(value)).decode(errors="replace")
        elif number == _INTS:
            ints += _packed_ints(value) if isinstance(value, memoryview) else [_signed(value)]
        elif number == _FLOATS:
            floats += _packed_floats(value) if isinstance(value, memoryview) else [float(value)]
        elif number == _STRINGS:
            strings.append(bytes(_message(value)).decode(errors="replace"))
    return name, tuple(ints) or tuple(floats) or tuple(strings) or single


def _packed_ints(data: memoryview) -> list[int]:
    found, place = [], 0
    while place < len(data):
        value, place = _varint(data, place)
        found.append(_signed(value))
    return found


def _packed_floats(data: memoryview) -> list[float]:
    return [value for (value,) in struct.iter_unpack("<f", data)]
