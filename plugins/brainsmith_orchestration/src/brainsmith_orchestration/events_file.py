"""Events of all builds of a run in one file, a JSON line each, that another program can follow while it grows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from brainsmith_core.errors import ConfigurationError
from brainsmith_core.events import BuildEvent

__all__ = ["EventsFile"]


class EventsFile:
    """Appends events to a file; each line is written at once, so that no reader sees a part of one.

    Args:
        path: the file; what it holds already stays.

    Raises:
        ConfigurationError: on entering, if it can't be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with EventsFile(Path(folder, "events.jsonl")) as file:
        ...         file.note(BuildEvent(kind="build_started", build_id="a"))
        ...     json.loads(Path(folder, "events.jsonl").read_text())["kind"]
        'build_started'
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def note(self, event: BuildEvent) -> None:
        """Append an event; from any thread."""
        # One write to a file opened for appending: lines of several threads and processes don't mix.
        os.write(self._fd, (json.dumps(event.to_dict()) + "\n").encode())

    def __enter__(self) -> Self:
        try:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            text = f"the events file {self._path} can't be written: {error.strerror or error}"
            raise ConfigurationError(text, hint="give a file in a folder that is there and may be written") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._fd)
