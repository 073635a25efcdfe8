"""Reports that a tool printed into its log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.metrics.report import Report
from brainsmith_vivado.parsers.logs.embedded import embedded_figures


@pytest.fixture
def log() -> str:
    return (Path(__file__).parent / "reports" / "vivado.log").read_text()


def test_each_report_in_a_log_is_read_at_its_own_stage(parse: Callable[..., Any], log: str) -> None:
    found = parse(log, "runme.log")
    assert found.file.parser == "vivado_log"
    assert found.file.status == "parsed"
    assert found.value("util.lut") == 5000
    assert found.metric("util.lut").stage.value == "synth"
    assert found.value("timing.setup.wns_ns") == 6.961
    assert found.metric("timing.setup.wns_ns").stage.value == "route", "the last step that was done"
    assert found.value("timing.met") is True


def test_what_the_tool_prints_around_a_report_is_no_part_of_it(parse: Callable[..., Any], log: str) -> None:
    found = parse(log)
    assert not any(each.value == 12 for each in found.metrics if each.name.startswith("util."))


def test_a_log_without_reports_gives_no_figures_of_reports(log: str) -> None:
    report = Report(path=Path("runme.log"), data=log[: log.index("# report_utilization")].encode())
    assert embedded_figures(report) == []
    assert report.notes == []


def test_a_report_in_a_log_that_breaks_off_is_noted(parse: Callable[..., Any], log: str) -> None:
    found = parse(log[: log.index("| CLB LUTs*")])
    assert "the file holds no figure" in found.message
    assert "line " in found.message


def test_the_stage_before_any_step_is_not_known(parse: Callable[..., Any], log: str) -> None:
    begin = log.index("# report_timing_summary")
    found = parse("# Vivado v2020.2 (64-bit)\n" + log[begin:], "x.log")
    assert found.metric("timing.setup.wns_ns").stage.value == "synth"
    assert "doesn't say at which stage" in found.message
