"""Real reports: every file is read, and what naive searches of the text find agrees with the figures.

The searches are written differently from the parsers on purpose: they know one row or line each.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brainsmith_core.metric import Metric, MetricStatus
from brainsmith_core.metrics.collector import MetricsCollector
from brainsmith_core.metrics.report import ParsedFile

KINDS = {
    "util_flat": "vivado_utilisation",
    "util_hier": "vivado_utilisation",
    "util_xml": "vivado_utilisation",
    "util_vitis_kernel": "vitis_kernel_utilisation",
    "timing_summary": "vivado_timing",
    "timing_other": "vivado_timing",
    "power": "vivado_power",
    "drc": "vivado_drc",
    "methodology": "vivado_methodology",
    "clock_util": "vivado_clock_utilisation",
    "log_embedded_report": "vivado_log",
}


class Real:
    """One real file with what was read from it."""

    def __init__(self, path: Path, file: ParsedFile, metrics: list[Metric]) -> None:
        self.path, self.file, self.metrics = path, file, metrics
        self.text = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
        self.whole = {each.name: each for each in metrics if not each.scope}

    def scoped(self, **scope: str) -> dict[str, object]:
        return {each.name: each.value for each in self.metrics if each.scope == scope}


Reader = Callable[[str], Iterator[Real]]


@pytest.fixture
def read(corpus: Path, collector: MetricsCollector) -> Reader:
    def reader(kind: str) -> Iterator[Real]:
        for path in sorted((corpus / kind).iterdir()):
            found = collector.collect([path], corpus)
            yield Real(path, found.files[0], found.metrics)

    return reader


@pytest.mark.parametrize(("kind", "parser"), KINDS.items())
def test_every_file_is_recognised_and_read(read: Reader, kind: str, parser: str) -> None:
    for real in read(kind):
        assert (real.file.parser, real.file.status) == (parser, "parsed"), real.path.name
        assert "contradictory" not in real.file.message, real.path.name
        assert "unknown" not in real.file.message, real.path.name
        assert "damaged" not in real.file.message, real.path.name
        assert "missing sections" not in real.file.message, real.path.name
        assert "refused" not in real.file.message, real.path.name


ROWS = {
    "util.lut": r"\| (?:Slice|CLB) LUTs\*? +\| +([0-9]+) ",
    "util.ff": r"\| (?:Slice|CLB) Registers +\| +([0-9]+) ",
    "util.lut_mem": r"\|   LUT as Memory +\| +([0-9]+) ",
    "util.bram_36k": r"\| Block RAM Tile +\| +([0-9.]+) ",
    "util.ramb18": r"\|   RAMB18 +\| +([0-9]+) ",
    "util.uram": r"\| URAM +\| +([0-9]+) ",
    "util.dsp": r"\| DSPs +\| +([0-9]+) ",
    "util.io": r"\| Bonded IOB +\| +([0-9]+) ",
    "util.lut6": r"\| LUT6 +\| +([0-9]+) ",
}


def test_used_resources_are_those_that_a_search_for_the_row_finds(read: Reader) -> None:
    seen = 0
    for real in read("util_flat"):
        for name, pattern in ROWS.items():
            found = re.search(pattern, real.text)
            metric = real.whole.get(name)
            assert (found is None) == (metric is None), (real.path.name, name)
            if found and metric:
                assert metric.value == float(found[1]), (real.path.name, name)
                seen += 1
    assert seen > 500


def test_available_resources_are_the_second_last_column(read: Reader) -> None:
    names = {"Slice LUTs": "lut", "CLB LUTs": "lut", "DSPs": "dsp", "Block RAM Tile": "bram_36k", "URAM": "uram"}
    for real in read("util_flat"):
        before_regions = re.split(r"\n[0-9]+\. SLR Connectivity\n-", real.text)[0]
        for line in before_regions.split("\n"):
            cells = [cell.strip(" *") for cell in line.split("|")[1:-1]]
            if cells and cells[0] in names:
                metric = real.whole[f"util.{names[cells[0]]}.available"]
                assert metric.value == int(cells[-2]), real.path.name


def numbers_of(real: Real) -> set[int]:
    """All numbers among the figures in hundredths, rounded up and down; percentages as they were printed."""
    values: set[int] = set()
    for each in real.metrics:
        if isinstance(each.value, int | float):
            number = 100 * each.value * (100 if each.name.endswith(".fraction") else 1)
            values |= {round(number), round(number) - 1, round(number) + 1}
    return values


@pytest.mark.parametrize("kind", ["util_flat", "util_hier", "power"])
def test_every_number_in_a_table_is_a_figure(read: Reader, kind: str) -> None:
    """Nothing is dropped: each numeric cell of each table is found among the figures of its file."""
    for real in read(kind):
        values = numbers_of(real)
        for line in real.text.split("\n"):
            if not line.startswith("| ") or not line.rstrip().endswith("|"):
                continue
            for cell in line.strip("|").split("|")[1:]:
                number = re.fullmatch(r"\s*(-?[0-9]+(?:\.[0-9]+)?)\s*", cell)
                assert number is None or round(100 * float(number[1])) in values, (real.path.name, line)


def test_every_instance_has_its_row(read: Reader) -> None:
    for real in read("util_hier"):
        rows = re.findall(r"^\| +\S.*?\| +\S+ \| +([0-9]+) \|", real.text, re.MULTILINE)
        luts = [each.value for each in real.metrics if each.name == "util.lut"]
        assert [int(row) for row in rows] == luts, real.path.name


def test_the_design_s_slacks_are_those_of_the_index(read: Reader, corpus: Path) -> None:
    names = {
        "WNS": "timing.setup.wns_ns",
        "TNS": "timing.setup.tns_ns",
        "WHS": "timing.hold.whs_ns",
        "THS": "timing.hold.ths_ns",
        "WPWS": "timing.pw.wpws_ns",
    }
    with (corpus / "index.csv").open(newline="") as file:
        notes = {row["file"]: row["note"] for row in csv.DictReader(file)}
    checked = 0
    for real in read("timing_summary"):
        note = notes[str(real.path.relative_to(corpus))]
        for key, text in re.findall(r"\b(\w+)=(\S+?)(?:;|\s|$)", note):
            if key not in names:
                continue
            metric = real.whole[names[key]]
            if text == "NA":
                assert metric.status is MetricStatus.MISSING
            else:
                assert metric.value == float(text), (real.path.name, key)
            checked += 1
    assert checked > 250


def test_stages_are_those_of_the_index(read: Reader, corpus: Path) -> None:
    stages = {
        "routed": "route",
        "synth": "synth",
        "synthesized": "synth",
        "fully placed": "place",
        "fully routed": "route",
    }
    with (corpus / "index.csv").open(newline="") as file:
        known = {row["file"]: row["stage"].lower() for row in csv.DictReader(file)}
    for kind in ("util_flat", "util_hier", "timing_summary", "drc", "methodology"):
        for real in read(kind):
            expected = stages.get(known[str(real.path.relative_to(corpus))])
            found = {each.stage.value for each in real.metrics if each.stage.value != "build"}
            assert expected is None or found == {expected}, (real.path.name, expected, found)


def test_the_worst_path_is_the_first_violated_one_and_its_levels_are_printed_with_it(read: Reader) -> None:
    for real in read("timing_summary"):
        slacks = [
            float(each) for each in re.findall(r"^Slack \((?:MET|VIOLATED)\) : +(\S+)ns  \(required", real.text, re.M)
        ]
        if not slacks:
            assert "timing.crit.slack_ns" not in real.whole
            continue
        assert real.whole["timing.crit.slack_ns"].value == min(slacks), real.path.name
        assert real.whole["timing.crit.slack_ns"].value == real.whole["timing.setup.wns_ns"].value, real.path.name
        place = real.text.index(f"{min(slacks):.3f}ns  (required")
        levels = re.compile(r"Logic Levels: +([0-9]+)").search(real.text, place)
        assert levels is not None
        assert real.whole["timing.crit.logic_levels"].value == int(levels[1]), real.path.name


def test_every_clock_of_the_summary_has_its_period(read: Reader) -> None:
    for real in read("timing_summary"):
        table = real.text.partition("| Clock Summary")[2].partition("| Intra Clock Table")[0]
        printed = sorted(float(each) for each in re.findall(r"\} +([0-9.]+) +[0-9.]+ *$", table, re.M))
        found = sorted(each.number or 0.0 for each in real.metrics if each.name == "timing.period_ns" and each.scope)
        assert found == printed, real.path.name


def test_timing_is_met_where_the_report_says_so_and_is_routed(read: Reader) -> None:
    for real in read("timing_summary"):
        met = real.whole.get("timing.met")
        if met is not None:
            assert met.value is ("All user specified timing constraints are met." in real.text), real.path.name


def test_power_totals_are_those_that_a_search_finds(read: Reader) -> None:
    patterns = {
        "power.total_w": r"\| Total On-Chip Power \(W\) +\| ([0-9.]+)",
        "power.dynamic_w": r"\| Dynamic \(W\) +\| ([0-9.]+)",
        "power.static_w": r"\| Device Static \(W\) +\| ([0-9.]+)",
        "power.junction_c": r"\| Junction Temperature \(C\) +\| ([0-9.]+)",
        "power.signals_w": r"\| Signals +\| +([0-9.]+) \|",
        "power.ps_w": r"\| PS[78] +\| +([0-9.]+) \|",
    }
    for real in read("power"):
        for name, pattern in patterns.items():
            found = re.search(pattern, real.text)
            metric = real.whole.get(name)
            value = metric.value if metric else None
            assert value == (float(found[1]) if found else None), (real.path.name, name)


@pytest.mark.parametrize(("kind", "prefix"), [("drc", "drc"), ("methodology", "methodology")])
def test_violations_are_as_many_as_the_headings_of_their_descriptions(read: Reader, kind: str, prefix: str) -> None:
    severities = {
        "errors": "Error",
        "critical_warnings": "Critical Warning",
        "warnings": "Warning",
        "advisories": "Advisory",
    }
    for real in read(kind):
        for name, severity in severities.items():
            count = len(re.findall(rf"^\S+#[0-9]+ {severity} *$", real.text, re.MULTILINE))
            assert real.whole[f"{prefix}.{name}"].value == count, (real.path.name, name)


def test_buffers_in_clock_reports_are_those_that_a_search_finds(read: Reader) -> None:
    for real in read("clock_util"):
        for kind, name in (("MMCM", "util.clk.mmcm"), ("PLL", "util.clk.pll")):
            found = re.search(rf"^\| {kind} +\| +([0-9]+) \| +([0-9]+) \|", real.text, re.MULTILINE)
            assert found is not None
            assert real.whole[name].value == int(found[1])
            assert real.whole[f"{name}.available"].value == int(found[2])


def test_logs_hold_the_reports_that_their_lines_announce(read: Reader) -> None:
    for real in read("log_embedded_report"):
        if "| Total On-Chip Power" in real.text:
            assert "power.total_w" in real.whole
        if "| Design Timing Summary" in real.text:
            assert "timing.setup.wns_ns" in real.whole
        if re.search(r"^\| (?:CLB|Slice) LUTs", real.text, re.MULTILINE):
            assert "util.lut" in real.whole
