"""HLS reports as text: one function, verbose, the synthesis summary, co-simulation."""

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
    found = parse(text_of("function_2017.rpt"))
    assert (found.file.parser, found.file.status, found.message) == ("hls_csynth_report", "parsed", "")
    assert found.value("timing.period_ns", layer="weights") == 10
    assert found.value("timing.estimated_period_ns", layer="weights") == 8.6
    assert found.value("timing.uncertainty_ns", layer="weights") == 1.25
    assert found.value("perf.latency_min_cycles", layer="weights") == 3
    assert found.value("perf.latency_max_cycles", layer="weights") == 942481
    assert found.value("perf.interval_min_cycles", layer="weights") == 3
    assert found.status("perf.interval_max_cycles", layer="weights") == "missing"
    assert found.value("hls.pipeline_type", layer="weights") == "none"
    assert found.value("prov.part") == "xc7z020clg400-1"
    assert found.value("prov.tool_version", tool="vivado_hls") == "2017.4"
    assert {each.stage.value for each in found.metrics} == {"hls", "build"}


def test_cells_with_units_are_ns(parse: Parse) -> None:
    found = parse(text_of("function_2022.rpt"))
    layer = {"layer": "layer_Pipeline_L1"}
    assert found.value("timing.period_ns", **layer) == 10
    assert found.value("timing.uncertainty_ns", **layer) == 2.7
    assert found.value("perf.latency_min_ns", **layer) == 18040
    assert found.value("perf.latency_max_ns", **layer) == 18000
    assert found.value("perf.latency_max_cycles", **layer) == 1805
    assert found.value("perf.interval_max_cycles", **layer) == 1806
    assert found.value("hls.pipeline_type", **layer) == "loop auto-rewind stp (delay=0 clock cycles(s))"
    inside = {**layer, "instance": "grp_f_fu_1"}
    assert found.value("instance.module", **inside) == "f"
    assert found.value("perf.latency_min_cycles", **inside) == 17
    assert found.status("perf.latency_max_cycles", **inside) == "missing"
    assert found.status("perf.latency_max_ns", **inside) == "missing"


def test_loops_have_names_that_tell_them_apart(parse: Parse) -> None:
    found = parse(text_of("function_2017.rpt"))
    loops = {each.scope["loop"] for each in found.metrics if "loop" in each.scope}
    assert loops == {"rows", "rows/cols", "taps", "cols"}
    rows, cols = {"layer": "weights", "loop": "rows"}, {"layer": "weights", "loop": "rows/cols"}
    assert found.value("loop.latency_min_cycles", **rows) == 2
    assert found.value("loop.latency_max_cycles", **rows) == 942480
    assert found.value("loop.iteration_latency_min_cycles", **rows) == 3
    assert found.value("loop.iteration_latency_max_cycles", **rows) == 1309
    assert (found.value("loop.trip_count_min", **rows), found.value("loop.trip_count_max", **rows)) == (0, 720)
    assert not found.has("loop.trip_count", **rows)
    assert not found.has("loop.ii", **rows)
    assert (found.value("loop.ii", **cols), found.value("loop.ii_target", **cols)) == (2, 1)
    assert (found.value("loop.trip_count", **cols), found.value("loop.pipelined", **cols)) == (1280, "yes")
    taps = {"layer": "weights", "loop": "taps"}
    assert found.status("loop.trip_count", **taps) == found.status("loop.latency_max_cycles", **taps) == "missing"


def test_resources_have_totals_parts_and_shares(parse: Parse) -> None:
    found = parse(text_of("function_2017.rpt"))
    layer = {"layer": "weights"}
    assert found.value("util.lut", **layer) == 4814
    assert found.value("util.dsp", **layer) == 28
    assert found.value("util.bram_18k", **layer) == 5
    assert found.value("util.lut.available") == 53200
    assert found.value("util.lut.fraction", **layer) == 4814 / 53200
    assert found.value("util.dsp", **layer, category="Instance") == 26
    assert found.value("util.bram_18k", **layer, category="Register") == 0
    assert not found.has("util.lut", **layer, category="DSP")
    assert not found.has("util.uram", **layer)


