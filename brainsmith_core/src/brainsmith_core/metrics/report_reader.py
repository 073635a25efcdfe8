"""Read one report file: recognise it, give it to its parser, and contain what the parser does wrong."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import attrs

from ..metric import Metric, MetricSource
from ..plugins.manager import Plugin
from .recognition import Recogniser, recognise
from .report import FileStatus, ParsedFile, Report, ReportError
from .report_files import HEAD_BYTES, open_regular, read_rest, utf8_of

__all__ = ["Reading", "ReportReader"]

#: Gives the metrics that may stand, and what is wrong with the others.
Accept = Callable[[Iterable[Metric]], tuple[list[Metric], list[str]]]


@attrs.frozen
class Reading:
    """What was read from one file.

    Args:
        file: what became of it.
        metrics: its figures.
        plugin: the plugin whose parser read it.
    """

    file: ParsedFile
    metrics: list[Metric] = attrs.field(factory=list)
    plugin: Plugin | None = None


class ReportReader:
    """Reads report files one by one.

    Args:
        recognisers: the parsers, highest priority first.
        accept: checks names and units of the metrics.
    """

    def __init__(self, recognisers: list[Recogniser], accept: Accept) -> None:
        self._recognisers = recognisers
        self._accept = accept

    def read(self, path: Path, name: str) -> Reading:
        """Return what a file holds; what can't be read, or whose parser is at fault, says why.

        Args:
            path: the file.
            name: how it is called in the result.
        """
        found: Recogniser | None = None
        try:
            with open_regular(path) as file:
                head = file.read(HEAD_BYTES)
                found, fits = recognise(self._recognisers, path.name, utf8_of(head))
                if found is None:
                    return Reading(ParsedFile(file=name, status="unknown"))
                if not fits:
                    raise ReportError(_misfit(found, head))
                return self._parse(path, name, found, read_rest(file, head))
        except ReportError as error:
            parser = found.spec.name if found else ""
            return Reading(ParsedFile(file=name, parser=parser, status="unparsable", message=str(error)))

    def _parse(self, path: Path, name: str, found: Recogniser, data: bytes) -> Reading:
        plugin = found.plugin
        source = MetricSource(
            file=name,
            sha256=hashlib.sha256(data).hexdigest(),
            parser=found.spec.name,
            version=plugin.version,
            plugin=plugin.distribution,
        )
        report = Report(path=path, data=utf8_of(data), source=source)
        try:
            metrics = [_sourced(metric, source) for metric in found.parse(report)]
        except ReportError:
            raise
        except (Exception, SystemExit):  # noqa: BLE001 - foreign code: a parser's fault costs its own file only
            file = _outcome(source, "failed", traceback.format_exc())
            return Reading(file, plugin=plugin)
        good, problems = self._accept(metrics)
        file = _outcome(source, "parsed", "\n".join([*report.notes, *problems]), len(good))
        return Reading(file, good, plugin)


def _misfit(found: Recogniser, head: bytes) -> str:
    if not head.strip():
        return "the file is empty"
    return f"its name is that of another kind of file ({found.spec.summary}) than its content"


def _outcome(source: MetricSource, status: FileStatus, message: str = "", metrics: int = 0) -> ParsedFile:
    return ParsedFile(file=source.file, parser=source.parser, status=status, message=message, metrics=metrics)


def _sourced(metric: object, source: MetricSource) -> Metric:
    """Return a parser's metric with the file that it comes from, which isn't the parser's to say."""
    if not isinstance(metric, Metric):
        text = f"the parser yields {metric!r}, which is no Metric"
        raise TypeError(text)
    given = metric.source
    if given.sha256 == source.sha256 and given.file == source.file and given.parser == source.parser:
        return metric
    return attrs.evolve(metric, source=attrs.evolve(source, field=given.field, formula=given.formula))
