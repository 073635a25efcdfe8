"""Timing: design, clocks, pairs of clocks, checks, worst paths; zero is a value, `NA` is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_vivado.parsers.timing.paths import read_timing_paths

REPORTS = Path(__file__).parent / "reports"
SETUP = ("WNS(ns)", "TNS(ns)", "TNS Failing Endpoints", "TNS Total Endpoints")
HOLD = ("WHS(ns)", "THS(ns)", "THS Failing Endpoints", "THS Total Endpoints")
PULSE = ("WPWS(ns)", "TPWS(ns)", "TPWS Failing Endpoints", "TPWS Total Endpoints")
MET = "All user specified timing constraints are met."
NOT_MET = "Timing constraints are not met."


@pytest.fixture
def summary() -> str:
    return (REPORTS / "timing_summary.rpt").read_text()


@pytest.fixture
def design(draw: Any) -> Callable[..., str]:
    """Draw a summary with the design's row and one clock, and nothing else."""

    def make(row: list[str], statement: str = MET, state: str = "Routed", clock: list[str] | None = None) -> str:
        clocks = draw.columns(["Clock", *SETUP, *HOLD, *PULSE], [clock] if clock else [])
        parts = [
            draw.header("report_timing_summary -file t.rpt", Design_State=state),
            "\n\nTiming Summary Report\n\n",
            draw.bar("Design Timing Summary", draw.columns([*SETUP, *HOLD, *PULSE], [row], 0), "", "", statement),
            draw.bar("Intra Clock Table", clocks),
        ]
        return "".join(parts)

    return make


GOOD = ["0.100", "0.000", "0", "50", "0.020", "0.000", "0", "50", "1.000", "0.000", "0", "9"]


def test_the_design_s_row_is_read_whole(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary)
    assert found.message == ""
    expected = {
        "setup.wns_ns": -0.312,
        "setup.tns_ns": -7.302,
        "setup.failing_endpoints": 64,
        "setup.total_endpoints": 23226,
        "hold.whs_ns": 0.029,
        "hold.ths_ns": 0.0,
        "hold.failing_endpoints": 0,
        "hold.total_endpoints": 23226,
        "pw.wpws_ns": 0.195,
        "pw.tpws_ns": 0.0,
        "pw.failing_endpoints": 0,
        "pw.total_endpoints": 10938,
    }
    assert {name: found.value(f"timing.{name}") for name in expected} == expected


def test_every_clock_is_read_and_not_only_the_first(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary)
    assert found.value("timing.setup.wns_ns", clock="clk_a") == -0.312
    assert found.value("timing.setup.wns_ns", clock="clk_b") == 0.0
    assert found.value("timing.period_ns", clock="clk_fb") == 5.0
    assert found.value("timing.requested_mhz", clock="clk_b") == 100.0
    assert found.value("timing.waveform", clock="clk_b") == "{0.000 5.000}"


def test_a_slack_of_exactly_0_is_a_slack_and_gives_a_frequency(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary)
    assert found.value("timing.setup.wns_ns", clock="clk_b") == 0.0
    assert found.value("timing.fmax_mhz", clock="clk_b") == 100.0
    assert found.value("timing.fmax_mhz", clock="clk_a") == pytest.approx(1000 / 5.312)


def test_a_clock_without_setup_paths_has_no_setup_slack(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary)
    assert not found.has("timing.setup.wns_ns", clock="clk_fb")
    assert not found.has("timing.fmax_mhz", clock="clk_fb")
    assert found.value("timing.pw.wpws_ns", clock="clk_fb") == 2.66


def test_pairs_of_clocks_and_groups_of_paths_have_their_own_names(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary)
    pair = {"from_clock": "clk_a", "to_clock": "clk_b"}
    assert found.value("timing.inter_clock.wns_ns", **pair) == 0.171
    assert found.value("timing.inter_clock.hold_total_endpoints", **pair) == 102
    port = {"from_clock": "input port clock", "to_clock": "clk_a"}
    assert found.value("timing.inter_clock.wns_ns", **port) == 1.942
    assert not found.has("timing.inter_clock.whs_ns", **port)
    group = {"path_group": "**async_default**", "from_clock": "clk_a", "to_clock": "clk_a"}
    assert found.value("timing.path_group.wns_ns", **group) == 1.496


def test_checks_are_the_sum_of_their_lines(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary)
    assert found.value("timing.check.no_clock") == 44
    assert found.value("timing.check.unconstrained_endpoints") == 65
    assert found.value("timing.check.loops") == 0
    assert not found.has("timing.check.latch_loops")


def test_checks_of_old_versions_have_no_count_in_the_title(parse: Callable[..., Any], summary: str) -> None:
    old = summary.replace("checking no_clock (44)", "checking no_clock")
    old = old.replace("1. checking no_clock\n------------------------", "1. checking no_clock\n--------------------")
    found = parse(old)
    assert found.value("timing.check.no_clock") == 44


