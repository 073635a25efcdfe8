"""Entries: small documents that say what is known and which files belong to it, each with a checksum of its own."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Dict, NamedTuple, Tuple

from .errors import DamagedEntry, StoreError

__all__ = ["Entry", "check_digest", "check_name", "decode", "encode"]

_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Entry(NamedTuple):
    """One entry of a store.

    Args:
        kind: what sort of thing it is about, such as `step`.
        group: entries of one group are looked at together.
        name: its name within the group.
        document: what it says.
        blobs: digests of the files that belong to it.
        path: its file.
    """

    kind: str
    group: str
    name: str
    document: Dict[str, Any]
    blobs: Tuple[str, ...]
    path: str


def check_name(text: str, what: str) -> str:
    """Return a text that may name a kind, group or entry; raises StoreError for another one."""
    if not _NAME.fullmatch(text):
        raise StoreError(f"{text!r} can't be the {what} of an entry: use letters, digits, '_', '-' and '.'")
    return text


def check_digest(text: str) -> str:
    """Return a text that is a SHA-256 in hexadecimal digits; raises StoreError for another one."""
    if not _DIGEST.fullmatch(text):
        raise StoreError(f"{text!r} is no SHA-256")
    return text


def encode(entry: Entry) -> bytes:
    """Return an entry's file: the checksum of the second line, then that line."""
    content = {
        "format": _FORMAT,
        "kind": entry.kind,
        "group": entry.group,
        "name": entry.name,
        "blobs": list(entry.blobs),
        "document": entry.document,
    }
    line = json.dumps(content, separators=(",", ":")).encode()
    return hashlib.sha256(line).hexdigest().encode() + b"\n" + line + b"\n"


def decode(data: bytes, kind: str, group: str, name: str, path: str) -> Entry:
    """Return the entry that a file holds.

    Raises:
        DamagedEntry: if it isn't what was written, or is another entry.
    """
    checksum, _, line = data.partition(b"\n")
    if not line.endswith(b"\n") or hashlib.sha256(line[:-1]).hexdigest().encode() != checksum:
        raise DamagedEntry("its checksum is wrong")
    content = json.loads(line)
    if [content.get(key) for key in ("format", "kind", "group", "name")] != [_FORMAT, kind, group, name]:
        raise DamagedEntry("it is another entry, or of another version")
    return Entry(kind, group, name, content["document"], tuple(content["blobs"]), path)
