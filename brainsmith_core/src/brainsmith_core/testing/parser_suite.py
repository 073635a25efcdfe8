"""The standard tests of a metric parser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ..metrics.collector import Collected, MetricsCollector
from ..metrics.report import REFUSED
from ..plugins.manager import PluginManager
from .plugin_suite import PluginSuite

__all__ = ["MetricParserSuite"]

#: Files that are nobody's, whatever they are called.
_FOREIGN = {
    "empty": b"",
    "blank": b"\n \n",
    "binary": bytes(range(256)) * 8,
    "prose": b"Nothing that is written here is a report of anything.\n" * 20,
}


class MetricParserSuite(PluginSuite):
    """The standard tests of a metric parser.

    Attributes:
        parser: its name.
        samples: for each sample (a file's name), its content (text, bytes, or the path of a file) and the value of each
            metric that is expected in it. A name that occurs with several scopes has a list of values.

    Example:
        >>> class TestMine(MetricParserSuite):
        ...     parser, samples = "my_area", {"small.area": ("luts=42", {"util.lut": 42})}
    """

    hook = "brainsmith_metric_parsers"
    parser: ClassVar[str] = ""
    samples: ClassVar[Mapping[str, tuple[str | bytes | Path, Mapping[str, Any]]]] = {}

    def name(self) -> str:
        """Return the parser's name."""
        return self.parser

    @pytest.fixture
    def collector(self, plugins: PluginManager) -> MetricsCollector:
        """Reads files with all installed parsers."""
        return MetricsCollector(plugins)

    def test_there_are_samples(self) -> None:
        """Without a sample nothing is tested."""
        assert self.samples

    def test_it_reads_each_sample_and_finds_the_values(self, collector: MetricsCollector, tmp_path: Path) -> None:
        """Each sample is recognised, by this parser and no other, and holds what is expected."""
        for name, data, expected in self._samples():
            found = _read(collector, tmp_path, name, data)
            (file,) = found.files
            assert (file.parser, file.status) == (self.parser, "parsed"), f"{name}: {file.message}"
            assert {key: _values(found, key) for key in expected} == {key: _listed(expected[key]) for key in expected}

    def test_every_figure_is_in_the_vocabulary(self, collector: MetricsCollector, tmp_path: Path) -> None:
        """Name and unit of each figure are known; what isn't would be left out."""
        for name, data, _ in self._samples():
            (file,) = _read(collector, tmp_path, name, data).files
            assert [line for line in file.message.splitlines() if line.startswith(REFUSED)] == [], name

    def test_every_figure_says_where_it_comes_from(self, collector: MetricsCollector, tmp_path: Path) -> None:
        """File, digest, parser, plugin and version stand with each figure."""
        for name, data, _ in self._samples():
            for metric in _read(collector, tmp_path, name, data).metrics:
                source = metric.source
                assert source.file == name
                assert source.parser == self.parser
                assert all((source.sha256, source.plugin, source.version))

    def test_reading_twice_gives_the_same(self, collector: MetricsCollector, tmp_path: Path) -> None:
        """Figures and their order depend on the file alone."""
        for name, data, _ in self._samples():
            assert _read(collector, tmp_path, name, data) == _read(collector, tmp_path, name, data)

    def test_a_damaged_file_never_makes_it_fail(self, collector: MetricsCollector, tmp_path: Path) -> None:
        """A file that is cut off, or of other content, raises `ReportError` or gives less; nothing else happens."""
        for name, data, _ in self._samples():
            cut = [data[: len(data) * part // 8] for part in range(8)]
            for damaged in [*cut, *_FOREIGN.values(), data.replace(b"1", b"x"), data.replace(b"\n", b"\r\n")]:
                (file,) = _read(collector, tmp_path, name, damaged).files
                assert file.status != "failed", f"{name}: {file.message}"

    def test_it_does_not_take_what_is_not_its_own(self, collector: MetricsCollector, tmp_path: Path) -> None:
        """A file of another kind isn't read as one of its own."""
        for name, data in _FOREIGN.items():
            (file,) = _read(collector, tmp_path, f"foreign_{name}.txt", data).files
            assert file.parser != self.parser or file.status != "parsed"

    def test_missing_is_never_zero(self, collector: MetricsCollector, tmp_path: Path) -> None:
        """A file without content gives no figure at all."""
        for name, _, _ in self._samples():
            assert [each.name for each in _read(collector, tmp_path, name, b"").metrics if each.is_present] == []

    def _samples(self) -> Iterator[tuple[str, bytes, Mapping[str, Any]]]:
        for name, (content, expected) in self.samples.items():
            if isinstance(content, Path):
                yield name, content.read_bytes(), expected
            else:
                yield name, content if isinstance(content, bytes) else content.encode(), expected


def _read(collector: MetricsCollector, folder: Path, name: str, data: bytes) -> Collected:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return collector.collect([path], folder)


def _values(found: Collected, name: str) -> list[Any]:
    return [metric.value for metric in found.metrics if metric.name == name]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
