"""HLS reports as XML: synthesis and export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPORTS = Path(__file__).with_name("reports")
Parse = Callable[..., Any]


def text_of(name: str) -> str:
    return (REPORTS / name).read_text()


def test_a_function_has_clock_latency_and_interval(parse: Parse) -> None:
    found = parse(text_of("csynth.xml"))
    assert (found.file.parser, found.file.status) == ("hls_csynth_xml", "parsed")
    top = {"layer": "top"}
    assert found.value("timing.period_ns", **top) == 10
    assert found.value("timing.uncertainty_ns", **top) == 2.7
    assert found.value("timing.estimated_period_ns", **top) == 7.3
    assert found.value("perf.latency_min_cycles", **top) == 3
    assert found.status("perf.latency_avg_cycles", **top) == "missing"
    assert found.value("perf.latency_max_cycles", **top) == 4705
    assert found.value("perf.latency_min_ns", **top) == 30
    assert found.value("perf.latency_max_ns", **top) == 47050
    assert found.status("perf.latency_avg_ns", **top) == "missing"
    assert found.value("perf.interval_max_cycles", **top) == 4706
    assert found.value("perf.dataflow_interval_min_cycles", **top) == 4
    assert found.value("perf.dataflow_interval_max_cycles", **top) == 4012002
    assert found.value("hls.pipeline_type", **top) == "dataflow"
    assert not found.has("hls.interval_target_cycles", **top)
    assert found.value("prov.tool_version", tool="vitis_hls") == "2022.1"
    assert found.value("prov.part") == "xc7z020-clg400-1"
    assert found.value("prov.design") == "top"


def test_resources_come_with_what_the_device_has(parse: Parse) -> None:
    found = parse(text_of("csynth.xml"))
    assert found.value("util.lut", layer="top") == 5320
    assert found.value("util.lut.fraction", layer="top") == 0.1
    assert found.value("util.bram_18k", layer="top") == 0
    assert found.value("util.bram_18k.available") == 280
    assert found.value("util.uram.available") == 0
    assert not found.has("util.uram.fraction", layer="top")
    assert found.message == "given twice: LUT as 5320 and as 5326"


@pytest.mark.parametrize("tag", ["DSP48E", "DSP58E"])
def test_dsp_blocks_have_one_name(parse: Parse, tag: str) -> None:
    found = parse(text_of("csynth.xml").replace("<DSP>2</DSP><URAM>", f"<{tag}>2</{tag}><URAM>"))
    assert found.value("util.dsp", layer="top") == 2


def test_loops_are_elements_inside_of_elements(parse: Parse) -> None:
    found = parse(text_of("csynth.xml"))
    rows, cols = {"layer": "top", "loop": "rows"}, {"layer": "top", "loop": "cols"}
    assert (found.value("loop.trip_count_min", **rows), found.value("loop.trip_count_max", **rows)) == (0, 720)
    assert found.value("loop.latency_min_cycles", **rows) == 2
    assert found.status("loop.latency_max_cycles", **rows) == "missing"
    assert found.value("loop.latency_min_ns", **rows) == 20
    assert found.status("loop.latency_max_ns", **rows) == "missing"
    assert found.value("loop.iteration_latency_max_cycles", **rows) == 9
    assert (found.value("loop.trip_count", **cols), found.value("loop.ii", **cols)) == (1280, 1)
    assert (found.value("loop.depth", **cols), found.value("loop.slack_ns", **cols)) == (28, 7.3)
    assert found.value("loop.pipelined", **cols) == "yes"
    assert found.value("loop.issue", **cols) == "II Violation: Memory Dependency"
    assert not found.has("hls.issue", layer="top")


def test_functions_below_are_listed(parse: Parse) -> None:
    found = parse(text_of("csynth.xml"))
    assert found.value("timing.estimated_period_ns", layer="a") == 3.634
    assert found.value("perf.interval_min_cycles", layer="a") == 2
    assert found.status("perf.interval_max_cycles", layer="a") == "missing"
    assert found.value("hls.pipeline_depth", layer="a") == 18
    assert found.value("util.lut.fraction", layer="a") == 665 / 53200
    assert found.status("loop.trip_count", layer="a", loop="count") == "missing"
    assert found.value("loop.latency_min_cycles", layer="a", loop="count") == 1
    assert found.status("loop.latency_max_cycles", layer="a", loop="count") == "missing"
    assert found.value("instance.module", layer="top", instance="a_U0/grp_b_fu_1") == "b"
    assert found.value("hls.operation", layer="a", operation="mul_U1")["OPTYPE"] == "mul"
    assert found.value("util.dsp", layer="a", operation="mul_U1") == 2
    assert not found.has("util.dsp", layer="a", operation="add_fu_1")
    assert found.value("fifo.depth", layer="top", fifo="q_U") == 2
    assert found.value("hls.port", layer="top", port="s_TDATA")["Bits"] == 32


def test_a_report_of_a_function_below_is_about_that(parse: Parse) -> None:
    found = parse(text_of("csynth.xml").replace("<Object>top</Object>", "<Object>inner</Object>"))
    assert found.value("util.lut", layer="inner") == 5320
    assert found.value("prov.design") == "top"
    found = parse(text_of("csynth.xml").replace("<Type>return value</Type>", ""))
    assert found.value("util.lut", layer="top") == 5320


def test_a_target_interval_is_one_only_if_it_was_set(parse: Parse) -> None:
    found = parse(text_of("csynth.xml").replace("4294967295", "1"))
    assert found.value("hls.interval_target_cycles", layer="top") == 1


def test_what_is_unknown_is_reported(parse: Parse) -> None:
    text = text_of("csynth.xml")
    assert "unknown element: Surprise" in parse(text.replace("<PragmaReport/>", "<Surprise/>")).message
    assert "XYZ of the resources" in parse(text.replace("<BRAM_18K>0</BRAM_18K>", "<XYZ>0</XYZ>")).message
    assert "Odd of the latency" in parse(text.replace("<Interval-min>4706</Interval-min>", "<Odd>1</Odd>")).message


def test_what_is_no_number_is_unparsable(parse: Parse) -> None:
    found = parse(text_of("csynth.xml").replace("<LUT>5320</LUT>", "<LUT>5,320</LUT>"))
    assert found.status("util.lut", layer="top") == "unparsable"
    found = parse(text_of("csynth.xml").replace(">7.300<", ">fast<").replace(">47.050 us<", ">47 days<"))
    assert found.status("timing.estimated_period_ns", layer="top") == "unparsable"
    assert found.status("perf.latency_max_ns", layer="top") == "unparsable"
    found = parse(text_of("csynth.xml").replace(">4706<", "><"))
    assert found.status("perf.interval_max_cycles", layer="top") == "missing"


@pytest.mark.parametrize("end", range(200, 4000, 333))
def test_a_report_that_is_cut_off_has_no_wrong_figure(parse: Parse, end: int) -> None:
    text = text_of("csynth.xml")
    values = parse(text).values()
    cut = parse(text[:end])
    assert all(values.get(key, value) == value for key, value in cut.values().items())
    assert cut.file.status in ("unparsable", "unknown") or "broken off" in cut.message


def test_files_that_are_no_reports_are_refused(parse: Parse) -> None:
    entity = '<!DOCTYPE p [<!ENTITY a "aaaa">]>'
    bomb = f'<?xml version="1.0"?>{entity}<profile><UserAssignments>&a;</UserAssignments></profile>'
    assert parse(bomb).file.status in ("unparsable", "unknown")
    deep = "<profile><UserAssignments>" + "<a>" * 5000
    assert parse(deep).file.status == "unparsable"
    assert parse("<profile><UserAssignments></UserAssignments></profile>").file.status == "unparsable"
    assert parse("<profile>\n<AreaReport></AreaReport></profile>").file.status == "unparsable"
    entity = '<!DOCTYPE profile [<!ENTITY a "b">]>'
    text = text_of("csynth.xml").replace("<profile>", f"<profile>{entity}", 1)
    assert parse(text).file.status == "unparsable"


def test_an_export_has_what_vivado_made_of_it(parse: Parse) -> None:
    found = parse(text_of("export.xml"))
    assert (found.file.parser, found.message) == ("hls_export_xml", "")
    assert found.value("util.lut") == 6104
    assert found.value("util.bram_18k") == 10
    assert found.value("util.srl") == 220
    assert found.value("util.slice_clb") == 1355
    assert not found.has("util.slice_clb.available")
    assert found.value("util.lut.fraction") == 6104 / 1303680
    assert found.value("timing.period_ns") == 10
    assert found.value("timing.achieved_period_ns") == 4
    assert found.value("timing.fmax_mhz") == 250
    assert {each.stage.value for each in found.metrics} == {"ooc"}
    found = parse(text_of("export.xml").replace("CLB", "SLICE").replace("<SLICE>0<", "<SLICE>13300<"))
    assert found.value("util.slice_clb.available") == 13300
    found = parse(text_of("export.xml").replace("<SRL>", "<ODD>").replace("</SRL>", "</ODD>"))
    assert "unknown element: ODD" in found.message
    assert "broken off" in parse(text_of("export.xml")[:300]).message
