"""Power: totals, components, supplies, confidence; a bound is no figure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def power() -> str:
    return (Path(__file__).parent / "reports" / "power.rpt").read_text()


def test_totals_and_temperatures_are_read(parse: Callable[..., Any], power: str) -> None:
    found = parse(power)
    expected = {
        "total_w": 3.252,
        "fpga_w": 3.011,
        "hbm_w": 0.241,
        "dynamic_w": 0.122,
        "static_w": 3.13,
        "theta_ja_c_per_w": 0.4,
        "max_ambient_c": 98.6,
        "junction_c": 26.4,
        "ambient_c": 25.0,
        "thermal_margin_c": 73.6,
    }
    assert {name: found.value(f"power.{name}") for name in expected} == expected
    assert found.metric("power.total_w").stage.value == "power"
    assert found.metric("power.thermal_margin_c").source.formula == "Max Ambient - Ambient Temp"


def test_what_is_not_specified_is_missing(parse: Callable[..., Any], power: str) -> None:
    found = parse(power)
    assert found.status("power.budget_w") == "missing"
    assert found.status("power.budget_margin_w") == "missing"
    assert not found.has("power.setting_file")


def test_components_have_the_names_of_the_vocabulary_or_keep_their_own(parse: Callable[..., Any], power: str) -> None:
    found = parse(power)
    expected = {"clocks_w": 0.027, "logic_w": 0.05, "signals_w": 0.033, "bram_w": 0.012}
    assert {name: found.value(f"power.{name}") for name in expected} == expected
    assert found.value("power.component_w", component="LUT as Logic") == 0.036
    assert found.value("power.component_w", component="PHASER") == 0.003
    assert found.value("power.component_used", component="LUT as Logic") == 5726
    assert found.value("power.component_used.available", component="Block RAM") == 2016


def test_components_that_belong_together_are_added(parse: Callable[..., Any], power: str) -> None:
    found = parse(power)
    assert found.value("power.mmcm_pll_w") == pytest.approx(0.12)
    assert found.metric("power.mmcm_pll_w").source.formula == "MMCM + PLL"


def test_a_bound_is_no_figure_and_certainly_not_0(parse: Callable[..., Any], power: str) -> None:
    found = parse(power)
    assert found.status("power.dsp_w") == "unparsable"
    assert found.metric("power.dsp_w").source.field == "DSPs: <0.001"
    assert "given only as bounds" in found.message
    assert "power.instance_w of 1 instances" in found.message


def test_supplies_have_voltage_and_currents(parse: Callable[..., Any], power: str) -> None:
    found = parse(power)
    assert found.value("power.supply.voltage_v", supply="Vccint") == 0.85
    assert found.value("power.supply.total_a", supply="Vccint") == 1.406
    assert found.status("power.supply.budget_a", supply="Vccint") == "missing"
    assert found.value("power.supply.margin_a", supply="Vccaux_io") == -0.191


def test_confidence_is_told_for_the_whole_and_for_each_input(parse: Callable[..., Any], power: str) -> None:
    found = parse(power)
    assert found.value("power.confidence") == "Medium"
    assert found.value("power.confidence", input="I/O nodes activity") == "Low"
    assert found.value("power.activity.saif") == "run.saif"
    assert found.value("power.activity.nets_matched").startswith("93%")


def test_conditions_clocks_and_instances_are_read(parse: Callable[..., Any], power: str) -> None:
    found = parse(power)
    assert found.value("power.environment.airflow_lfm") == 250
    assert found.value("power.environment.setting", setting="Heat Sink") == "medium (Medium Profile)"
    assert found.value("power.clock_period_ns", clock="ap_clk", domain="ap_clk") == 10.0
    assert found.value("power.instance_w") == 0.122
    assert found.value("power.instance_w", instance="core/mvau_0") == 0.1


def test_a_chip_that_is_too_hot_keeps_its_power_but_has_no_margin(parse: Callable[..., Any], power: str) -> None:
    hot = power.replace("| 3.252           ", "| 3.252 (Junction temp exceeded!)", 1)
    hot = power.replace("98.6", " 0.0").replace("26.4 ", "125.0")
    found = parse(hot)
    assert found.value("power.total_w") == 3.252
    assert found.value("power.junction_c") == 125.0
    assert not found.has("power.thermal_margin_c")


def test_a_remark_behind_a_number_is_no_part_of_it(parse: Callable[..., Any], draw: Any) -> None:
    rows = [
        ["Total On-Chip Power (W)", "19.293 (Junction temp exceeded!)"],
        ["Power Budget Margin (W)", "55.198 (MET)"],
    ]
    found = parse(draw.report("Power Report", "report_power", [draw.section("1. Summary", draw.box([], rows))]))
    assert found.value("power.total_w") == 19.293
    assert found.value("power.budget_margin_w") == 55.198


def test_a_summary_of_one_row_is_read_though_it_looks_like_headings(parse: Callable[..., Any], draw: Any) -> None:
    table = draw.box(["Total On-Chip Power (W)", "1.681"], [])
    found = parse(draw.report("Power Report", "report_power", [draw.section("1. Summary", table)]))
    assert found.value("power.total_w") == 1.681


def test_a_total_that_its_parts_do_not_make_up_is_unparsable(parse: Callable[..., Any], power: str) -> None:
    found = parse(power.replace("| 0.122", "| 0.722", 1))
    assert [found.status(f"power.{name}_w") for name in ("total", "dynamic", "static")] == ["unparsable"] * 3
    assert "3.252 W isn't 0.722 W + 3.13 W" in found.message


def test_two_totals_that_differ_are_unparsable(parse: Callable[..., Any], power: str) -> None:
    found = parse(power.replace("| 3.252 ", "| 3.251 ", 1))
    assert found.status("power.total_w") == "unparsable"


def test_unknown_rows_and_tables_are_noted(parse: Callable[..., Any], power: str) -> None:
    found = parse(
        power.replace("Effective TJA (C/W) ", "Effective XYZ (C/W) ").replace("2.1 Environment", "2.1 Surrounding")
    )
    assert 'unknown row: "Effective XYZ (C/W)" in "Summary"' in found.message
    assert 'unknown table: "Surrounding" (8 rows without headings)' in found.message


@pytest.mark.parametrize("heading", ["    On-Chip     |", "User Input Data       |", "    Name    |"])
def test_a_table_with_unknown_headings_is_noted(parse: Callable[..., Any], power: str, heading: str) -> None:
    assert heading in power
    found = parse(power.replace(heading, heading.replace("a", "A").replace("n-C", "m-C"), 1))
    assert "unknown table" in found.message
    assert found.value("power.total_w") == 3.252
