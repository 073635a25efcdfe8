"""Files that flags and step parameters name count by content in a configuration's id."""

from __future__ import annotations

from pathlib import Path

from brainsmith_core.build.workspace import file_digest
from brainsmith_core.formats.input_files import names_input_file
from brainsmith_core.formats.json_values import JSONValue

__all__ = ["FileDigests"]


class FileDigests:
    """Digests of the files that configurations name, each read once."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def told_by_content(self, name: str, value: JSONValue) -> JSONValue:
        """Return the value, or the content's digest in place of an input file's path."""
        if not isinstance(value, str) or not names_input_file(name):
            return value
        if value not in self._known:
            self._known[value] = file_digest(Path(value)) if Path(value).is_file() else None
        digest = self._known[value]
        return value if digest is None else {"sha256": digest}
