"""Real HLS reports: all are read, and what naive searches of the files find agrees with the figures.

The searches are written differently from the parsers on purpose: they know one row, line or element each.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.metrics.collector import MetricsCollector

KINDS = {
    "csynth_xml": "hls_csynth_xml",
    "csynth_rpt": "hls_csynth_report",
    "csynth_summary_rpt": "hls_synthesis_summary",
    "hls_verbose_rpt": "hls_csynth_report",
    "hls_impl_xml": "hls_export_xml",
}
#: The only remark on a real report: the tool itself gives two counts.
REMARKS = {"002_AN50_ZCU104__csynth.xml": "given twice: LUT as 314279 and as 314285"}


class Real:
    """One real file with what was read from it."""

    def __init__(self, path: Path, collector: MetricsCollector) -> None:
        found = collector.collect([path], path.parent)
        self.path, self.file, self.metrics = path, found.files[0], found.metrics
        self.text = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")

    def of(self, *keys: str) -> dict[tuple[str, ...], Any]:
        """Return values by name and the scope's values, of metrics whose scope has just these keys."""
        return {
            (each.name, *each.scope.values()): each.value
            for each in self.metrics
            if tuple(each.scope) == ("layer", *keys)
        }


@pytest.fixture
def reals(corpus: Path, collector: MetricsCollector) -> Any:
    def read(kind: str) -> Iterator[Real]:
        for path in sorted((corpus / kind).iterdir()):
            yield Real(path, collector)

    return read


@pytest.mark.parametrize(("kind", "parser"), KINDS.items())
def test_every_file_is_recognised_and_read_whole(reals: Any, kind: str, parser: str) -> None:
    for real in reals(kind):
        assert (real.file.parser, real.file.status) == (parser, "parsed"), real.path.name
        assert real.file.message == REMARKS.get(real.path.name, ""), real.path.name


def number(text: str | None) -> Any:
    if text is None or not re.fullmatch(r"\d+(\.\d+)?", text.strip()):
        return None
    return float(text)


XML = {
    "UserAssignments/TargetClockPeriod": "timing.period_ns",
    "UserAssignments/ClockUncertainty": "timing.uncertainty_ns",
    "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod": "timing.estimated_period_ns",
    "PerformanceEstimates/SummaryOfOverallLatency/Best-caseLatency": "perf.latency_min_cycles",
    "PerformanceEstimates/SummaryOfOverallLatency/Average-caseLatency": "perf.latency_avg_cycles",
    "PerformanceEstimates/SummaryOfOverallLatency/Worst-caseLatency": "perf.latency_max_cycles",
    "PerformanceEstimates/SummaryOfOverallLatency/Interval-min": "perf.interval_min_cycles",
    "PerformanceEstimates/SummaryOfOverallLatency/Interval-max": "perf.interval_max_cycles",
    "AreaEstimates/Resources/LUT": "util.lut",
    "AreaEstimates/Resources/FF": "util.ff",
    "AreaEstimates/Resources/BRAM_18K": "util.bram_18k",
    "AreaEstimates/Resources/URAM": "util.uram",
    "AreaEstimates/Resources/DSP": "util.dsp",
    "AreaEstimates/Resources/DSP48E": "util.dsp",
}


def test_xml_agrees_with_another_reader(reals: Any) -> None:
    checked = 0
    for real in reals("csynth_xml"):
        root = ET.fromstring(real.text)
        names = [each.findtext("Object") for each in root.iter("RtlPorts") if each.findtext("Type") == "return value"]
        function = names[0] if names else root.findtext("UserAssignments/TopModelName")
        values = real.of()
        for path, name in XML.items():
            if root.find(path) is not None:
                assert values[name, function] == number(root.findtext(path)), (real.path.name, path)
                checked += 1
        whole = {each.name: each.value for each in real.metrics if not each.scope}
        for each in root.findall("AreaEstimates/AvailableResources/*"):
            name = {"DSP48E": "dsp"}.get(each.tag, each.tag.lower())
            assert whole[f"util.{name}.available"] == number(each.text), real.path.name
    assert checked > 400


def test_every_loop_of_the_xml_is_there(reals: Any) -> None:
    checked = 0
    for real in reals("csynth_xml"):
        root = ET.fromstring(real.text)
        expected: list[tuple[str, float]] = []
        for module in [root, *root.iter("Module")]:
            for summary in module.findall("PerformanceEstimates/SummaryOfLoopLatency"):
                for tag, name in (
                    ("PipelineII", "loop.ii"),
                    ("PipelineDepth", "loop.depth"),
                    ("TripCount", "loop.trip_count"),
                ):
                    expected += [
                        (name, number(each.text)) for each in summary.iter(tag) if number(each.text) is not None
                    ]
        found = [(each.name, each.value) for each in real.metrics if "loop" in each.scope]
        for pair in set(expected):
            assert pair in found, (real.path.name, pair)
        checked += len(expected)
    assert checked > 80


