"""Find report files, give each to the parser that recognises it, and contain what parsers do wrong."""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Iterable, Iterator
from fnmatch import translate
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from .metric import Metric, MetricSource
from .plugins import Offer, PluginManager, load_target
from .records import MetricParserSpec
from .report import ParsedFile, Report, ReportError
from .result import BuildMetrics, PluginUse
from .summary import summarise

if TYPE_CHECKING:
    from .config import BuildConfig
    from .json_values import JSONValue

__all__ = ["Collected", "MetricsCollector"]

#: How much of a file the sniff of a parser sees.
HEAD_BYTES = 64 * 1024


@attrs.define(kw_only=True)
class Collected:
    """What was read from report files.

    Args:
        metrics: the figures, in the order of the files and of each file's content.
        files: what became of each file.
        plugins: the plugins whose parsers took part.
    """

    metrics: list[Metric] = attrs.field(factory=list)
    files: list[ParsedFile] = attrs.field(factory=list)
    plugins: list[PluginUse] = attrs.field(factory=list)


class MetricsCollector:
    """Reads metrics from report files with the parsers that plugins offer.

    Args:
        plugins: where the parsers are registered.
    """

    def __init__(self, plugins: PluginManager) -> None:
        self._recognisers = [_Recogniser(offer) for offer in plugins.metric_parsers()]

    def collect(self, paths: Iterable[Path], root: Path, config: BuildConfig | None = None) -> Collected:
        """Read files and folders (recursively, in a stable order).

        Args:
            paths: report files and folders.
            root: what file names are made relative to.
            config: the build that they belong to.
        """
        collected = Collected()
        for path in _files(paths):
            self._read(path, root, collected)
        return collected

    def derive(self, metrics: Iterable[Metric], config: BuildConfig | None) -> list[Metric]:
        """Return the figures that follow from others."""
        return []

    def collect_from_finn_output(self, output_dir: str | Path) -> BuildMetrics:
        """Return the summary of the reports in a FINN output folder."""
        root = Path(output_dir)
        collected = self.collect([root], root)
        return summarise([*collected.metrics, *self.derive(collected.metrics, None)])

    def collect_from_logs(self, log_files: Iterable[str | Path]) -> dict[str, JSONValue]:
        """Return the whole-design figures that logs hold, by name."""
        return summarise(self.collect(map(Path, log_files), Path()).metrics).raw_metrics

    def _read(self, path: Path, root: Path, collected: Collected) -> None:
        name = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
        data = path.read_bytes()
        head = data[:HEAD_BYTES].decode("utf-8", errors="replace")
        found = next((each for each in self._recognisers if each.recognises(path.name, head)), None)
        if found is None:
            collected.files.append(ParsedFile(file=name, status="unknown"))
            return
        spec, plugin = found.offer.record, found.offer.plugin
        source = MetricSource(
            file=name,
            sha256=hashlib.sha256(data).hexdigest(),
            parser=spec.name,
            version=plugin.version,
            plugin=plugin.distribution,
        )
        report = Report(path=path, data=data, source=source)
        try:
            metrics = list(load_target(spec.target, f"metric parser {spec.name}")(report))
        except ReportError as error:
            collected.files.append(ParsedFile(file=name, parser=spec.name, status="unparsable", message=str(error)))
            return
        except Exception:  # foreign code: a parser's fault costs its file's figures, nothing more
            message = traceback.format_exc()
            collected.files.append(ParsedFile(file=name, parser=spec.name, status="failed", message=message))
            return
        collected.metrics.extend(metrics)
        message = "; ".join(report.notes)
        collected.files.append(
            ParsedFile(file=name, parser=spec.name, status="parsed", message=message, metrics=len(metrics))
        )
        use = PluginUse(
            name=plugin.name,
            distribution=plugin.distribution,
            version=plugin.version,
            role=f"parser {spec.name}",
        )
        if use not in collected.plugins:
            collected.plugins.append(use)


class _Recogniser:
    """Tells whether a parser recognises a file."""

    def __init__(self, offer: Offer[MetricParserSpec]) -> None:
        self.offer = offer
        patterns = offer.record.patterns
        self._name = re.compile("|".join(translate(pattern) for pattern in patterns)) if patterns else None
        self._sniff = re.compile(offer.record.sniff) if offer.record.sniff else None

    def recognises(self, name: str, head: str) -> bool:
        """Return whether name and head are those of a file that the parser reads."""
        if self._name is not None and not self._name.match(name):
            return False
        return self._sniff is None or self._sniff.search(head) is not None


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from _files(sorted(path.iterdir()))
        else:
            yield path
