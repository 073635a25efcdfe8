"""Find out whether an ONNX file keeps weights in other files, without the onnx package: tags and lengths are enough."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

__all__ = ["external_files"]

# Where tensors lie in ONNX's messages: for each message the fields that lead on, by number.
_INNER: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def external_files(path: Path) -> list[str]:
    """Return the files in which a model keeps weights, as the model names them.

    Args:
        path: the model. What is damaged in it ends the search: whoever loads it says more of that.

    Raises:
        OSError: if it can't be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = set()
        try:
            for start, end in _entries(data, 0, len(data), "model"):
                texts = {number: data[first:last] for number, first, last in _fields(data, start, end)}
                if texts.get(1) == b"location":
                    found.add(texts.get(2, b"").decode(errors="replace"))
        except (ValueError, RecursionError):
            pass  # damaged, or no model at all
        return sorted(found)


def _entries(data: mmap.mmap, start: int, end: int, message: str) -> Iterator[tuple[int, int]]:
    """Yield where the entries lie that say where a tensor's values are."""
    inner = _INNER[message]
    for number, first, last in _fields(data, start, end):
        kind = inner.get(number)
        if kind == "entry":
            yield first, last
        elif kind is not None:
            yield from _entries(data, first, last, kind)


def _fields(data: mmap.mmap, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and end of a message's fields that have a length; the others are passed over."""
    while position < end:
        tag, position = _varint(data, position, end)
        kind = tag & 7
        if kind == _BYTES:
            length, position = _varint(data, position, end)
            if position + length > end:
                raise ValueError("a field is longer than its message")
            yield tag >> 3, position, position + length
            position += length
        elif kind == _VARINT:
            _, position = _varint(data, position, end)
        elif kind in (_FIXED64, _FIXED32):
            position += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("no such type of field")


def _varint(data: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("a number doesn't end")