def test_a_check_whose_title_says_something_else_is_unparsable(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary.replace("There are 6 register", "There are 7 register"))
    assert found.status("timing.check.no_clock") == "unparsable"
    assert "no_clock: 44 in the title, 45 below it" in found.message


def test_an_unknown_check_is_noted(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary.replace("checking loops", "checking knots"))
    assert "unknown check: knots" in found.message


def test_the_worst_path_is_described_for_the_design_and_for_each_clock(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary)
    for scope in ({}, {"clock": "clk_a"}):
        assert found.value("timing.crit.slack_ns", **scope) == -0.312
        assert found.value("timing.crit.startpoint", **scope) == "u/a_reg/C"
        assert found.value("timing.crit.endpoint", **scope) == "u/mvau_0/b_reg[3]/D"
        assert found.value("timing.crit.logic_levels", **scope) == 7
        assert found.value("timing.crit.data_delay_ns", **scope) == 5.1
        assert found.value("timing.crit.logic_delay_ns", **scope) == 1.5
        assert found.value("timing.crit.net_delay_ns", **scope) == 3.6
        assert found.value("timing.crit.logic_fraction", **scope) == pytest.approx(1.5 / 5.1)
        assert found.value("timing.crit.clock_skew_ns", **scope) == -0.145
        assert found.value("timing.crit.clock_uncertainty_ns", **scope) == 0.035
        assert found.value("timing.crit.requirement_ns", **scope) == 5.0
        assert found.value("timing.crit.fanout_max", **scope) == 24, "not that of the clock net"
    assert found.value("timing.crit.logic_levels", clock="clk_b") == 12
    assert (
        found.value("timing.crit.exception", from_clock="clk_a", to_clock="clk_b") == "MultiCycle Path   Setup -end   2"
    )
    group = {"path_group": "**async_default**", "from_clock": "clk_a", "to_clock": "clk_a"}
    assert found.value("timing.crit.slack_ns", **group) == 1.496


def test_hold_paths_are_kept_apart(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary)
    assert found.value("timing.crit_hold.slack_ns") == 0.029
    assert found.value("timing.crit_hold.startpoint", clock="clk_a") == "u/e_reg/C"


def test_a_path_without_a_constraint_is_no_worst_path(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary)
    assert not any("ps7/RESET" in str(each.value) for each in found.metrics)


def test_methodology_in_a_timing_report_is_counted_by_rule(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary)
    assert found.value("methodology.warnings", rule="TIMING-16") == 7
    assert found.value("methodology.critical_warnings", rule="TIMING-17") == 2
    assert not found.has("methodology.warnings")


def test_the_stage_is_that_of_the_nets_if_the_header_does_not_say_it(parse: Callable[..., Any], summary: str) -> None:
    assert parse(summary).metric("timing.setup.wns_ns").stage.value == "route"
    placed = summary.replace(", routed)", ", estimated)")
    assert parse(placed).metric("timing.setup.wns_ns").stage.value == "place"
    unplaced = summary.replace(", routed)", ", unplaced)")
    assert parse(unplaced).metric("timing.setup.wns_ns").stage.value == "synth"


def test_timing_is_met_only_where_the_design_is_routed(
    parse: Callable[..., Any], summary: str, design: Callable[..., str]
) -> None:
    assert parse(summary).value("timing.met") is False
    assert parse(summary).value("timing.constraints_met") is False
    routed = parse(design(GOOD))
    assert routed.value("timing.met") is True
    assert routed.metric("timing.met").source.formula
    synthesised = parse(design(GOOD, state="Synthesized"))
    assert not synthesised.has("timing.met")
    assert synthesised.value("timing.constraints_met") is True


def test_slacks_of_0_meet_timing(parse: Callable[..., Any], design: Callable[..., str]) -> None:
    row = ["0.000", "0.000", "0", "50", "0.000", "0.000", "0", "50", "0.000", "0.000", "0", "9"]
    assert parse(design(row)).value("timing.met") is True


def test_without_constraints_the_figures_are_missing_and_nothing_is_met(
    parse: Callable[..., Any], design: Callable[..., str]
) -> None:
    found = parse(design(["NA"] * 12, "There are no user specified timing constraints."))
    assert found.file.status == "parsed"
    assert found.status("timing.setup.wns_ns") == "missing"
    assert found.status("timing.hold.total_endpoints") == "missing"
    assert not found.has("timing.met")
    assert not found.has("timing.constraints_met")


def test_a_statement_that_contradicts_the_figures_leaves_neither(
    parse: Callable[..., Any], design: Callable[..., str]
) -> None:
    found = parse(design(GOOD, NOT_MET))
    assert found.status("timing.met") == "unparsable"
    assert found.status("timing.constraints_met") == "unparsable"
    assert found.value("timing.setup.wns_ns") == 0.1


