"""Collect the metrics of a build: find report files, read them with the plugins' parsers, derive what follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import attrs

from ..config import BuildConfig
from ..errors import ConfigurationError, MissingRequirementError
from ..formats.json_values import JSONValue
from ..metric import Metric
from ..plugins.manager import Plugin, PluginManager, default_plugins
from ..records import Device
from ..result import BuildMetrics, PluginUse
from .derived import Facts, derive
from .devices import Devices
from .recognition import Recogniser
from .report import REFUSED, ParsedFile, read_number
from .report_files import find_files
from .report_reader import ReportReader
from .report_views import SYNTHESIS, named_figures
from .summary import summarise
from .vocabulary import Vocabulary

__all__ = ["Collected", "MetricsCollector"]

#: One report or folder, or several of one design.
Reports = str | Path | Iterable[str | Path]


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
    """Collects metrics with the parsers that plugins offer.

    Args:
        plugins: where parsers, metric names and devices are registered; else the plugins of this environment.

    Example:
        >>> MetricsCollector(PluginManager()).collect([], Path()).metrics
        []
    """

    def __init__(self, plugins: PluginManager | None = None) -> None:
        self._plugins = plugins or default_plugins()

    def collect(self, paths: Iterable[Path], root: Path) -> Collected:
        """Read files and folders, these with their sub-folders and in a stable order.

        No file stops the others: what can't be read, or whose parser is at fault, is listed with the reason.

        Args:
            paths: report files and folders.
            root: what the names of files are made relative to, where they lie in it.
        """
        collected = Collected()
        for each in self.collect_each(paths, root):
            collected.files += each.files
            collected.metrics += each.metrics
            collected.plugins += [use for use in each.plugins if use not in collected.plugins]
        return collected

    def collect_each(self, paths: Iterable[Path], root: Path) -> Iterator[Collected]:
        """Yield what each file holds, one by one; as `collect`."""
        for path in find_files(paths):
            reading = self._reader.read(path, _name(path, root))
            uses = [_use(reading.plugin, reading.file.parser)] if reading.plugin else []
            yield Collected(metrics=reading.metrics, files=[reading.file], plugins=uses)

    def derive(self, metrics: Iterable[Metric], config: BuildConfig | None = None) -> list[Metric]:
        """Return the figures that follow from others, each with its formula.

        Args:
            metrics: all figures of one build.
            config: its configuration, which says the board or part and the clock.

        Raises:
            ConfigurationError: if two names of one flag contradict each other.
        """
        found = list(metrics)
        return derive(found, Facts(device=self._device(found, config), clock_ns=_clock_ns(config)))

    def accept(self, metrics: Iterable[Metric]) -> tuple[list[Metric], list[str]]:
        """Return the metrics whose name and unit the vocabulary knows, and what is wrong with the others."""
        good: list[Metric] = []
        problems: list[str] = []
        for metric in metrics:
            if self._units.get(metric.name) == metric.unit:
                good.append(metric)
            else:
                problems.append(f"{REFUSED}{self._vocabulary.problem(metric)}")
        return good, problems

    def collect_from_finn_output(self, output_dir: str | Path) -> BuildMetrics:
        """Return the summary of the reports in a FINN output folder.

        Raises:
            ConfigurationError: if there is no such folder.
        """
        root = Path(output_dir)
        if not root.is_dir():
            raise ConfigurationError(f"there is no folder {root}", hint="give the output_dir of a FINN build")
        metrics = self.collect([root], root).metrics
        return summarise([*metrics, *self.derive(metrics)])

    def collect_from_logs(self, log_files: Iterable[str | Path]) -> dict[str, JSONValue]:
        """Return the figures of the whole design that logs hold, by name."""
        return summarise(self.collect(map(Path, log_files), Path()).metrics).raw_metrics

    def parse_synthesis_reports(self, reports: Reports) -> dict[str, JSONValue]:
        """Return all figures of synthesis (HLS, out of context, whole design) that reports hold, by name.

        Args:
            reports: report files and folders. A figure of a clock, layer or instance has its scope in brackets:
                `util.lut[layer=MVAU_hls_0]`.
        """
        return named_figures(each for each in self._read(reports) if each.stage in SYNTHESIS)

    def parse_timing_reports(self, reports: Reports) -> dict[str, JSONValue]:
        """Return slacks, clocks and worst paths that reports hold, by name; every clock, not only the first.

        Args:
            reports: report files and folders; names are as those of `parse_synthesis_reports`.
        """
        return named_figures(each for each in self._read(reports) if each.name.startswith("timing."))

    def parse_utilization_reports(self, reports: Reports) -> dict[str, JSONValue]:
        """Return resources used and available with the fractions that reports hold, by name.

        Args:
            reports: report files and folders; names are as those of `parse_synthesis_reports`.
        """
        return named_figures(each for each in self._read(reports) if each.name.startswith("util."))

    def _read(self, reports: Reports) -> list[Metric]:
        """Read reports of one design.

        Raises:
            MissingRequirementError: if one doesn't exist.
        """
        paths = [Path(reports)] if isinstance(reports, str | Path) else [Path(report) for report in reports]
        for path in paths:
            if not path.exists():
                raise MissingRequirementError(f"{path} doesn't exist", hint="give report files or folders")
        metrics = self.collect(paths, Path()).metrics
        return [*metrics, *self.derive(metrics)]

    @cached_property
    def _reader(self) -> ReportReader:
        return ReportReader([Recogniser(offer) for offer in self._plugins.metric_parsers()], self.accept)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self._plugins)

    @cached_property
    def _units(self) -> dict[str, str]:
        return {definition.name: definition.unit for definition in self._vocabulary}

    def _device(self, metrics: Iterable[Metric], config: BuildConfig | None) -> Device | None:
        """Return the device of a build: the one that its configuration names, else the one in its reports."""
        named: list[JSONValue] = []
        if config is not None:
            named += [config.flag(flag) for flag in ("fpga_part", "board", "target_device")]
        named += [metric.value for metric in metrics if metric.name in ("prov.part", "prov.board")]
        devices = Devices.of(self._plugins)
        found = (devices.find(name) for name in named if isinstance(name, str))
        return next((device for device in found if device is not None), None)


def _clock_ns(config: BuildConfig | None) -> float | None:
    """Return the clock period that a configuration asks for."""
    names = ("synth_clk_period_ns", "target_clock_ns", "clock_period_ns")
    value = read_number(config.flag(*names)) if config else None
    return float(value) if value is not None and value > 0 else None


def _name(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _use(plugin: Plugin, parser: str) -> PluginUse:
    return PluginUse(
        name=plugin.name, distribution=plugin.distribution, version=plugin.version, role=f"parser {parser}"
    )
