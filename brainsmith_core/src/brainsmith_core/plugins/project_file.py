"""Change the list of plugins to leave out in a project file, and nothing else of what its author wrote."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from .choices import parsed, read_project_file

__all__ = ["write_disabled"]

_SECTION = re.compile(r"^[ \t]*\[[ \t]*plugins[ \t]*\][^\n]*\n?", re.MULTILINE)
_NEXT_SECTION = re.compile(r"^[ \t]*\[", re.MULTILINE)
_KEY = re.compile(r"^[ \t]*disable[ \t]*=[ \t]*\[[^\]]*\]", re.MULTILINE)


def write_disabled(file: Path, names: Iterable[str]) -> None:
    """Make a project file say which plugins to leave out.

    Args:
        file: the project file; made if it isn't there.
        names: the plugins; in the file they are sorted.

    Raises:
        ConfigurationError: if the file is wrong, can't be written, or is written in a way that can't be changed safely.
    """
    from ..build.workspace import write_whole

    line = f"disable = {json.dumps(sorted(set(names)), ensure_ascii=False)}"
    before = file.read_text("utf-8") if file.exists() else ""
    data = read_project_file(file) if before else {}
    after = _changed(before, line)
    wanted = copy.deepcopy(data)
    wanted.setdefault("plugins", {})["disable"] = sorted(set(names))
    if not _says(after, file, wanted):
        text = f"{file} is written in a way that can't be changed safely"
        raise ConfigurationError(text, hint=f"write yourself, below [plugins]: {line}")
    try:
        write_whole(file, after.encode())
    except OSError as error:
        raise ConfigurationError(f"{file} can't be written: {error.strerror or error}") from error


def _changed(text: str, line: str) -> str:
    section = _SECTION.search(text)
    if section is None:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[plugins]\n{line}\n"
    following = _NEXT_SECTION.search(text, section.end())
    end = following.start() if following else len(text)
    body = text[section.end() : end]
    body = _KEY.sub(lambda _: line, body, count=1) if _KEY.search(body) else f"{line}\n{body}"
    head = section[0] if section[0].endswith("\n") else f"{section[0]}\n"
    return text[: section.start()] + head + body + text[end:]


def _says(text: str, file: Path, wanted: dict[str, Any]) -> bool:
    try:
        return parsed(text, file) == wanted
    except ConfigurationError:
        return False
