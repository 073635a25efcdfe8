"""What a step printed and logged, to be printed and logged again where the step isn't run."""

from __future__ import annotations

import logging
import sys
from typing import Any, Dict, List, Tuple

from .watch import printing_through

__all__ = ["Printed", "print_again"]

_MOST = 1 << 20  # characters
_OUT, _ERR = "out", "err"


class Printed:
    """Keeps what is printed and logged within a `with` block, in order, on its way.

    Args:
        places: folders of this build; what is kept has a marker in their place.

    Attributes:
        lines: pairs of a stream (`out`, `err`, or `log`, a level and a logger's name) and a text.
        too_long: whether there was more than can be kept.
    """

    def __init__(self, places: Dict[str, str]) -> None:
        self.places = places
        self.lines: List[Tuple[str, str]] = []
        self.too_long = False
        self._size = 0
        self._writing = 0
        self._streams: Tuple[Any, Any] = (None, None)
        self._handler = _Handler(self)

    def __enter__(self) -> None:
        self._streams = (sys.stdout, sys.stderr)
        printing_through(type(sys.stdout).__module__)
        sys.stdout = _Stream(self, _OUT, sys.stdout)
        sys.stderr = _Stream(self, _ERR, sys.stderr)
        logging.getLogger().addHandler(self._handler)

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self._handler)
        for name, stream in zip(("stdout", "stderr"), self._streams):
            if isinstance(getattr(sys, name), _Stream):
                setattr(sys, name, stream)

    def keep(self, stream: str, text: str) -> None:
        """Keep a text, unless it is a line that printing has put into the log."""
        if self._writing and stream not in (_OUT, _ERR):
            return
        self._size += len(text)
        if self._size > _MOST:
            self.too_long = True
            return
        for marker, folder in self.places.items():
            text = text.replace(folder, marker)
        self.lines.append((stream, text))

    def pass_on(self, stream: Any, text: str) -> Any:
        """Write a text to where it belongs."""
        self._writing += 1
        try:
            return stream.write(text)
        finally:
            self._writing -= 1


def print_again(lines: List[List[str]], places: Dict[str, str]) -> None:
    """Print and log what was kept; markers give way to the folders of this build."""
    for stream, kept in lines:
        text = kept
        for marker, folder in places.items():
            text = text.replace(marker, folder)
        if stream in (_OUT, _ERR):
            (sys.stdout if stream == _OUT else sys.stderr).write(text)
        else:
            level, _, name = stream.partition(" ")[2].partition(" ")
            logging.getLogger(name or None).log(int(level), "%s", text)


class _Stream:
    """A stream that keeps what goes through it."""

    def __init__(self, printed: Printed, name: str, original: Any) -> None:
        self._printed = printed
        self._kept_as = name
        self._original = original

    def write(self, text: str) -> Any:
        """Keep the text and write it."""
        self._printed.keep(self._kept_as, text)
        return self._printed.pass_on(self._original, text)

    def writelines(self, lines: Any) -> None:
        """Write each of the lines."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class _Handler(logging.Handler):
    """Keeps records as they come to the root logger."""

    def __init__(self, printed: Printed) -> None:
        super().__init__()
        self._printed = printed

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's message."""
        name = "" if record.name == "root" else record.name
        self._printed.keep(f"log {record.levelno} {name}", record.getMessage())