def test_a_device_with_several_regions_has_two_totals(parse: Parse) -> None:
    found = parse(text_of("function_2022.rpt"))
    assert found.value("util.lut.available") == 1303680
    assert found.value("util.lut.available", slr="one") == 434560
    assert found.value("util.uram.available") == 0
    assert not found.has("util.uram.fraction", layer="layer_Pipeline_L1")


def test_single_things_are_listed(parse: Parse) -> None:
    found = parse(text_of("function_2017.rpt"))
    layer = {"layer": "weights"}
    assert found.value("util.ff", **layer, instance="mul_U2") == 1174
    assert found.value("instance.module", **layer, instance="mul_U2") == "mul"
    assert found.value("hls.expression", **layer, instance="mac_U3") == "i0 * i1 + i2"
    assert found.value("hls.memory.words", **layer, memory="w_U") == 128
    assert found.value("hls.memory.size_bits", **layer, memory="w_U") == 4096
    assert found.value("fifo.depth", **layer, fifo="q_U") == 64
    assert found.value("fifo.size_bits", **layer, fifo="q_U") == 2048
    assert found.value("util.lut", **layer, expression="c_fu_2_p2") == 17
    assert found.value("hls.detail", **layer, expression="c_fu_2_p2") == {
        "Operation": "|",
        "DSP48E": 0,
        "FF": 0,
        "LUT": 17,
        "Bitwidth P0": 1,
        "Bitwidth P1": 1,
    }
    assert found.value("hls.detail", **layer, multiplexer="ap_NS")["Total Bits"] == 3
    assert found.value("util.ff", **layer, register="ap_CS") == 3
    assert found.value("hls.port", **layer, port="w_q0")["Bits"] == 32


def test_a_total_that_its_parts_contradict_does_not_count(parse: Parse) -> None:
    text = text_of("function_2017.rpt").replace(
        "|Instance         |        -|     26|", "|Instance         |        -|     25|"
    )
    found = parse(text)
    assert found.status("util.dsp", layer="weights") == "unparsable"
    assert found.value("util.lut", layer="weights") == 4814
    assert "don't add up" in found.message


def test_a_total_that_the_share_contradicts_does_not_count(parse: Parse) -> None:
    found = parse(text_of("function_2017.rpt").replace("|      280|    220|", "|      280|    900|"))
    assert found.status("util.dsp", layer="weights") == found.status("util.dsp.available") == "unparsable"
    assert not found.has("util.dsp.fraction", layer="weights") or found.status("util.dsp.fraction", layer="weights")


def test_a_list_that_does_not_add_up_is_left_out(parse: Parse) -> None:
    found = parse(
        text_of("function_2017.rpt").replace(
            "|mul_U1  |mul     |        0|     13|", "|mul_U1  |mul     |        0|     18|"
        )
    )
    assert not found.has("util.dsp", layer="weights", instance="mul_U1")
    assert found.value("util.ff", layer="weights", instance="mul_U1") == 1174
    assert "adds up to 31, not 26" in found.message
    found = parse(text_of("function_2017.rpt").replace("|ap_CS   |  3|", "|ap_CS   |  x|"))
    assert "unreadable" in found.message


def test_unknown_columns_and_tables_are_reported(parse: Parse) -> None:
    text = text_of("function_2017.rpt").replace("| DSP48E|   FF   |  LUT  |", "| XYZ48E|   FF   |  LUT  |")
    assert 'unknown column: "XYZ48E" of the resources' in parse(text).message
    text = text_of("function_2017.rpt").replace("    * FIFO:", "    * Surprise:")
    assert 'unknown table: "Detail/Surprise" in "Utilization Estimates"' in parse(text).message
    text = text_of("function_2017.rpt").replace("== Interface", "== Interlude")
    assert 'unknown table: "Summary" in "Interlude"' in parse(text).message
    text = text_of("function_2017.rpt").replace("|   Type  |", "|   Kind  |").replace("| Pipelined|", "| Pipelinez|")
    message = parse(text).message
    assert '"Pipeline Kind" of the latency' in message
    assert '"Pipelinez" of the loops' in message


def test_several_clocks_are_told_apart(parse: Parse) -> None:
    row = "    |ap_clk  |  10.00|      8.60|        1.25|\n"
    found = parse(text_of("function_2017.rpt").replace(row, row + row.replace("ap_clk", "fast_c")))
    assert found.value("timing.period_ns", layer="weights", clock="fast_c") == 10


