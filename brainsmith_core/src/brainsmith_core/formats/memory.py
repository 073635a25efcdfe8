"""What is remembered from one start to the next: facts about files and texts, each true as long as they are the same.

Which plugins there are, and in which state, is never remembered: that is found anew at each start. Remembered is only
what follows from a text alone (that a regular expression is one) or from a file alone (what a TOML file says, what a
module imports), together with the file's size and time of change. So nothing has to be made invalid by hand, and a
memory that is lost, damaged or can't be written costs time, nothing else.
"""

from __future__ import annotations

import binascii
import functools
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .json_values import JSONValue

__all__ = ["CACHE_VARIABLE", "Memory", "cache_folder", "checked_pattern", "memory", "read_toml"]

#: Environment variable: the folder for what may be thrown away at any time.
CACHE_VARIABLE = "BRAINSMITH_CACHE_DIR"

#: Raise it when what is remembered is written in another way.
_FORMAT = 2
_PATTERNS, _TOML = "patterns", "toml"


def cache_folder() -> Path | None:
    """Return the folder for what may be thrown away: `$BRAINSMITH_CACHE_DIR`, else `~/.cache/brainsmith`.

    `$XDG_CACHE_HOME` stands in for `~/.cache`. None where there is no home.
    """
    given = os.environ.get(CACHE_VARIABLE, "")
    if given:
        return Path(given).absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):  # the specification has relative paths ignored
        home = _home()
        base = f"{home}/.cache" if home.startswith("/") else ""
    return Path(base, "brainsmith") if base else None


def _home() -> str:
    return os.path.expanduser("~")  # noqa: PTH111 - Path.home raises where there is none


class Memory:
    """Facts by kind and key, in one file.

    Args:
        file: where they are kept; None keeps them for this process only.

    Example:
        >>> kept = Memory(None)
        >>> kept.keep("sizes", "a", 5)
        >>> kept.recall("sizes", "a"), kept.recall("sizes", "b")
        (5, None)
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._changed = False
        self._facts = _read(file)

    def recall(self, kind: str, key: str) -> JSONValue:
        """Return what is known, or None."""
        return self._facts.get(kind, {}).get(key)

    def keep(self, kind: str, key: str, value: JSONValue) -> None:
        """Remember something; `save` writes it."""
        self._facts.setdefault(kind, {})[key] = value
        self._changed = True

    def drop(self, kind: str, key: str) -> None:
        """Forget something."""
        if self._facts.get(kind, {}).pop(key, None) is not None:
            self._changed = True

    def of_file(self, kind: str, path: str, make: Callable[[str], JSONValue]) -> Any:
        """Return what follows from a file's content, made anew if the file isn't the one that is remembered.

        Args:
            kind: what follows.
            path: the file.
            make: gives it; not asked while the file's size and time of change are the same.

        Raises:
            OSError: if there is no such file.
        """
        found = os.stat(path)  # noqa: PTH116 - hundreds of files at each start
        stamp = [found.st_mtime_ns, found.st_size]
        known = self.recall(kind, path)
        if isinstance(known, list) and len(known) == 2 and known[0] == stamp:
            return known[1]
        made = make(path)
        self.keep(kind, path, [[*stamp], made])
        return made

    def save(self) -> None:
        """Write what is new; where that can't be done, it is found out again next time."""
        if self._file is None or not self._changed:
            return
        from ..build.workspace import write_whole

        facts = {kind: _still_there(known) for kind, known in self._facts.items()}
        text = json.dumps({"format": _FORMAT, "facts": facts}, ensure_ascii=False, separators=(",", ":"))
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self._file, text.encode("utf-8", "surrogateescape"))
        except OSError:
            return
        self._changed = False


@functools.cache
def memory() -> Memory:
    """Return what is remembered of this environment."""
    folder = cache_folder()
    return Memory(folder / _file_name() if folder else None)


def checked_pattern(pattern: str) -> str:
    """Return a regular expression after checking that it is one; compiling hundreds of them costs more than all else.

    Raises:
        re.error: if it isn't.
    """
    if memory().recall(_PATTERNS, pattern) is None:
        re.compile(pattern)
        memory().keep(_PATTERNS, pattern, value=True)
    return pattern


def read_toml(path: str) -> dict[str, Any]:
    """Return what a TOML file of a package says; it is read with the TOML reader once, then from the memory.

    Args:
        path: the file; dates in it aren't provided for.

    Raises:
        OSError: if it can't be read.
        tomllib.TOMLDecodeError: if it isn't TOML.
    """
    found: dict[str, Any] = memory().of_file(_TOML, path, _parsed)
    return found


def _parsed(path: str) -> dict[str, JSONValue]:
    import tomllib

    return tomllib.loads(Path(path).read_text("utf-8"))


def _file_name() -> str:
    """Return a name that no other environment, and no other Python, has."""
    place = binascii.crc32(f"{sys.prefix}\n{sys.version}".encode("utf-8", "surrogateescape"))
    return f"plugins-{place:08x}.json"


def _read(file: Path | None) -> dict[str, dict[str, JSONValue]]:
    if file is None:
        return {}
    try:
        data = json.loads(file.read_bytes())
    except (OSError, ValueError):  # not there, or damaged
        return {}
    facts = data.get("facts") if isinstance(data, dict) and data.get("format") == _FORMAT else None
    if not isinstance(facts, dict) or not all(isinstance(known, dict) for known in facts.values()):
        return {}
    return facts


def _still_there(known: Mapping[str, JSONValue]) -> dict[str, JSONValue]:
    """Return the facts without those of files that are gone."""
    return {key: value for key, value in known.items() if not key.startswith("/") or Path(key).exists()}
