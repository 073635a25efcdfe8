"""Clock utilisation of 7 series and UltraScale: buffers, clock nets, regions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

REPORTS = Path(__file__).parent / "reports"


def test_7_series_buffers_nets_and_regions_are_read(parse: Callable[..., Any]) -> None:
    found = parse((REPORTS / "clocks_7series.rpt").read_text())
    assert found.file.parser == "vivado_clock_utilisation"
    assert found.message == ""
    assert found.value("util.clk.bufg") == 4
    assert found.value("util.clk.bufg.available") == 32
    assert found.value("util.clk.mmcm.fixed") == 1
    assert found.value("clock.loads", net="inst/clk1") == 245
    assert found.value("clock.load_sites", net="inst/clk1") == 147
    assert found.value("clock.region.sites", region="X0Y0", resource="FF Used") == 193
    assert found.value("clock.region.cells_by_type", region="X0Y0", net="inst/clk1", cell="BRAM Pins") == 26
    assert found.metric("util.clk.bufg").stage.value == "route", "the command names the file"


def test_a_region_may_use_more_than_it_has_by_the_report_s_count(parse: Callable[..., Any]) -> None:
    found = parse((REPORTS / "clocks_7series.rpt").read_text())
    assert found.value("clock.region.sites", region="X1Y0", resource="FF Used") == 2661
    assert found.value("clock.region.sites", region="X1Y0", resource="FF Avail") == 1200
    assert found.value("clock.region.sites", region="X1Y0", resource="Global Clock Used") == 1


def test_ultrascale_buffers_nets_and_regions_are_read(parse: Callable[..., Any]) -> None:
    found = parse((REPORTS / "clocks_ultrascale.rpt").read_text())
    assert found.message == ""
    assert found.value("util.clk.bufgce") == 1
    assert found.value("util.clk.bufgctrl") == 0
    assert not found.has("util.clk.bufg"), "a BUFGCTRL is only one kind of global buffer"
    assert found.value("clock.constrained", type="MMCM", by="LOC") == 1
    assert found.value("clock.loads", clock_id="g0") == 16230
    assert found.value("clock.period_ns", clock_id="g0") == 10.0
    assert found.status("clock.period_ns", clock_id="g1") == "missing"
    assert found.value("clock.net", clock_id="g1") == "u/ce"
    assert found.value("clock.region.global_clocks", region="X0Y1") == 2
    assert found.value("clock.region.routing", region="X0Y0", resource="HROUTES Used") == 1
    assert found.value("clock.region.cells", clock_id="g0", region="X1Y1") == 10269
    assert found.value("clock.row_delay", clock_id="g0", row="Y1") == 1
    assert found.value("clock.region.cells_by_type", region="X1Y0", clock_id="g0", cell="FF") == 7818


def test_7_series_of_later_versions_have_one_kind_of_global_buffer(parse: Callable[..., Any], draw: Any) -> None:
    table = draw.box(
        ["Type", "Used", "Available", "LOC", "Clock Region", "Pblock"], [["BUFGCTRL", "1", "32", "0", "0", "0"]]
    )
    sections = [draw.section("1. Clock Primitive Utilization", table)]
    found = parse(draw.report("Clock Utilization Report", "report_clock_utilization", sections))
    assert found.value("util.clk.bufg") == 1
    assert found.metric("util.clk.bufg").stage.value == "place", "clocks are in use once they are placed"


def test_more_buffers_than_there_are_contradict_each_other(parse: Callable[..., Any]) -> None:
    found = parse((REPORTS / "clocks_7series.rpt").read_text().replace("|    4 |        32 |", "|   44 |        32 |"))
    assert found.status("util.clk.bufg") == "unparsable"


def test_unknown_buffers_columns_and_tables_are_noted(parse: Callable[..., Any], draw: Any) -> None:
    text = (REPORTS / "clocks_7series.rpt").read_text()
    text = (
        text.replace("| BUFH  |", "| BUFX  |")
        .replace("Num Fixed", "Num Bound")
        .replace("3. Details of Local", "3. Details of Loca ")
    )
    text += draw.section("6. Clock Moods", draw.box(["Clock", "Mood"], [["a", "1"]]))
    found = parse(text)
    assert found.value("util.site", site="BUFX") == 0
    assert 'unknown row, kept as util.site: "BUFX"' in found.message
    assert 'unknown column: "Num Bound"' in found.message
    assert 'unknown table: "Clock Moods" (Clock, Mood)' in found.message