def test_a_verbose_report_tells_of_states_and_pipelines(parse: Parse) -> None:
    found = parse(text_of("verbose.rpt"))
    assert found.file.parser == "hls_csynth_report"
    assert found.value("hls.fsm_states", layer="be") == 10
    assert found.value("loop.ii", layer="be", pipeline="1") == 3
    assert found.value("loop.depth", layer="be", pipeline="1") == 4
    assert found.value("util.ff", layer="be", category="data path Register") == 24
    assert found.value("hls.delay_ns", layer="be", category="data path Total") == 1
    assert not found.has("util.lut", layer="be", category="data path Register")


def test_the_summary_lists_functions_and_loops(parse: Parse) -> None:
    found = parse(text_of("summary.rpt"))
    assert (found.file.parser, found.message) == ("hls_synthesis_summary", "")
    assert found.value("util.dsp", layer="net") == 1836
    assert found.value("util.bram_18k", layer="net") == 19
    assert found.status("util.uram", layer="net") == "missing"
    assert found.value("util.uram", layer="conv") == 0
    assert found.value("perf.latency_max_cycles", layer="net") == 909365
    assert found.value("perf.latency_max_ns", layer="net") == 9094000
    assert found.value("perf.interval_max_cycles", layer="net") == 909366
    assert found.value("hls.issue", layer="net") == "Timing"
    assert found.value("hls.slack_ns", layer="net") == -0.38
    assert found.value("hls.pipeline_type", layer="net") == "dataflow"
    loop = {"layer": "conv", "loop": "L2"}
    assert (found.value("loop.ii", **loop), found.value("loop.trip_count", **loop)) == (1, 4767)
    assert (found.value("loop.issue", **loop), found.value("loop.slack_ns", **loop)) == ("II", 7.3)
    assert not found.has("loop.ii", layer="conv", loop="L3")
    assert found.value("loop.latency_max_cycles", layer="pool", loop="L3") == 5
    assert found.value("util.lut", layer="net", instance="grp_f_fu_12") == 2


def test_the_summary_is_known_by_its_headings_where_its_title_is_damaged(parse: Parse) -> None:
    whole, cut = parse(text_of("summary.rpt")), parse(text_of("summary.rpt").replace("+ Performance", "+ Perf"))
    assert whole.values("loop.") == cut.values("loop.") != {}
    assert whole.values("hls.slack") == cut.values("hls.slack")


def test_spans_in_the_summary_have_both_ends(parse: Parse) -> None:
    text = text_of("summary.rpt")
    text = text.replace("|     4778|  4.778e+04|         -|        -|", "|4 ~ 4778| 40.000 ~ 47780.000|    -| 5 ~ ?|")
    text = text.replace("|       12|    120.000|         3|        -|     4|", "|3 ~ 12|30.0 ~ 120.0|2 ~ 3|  -|1 ~ 4|")
    found = parse(text)
    names = ("latency_min_cycles", "latency_max_cycles", "latency_min_ns", "latency_max_ns")
    assert [found.value(f"perf.{name}", layer="conv") for name in names] == [4, 4778, 40, 47780]
    assert found.value("perf.interval_min_cycles", layer="conv") == 5
    assert found.status("perf.interval_max_cycles", layer="conv") == "missing"
    loop = {"layer": "conv", "loop": "L3"}
    assert [found.value(f"loop.{name}", **loop) for name in names] == [3, 12, 30, 120]
    assert found.value("loop.iteration_latency_min_cycles", **loop) == 2
    assert [found.value(f"loop.trip_count_{name}", **loop) for name in ("min", "max")] == [1, 4]
    assert not found.has("loop.trip_count", **loop)


def test_the_summary_lists_operators_and_interfaces(parse: Parse) -> None:
    found = parse(text_of("summary.rpt"))
    assert found.value("util.dsp", layer="conv", category="Bind Op Report") == 1
    operation = found.value("hls.operation", layer="conv", operation="mul_U1")
    assert operation == {"DSP": 1, "Pragma": "yes", "Variable": "m", "Op": "mul", "Impl": "dsp", "Latency": 3}
    assert found.value("util.dsp", layer="conv", operation="mul_U1") == 1
    assert not found.has("util.dsp", layer="conv", operation="mul_U1#2")
    assert found.has("hls.operation", layer="conv", operation="mul_U1#2")
    row = found.value("hls.properties", layer="net", table="M_AXI", row="m_axi_gmem")
    assert row == {"Data Width (SW->HW)": "64 -> 64", "Address Width": 64}


