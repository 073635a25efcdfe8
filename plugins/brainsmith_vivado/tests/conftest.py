"""Draws reports as Vivado prints them, and reads them with the parsers of this package."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core.metric import Metric, MetricStatus
from brainsmith_core.metrics.collector import MetricsCollector
from brainsmith_core.metrics.report import ParsedFile
from brainsmith_core.plugins import builtin
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_vivado import plugin as vivado

SHARED = Path(os.environ.get("BRAINSMITH_SHARED") or Path(__file__).parents[4] / "shared")


@pytest.fixture
def corpus(shared_corpus: Path) -> Path:
    """Real reports, which aren't part of the repository."""
    return shared_corpus


@pytest.fixture(scope="session")
def shared_corpus() -> Path:
    """The same, for fixtures that live longer than a test."""
    folder = SHARED / "corpus"
    if not folder.is_dir():
        pytest.skip(f"the corpus of real reports isn't there ({folder}); BRAINSMITH_SHARED names its parent")
    return folder


class Draw:
    """Draws tables and reports in the tool's format."""

    def box(self, headings: Sequence[str], rows: Sequence[Sequence[str]], total: Sequence[str] = ()) -> str:
        """A table in frames: first column to the left, the others to the right; a total below a rule of its own.

        Without headings it lists names and values, all to the left.
        """
        lines = [list(headings)] if headings else []
        every = [*lines, *rows, *([total] if total else [])]
        widths = [max(len(line[place]) for line in every) for place in range(len(every[0]))]
        rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
        drawn = [rule]
        if headings:
            drawn += [self._row([each.center(width) for each, width in zip(headings, widths, strict=True)]), rule]
        drawn += [self._row(self._aligned(row, widths, right=bool(headings))) for row in rows]
        if rows:
            drawn.append(rule)
        if total:
            drawn += [self._row(self._aligned(total, widths)), rule]
        if headings and not rows:
            drawn.append(rule)
        return "\n".join(drawn)

    @staticmethod
    def _row(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    @staticmethod
    def _aligned(row: Sequence[str], widths: Sequence[int], *, right: bool = True) -> list[str]:
        first, *others = (
            cell.rjust(width) if place and right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        return [first, *others]

    def columns(self, headings: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
        """A table without frames: the first columns to the left, the others to the right."""
        widths = [
            max([len(heading) + (4 if place >= left else 0), *(len(row[place]) for row in rows)])
            for place, heading in enumerate(headings)
        ]
        dashes = ["-" * len(heading) for heading in headings]
        lines = [
            "  ".join(
                cell.ljust(width) if place < left else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in [headings, dashes, *rows]
        ]
        return "\n".join(f"{line}  " for line in lines)

    def header(self, command: str, **fields: str) -> str:
        """The block that stands above every report."""
        known = {
            "Tool Version": "Vivado v.2022.2 (lin64) Build 3671981 Fri Oct 14 04:59:54 MDT 2022",
            "Date": "Mon Jan  1 00:00:00 2024",
            "Host": "machine running 64-bit Linux",
            "Command": command,
            "Design": "top",
            "Device": "xc7z020clg400-1",
        }
        known.update({name.replace("_", " "): value for name, value in fields.items()})
        width = max(map(len, known))
        lines = [f"| {name.ljust(width)} : {value}" for name, value in known.items() if value]
        rule = "-" * max(map(len, lines))
        return "\n".join(["Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.", rule, *lines, rule])

    def section(self, title: str, *parts: str) -> str:
        """A section with its title underlined."""
        return "\n".join([title, "-" * len(title), "", *parts, "", ""])

    def bar(self, title: str, *parts: str) -> str:
        """A section as timing reports have them."""
        rule = "-" * 96
        return "\n".join([rule, f"| {title}", f"| {'-' * len(title)}", rule, "", *parts, "", ""])

    def report(self, title: str, command: str, sections: Sequence[str], **fields: str) -> str:
        """A whole report with a table of contents."""
        contents = [section.split("\n", 1)[0] for section in sections]
        table = self.section("Table of Contents")[:-3].rstrip("\n") + "\n" + "\n".join(contents)
        return "\n".join([self.header(command, **fields), "", title, "", table, "", *sections]) + "\n"

    def utilisation(self, *sections: str, command: str = "report_utilization -file util.rpt", **fields: str) -> str:
        """A utilisation report."""
        fields.setdefault("Design_State", "Routed")
        return self.report("Utilization Design Information", command, sections, **fields)

    def sites(self, title: str, *rows: Sequence[str], prohibited: bool = False) -> str:
        """A section with a table of sites: name, used, fixed, (prohibited,) available, percentage."""
        headings = ["Site Type", "Used", "Fixed", *(["Prohibited"] if prohibited else []), "Available", "Util%"]
        return self.section(title, self.box(headings, rows))


@pytest.fixture
def draw() -> Draw:
    return Draw()


@attrs.frozen
class Parsed:
    """What became of a file."""

    file: ParsedFile
    metrics: list[Metric]

    def metric(self, name: str, **scope: str) -> Metric:
        found = [each for each in self.metrics if each.name == name and each.scope == scope]
        assert len(found) == 1, f"{len(found)} metrics {name} with the scope {scope}"
        return found[0]

    def value(self, name: str, **scope: str) -> Any:
        return self.metric(name, **scope).value

    def status(self, name: str, **scope: str) -> str:
        return self.metric(name, **scope).status.value

    def has(self, name: str, **scope: str) -> bool:
        return any(each.name == name and each.scope == scope for each in self.metrics)

    def values(self, prefix: str = "") -> dict[tuple[str, tuple[tuple[str, str], ...]], Any]:
        return {
            (each.name, tuple(each.scope.items())): each.value
            for each in self.metrics
            if each.name.startswith(prefix) and each.status is MetricStatus.MEASURED
        }

    @property
    def message(self) -> str:
        return self.file.message


@pytest.fixture(scope="session")
def collector() -> MetricsCollector:
    """Reads files with core and this plugin only, whatever else is installed."""
    plugins = PluginManager()
    for module, name in ((builtin, "core"), (vivado, "vivado")):
        if name not in [each.name for each in plugins.plugins]:
            plugins.register(module, name, "brainsmith-vivado", "0.1.0")
    return MetricsCollector(plugins)


@pytest.fixture
def parse(collector: MetricsCollector, tmp_path: Path) -> Callable[..., Parsed]:
    """Read a report from text or bytes, under any name."""

    def read(content: str | bytes, name: str = "report.rpt") -> Parsed:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        collected = collector.collect([path], tmp_path)
        return Parsed(collected.files[0], collected.metrics)

    return read
