"""Reports are recognised by what stands in them, under any name; other files are left alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_vivado.kinds import KINDS, kind_of, sniff_of
from brainsmith_vivado.tables.text_reader import read_document

REPORTS = Path(__file__).parent / "reports"
PARSERS = {
    "clocks_7series.rpt": "vivado_clock_utilisation",
    "clocks_ultrascale.rpt": "vivado_clock_utilisation",
    "drc.rpt": "vivado_drc",
    "drc_2015.rpt": "vivado_drc",
    "kernel_utilisation.rpt": "vitis_kernel_utilisation",
    "methodology.rpt": "vivado_methodology",
    "power.rpt": "vivado_power",
    "timing_paths.rpt": "vivado_timing",
    "timing_summary.rpt": "vivado_timing",
    "utilisation_7series.rpt": "vivado_utilisation",
    "utilisation_hierarchy.rpt": "vivado_utilisation",
    "utilisation_hierarchy.xml": "vivado_utilisation",
    "utilisation_ultrascale.rpt": "vivado_utilisation",
    "utilisation_versal.rpt": "vivado_utilisation",
    "vivado.log": "vivado_log",
}


def test_every_sample_has_its_parser_here() -> None:
    assert sorted(PARSERS) == sorted(path.name for path in REPORTS.iterdir())


@pytest.mark.parametrize(("name", "parser"), PARSERS.items())
@pytest.mark.parametrize("called", ["x", "a.txt", "B.JSON", "no.rpt.bak"])
def test_the_name_of_a_file_means_nothing(parse: Callable[..., Any], name: str, parser: str, called: str) -> None:
    content = (REPORTS / name).read_bytes()
    found = parse(content, called)
    assert (found.file.parser, found.file.status) == (parser, "parsed")
    assert found.metrics


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: "\n\n" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("Copyright", "Captured with a script\nCopyright", 1),
        lambda text: text[text.index("| Tool Version") :],
    ],
    ids=["byte order mark", "blank lines", "windows", "a line above", "without copyright"],
)
def test_a_report_is_recognised_whatever_stands_around_its_header(parse: Callable[..., Any], change: Any) -> None:
    text = (REPORTS / "utilisation_7series.rpt").read_text()
    found = parse(change(text).encode())
    assert found.file.parser == "vivado_utilisation"
    assert found.value("util.lut") == 4100


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n" * 1000,
        b"\x00\xff" * 5000,
        b"a" * 200_000,
        b"{}",
        b"<html><body>Power Report</body></html>",
        b"# Notes\n\n| Site Type | Used |\n|---|---|\n| CLB LUTs | 3 |\n",
        b"We read the Power Report and the Timing Report.\n",
        b"module top; endmodule\n",
    ],
    ids=["empty", "blank", "binary", "one line", "json", "html", "markdown", "prose", "verilog"],
)
def test_other_files_are_unknown(parse: Callable[..., Any], content: bytes) -> None:
    found = parse(content, "report.rpt")
    assert found.file.status == "unknown"
    assert found.metrics == []


def test_a_sniff_looks_only_at_the_beginning() -> None:
    for kind in KINDS:
        sniff = re.compile(sniff_of(kind))
        assert sniff.search(f"\n{kind.titles[0]}\n")
        assert not sniff.search("line\n" * 100 + f"{kind.titles[0]}\n")


def test_the_kind_is_told_by_command_or_tables_if_the_title_is_missing(draw: Any) -> None:
    by_command = read_document(draw.header("report_power -file x") + "\n\nNo title\n")
    kind = kind_of(by_command)
    assert kind is not None
    assert kind.name == "vivado_power"
    by_table = read_document(draw.sites("1. CLB Logic", ["CLB LUTs", "1", "0", "100", "1.00"]))
    kind = kind_of(by_table)
    assert kind is not None
    assert kind.name == "vivado_utilisation"
    assert kind_of(read_document("nothing\n")) is None


def test_a_report_of_an_unknown_kind_beside_a_known_one_is_noted(parse: Callable[..., Any], draw: Any) -> None:
    text = (REPORTS / "power.rpt").read_text() + draw.header("report_dreams") + "\n\nReport Dreams\n"
    found = parse(text)
    assert found.value("power.total_w") == 3.252
    assert "a report of an unknown kind" in found.message


def test_a_report_without_any_figure_is_unparsable_and_says_why(parse: Callable[..., Any], draw: Any) -> None:
    found = parse(draw.header("report_power") + "\n\nPower Report\n\n")
    assert found.file.status == "unparsable"
    assert "holds no figure" in found.message
    xml = parse('<RptDoc title="Power Report">', "p.xml")
    assert xml.file.status == "unparsable"
    assert "the XML is damaged" in xml.message


def test_an_unknown_state_is_noted(parse: Callable[..., Any]) -> None:
    text = (REPORTS / "utilisation_7series.rpt").read_text().replace("Fully Placed", "Enchanted")
    assert 'unknown design state "Enchanted"' in parse(text, "x").message


def test_rows_that_lost_their_table_are_noted(parse: Callable[..., Any]) -> None:
    text = (REPORTS / "utilisation_7series.rpt").read_text()
    found = parse(text.replace("\n| F7 Muxes", "\n\n| F7 Muxes", 1))
    assert not found.has("util.f7mux")
    assert 'rows outside of a table: "| F7 Muxes' in found.message
    assert found.value("util.dsp") == 20
