"""FINN's reports after HLS, simulation, synthesis, on the board, and of the build itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from brainsmith_core.metric import Metric, MetricStatus
from brainsmith_core.metrics.collector import Collected, MetricsCollector

Read = Callable[[str, Any], Collected]


def values(found: Collected, **scope: str) -> dict[str, Any]:
    """Return the figures of one scope by name."""
    return {metric.name: metric.value for metric in found.metrics if metric.scope == scope}


def only(found: Collected, name: str) -> Metric:
    (metric,) = [metric for metric in found.metrics if metric.name == name]
    return metric


# Vitis HLS


def test_hls_figures_are_texts_in_some_versions_and_numbers_in_others(read: Read) -> None:
    texts = {"BRAM_18K": "4", "FF": "2037", "LUT": "17640", "DSP48E": 0, "URAM": "0", "DSP": "3"}
    numbers = {"BRAM_18K": 4, "FF": 2037, "LUT": 17640, "DSP48E": 0, "URAM": 0, "DSP": 3}
    expected = {"util.bram_18k": 4, "util.ff": 2037, "util.lut": 17640, "util.uram": 0, "util.dsp": 3}
    for layer in (texts, numbers):
        found = read("estimate_layer_resources_hls.json", {"MVAU_hls_0": layer})
        assert values(found, layer="MVAU_hls_0") == expected
        assert {metric.stage.value for metric in found.metrics} == {"hls"}
        assert found.files[0].message == ""


def test_the_sum_of_hls_layers_is_about_the_whole_design(read: Read) -> None:
    total = {"BRAM_18K": 4.0, "FF": 9.0, "LUT": 8.0, "DSP48E": 0.0, "URAM": 0.0, "DSP": 2.0}
    assert values(read("estimate_layer_resources_hls.json", {"total": total}))["util.dsp"] == 2.0


@pytest.mark.parametrize(
    ("dsp", "value", "field"),
    [
        ({"DSP48E": "5"}, 5, "DSP48E"),
        ({"DSP48E": "0"}, 0, "DSP48E"),
        ({"DSP48E": 0, "DSP": "0"}, 0, "DSP"),
        ({"DSP48E": 0, "DSP58E": "7"}, 7, "DSP58E"),
        ({"DSP48E": 0}, None, "DSP48E"),
        ({"DSP48E": 3, "DSP": 4}, None, "DSP48E"),
        ({"DSP": "some"}, None, "DSP"),
    ],
)
def test_dsp_blocks_stand_under_the_name_of_the_tools_version(
    dsp: dict[str, Any], value: int | None, field: str, read: Read
) -> None:
    found = read("estimate_layer_resources_hls.json", {"a": {"LUT": "9", "FF": "8", **dsp}})
    metric = only(found, "util.dsp")
    assert (metric.value, metric.source.field) == (value, field)


def test_zeros_of_a_missing_hls_report_are_missing(read: Read) -> None:
    content = {"a": {"BRAM_18K": 0, "FF": 0, "LUT": 0, "DSP48E": 0, "URAM": 0}, "b": {"LUT": 3, "FF": 0}}
    found = read("estimate_layer_resources_hls.json", content)
    assert set(values(found, layer="a").values()) == {None}
    assert values(found, layer="b") == {"util.lut": 3, "util.ff": 0}
    assert "a: all figures are 0" in found.files[0].message


def test_unknown_hls_fields_are_noted(read: Read) -> None:
    (file,) = read("estimate_layer_resources_hls.json", {"a": {"LUT": 3, "SLICE": 4}}).files
    assert file.message == 'unknown field "SLICE" of a'


# Simulation

BATCH = {
    "N_IN_TXNS": 7000,
    "N_OUT_TXNS": 1000,
    "cycles": 1100,
    "N": 10,
    "latency_cycles": 200,
    "interval_cycles": 100,
    "TIMEOUT": 0,
    "UNFINISHED_INS": 0,
    "UNFINISHED_OUTS": 0,
    "RUNTIME_S": 32,
    "runtime[ms]": 0.011,
    "throughput[images/s]": 909090.9,
    "fclk[mhz]": 100.0,
    "stable_throughput[images/s]": 1111111.1,
}


def test_a_simulated_batch(read: Read, collector: MetricsCollector) -> None:
    found = read("rtlsim_performance.json", BATCH)
    assert values(found) == {
        "sim.in_transactions": 7000,
        "sim.out_transactions": 1000,
        "perf.batch_cycles": 1100,
        "perf.batch": 10,
        "perf.latency_cycles": 200,
        "perf.interval_cycles": 100,
        "sim.timeout": False,
        "sim.unfinished_inputs": 0,
        "sim.unfinished_outputs": 0,
        "sim.wall_s": 32,
        "perf.runtime_ms": 0.011,
        "perf.throughput_fps": 909090.9,
        "perf.clk_mhz": 100.0,
        "sim.stable_throughput_fps": 1111111.1,
    }
    follows = {metric.name: metric.value for metric in collector.derive(found.metrics)}
    assert follows == {"perf.latency_us": 2.0, "perf.steady_throughput_fps": 1e6}


def test_one_frame_has_no_steady_throughput_whatever_finn_says(read: Read, collector: MetricsCollector) -> None:
    found = read("rtlsim_performance.json", {**BATCH, "N": 1, "cycles": 201})
    follows = {metric.name for metric in collector.derive(found.metrics)}
    assert "perf.steady_throughput_fps" not in follows | set(values(found))


def test_bandwidths_of_old_versions_are_megabytes_whatever_their_label(read: Read) -> None:
    for label in ("MB/s", "Mb/s"):
        content = {f"DRAM_in_bandwidth[{label}]": 0.5, f"DRAM_out_bandwidth[{label}]": 0.25}
        assert values(read("rtlsim_performance.json", content)) == {
            "perf.dram_in_mbps": 0.5,
            "perf.dram_out_mbps": 0.25,
        }


@pytest.mark.parametrize(("valid", "steady"), [(True, 5.0), (False, None)])
def test_the_newest_versions_say_whether_their_steady_throughput_is_valid(
    valid: bool, steady: float | None, read: Read
) -> None:
    content = {"stable_throughput[images/s]": 5.0, "stable_throughput_valid": valid, "interval_valid": 1}
    found = values(read("rtlsim_performance.json", content))
    assert found.get("perf.steady_throughput_fps") == steady
    assert found["sim.stable_throughput_valid"] is valid
    assert found["sim.interval_valid"] is True


def test_a_flag_that_is_no_flag_is_unparsable(read: Read) -> None:
    assert only(read("rtlsim_performance.json", {"TIMEOUT": "yes"}), "sim.timeout").status is MetricStatus.UNPARSABLE


OUTPUTS = [
    {
        "name": "out_0",
        "cycles": 500,
        "samples": 3,
        "intervals": [100, 110],
        "latency_cycles": [200, 210, 190],
        "throughput_fps": 1e6,
    },
    {
        "name": "out_1",
        "cycles": 500,
        "samples": 3,
        "intervals": [125, 125],
        "latency_cycles": [150, 150, 150],
        "throughput_fps": 8e5,
    },
]


def test_of_several_outputs_the_slowest_counts(read: Read, collector: MetricsCollector) -> None:
    found = read("rtlsim_performance.json", OUTPUTS)
    assert values(found) == {
        "perf.latency_cycles": 210,
        "perf.batch": 3,
        "perf.clk_mhz": 100.0,
        "perf.steady_throughput_fps": 8e5,
    }
    assert values(found, output="out_0") == {
        "perf.batch_cycles": 500,
        "perf.batch": 3,
        "sim.stable_throughput_fps": 1e6,
        "sim.intervals": [100, 110],
        "sim.latencies": [200, 210, 190],
    }
    assert {m.name: m.value for m in collector.derive(found.metrics)} == {"perf.latency_us": 2.1}


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"samples": 1}, {"perf.steady_throughput_fps", "perf.batch"}),
        ({"throughput_fps": None}, {"perf.steady_throughput_fps", "perf.clk_mhz"}),
        ({"latency_cycles": []}, {"perf.latency_cycles"}),
        ({"latency_cycles": [1, "x"]}, {"perf.latency_cycles"}),
        ({"intervals": []}, {"perf.clk_mhz"}),
    ],
)
def test_where_one_output_lacks_a_figure_the_whole_does(change: dict[str, Any], missing: set[str], read: Read) -> None:
    found = values(read("rtlsim_performance.json", [{**OUTPUTS[0], **change}, OUTPUTS[1]]))
    names = {"perf.latency_cycles", "perf.batch", "perf.clk_mhz", "perf.steady_throughput_fps"}
    assert {name for name in names if found.get(name) is None} == missing


def test_a_latency_may_be_one_number(read: Read) -> None:
    assert values(read("rtlsim_performance.json", [{"latency_cycles": 7}]))["perf.latency_cycles"] == 7


def test_no_output_is_a_failed_simulation(read: Read) -> None:
    found = read("rtlsim_performance.json", [])
    assert only(found, "perf.steady_throughput_fps").status is MetricStatus.MISSING
    assert "deadlock" in found.files[0].message


@pytest.mark.parametrize("content", [{}, [1], "3"])
def test_another_simulation_report_is_unparsable(content: Any, read: Read) -> None:
    assert read("rtlsim_performance.json", content).files[0].status == "unparsable"


# Synthesis

OLD_OOC = {
    "vivado_proj_folder": "/tmp/results",
    "LUT": 8451.0,
    "LUTRAM": 970.0,
    "FF": 11975.0,
    "DSP": 0.0,
    "BRAM": 22.0,
    "BRAM_18K": 1.0,
    "BRAM_36K": 22.0,
    "URAM": 0.0,
    "Carry": 288.0,
    "WNS": 2.0,
    "Delay": 2.0,
    "vivado_version": 2022.2,
    "vivado_build_no": 3671981.0,
    "": 0,
    "fmax_mhz": 125.0,
    "estimated_throughput_fps": 1697815.9,
}


def test_the_older_schema_of_out_of_context_synthesis(read: Read, collector: MetricsCollector) -> None:
    found = read("ooc_synth_and_timing.json", OLD_OOC)
    assert values(found) == {
        "util.lut": 8451.0,
        "util.lutram": 970.0,
        "util.ff": 11975.0,
        "util.dsp": 0.0,
        "util.bram_36k_floor": 22.0,
        "util.ramb18": 1.0,
        "util.ramb36": 22.0,
        "util.uram": 0.0,
        "util.carry": 288.0,
        "timing.setup.wns_ns": 2.0,
        "timing.finn_delay_ns": 2.0,
        "timing.fmax_mhz": 125.0,
        "perf.throughput_fps": 1697815.9,
    }
    assert values(found, tool="vivado") == {"prov.tool_version": "2022.2", "prov.tool_build": "3671981"}
    assert values(found, artifact="vivado_proj_folder") == {"artifact.path": "/tmp/results"}
    assert found.files[0].message == ""
    follows = {metric.name: metric.value for metric in collector.derive(found.metrics)}
    assert follows == {"util.bram_18k": 45.0, "util.bram_36k": 22.5}


def test_an_integer_zero_of_the_older_schema_is_a_figure_that_finn_could_not_read(read: Read) -> None:
    found = read("ooc_synth_and_timing.json", {**OLD_OOC, "DSP": 0})
    assert only(found, "util.dsp").status is MetricStatus.UNPARSABLE
    assert "DSP: FINN writes the integer 0" in found.files[0].message


@pytest.mark.parametrize(("wns", "known"), [("0.0", 0.0), ("0", None)])
def test_a_clock_of_zero_at_zero_slack_is_missing_and_so_is_the_throughput(
    wns: str, known: float | None, read: Read
) -> None:
    content = f'{{"WNS": {wns}, "fmax_mhz": 0, "estimated_throughput_fps": 0.0}}'
    found = read("ooc_synth_and_timing.json", content)
    assert only(found, "timing.setup.wns_ns").value == known
    assert only(found, "timing.fmax_mhz").status is MetricStatus.MISSING
    assert only(found, "perf.throughput_fps").status is MetricStatus.MISSING


NEW_OOC = {
    "LUT": 10,
    "FF": 20,
    "DSP": 0,
    "BRAM_36K": 1,
    "BRAM_18K": 1,
    "URAM": 0,
    "SRL": 3,
    "LUTRAM": 4,
    "BRAM": 1,
    "WNS": -2.5,
    "total_power_W": 1.5,
    "clk_period_ns": 10.0,
    "vivado_version": "2024.2",
    "fmax_mhz": 80.0,
    "routed_dcp": "/x/routed.dcp",
    "estimated_throughput_fps": 5.0,
}


def test_the_newer_schema_of_out_of_context_synthesis(read: Read) -> None:
    found = read("ooc_synth_and_timing.json", NEW_OOC)
    whole = values(found)
    assert (whole["util.dsp"], whole["util.srl"], whole["timing.period_ns"], whole["power.total_w"]) == (
        0,
        3,
        10.0,
        1.5,
    )
    assert (whole["timing.setup.wns_ns"], whole["timing.fmax_mhz"], whole["perf.throughput_fps"]) == (-2.5, 80.0, 5.0)
    assert only(found, "timing.fmax_mhz").source.formula == "1000 / (clk_period_ns - WNS)"
    assert values(found, artifact="routed_dcp") == {"artifact.path": "/x/routed.dcp"}


@pytest.mark.parametrize(
    ("change", "fmax"),
    [({"WNS": 0.0, "fmax_mhz": 0}, 100.0), ({"WNS": 0}, 100.0), ({"WNS": None}, None), ({"WNS": 10.0}, None)],
)
def test_the_greatest_clock_is_calculated_anew(change: dict[str, Any], fmax: float | None, read: Read) -> None:
    assert values(read("ooc_synth_and_timing.json", {**NEW_OOC, **change}))["timing.fmax_mhz"] == fmax


def test_a_report_without_slack_or_clock_says_nothing_of_them(read: Read) -> None:
    found = read("ooc_synth_and_timing.json", {"LUT": 5.0, "mystery": 1})
    assert values(found) == {"util.lut": 5.0}
    assert found.files[0].message == 'unknown field "mystery"'


POST_SYNTH = {
    "(top)": {"LUT": 8220, "SRL": 436, "FF": 11045, "BRAM_36K": 3, "BRAM_18K": 4, "DSP": 0},
    "MVAU_hls_0": {"LUT": 12, "DSP48": 5},
}


def test_resources_of_the_implemented_design(read: Read, collector: MetricsCollector) -> None:
    found = read("post_synth_resources.json", POST_SYNTH)
    assert values(found) == {
        "util.lut": 8220,
        "util.srl": 436,
        "util.ff": 11045,
        "util.ramb36": 3,
        "util.ramb18": 4,
        "util.dsp": 0,
    }
    assert values(found, instance="MVAU_hls_0") == {"util.lut": 12, "util.dsp": 5}
    assert {metric.stage.value for metric in found.metrics} == {"route"}
    follows = {metric.name: metric.value for metric in collector.derive(found.metrics)}
    assert follows == {"util.bram_18k": 10, "util.bram_36k": 5.0}


def test_resources_of_the_checkpoint_are_from_synthesis(read: Read) -> None:
    found = read("post_synth_resources_dcp.json", {"0": POST_SYNTH})
    assert values(found)["util.lut"] == 8220
    assert {metric.stage.value for metric in found.metrics} == {"synth"}
    two = read("post_synth_resources_dcp.json", {"0": POST_SYNTH, "1": POST_SYNTH})
    assert values(two) == {}
    assert values(two, device="1")["util.lut"] == 8220


def test_files_of_several_cards_are_kept_apart(read: Read) -> None:
    assert values(read("post_synth_resources_0.json", POST_SYNTH))["util.lut"] == 8220
    assert values(read("post_synth_resources_1.json", POST_SYNTH), device="1")["util.lut"] == 8220


@pytest.mark.parametrize("content", [{}, {"a": {}}, {"(top)": 1}, {"0": 1}, {"0": {"a": {}}}])
def test_another_resource_report_is_unparsable(content: Any, read: Read) -> None:
    assert read("post_synth_resources.json", content).files[0].status == "unparsable"


def hierarchy(rows: list[list[str]], state: str = "Routed", headings: str = "Instance,Module,Total LUTs,RAMB36") -> str:
    def row(tag: str, cells: list[str]) -> str:
        return "<tablerow>" + "".join(f'<{tag} contents="{cell}"/>' for cell in cells) + "</tablerow>"

    table = row("tableheader", headings.split(",")) + "".join(row("tablecell", cells) for cells in rows)
    start = f'<?xml version="1.0"?>\n<RptDoc designstate="{state}" partname="xc7z020clg400-1">'
    return f"{start}<table>{table}</table></RptDoc>"


TREE = [
    ["top", "(top)", "9", "1"],
    ["  a", "A", "8", "1"],
    ["    (a)", "A", "0", "-"],
    ["    b", "B", "7", ""],
    ["  c", "C", "1", "0"],
]


def test_utilisation_by_hierarchy(read: Read) -> None:
    found = read("post_synth_resources.xml", hierarchy(TREE))
    assert values(found) == {
        "prov.part": "xc7z020clg400-1",
        "instance.module": "(top)",
        "util.lut": 9,
        "util.ramb36": 1,
    }
    assert values(found, instance="a/(a)") == {"instance.module": "A", "util.lut": 0}
    assert values(found, instance="a/b") == {"instance.module": "B", "util.lut": 7}
    assert values(found, instance="c")["util.ramb36"] == 0
    assert only(found, "prov.part").stage.value == "build"


@pytest.mark.parametrize(
    ("state", "stage"),
    [("Routed", "route"), ("Fully Placed", "place"), ("Physopt postPlace", "place"), ("Synthesized", "synth")],
)
def test_the_state_of_the_design_is_the_stage(state: str, stage: str, read: Read) -> None:
    found = read("post_synth_report_0.xml", hierarchy(TREE, state))
    assert {m.stage.value for m in found.metrics if m.name == "util.lut"} == {stage}


def test_columns_go_by_their_heading(read: Read) -> None:
    table = hierarchy([["top", "5", "x", "T"]], headings="Instance,DSP48 Blocks,Colour,Module")
    found = read("post_synth_resources.xml", table)
    assert values(found)["util.dsp"] == 5
    assert found.files[0].message == 'unknown column "Colour"'


@pytest.mark.parametrize(
    "content",
    [
        hierarchy(TREE, "Dreamt of"),
        hierarchy([["top", "(top)", "9"]]),
        hierarchy([["      deep", "A", "9", "1"]]),
        hierarchy(TREE, headings="Module,Module,Total LUTs,RAMB36"),
        hierarchy(TREE, headings="Instance,Instance,Total LUTs,RAMB36"),
        hierarchy(TREE)[:200],
        '<RptDoc designstate="Routed"><tablecell contents="1"/></RptDoc>',
        '<?xml version="1.0" encoding="klingon"?><RptDoc/>',
        '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><RptDoc designstate="&b;"/>',
    ],
)
def test_a_damaged_hierarchy_is_unparsable(content: str, read: Read) -> None:
    (file,) = read("post_synth_resources.xml", content).files
    assert file.status == "unparsable"


# Power


def test_power_with_simulated_and_with_assumed_activity(read: Read) -> None:
    content = {"power_sim_total": 1.5, "power_12.5_0.5_total": 2.5, "power_12.5_0.5_dynamic": 1.0, "odd": 3}
    found = read("power_estimate_summary.json", content)
    assert values(found) == {"power.total_w": 1.5}
    assert values(found, toggle_rate="12.5", static_prob="0.5") == {"power.total_w": 2.5, "power.dynamic_w": 1.0}
    assert {metric.stage.value for metric in found.metrics} == {"power"}
    assert found.files[0].message == 'unknown field "odd"'


# The build


def test_times_of_steps(read: Read) -> None:
    found = read("time_per_step.json", {"step_a": 0.5, "step_b": 0, "total_build_time": 1})
    assert [(metric.value, metric.scope) for metric in found.metrics] == [
        (0.5, {"step": "step_a"}),
        (0, {"step": "step_b"}),
        (1, {}),
    ]


def test_status_and_version_of_the_build(read: Read) -> None:
    found = read("metadata_builder.json", {"status": "ok", "tool_version": "2023.2", "odd": 1})
    assert values(found) == {"build.status": "ok"}
    assert values(found, tool="vivado") == {"prov.tool_version": "2023.2"}
    assert found.files[0].message == 'unknown field "odd"'


@pytest.mark.parametrize(
    ("name", "status", "scope"),
    [
        ("verify_folded_hls_cppsim_0_SUCCESS.npy", "SUCCESS", {"step": "folded_hls_cppsim", "batch": "0"}),
        ("verify_initial_python_FAIL.npy", "FAIL", {"step": "initial_python"}),
        ("verify_stitched_ip_rtlsim_12_FAIL.npz", "FAIL", {"step": "stitched_ip_rtlsim", "batch": "12"}),
        ("stitched_ip_rtlsim_SKIPPED_DSP_CONFLICT.txt", "SKIPPED", {"step": "stitched_ip_rtlsim"}),
        ("1_x__stitched_ip_rtlsim_SKIPPED_DSP_CONFLICT.txt", "SKIPPED", {"step": "stitched_ip_rtlsim"}),
    ],
)
def test_the_name_of_a_verification_output_is_its_result(
    name: str, status: str, scope: dict[str, str], read: Read
) -> None:
    (metric,) = read(name, b"\x93NUMPY").metrics
    assert (metric.name, metric.value, metric.scope) == ("verify.status", status, scope)


def test_another_name_of_a_verification_output_is_unparsable(read: Read) -> None:
    assert read("verify__SUCCESS.npy", b"").files[0].status == "unparsable"


LOG = """\
[2026-08-01 20:14:03,172]INFO:Running step: step_tidy_up [1/3]
[2026-08-01 20:14:03,182]INFO:Running step: step_streamline [2/3]
Verification for streamlined_python : SUCCESS
"""


def test_steps_of_the_last_build_in_a_log(read: Read) -> None:
    found = read("build_dataflow.log", LOG + LOG)
    assert values(found) == {"build.last_step": "step_streamline", "build.steps": 3, "build.status": None}
    assert values(found, step="step_tidy_up") == {"build.step_index": 1}
    assert values(found, step="streamlined_python") == {"verify.status": "SUCCESS"}
    assert found.files[0].message == "the log holds 2 builds; the last one counts"


@pytest.mark.parametrize(
    ("end", "status", "failed"),
    [
        ("Completed successfully\n", "ok", None),
        ("Build completed successfully\n", "ok", None),
        ("Build failed\n", "failed", "step_streamline"),
        ("report_power completed successfully\n", None, None),
        ("Build failed because of x\n", None, None),
    ],
)
def test_the_verdict_of_a_log(end: str, status: str | None, failed: str | None, read: Read) -> None:
    found = values(read("build_dataflow.log", LOG + end))
    assert found["build.status"] == status
    assert found.get("build.failed_step") == failed


def test_a_verdict_of_an_earlier_build_does_not_count(read: Read) -> None:
    assert values(read("build_dataflow.log", LOG + "Build failed\n" + LOG))["build.status"] is None


@pytest.mark.parametrize("text", ["", "nothing of interest\n", "Completed successfully\n"])
def test_a_log_without_steps_is_unparsable(text: str, read: Read) -> None:
    assert read("build_dataflow.log", text).files[0].status == "unparsable"


# The board

METRICS = {
    "runtime[ms]": 2.0,
    "throughput[images/s]": 500.0,
    "DRAM_in_bandwidth[MB/s]": 0.5,
    "DRAM_extw_odma0_bandwidth[MB/s]": 1.5,
    "fclk[mhz]": 100.0,
    "batch_size": 1,
    "fold_input[ms]": 0.25,
    "copy_input_data_to_device[ms]": 0.125,
}
BOARD = {
    "perf.runtime_ms": 2.0,
    "perf.throughput_fps": 500.0,
    "perf.dram_in_mbps": 0.5,
    "perf.clk_mhz": 100.0,
    "perf.batch": 1,
    "host.fold_input_ms": 0.25,
    "host.copy_in_ms": 0.125,
}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nw_metrics.txt", str(METRICS)),
        ("nw_metrics.txt", str(METRICS).replace("500.0", "np.float64(500.0)")),
        ("report_throughput_test.json", METRICS),
    ],
)
def test_a_throughput_test_on_the_board(name: str, content: Any, read: Read) -> None:
    found = read(name, content)
    assert values(found) == BOARD
    assert values(found, dma="odma0") == {"perf.dram_extw_mbps": 1.5}
    assert {metric.stage.value for metric in found.metrics} == {"board"}
    assert found.files[0].message == ""


@pytest.mark.parametrize("text", ["{", "{1: 2}", "{open('x')}", "{'a': b}", "{1, 2}", "{" * 500])
def test_what_is_no_dictionary_is_unparsable(text: str, read: Read) -> None:
    assert read("nw_metrics.txt", text).files[0].status == "unparsable"


INSTRUMENTATION = {
    "error": False,
    "checksum": 305419896,
    "min_latency_cycles": 90,
    "latency_cycles": 100,
    "avg_latency_cycles": 95,
    "interval_cycles": 20,
    "avg_interval_cycles": 21,
    "run_cycles": 2000,
    "run_frames": 100,
    "frequency_mhz": 100,
    "min_latency_ms": 0.0009,
    "latency_ms": 0.001,
    "throughput_fps": 5000000,
    "pipeline_depth": 5.0,
}


def test_what_the_instrumentation_counts(read: Read) -> None:
    found = values(read("report_experiment_instrumentation.json", INSTRUMENTATION))
    assert found["perf.throughput_fps"] == 5000000
    assert (found["perf.latency_cycles"], found["perf.latency_us"], found["perf.interval_cycles"]) == (100, 1.0, 20)
    assert (found["perf.latency_min_cycles"], found["perf.latency_avg_cycles"]) == (90, 95)
    assert (found["perf.batch"], found["perf.batch_cycles"], found["board.error"]) == (100, 2000, False)
    assert found["board.checksum"] == 305419896


@pytest.mark.parametrize("change", [{"error": True}, {"interval_cycles": 0}])
def test_a_stalled_accelerator_has_no_throughput(change: dict[str, Any], read: Read) -> None:
    content = {**INSTRUMENTATION, "throughput_fps": 0, **change}
    metric = only(read("report_experiment_fifosizing.json", content), "perf.throughput_fps")
    assert metric.status is MetricStatus.MISSING


@pytest.mark.parametrize(
    ("raw", "value"), [(92.5, 0.925), (0, 0.0), (100.0, 1.0), (101, None), ("92.5", 0.925), (None, None)]
)
def test_accuracy_is_a_fraction(raw: Any, value: float | None, read: Read) -> None:
    found = read("report_dma_validate.json", {"top-1_accuracy": raw, "mismatches": 0})
    assert only(found, "accuracy.top1").value == value
    assert 'unknown field "mismatches"' in found.files[0].message


def test_a_validation_report_of_something_else_is_not_finns(read: Read) -> None:
    assert read("validation.json", {"accuracy": 1}).files[0].status == "unparsable"