def test_version_2020_2_prints_slack_with_the_wrong_sign(parse: Parse) -> None:
    found = parse(text_of("summary.rpt").replace("2024.2", "2020.2"))
    metric = found.metric("hls.slack_ns", layer="net")
    assert metric.value == 0.38
    assert "2020.2" in metric.source.formula
    assert found.value("hls.slack_ns", layer="conv") == 0
    assert found.value("loop.slack_ns", layer="conv", loop="L2") == -7.3


def test_a_function_that_is_listed_twice_is_numbered(parse: Parse) -> None:
    row = "    | + conv          |     -|  0.00|     4778|"
    found = parse(
        text_of("summary.rpt").replace(
            "    |   + pool        |     -|  1.00|        7|", f"    |   + conv        {row[21:]}"
        )
    )
    assert found.value("perf.latency_max_cycles", layer="conv", occurrence="2") == 4778


def test_odd_rows_of_the_summary_are_reported(parse: Parse) -> None:
    text = text_of("summary.rpt")
    assert 'unknown row: "x pool"' in parse(text.replace("|   + pool ", "|   x pool ")).message
    assert 'unknown column: "BRAN"' in parse(text.replace("|  BRAM   |", "|  BRAN   |")).message
    assert "unreadable" in parse(text.replace("184241 (39%)", "184241 (3a%)")).message


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", ["function_2017.rpt", "function_2022.rpt", "summary.rpt", "verbose.rpt"])
def test_a_report_that_is_cut_off_has_no_wrong_figure(parse: Parse, name: str, part: float) -> None:
    whole, text = parse(text_of(name)), text_of(name)
    cut = parse(text[: int(len(text) * part)])
    values = whole.values()
    for key, value in cut.values().items():
        assert values.get(key, value) == value


def test_a_report_without_figures_is_unparsable(parse: Parse) -> None:
    head = text_of("function_2017.rpt")[:400]
    found = parse(head)
    assert (found.file.status, found.metrics) == ("unparsable", [])
    assert "no figure" in found.message
    found = parse(text_of("summary.rpt")[:300])
    assert found.file.status == "unparsable"
    found = parse(text_of("cosim.rpt")[:300])
    assert found.file.status == "unparsable"


def test_damaged_rows_are_noted(parse: Parse) -> None:
    text = text_of("function_2017.rpt").replace("|ap_NS   |  15|", "|ap_NS   15|")
    assert "damaged rows: line" in parse(text).message
    text = text_of("summary.rpt").replace("|   + pool        |", "|   + pool        ")
    assert "damaged rows" in parse(text).message


def test_a_co_simulation_has_a_result_for_each_language(parse: Parse) -> None:
    found = parse(text_of("cosim.rpt"), "top_cosim.rpt")
    assert found.file.parser == "hls_cosim_report"
    assert found.value("cosim.status", layer="top", rtl="VHDL") == "Fail"
    assert found.value("cosim.status", layer="top", rtl="Verilog") == "Pass"
    assert found.value("perf.latency_avg_cycles", layer="top", rtl="Verilog") == 259
    assert found.value("perf.interval_max_cycles", layer="top", rtl="Verilog") == 260
    assert found.value("perf.total_cycles", layer="top", rtl="Verilog") == 778
    assert found.status("perf.total_cycles", layer="top", rtl="VHDL") == "missing"
    found = parse(text_of("cosim_2016.rpt"), "top_cosim.rpt")
    assert found.value("cosim.status", layer="top") == "Pass"
    assert found.value("perf.latency_max_cycles", layer="top") == 177
    assert found.status("perf.interval_min_cycles", layer="top") == "missing"
    assert {each.stage.value for each in found.metrics} == {"cosim"}


def test_finn_names_the_layer_in_the_folder(parse: Parse, tmp_path: Path) -> None:
    folder = tmp_path / "code_gen_ipgen_MVAU_hls_0_a1b2c3_d"
    folder.mkdir()
    found = parse(text_of("function_2017.rpt"), f"{folder.name}/weights_csynth.rpt")
    assert found.value("util.lut", layer="MVAU_hls_0", module="weights") == 4814
    assert found.value("util.lut.available") == 53200