@pytest.mark.parametrize(
    ("place", "cell"), [(0, "-0.100"), (1, "-3.000"), (2, "7"), (4, "-0.020"), (9, "-1.000")], ids=str
)
def test_slack_total_and_failing_endpoints_have_to_agree(
    parse: Callable[..., Any], design: Callable[..., str], place: int, cell: str
) -> None:
    row = [*GOOD[:place], cell, *GOOD[place + 1 :]]
    found = parse(design(row, NOT_MET))
    kind = ("setup.wns_ns", "hold.whs_ns", "pw.wpws_ns")[place // 4]
    assert found.status(f"timing.{kind}") == "unparsable"
    assert "contradictory" in found.message


def test_the_design_s_slack_has_to_be_the_worst_of_its_clocks(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary.replace("     -0.312       -7.302", "     -0.812       -7.302", 1))
    assert found.status("timing.setup.wns_ns") == "unparsable"
    assert found.value("timing.setup.wns_ns", clock="clk_a") == -0.312
    assert "WNS(ns) is -0.812 for the design, but -0.312 among its clocks" in found.message


def test_a_clock_s_slack_has_to_be_that_above_its_paths(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary.replace("Worst Slack        0.171ns", "Worst Slack        0.177ns"))
    assert found.status("timing.inter_clock.wns_ns", from_clock="clk_a", to_clock="clk_b") == "unparsable"
    assert found.value("timing.setup.wns_ns") == -0.312


def test_period_and_frequency_have_to_agree(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary.replace("200.000", "300.000", 1))
    assert found.status("timing.period_ns", clock="clk_a") == "unparsable"
    assert not found.has("timing.fmax_mhz", clock="clk_a")


def test_logic_and_wires_have_to_make_up_the_delay(parse: Callable[..., Any], summary: str) -> None:
    found = parse(summary.replace("logic 1.500ns", "logic 1.900ns"))
    assert found.status("timing.crit.logic_delay_ns") == "unparsable"
    assert not found.has("timing.crit.logic_fraction")
    assert found.value("timing.crit.logic_levels") == 7


def test_a_design_with_one_clock_has_a_frequency_itself(
    parse: Callable[..., Any], draw: Any, design: Callable[..., str]
) -> None:
    text = design(GOOD, clock=["clk", *GOOD])
    text += draw.bar(
        "Clock Summary",
        draw.columns(
            ["Clock", "Waveform(ns)", "Period(ns)", "Frequency(MHz)"], [["clk", "{0.000 2.500}", "5.000", "200.000"]], 4
        ),
    )
    found = parse(text)
    assert found.value("timing.period_ns") == 5.0
    assert found.value("timing.fmax_mhz") == pytest.approx(1000 / 4.9)
    assert found.message == ""


def test_a_row_that_the_end_of_the_file_cuts_is_not_read(parse: Callable[..., Any], draw: Any) -> None:
    text = draw.header("report_timing_summary", Design_State="Routed") + "\n\nTiming Summary Report\n\n"
    text += draw.bar("Design Timing Summary", draw.columns([*SETUP, *HOLD, *PULSE], [GOOD], 0)).rstrip()
    found = parse(text[:-1])
    assert found.file.status == "unparsable"


def test_a_list_of_paths_alone_is_a_report_too(parse: Callable[..., Any]) -> None:
    found = parse((REPORTS / "timing_paths.rpt").read_text(), "paths.v")
    assert found.file.parser == "vivado_timing"
    assert found.value("timing.crit.slack_ns") == 0.0
    assert found.value("timing.crit.endpoint") == "u/h_reg/D"
    assert found.metric("timing.crit.slack_ns").stage.value == "route"
    assert not found.has("timing.met")


def test_all_paths_of_a_report_can_be_had_one_by_one(summary: str) -> None:
    paths = read_timing_paths(summary)
    assert [path.slack_ns for path in paths] == [-0.312, 0.1, 0.029, 0.0, 0.171, 1.496, None]
    assert [path.kind for path in paths] == ["setup", "setup", "hold", "setup", "setup", "setup", "setup"]
    assert paths[0].from_clock == paths[0].to_clock == "clk_a"
    assert paths[-1].from_clock == ""
    assert paths[-1].fanout_max is None


@pytest.mark.parametrize("cut", range(0, 1200, 37))
def test_a_path_that_is_cut_off_is_left_out(summary: str, cut: int) -> None:
    begin = summary.index("Slack (VIOLATED)")
    paths = read_timing_paths(summary[: begin + cut])
    assert all(path.endpoint == "u/mvau_0/b_reg[3]/D" and path.logic_levels == 7 for path in paths)
