"""One report file as a parser sees it, and what became of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

import attrs

from ..errors import BrainsmithError, ConfigurationError
from ..formats.json_values import JSONValue
from ..metric import Metric, MetricSource, MetricStatus, Stage

__all__ = ["REFUSED", "FileStatus", "ParsedFile", "Report", "ReportError", "read_number"]

_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_LONGEST_NUMBER = 60
#: Levels of lists and objects in a JSON report; FINN's have four.
_DEEPEST = 64
#: Nothing that is measured comes near; what is beyond can't be calculated with.
_GREATEST = 1e300

#: Begins the line of a file's message that says why a metric wasn't taken.
REFUSED = "refused: "

#: `unknown`: no parser recognises it; `unparsable`: its parser can't read it; `failed`: its parser is at fault.
FileStatus = Literal["parsed", "unknown", "unparsable", "failed"]


class ReportError(BrainsmithError):
    """A file isn't what its name promises: damaged, truncated, or of a version that the parser doesn't know."""


@attrs.define(kw_only=True, slots=False)
class Report:
    """A report file, read whole, given to a metric parser.

    Args:
        path: where it lies.
        data: its bytes; those of a file in UTF-16 come as UTF-8.
        source: where the parser's metrics come from; `metric` puts it into each of them.

    Example:
        >>> report = Report(path=Path("area.json"), data=b'{"luts": 3}')
        >>> report.metric("util.lut", report.json()["luts"], "count", Stage.SYNTH).value
        3
    """

    path: Path
    data: bytes = attrs.field(repr=False)
    source: MetricSource = attrs.field(factory=MetricSource)
    notes: list[str] = attrs.field(factory=list, init=False)
    _sources: dict[tuple[str, str | None], MetricSource] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name

    @cached_property
    def text(self) -> str:
        """The content as text; what isn't UTF-8 becomes U+FFFD, line ends become line feeds."""
        text = self.data.decode("utf-8-sig", errors="replace")
        return text.replace("\r\n", "\n") if "\r" in text else text

    def json(self) -> JSONValue:
        """Return the content as JSON data.

        Raises:
            ReportError: if it is empty, no JSON, nested too deeply, or names a key twice in one object.
        """
        if not self.data.strip():
            raise ReportError("the file is empty")
        try:
            data: JSONValue = json.loads(self.data.decode("utf-8-sig"), object_pairs_hook=_unique_keys)
        except RecursionError:
            raise ReportError("the JSON is nested too deeply") from None
        except ValueError as error:
            raise ReportError(f"the file isn't JSON: {error}") from None
        _check_depth(data)
        return data

    def note(self, text: str) -> None:
        """Say something about the file that its reader should know, such as a field that the parser doesn't know."""
        self.notes.append(text)

    def metric(
        self,
        name: str,
        value: JSONValue,
        unit: str,
        stage: Stage,
        scope: Mapping[str, str] | None = None,
        *,
        field: str = "",
        formula: str | None = None,
    ) -> Metric:
        """Return a measured figure of this file.

        Args:
            name: a name of the vocabulary.
            value: the figure in `unit`; None for one that the file should hold and doesn't.
            unit: the name's unit.
            stage: where in the flow it was obtained.
            scope: what it is about; empty: the whole design.
            field: the file's own name for it.
            formula: how it was calculated, if it isn't in the file.
        """
        status = MetricStatus.MISSING if value is None else MetricStatus.MEASURED
        source = self._source(field, formula)
        try:
            return Metric(
                name=name, value=value, unit=unit, stage=stage, scope=scope or {}, status=status, source=source
            )
        except ConfigurationError:  # JSON files can hold NaN and Infinity, though JSON has neither
            return self.unparsable(name, value, unit, stage, scope, field=field)

    def figure(
        self,
        name: str,
        raw: object,
        unit: str,
        stage: Stage,
        scope: Mapping[str, str] | None = None,
        *,
        field: str = "",
        signed: bool = False,
    ) -> Metric:
        """Return a number as the file gives it: a JSON number or the text of one.

        What is no finite number (or below 0, unless that makes sense) is unparsable, and noted.

        Args:
            name: a name of the vocabulary.
            raw: what the file holds; None for nothing.
            unit: the name's unit.
            stage: where in the flow it was obtained.
            scope: what it is about; empty: the whole design.
            field: the file's own name for it.
            signed: whether it may be below 0, as slack may.

        Example:
            >>> report = Report(path=Path("x.txt"), data=b"")
            >>> report.figure("util.lut", "12", "count", Stage.HLS).value
            12
            >>> report.figure("util.lut", "undef", "count", Stage.HLS).status.value, report.notes
            ('unparsable', ["util.lut: 'undef' can't be read"])
        """
        value = read_number(raw)
        if raw is None:
            return self.metric(name, None, unit, stage, scope, field=field)
        if value is None or (value < 0 and not signed):
            return self.unparsable(name, raw, unit, stage, scope, field=field)
        return self.metric(name, value, unit, stage, scope, field=field)

    def unparsable(
        self,
        name: str,
        raw: object,
        unit: str,
        stage: Stage,
        scope: Mapping[str, str] | None = None,
        *,
        field: str = "",
    ) -> Metric:
        """Return a figure that the file names but whose value can't be read, and note that."""
        where = ".".join([*(scope or {}).values(), field or name])
        self.note(f"{where}: {_shortened(raw)} can't be read")
        status = MetricStatus.UNPARSABLE
        source = self._source(field)
        return Metric(name=name, value=None, unit=unit, stage=stage, scope=scope or {}, status=status, source=source)

    def _source(self, field: str, formula: str | None = None) -> MetricSource:
        """Return where a figure comes from; a table has few fields and many rows, so each source is made once."""
        key = (field, formula)
        source = self._sources.get(key)
        if source is None:
            source = self._sources[key] = attrs.evolve(self.source, field=field, formula=formula)
        return source


