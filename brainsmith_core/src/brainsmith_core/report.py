"""One report file as a parser sees it, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

import attrs

from .errors import BrainsmithError
from .json_values import JSONValue
from .metric import Metric, MetricSource, MetricStatus, Stage

__all__ = ["REFUSED", "FileStatus", "ParsedFile", "Report", "ReportError"]

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
        data: its bytes.
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
            ReportError: if it is empty, no JSON, or names a key twice in one object.
        """
        if not self.data.strip():
            raise ReportError("the file is empty")
        try:
            data: JSONValue = json.loads(self.data.decode("utf-8-sig"), object_pairs_hook=_unique_keys)
        except RecursionError:
            raise ReportError("the JSON is nested too deeply") from None
        except ValueError as error:
            raise ReportError(f"the file isn't JSON: {error}") from None
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
        source = attrs.evolve(self.source, field=field, formula=formula)
        return Metric(name=name, value=value, unit=unit, stage=stage, scope=scope or {}, status=status, source=source)


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
