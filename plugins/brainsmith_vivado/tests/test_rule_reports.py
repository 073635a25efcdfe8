"""Broken rules by severity and rule; a severity that no violation has is 0, but only if the list is whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPORTS = Path(__file__).parent / "reports"
COUNTS = {"errors": 0, "critical_warnings": 1, "warnings": 3, "advisories": 1, "violations": 5}


@pytest.mark.parametrize("name", ["drc.rpt", "drc_2015.rpt"], ids=["with summary", "without summary, as before 2016"])
def test_violations_are_counted_by_severity_and_by_rule(parse: Callable[..., Any], name: str) -> None:
    found = parse((REPORTS / name).read_text())
    assert found.file.parser == "vivado_drc"
    assert {each: found.value(f"drc.{each}") for each in COUNTS} == COUNTS
    assert found.value("drc.warnings", rule="DPOP-2") == 2
    assert found.value("drc.critical_warnings", rule="NSTD-1") == 1


@pytest.mark.parametrize("kind", ["drc", "methodology"])
def test_later_versions_call_violations_checks(parse: Callable[..., Any], kind: str) -> None:
    text = (REPORTS / f"{kind}.rpt").read_text()
    older = parse(text)
    text = text.replace("Max violations:", "Max checks:").replace("Violations found:", "Checks found:")
    text = text.replace("| Violations |", "| Checks     |")
    newer = parse(text)
    assert (newer.file.status, newer.message) == ("parsed", older.message)
    assert newer.values() == older.values()
    assert newer.value(f"{kind}.violations") > 0


def test_methodology_has_its_own_names(parse: Callable[..., Any]) -> None:
    found = parse((REPORTS / "methodology.rpt").read_text())
    assert found.file.parser == "vivado_methodology"
    assert found.value("methodology.critical_warnings") == 1
    assert found.value("methodology.warnings") == 0
    assert found.metric("methodology.violations").stage.value == "route"


def test_no_violation_is_0_of_each_severity(parse: Callable[..., Any], draw: Any) -> None:
    summary = "     Violations found: 0\n" + draw.box(["Rule", "Severity", "Description", "Violations"], [])
    text = draw.report("Report DRC", "report_drc", [draw.section("1. REPORT SUMMARY", summary)], Design_State="Routed")
    found = parse(text)
    assert found.value("drc.errors") == 0
    assert found.value("drc.violations") == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Violations found: 5", "Violations found: 6"),
        ("Violations found: 5", "Violations f und: 5"),
        ("|          2 |", "|          8 |"),
    ],
)
def test_where_the_counts_disagree_the_totals_are_unparsable(parse: Callable[..., Any], old: str, new: str) -> None:
    text = (REPORTS / "drc.rpt").read_text()
    assert old in text
    found = parse(text.replace(old, new, 1))
    assert found.status("drc.errors") == "unparsable"
    assert found.status("drc.warnings") == "unparsable"
    assert "contradictory" in found.message


def test_a_list_that_the_file_s_end_cuts_off_is_noted(parse: Callable[..., Any]) -> None:
    text = (REPORTS / "drc.rpt").read_text()
    found = parse(text[: text.index("REQP-165#1")])
    assert found.value("drc.warnings") == 3
    assert "5 violations were found, but 3 are described" in found.message


def test_without_a_summary_a_list_that_is_cut_off_has_no_totals(parse: Callable[..., Any]) -> None:
    text = (REPORTS / "drc_2015.rpt").read_text()
    found = parse(text[: text.index("REQP-165#1")])
    assert found.status("drc.warnings") == "unparsable"
    assert not found.has("drc.warnings", rule="DPOP-2")


def test_an_unknown_severity_is_noted(parse: Callable[..., Any]) -> None:
    found = parse((REPORTS / "drc.rpt").read_text().replace("Advisory |", "Whimsies |"))
    assert 'unknown severity: "Whimsies" of REQP-165' in found.message
    assert found.status("drc.errors") == "unparsable"


def test_a_count_that_is_no_number_is_unparsable(parse: Callable[..., Any]) -> None:
    text = (REPORTS / "drc.rpt").read_text()
    row = next(line for line in text.split("\n") if line.startswith("| DPOP-2"))
    found = parse(text.replace(row, row.replace("2 |", "? |")))
    assert found.status("drc.warnings", rule="DPOP-2") == "unparsable"
    assert found.status("drc.warnings") == "unparsable"


def test_a_table_that_does_not_belong_there_is_noted(parse: Callable[..., Any], draw: Any) -> None:
    text = (REPORTS / "drc.rpt").read_text() + draw.box(["Odd", "Table"], [["a", "1"]]) + "\n"
    assert "unknown table: Odd, Table" in parse(text).message


def test_the_stage_of_a_report_without_a_state_is_that_of_its_name(parse: Callable[..., Any]) -> None:
    text = (REPORTS / "drc_2015.rpt").read_text()
    assert parse(text, "top_drc_routed.rpt").metric("drc.errors").stage.value == "route"
    assert parse(text, "top_drc_opted.rpt").metric("drc.errors").stage.value == "synth"
    unknown = parse(text, "x.rpt")
    assert unknown.metric("drc.errors").stage.value == "synth"
    assert "doesn't say at which stage" in unknown.message