def read_number(raw: object) -> int | float | None:
    """Return a number that a file holds as such or as text; None for anything else.

    Example:
        >>> read_number("1e3"), read_number(" 7 "), read_number("1_000"), read_number(True), read_number(1e400)
        (1000.0, 7, None, None, None)
    """
    if isinstance(raw, bool):
        return None
    if isinstance(raw, str) and len(raw) < _LONGEST_NUMBER:
        text = raw.strip()
        if _INTEGER.match(text):
            return int(text)
        raw = float(text) if _DECIMAL.match(text) else None
    if not isinstance(raw, int | float) or not -_GREATEST < raw < _GREATEST:
        return None
    return raw


def _shortened(raw: object) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_depth(data: JSONValue) -> None:
    """Refuse data so deeply nested that walking through it would exhaust the stack."""
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(_DEEPEST):
        if not level:
            return
        level = [item for container in level for item in _items(container) if isinstance(item, dict | list)]
    raise ReportError("the JSON is nested too deeply")


def _items(container: dict[str, JSONValue] | list[JSONValue]) -> Iterable[JSONValue]:
    return container.values() if isinstance(container, dict) else container


def _unique_keys(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    """Refuse a key that stands twice: which of the two values holds can't be known."""
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ReportError(f'the key "{twice}" stands twice in one object')
    return found


@attrs.frozen(kw_only=True)
class ParsedFile:
    """What became of one file.

    Args:
        file: its path, relative to the build's folder where it lies in it.
        parser: the parser that recognised it, or "".
        status: whether metrics were read from it.
        message: why not, or what its reader should know; a parser's fault with its traceback.
        metrics: number of metrics read.
    """

    file: str
    parser: str = ""
    status: FileStatus
    message: str = ""
    metrics: int = 0

    @property
    def warning(self) -> str:
        """What went wrong with it, in one line; "" if nothing did."""
        lines = self.message.splitlines() or [""]
        if self.status == "failed":
            return f"{self.file}: its parser {self.parser} failed: {lines[-1]}"
        if self.status == "unparsable":
            return f"{self.file}: {lines[0]}"
        return "".join([f"{self.file}: {line}" for line in lines if line.startswith(REFUSED)][:1])

    def to_dict(self) -> dict[str, JSONValue]:
        """Return plain JSON data."""
        return {"file": self.file, "parser": self.parser, "status": self.status, "message": self.message}
