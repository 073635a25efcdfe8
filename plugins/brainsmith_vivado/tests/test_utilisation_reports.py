"""Utilisation: every family, with and without `Prohibited`, footnotes, bounds, regions, hierarchy, kernels, XML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPORTS = Path(__file__).parent / "reports"


def sample(name: str) -> str:
    return (REPORTS / name).read_text()


def test_a_7_series_report_gives_all_resources(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_7series.rpt"))
    assert found.file.status == "parsed"
    assert found.message == ""
    expected = {
        "lut": 4100,
        "lut_logic": 3900,
        "lut_mem": 200,
        "lutram": 120,
        "srl": 80,
        "ff": 5005,
        "reg_ff": 5000,
        "latch": 3,
        "reg_logic": 2,
        "f7mux": 64,
        "f8mux": 0,
        "slice_clb": 1500,
        "slice_l": 1000,
        "slice_m": 500,
        "control_sets": 210,
        "regs_lost": 435,
        "bram_36k": 12.5,
        "ramb36": 11,
        "ramb18": 3,
        "bram_18k": 25,
        "dsp": 20,
        "io": 9,
        "iopad": 130,
        "gt": 2,
        "pcie": 0,
        "clk.bufg": 3,
        "clk.mmcm": 1,
        "clk.pll": 0,
        "clk.bufh": 1,
        "lut6": 1800,
        "lut2": 700,
        "carry": 310,
    }
    assert {name: found.value(f"util.{name}") for name in expected} == expected
    assert found.metric("util.lut").stage.value == "place"
    assert found.metric("util.lut").source.field == "Slice LUTs*"
    assert found.metric("util.bram_18k").source.formula == "2 x ramb36 + ramb18"


def test_fractions_are_calculated_from_used_and_available_which_bounds_are_not(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_7series.rpt"))
    assert found.value("util.lut.available") == 53200
    assert found.value("util.lut.fraction") == 4100 / 53200
    assert found.value("util.latch.fraction") == 3 / 106400
    assert found.metric("util.latch.fraction").source.formula == "used / available"
    assert found.value("util.iopad.fraction") == 1.0
    assert not found.has("util.lutram.fraction")


def test_a_row_that_the_family_lacks_is_no_zero(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_7series.rpt"))
    for name in ("util.uram", "util.f9mux", "util.hbm", "util.lut1"):
        assert not found.has(name)


def test_rows_without_a_name_of_their_own_are_kept_with_the_path_to_them_where_others_are_called_the_same(
    parse: Callable[..., Any],
) -> None:
    found = parse(sample("utilisation_7series.rpt"))
    assert found.value("util.site", site="LUT as Memory > LUT as Distributed RAM > using O6 output only") == 100
    assert found.value("util.site", site="RAMB18E1 only") == 3
    assert found.value("util.site", site="GTXE2_CHANNEL") == 2
    assert found.value("util.site.available", site="GTXE2_CHANNEL") == 4


def test_registers_primitives_and_netlists_are_kept_by_kind(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_7series.rpt"))
    kind = {"clock_enable": "Yes", "synchronous": "Set", "asynchronous": "-"}
    assert found.value("util.ff_by_control", **kind) == 100
    assert found.value("util.primitive", primitive="CARRY4") == 310
    assert found.value("util.netlist", module="my_fifo") == 2


def test_the_header_says_where_the_figures_come_from(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_7series.rpt"))
    assert found.value("prov.part") == "xc7z020clg400-1"
    assert found.value("prov.tool_version", tool="vivado") == "2019.2"
    assert found.value("prov.design") == "top"
    assert found.metric("prov.part").stage.value == "build"


def test_a_column_prohibited_moves_nothing(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_ultrascale.rpt"))
    assert found.value("util.lut") == 200000
    assert found.value("util.lut.fixed") == 1000
    assert found.value("util.lut.prohibited") == 0
    assert found.value("util.lut.available") == 1303680
    assert found.value("util.ff.fixed") == 1200, "a second table repeats the row with 0"
    assert found.value("util.uram") == 12
    assert found.value("util.bram_36k") == 250.5
    assert found.value("util.bram_18k") == 501
    assert found.metric("util.lut").stage.value == "route"


def test_global_clock_buffers_of_ultrascale_are_counted_together_and_by_kind(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_ultrascale.rpt"))
    names = ("bufg", "bufgce", "bufgce_div", "bufg_gt", "bufgctrl", "pll", "mmcm")
    assert [found.value(f"util.clk.{name}") for name in names] == [36, 16, 0, 18, 1, 6, 4]


def test_resources_in_several_rows_are_added(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_ultrascale.rpt"))
    assert found.value("util.gt") == 12
    assert found.value("util.gt.available") == 116
    assert found.value("util.pcie") == 3
    assert found.metric("util.pcie").source.formula == "PCIE40E4 + PCIE4CE4"


def test_what_is_used_in_place_of_something_else_has_no_fraction(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_ultrascale.rpt"))
    assert found.value("util.site", site="DPLL (BUFGCE)") == 3
    assert found.value("util.site.available", site="DPLL (BUFGCE)") == 0
    assert found.status("util.site.fraction", site="DPLL (BUFGCE)") == "missing"


def test_regions_are_kept_apart_from_the_whole(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_ultrascale.rpt"))
    assert found.value("util.lut", slr="SLR0") == 150000
    assert found.value("util.lut.fraction", slr="SLR1") == pytest.approx(0.1157)
    assert found.value("util.bram_36k", slr="SLR0") == 200.5
    assert found.value("util.io", slr="SLR1") == 100
    assert found.value("util.gt", slr="SLR0") == 8
    assert found.status("util.f7mux.fraction", slr="SLR0") == "unparsable", "a bound is no figure"
    assert "given only as bounds: util.f7mux.fraction[SLR0] '<0.01'" in found.message


def test_wires_between_regions_are_counted_for_borders_and_directions(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_ultrascale.rpt"))
    assert found.value("util.slr_crossings") == 300
    assert found.value("util.slr_crossings", slr="SLR1 <-> SLR0") == 300
    assert found.value("util.slr_crossings.available", slr="SLR1 <-> SLR0") == 23040
    assert found.value("util.slr_crossings", from_slr="SLR0", to_slr="SLR1") == 200
    only = {"from_slr": "SLR0", "to_slr": "SLR1", "registers": "Using TX_REG only"}
    assert found.value("util.slr_crossings", **only) == 150
    assert found.value("util.slr_connections", from_slr="SLR1", to_slr="SLR0") == 100


def test_versal_has_other_names_for_the_same_resources(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_versal.rpt"))
    expected = {"ff": 50000, "lut": 30000, "carry": 700, "ramb36": 64, "ramb18": 1, "bram_36k": 64.5, "dsp": 1024}
    assert {name: found.value(f"util.{name}") for name in expected} == expected
    assert found.value("util.noc") == 3
    assert found.value("util.dsp.fraction") == 1024 / 1968


def test_an_unknown_row_is_kept_and_noted(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_versal.rpt"))
    assert found.value("util.site", site="FUTURE_BLOCK") == 1
    assert 'unknown row, kept as util.site: "FUTURE_BLOCK" in "ADVANCED"' in found.message


def test_an_unknown_column_is_noted(parse: Callable[..., Any], draw: Any) -> None:
    headings = ["Site Type", "Used", "Fixed", "Reserved", "Available", "Util%"]
    table = draw.box(headings, [["CLB LUTs", "10", "0", "3", "1000", "1.00"]])
    found = parse(draw.utilisation(draw.section("1. CLB Logic", table)))
    assert found.value("util.lut") == 10
    assert found.value("util.lut.available") == 1000
    assert 'unknown column: "Reserved" in "CLB Logic"' in found.message


def test_columns_may_stand_in_any_order(parse: Callable[..., Any], draw: Any) -> None:
    table = draw.box(["Site Type", "Util%", "Available", "Used"], [["CLB LUTs", "1.00", "1000", "10"]])
    found = parse(draw.utilisation(draw.section("1. CLB Logic", table)))
    assert (found.value("util.lut"), found.value("util.lut.available")) == (10, 1000)


def test_a_design_that_does_not_fit_has_a_fraction_above_1(parse: Callable[..., Any], draw: Any) -> None:
    found = parse(draw.utilisation(draw.sites("1. Slice Logic", ["Slice LUTs", "63840", "0", "53200", "120.00"])))
    assert found.value("util.lut.fraction") == 1.2


@pytest.mark.parametrize(
    "row",
    [
        ["Slice LUTs", "53200", "0", "4100", "7.71"],
        ["Slice LUTs", "41000", "0", "53200", "7.71"],
        ["Slice LUTs", "4100", "0", "53200", "<0.01"],
        ["Slice LUTs", "4100", "0", "200", ""],
    ],
    ids=["swapped", "one digit more", "bound", "more than there is"],
)
def test_what_the_percentage_contradicts_is_unparsable_and_said_so(
    parse: Callable[..., Any], draw: Any, row: list[str]
) -> None:
    found = parse(draw.utilisation(draw.sites("1. Slice Logic", row, ["F7 Muxes", "64", "0", "26600", "0.24"])))
    assert found.status("util.lut") == "unparsable"
    assert found.status("util.lut.available") == "unparsable"
    assert "contradictory: Slice LUTs" in found.message
    assert found.value("util.f7mux") == 64


def test_percentages_that_old_versions_cut_off_instead_of_rounding_are_right(
    parse: Callable[..., Any], draw: Any
) -> None:
    found = parse(draw.utilisation(draw.sites("1. Slice Logic", ["Slice LUTs", "31582", "0", "203800", "15.49"])))
    assert found.value("util.lut") == 31582


def test_prohibited_sites_may_count_as_missing_from_the_available_ones(parse: Callable[..., Any], draw: Any) -> None:
    found = parse(
        draw.utilisation(draw.sites("1. A", ["CLB LUTs", "100", "0", "500", "1000", "20.00"], prohibited=True))
    )
    assert found.value("util.lut.prohibited") == 500
    assert found.value("util.lut") == 100


def test_parts_that_do_not_make_up_their_total_are_unparsable(parse: Callable[..., Any], draw: Any) -> None:
    rows = [["Slice LUTs", "4100"], ["  LUT as Logic", "3900"], ["  LUT as Memory", "201"]]
    found = parse(draw.utilisation(draw.section("1. Slice Logic", draw.box(["Site Type", "Used"], rows))))
    assert [found.status(f"util.{name}") for name in ("lut", "lut_logic", "lut_mem")] == ["unparsable"] * 3
    assert "lut isn't lut_logic + lut_mem" in found.message


def test_tiles_that_the_blocks_do_not_make_up_are_unparsable(parse: Callable[..., Any], draw: Any) -> None:
    rows = [["Block RAM Tile", "12"], ["  RAMB36/FIFO*", "11"], ["  RAMB18", "3"]]
    found = parse(draw.utilisation(draw.section("3. Memory", draw.box(["Site Type", "Used"], rows))))
    assert found.status("util.bram_36k") == "unparsable"
    assert not found.has("util.bram_18k")


def test_two_figures_for_one_thing_leave_none(parse: Callable[..., Any], draw: Any) -> None:
    one = draw.sites("1. Slice Logic", ["Slice LUTs", "4100", "0", "53200", "7.71"])
    other = draw.sites("2. Slice Logic Distribution", ["Slice LUTs", "4200", "0", "53200", "7.89"])
    found = parse(draw.utilisation(one, other))
    assert found.status("util.lut") == "unparsable"
    assert "util.lut is given as both 4100 and 4200" in found.message


def test_a_repeated_section_changes_nothing(parse: Callable[..., Any], draw: Any) -> None:
    section = draw.sites("1. Slice Logic", ["Slice LUTs", "4100", "0", "53200", "7.71"])
    once, twice = parse(draw.utilisation(section)), parse(draw.utilisation(section, section))
    assert once.values() == twice.values()


@pytest.mark.parametrize("cell", ["41O0", "4 100", "", "4100.", "0x1"])
def test_a_cell_that_is_no_number_gives_no_figure(parse: Callable[..., Any], draw: Any, cell: str) -> None:
    found = parse(draw.utilisation(draw.sites("1. Slice Logic", ["Slice LUTs", cell, "0", "53200", "7.71"])))
    assert found.metric("util.lut").value is None


def test_a_table_without_headings_is_noted_and_gives_nothing(parse: Callable[..., Any], draw: Any) -> None:
    text = draw.utilisation(
        draw.sites("1. Slice Logic", ["Slice LUTs", "4100", "0", "53200", "7.71"], ["F7 Muxes", "0", "0", "1", "0.00"]),
        draw.sites("2. DSP", ["DSPs", "20", "0", "220", "9.09"]),
    )
    lines = text.split("\n")
    del lines[next(index for index, line in enumerate(lines) if "Site Type" in line)]
    found = parse("\n".join(lines))
    assert not found.has("util.lut")
    assert 'unknown table: "Slice Logic" (2 rows without headings)' in found.message
    assert found.value("util.dsp") == 20


def test_a_report_on_some_cells_is_not_about_the_whole_design(parse: Callable[..., Any], draw: Any) -> None:
    section = draw.sites("1. CLB Logic", ["CLB LUTs", "10", "0", "1000", "1.00"])
    found = parse(draw.utilisation(section, command="report_utilization -cells [get_cells bd_i/eng] -file x.rpt"))
    assert found.value("util.lut", instance="bd_i/eng") == 10
    assert not found.has("util.lut")
    assert found.value("prov.design") == "top"


def test_a_report_on_a_block_says_whose_the_resources_are(parse: Callable[..., Any], draw: Any) -> None:
    headings = ["Site Type", "Parent", "Child", "Non-Assigned", "Used", "Fixed", "Available", "Util%"]
    table = draw.box(headings, [["CLB LUTs", "7", "2", "1", "10", "0", "1000", "1.00"]])
    text = draw.utilisation(draw.section("3. CLB Logic", table), command="report_utilization -pblocks [get_pblocks pb]")
    found = parse(text)
    assert found.value("util.lut", pblock="pb") == 10
    assert found.value("util.lut", pblock="pb", assigned="parent") == 7
    assert found.value("util.lut", pblock="pb", assigned="none") == 1


def test_instances_have_the_paths_that_vivado_gives_them(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_hierarchy.rpt"))
    assert found.message == ""
    assert found.value("util.lut") == 1019
    assert found.value("util.lut", instance="core/mvau_0") == 739
    assert found.value("util.ff", instance="(top)") == 97
    assert found.value("util.lut", instance="core/(core)") == 75
    assert found.value("util.ramb36", instance="core") == 3
    assert found.value("util.dsp") == 4
    assert found.value("util.bram_18k") == 7
    assert found.value("instance.module", instance="core/mvau_0") == "MVAU_hls_0"
    assert found.metric("util.lut").stage.value == "synth"


def test_percentages_behind_the_counts_are_fractions(parse: Callable[..., Any], draw: Any) -> None:
    table = draw.box(
        ["Instance", "Module", "Total LUTs"], [["top", "(top)", "19564(94.06%)"], ["  a", "m", "1(0.01%)"]]
    )
    found = parse(draw.utilisation(draw.section("1. Utilization by Hierarchy", table)))
    assert found.value("util.lut") == 19564
    assert found.value("util.lut.fraction") == pytest.approx(0.9406)
    assert found.value("util.lut", instance="a") == 1


@pytest.mark.parametrize("lost", ["  core", "    mvau"], ids=["a row of the first level", "a row further down"])
def test_instances_below_a_row_that_is_missing_get_no_other_instance_s_path(
    parse: Callable[..., Any], draw: Any, lost: str
) -> None:
    names = ["top", "  (top)", "  core", "    (core)", "    mvau", "      (mvau)", "      a", "  rx"]
    rows = [[name, "m", "1"] for name in names]
    table = draw.box(["Instance", "Module", "FFs"], [row for row in rows if row[0] != lost])
    found = parse(draw.utilisation(draw.section("1. Utilization by Hierarchy", table)))
    paths = {each.scope.get("instance", "") for each in found.metrics if each.name == "util.ff"}
    assert paths <= {"", "(top)", "core", "core/(core)", "core/mvau", "core/mvau/(mvau)", "core/mvau/a", "rx"}
    assert "rx" in paths
    assert "rows without the row above them" in found.message


def test_an_instance_cannot_have_more_than_the_one_above_it(parse: Callable[..., Any], draw: Any) -> None:
    rows = [["top", "(top)", "100", "10"], ["  a", "m", "700", "5"]]
    table = draw.box(["Instance", "Module", "FFs", "RAMB36"], rows)
    found = parse(draw.utilisation(draw.section("1. Utilization by Hierarchy", table)))
    assert found.status("util.ff") == "unparsable"
    assert found.status("util.ff", instance="a") == "unparsable"
    assert found.value("util.ramb36") == 10
    assert "FFs: a has 700, more than the instance above it" in found.message


def test_what_adds_up_to_more_than_the_instance_above_belongs_elsewhere(parse: Callable[..., Any], draw: Any) -> None:
    # The row of a second instance below the top, to which "c" belongs, is missing.
    rows = [["top", "(top)", "100", "9"], ["  a", "m", "30", "2"], ["    b", "m", "20", "1"], ["    c", "m", "25", "1"]]
    table = draw.box(["Instance", "Module", "FFs", "RAMB36"], rows)
    found = parse(draw.utilisation(draw.section("1. Utilization by Hierarchy", table)))
    assert found.value("util.ff", instance="a") == 30
    assert found.status("util.ff", instance="a/b") == "unparsable"
    assert found.status("util.ramb36", instance="a/c") == "unparsable"
    assert found.status("instance.module", instance="a/c") == "unparsable"
    assert "FFs: below a there are 45, not 30" in found.message


def test_combined_luts_may_add_up_to_more_than_the_instance_above_has(parse: Callable[..., Any], draw: Any) -> None:
    rows = [["top", "(top)", "100", "8"], ["  a", "m", "60", "5"], ["  b", "m", "41", "4"]]
    table = draw.box(["Instance", "Module", "Total LUTs", "SRLs"], rows)
    found = parse(draw.utilisation(draw.section("1. Utilization by Hierarchy", table)))
    assert found.value("util.lut", instance="b") == 41
    assert found.value("util.srl", instance="a") == 5
    assert found.message == ""


def test_luts_of_an_instance_have_to_be_what_they_are_used_as(parse: Callable[..., Any], draw: Any) -> None:
    rows = [["top", "(top)", "100", "80", "10", "11"], ["  a", "m", "50", "40", "10", "0"]]
    table = draw.box(["Instance", "Module", "Total LUTs", "Logic LUTs", "LUTRAMs", "SRLs"], rows)
    found = parse(draw.utilisation(draw.section("1. Utilization by Hierarchy", table)))
    assert found.status("util.lut") == "unparsable"
    assert found.value("util.lut", instance="a") == 50


def test_the_hierarchy_as_xml_is_the_same(parse: Callable[..., Any]) -> None:
    found = parse(sample("utilisation_hierarchy.xml"), "post_synth_resources.xml")
    assert found.file.parser == "vivado_utilisation"
    assert found.value("util.lut") == 200
    assert found.value("util.ff", instance="dut/MVAU_0") == 120
    assert found.value("util.pploc") == 30
    assert found.status("util.pploc", instance="dut") == "missing"
    assert found.value("instance.pr_attribute", instance="dut") == "Reconfigurable"
    assert found.metric("util.lut").stage.value == "route"
    assert found.value("prov.part") == "xc7z020clg400-1"


def test_a_flat_report_as_xml_is_the_same_as_its_text(parse: Callable[..., Any], draw: Any) -> None:
    rows = [["CLB LUTs", "10", "0", "1000", "1.00"], ["  LUT as Logic", "10", "0", "1000", "1.00"]]
    headings = ["Site Type", "Used", "Fixed", "Available", "Util%"]
    text = parse(draw.utilisation(draw.sites("1. CLB Logic", *rows)))
    cells = "".join(
        "<tablerow>" + "".join(f'<tablecell contents="{cell}"/>' for cell in row) + "</tablerow>" for row in rows
    )
    head = "<tablerow>" + "".join(f'<tableheader contents="{name}"/>' for name in headings) + "</tablerow>"
    xml = parse(
        '<?xml version="1.0"?><RptDoc designstate="Routed" title="Utilization Design Information">'
        f'<section title="1. CLB Logic"><table>{head}{cells}</table></section></RptDoc>',
        "util.xml",
    )
    assert xml.values("util.") == text.values("util.")


def test_kernels_platform_and_what_is_left_are_kept_apart(parse: Callable[..., Any]) -> None:
    found = parse(sample("kernel_utilisation.rpt"))
    assert found.file.parser == "vitis_kernel_utilisation"
    assert found.message == ""
    assert found.value("util.lut", kernel="krnl") == 22620
    assert found.value("util.lut", kernel="krnl", instance="krnl_1") == 22620
    assert found.value("util.lut.fraction", kernel="krnl") == 22620 / 770016
    assert found.value("util.bram_36k", region="Platform") == 178.5
    assert found.value("util.lut.fraction", region="Platform") == 100000 / 870016
    assert found.value("util.uram", region="Unused Resources") == 640
    assert found.value("util.lut_mem", region="User Budget") == 394000
    assert not found.has("util.lut")


def test_a_kernel_figure_that_its_percentage_contradicts_is_unparsable(parse: Callable[..., Any]) -> None:
    text = sample("kernel_utilisation.rpt").replace("28711 [  1.77%]", "98711 [  1.77%]")
    found = parse(text)
    assert found.status("util.ff", kernel="krnl") == "unparsable"
    assert found.value("util.lut", kernel="krnl") == 22620


def test_a_report_that_is_cut_off_gives_what_stands_before_the_cut_and_says_so(parse: Callable[..., Any]) -> None:
    text = sample("utilisation_7series.rpt")
    found = parse(text[: text.index("RAMB36/FIFO*") - 20])
    assert found.file.status == "parsed"
    assert found.value("util.lut") == 4100
    assert not found.has("util.dsp")
    assert not found.has("util.ramb36")
    assert 'missing sections: "4. DSP"' in found.message
    assert "broken off" in found.message


def test_a_report_that_ends_before_its_first_table_is_unparsable(parse: Callable[..., Any]) -> None:
    text = sample("utilisation_7series.rpt")
    found = parse(text[: text.index("| Slice LUTs")])
    assert found.file.status == "unparsable"
    assert "no figure" in found.message
    assert found.metrics == []


def test_line_ends_of_windows_and_bytes_that_are_no_utf_8_do_no_harm(parse: Callable[..., Any]) -> None:
    text = sample("utilisation_7series.rpt")
    plain = parse(text)
    windows = parse(text.replace("\n", "\r\n").encode())
    foreign = parse(text.replace("machine running", "caf\xe9 running").encode("latin-1"))
    assert plain.values("util.") == windows.values("util.") == foreign.values("util.")
    assert windows.message == foreign.message == ""


def test_several_reports_appended_to_one_file_are_all_read(parse: Callable[..., Any], draw: Any) -> None:
    text = draw.utilisation(
        draw.sites("1. CLB Logic", ["CLB LUTs", "10", "0", "1000", "1.00"]), Design_State="Synthesized"
    ) + draw.utilisation(draw.sites("1. CLB Logic", ["CLB LUTs", "20", "0", "1000", "2.00"]), Design_State="Routed")
    found = parse(text)
    values = {each.stage.value: each.value for each in found.metrics if each.name == "util.lut"}
    assert values == {"synth": 10, "route": 20}
    assert found.message == ""


def test_reports_of_one_stage_that_differ_are_noted(parse: Callable[..., Any], draw: Any) -> None:
    text = "".join(
        draw.utilisation(draw.sites("1. CLB Logic", ["CLB LUTs", used, "0", "1000", f"{used[0]}.00"]))
        for used in ("10", "20")
    )
    found = parse(text)
    assert [each.value for each in found.metrics if each.name == "util.lut"] == [10, 20]
    assert "2 reports in one file, the later ones with other figures at the same stage: util.lut" in found.message
