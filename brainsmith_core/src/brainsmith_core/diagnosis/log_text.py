"""The lines of a log as their writer meant them: without time stamps, colours, progress and the frames of boxes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import attrs

__all__ = ["LogText", "lines_of", "plain_text"]

#: What is longer isn't a message; the rest of such a line is left out.
_LONGEST_LINE = 2**16
_COLOUR = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_STAMP = re.compile(
    r"\[\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?\] ?"
    r"|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)? +(?:- +\S+ +- +)?"
    r"|\[\d\d/\d\d/\d\d \d\d:\d\d:\d\d\] ?"
    r"|\[\d\d:\d\d:\d\d\] ?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d+)? +"
)
#: A level as Python's logging, Rich or Eclipse write it; `ERROR: [id] text` is a tool's own and stays as it is.
_LEVEL = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL)(?! WARNING)(?::(?=\S)| +: +| +(?=[^:\s]))")
_PADDED_LEVEL = re.compile(r" {8,}(DEBUG    |INFO     |WARNING  |ERROR    |CRITICAL )(?=\S)")
_SOURCE_COLUMN = re.compile(r" {2,}[\w.]{1,80}\.py:\d{1,6}$")
#: The source column is looked for in the last so many letters; a pattern that begins with blanks may take long on more.
_END = 120


@attrs.frozen
class LogText:
    """A line of a log.

    Args:
        text: the message, with its indentation.
        shown: the line as it stands in the log, without time stamp and colours.
        level: the severity that a logging library put before it, or "".
        stamped: whether a time stamp stood before it.
    """

    text: str
    shown: str
    level: str = ""
    stamped: bool = False


def lines_of(path: Path) -> Iterator[str]:
    """Return a log's lines as an editor counts them, without line ends; overlong ones are cut.

    Args:
        path: the log; UTF-8, or UTF-16 with its mark.

    Raises:
        OSError: if it can't be read.
    """
    with path.open("rb") as file:
        head = file.read(2)
        file.seek(0)
        if head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            yield from file.read().decode("utf-16", errors="replace").split("\n")
            return
        yield from _utf8_lines(file)


def _utf8_lines(file: IO[bytes]) -> Iterator[str]:
    while line := file.readline(_LONGEST_LINE):
        yield line.rstrip(b"\r\n").decode("utf-8-sig", errors="replace")
        while len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(_LONGEST_LINE)


def plain_text(line: str) -> LogText:
    r"""Return a line without what terminals and logging libraries add.

    Example:
        >>> plain_text("[2026-08-01 20:14:03,091]ERROR:FINN ERROR: no wrapper").text
        'FINN ERROR: no wrapper'
        >>> plain_text("\x1b[31mERROR: [Synth 8-439] module 'a' not found\x1b[0m").text
        "ERROR: [Synth 8-439] module 'a' not found"
    """
    if "\x1b" in line:
        line = _COLOUR.sub("", line)
    if "\r" in line:
        line = _after_last_return(line)
    shown = line.rstrip()
    first = shown[:1]
    if first == "[" or first.isdigit():
        return _without_stamp(shown)
    if first == " ":
        padded = _PADDED_LEVEL.match(shown)
        if padded:
            shown = _without_source(shown)
            return LogText(shown[padded.end() :], shown.lstrip(), padded[1].strip(), stamped=True)
    return LogText(shown, shown)


def _without_stamp(shown: str) -> LogText:
    stamp = _STAMP.match(shown)
    if stamp is None:
        return LogText(shown, shown)
    rest = shown[stamp.end() :]
    level = _LEVEL.match(rest)
    if level is None:
        return LogText(rest, rest, stamped=True)
    rest = _without_source(rest)
    return LogText(rest[level.end() :], rest, level[1], stamped=True)


def _without_source(text: str) -> str:
    """Return a line without the file and line number that Rich puts at its end."""
    return text if ".py:" not in text[-_END:] else text[:-_END] + _SOURCE_COLUMN.sub("", text[-_END:])


def _after_last_return(line: str) -> str:
    """Return what a terminal shows in the end of a line that was written over and over."""
    parts = [part for part in line.split("\r") if part.strip()]
    return parts[-1] if parts else ""