def columns_of(text: str, heading: str) -> list[str]:
    line = next(line for line in text.split("\n") if line.strip().startswith(heading))
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_text_reports_agree_with_another_reader(reals: Any) -> None:
    names = {"BRAM_18K": "bram_18k", "DSP48E": "dsp", "DSP": "dsp", "FF": "ff", "LUT": "lut", "URAM": "uram"}
    checked = 0
    for real in reals("csynth_rpt"):
        text = real.text
        function = re.search(r"Report for '(.+?)'", text)[1]  # type: ignore[index]  # None fails the test
        values, whole = real.of(), {each.name: each.value for each in real.metrics if not each.scope}
        part = text[text.index("== Utilization Estimates") :]
        fields = columns_of(part, "|       Name ") if "|       Name " in part else columns_of(part, "|         Name ")
        for row, suffix in (("|Total", ""), ("|Available  ", ".available")):
            cells = columns_of(part, row)
            for field, cell in list(zip(fields, cells, strict=True))[1:]:
                name = f"util.{names[field]}{suffix}"
                assert (whole[name] if suffix else values[name, function]) == number(cell), (real.path.name, name)
                checked += 1
        clock = columns_of(text, "|ap_clk")
        assert values["timing.period_ns", function] == float(clock[1].split()[0])
        assert values["timing.estimated_period_ns", function] == float(clock[2].split()[0])
        assert values["timing.uncertainty_ns", function] == float(clock[3].split()[0])
    assert checked > 250


def test_every_row_of_the_text_reports_is_there(reals: Any) -> None:
    for real in reals("csynth_rpt"):
        listed = [line for line in real.text.split("\n") if re.match(r"\s+\|[\w]", line) and "|Total " not in line]
        rows = [line for line in listed if not re.match(r"\s+\|ap_clk  \|", line)]
        keys = ("instance", "memory", "fifo", "expression", "multiplexer", "register")
        things = {value for each in real.metrics for key, value in each.scope.items() if key in keys}
        missing = {line.split("|")[1].strip() for line in rows} - things
        assert not missing, (real.path.name, sorted(missing)[:5])


def test_loops_of_the_text_reports_agree(reals: Any) -> None:
    checked = 0
    for real in [*reals("csynth_rpt"), *reals("hls_verbose_rpt")]:
        loops = [
            line.strip() for line in real.text.split("\n") if re.match(r"\s+\|( *\+*|-) \w.*\|\s+(yes|no)\|?", line)
        ]
        for line in loops:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) != 8:
                continue
            name = cells[0].lstrip("-+ ")
            for at, metric in ((4, "loop.ii"), (6, "loop.trip_count"), (2, "loop.latency_max_cycles")):
                if cells[at].isdigit():
                    found = [
                        each.value
                        for each in real.metrics
                        if each.name == metric and each.scope.get("loop", "").endswith(name)
                    ]
                    assert int(cells[at]) in found, (real.path.name, line)
                    checked += 1
    assert checked > 40


def test_summaries_agree_with_another_reader(reals: Any) -> None:
    checked = 0
    for real in reals("csynth_summary_rpt"):
        part = real.text[
            real.text.index("+ Performance & Resource") : real.text.index("+ Performance & Resource") + 10**6
        ]
        part = part.split("\n\n\n")[0]
        rows = [line.strip().strip("|").split("|") for line in part.split("\n") if re.match(r"\s+\|\s*[+o] ", line)]
        assert rows
        top = rows[0][0].strip("+ *")
        values = real.of()
        for name, at in (("util.bram_18k", -5), ("util.dsp", -4), ("util.ff", -3), ("util.lut", -2), ("util.uram", -1)):
            cell = rows[0][at].split("(")[0].strip()
            assert values[name, top] == (int(cell) if cell != "-" else None), (real.path.name, name)
            checked += 1
        functions = [cells for cells in rows if cells[0].strip().startswith("+")]
        loops = [cells for cells in rows if cells[0].strip().startswith("o")]
        assert len([each for each in real.metrics if each.name == "hls.slack_ns"]) == len(functions)
        assert len([each for each in real.metrics if each.name == "loop.slack_ns"]) == len(loops)
        for cells in loops:
            if cells[7].strip().isdigit():
                found = [each.value for each in real.metrics if each.name == "loop.trip_count"]
                assert int(cells[7]) in found
                checked += 1
    assert checked > 150


def test_exports_agree_with_another_reader(reals: Any) -> None:
    for real in reals("hls_impl_xml"):
        root = ET.fromstring(real.text)
        whole = {each.name: each.value for each in real.metrics}
        assert whole["util.lut"] == number(root.findtext("AreaReport/Resources/LUT"))
        assert whole["util.bram_18k"] == number(root.findtext("AreaReport/Resources/BRAM"))
        assert whole["timing.achieved_period_ns"] == number(root.findtext("TimingReport/AchievedClockPeriod"))
