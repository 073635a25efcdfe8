"""Logs as figures: messages, times, memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.metrics.collector import MetricsCollector

Parse = Callable[..., Any]

VIVADO = """
*** Running vivado
    with args -log top.vdi -mode batch -source top.tcl


****** Vivado v2022.2 (64-bit)
  **** SW Build 3671981 on Fri Oct 14 04:59:54 MDT 2022

source top.tcl -notrace
# puts "ERROR: an echo"
Command: synth_design -top top -part xc7z010clg400-1
WARNING: [Synth 8-3331] design a has unconnected port b
WARNING: [Synth 8-3331] design a has unconnected port c
CRITICAL WARNING: [Synth 8-3352] multi-driven net a
Finished RTL Elaboration : Time (s): cpu = 00:00:03 ; elapsed = 00:00:04 . Memory (MB): peak = 500.000 ; gain = 1.000
Starting Something : Time (s): cpu = 00:00:03 ; elapsed = 00:00:04 . Memory (MB): peak = 500.000 ; gain = 1.000
synth_design completed successfully
synth_design: Time (s): cpu = 00:01:12 ; elapsed = 00:00:00.66 . Memory (MB): peak = 1024.000 ; gain = 158.082
Command: place_design
Phase 1 Placer Initialization | Checksum: 11df528bd

Time (s): cpu = 00:00:05 ; elapsed = 00:00:06 . Memory (MB): peak = 2048.500 ; gain = 517.016
ERROR: [Place 30-640] Place Check : This design requires more FDRE cells
ERROR: 0
place_design: Time (s): elapsed = 00:00:07 . Memory (MB): peak = 2049.000 ; gain = 1.000
place_design: Time (s): cpu = 01:00:00 ; elapsed = 00:00:08 . Memory (MB): peak = 2049.000 ; gain = 1.000
x_design: Time (s): cpu = 00:99:00 ; elapsed = 00:00:0x . Memory (MB): peak = 2.0.0 ; gain = 1.000
INFO: [Common 17-206] Exiting Vivado at Sat Aug  4 22:25:33 2018...
"""

HLS = """Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v2022.1 (64-bit)
INFO: [HLS 200-1510] Running: csynth_design
WARNING: [HLS 200-40] Cannot find source file NN.cpp; skipping it.
INFO: [HLS 200-111] Finished Scheduling: CPU user time: 0.38 seconds. CPU system time: 0.01 seconds. Elapsed time: 0.4 seconds; current allocated memory: 1.2 GB.
INFO: [HLS 200-111] Finished Command csynth_design CPU user time: 11 seconds. CPU system time: 6 seconds. Elapsed time: 54.88 seconds; current allocated memory: 581.133 MB.
INFO: [HLS 200-112] Total CPU user time: 14 seconds. Total CPU system time: 9.5 seconds. Total elapsed time: 62.316 seconds; peak allocated memory: 1.5 GB.
Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v2022.1 (64-bit)
INFO: [HLS 200-2161] Finished Command csynth_design Elapsed time: 00:05:00; Allocated memory: 965.301 MB.
INFO: [HLS 200-112] Total CPU user time: 1 seconds. Total CPU system time: 0 seconds. Total elapsed time: 2 seconds; peak allocated memory: 512.000 MB.
"""  # noqa: E501 - that long are the tool's lines


def test_messages_are_counted_in_all_by_step_and_by_id(parse: Parse) -> None:
    found = parse(VIVADO, "runme.log")
    assert (found.file.parser, found.file.status) == ("vivado_log", "parsed")
    assert found.value("msg.errors") == 1
    assert found.value("msg.critical_warnings") == 1
    assert found.value("msg.warnings") == 2
    assert found.value("msg.warnings", step="synth_design") == 2
    assert found.value("msg.errors", step="synth_design") == 0
    assert found.value("msg.errors", step="place_design") == 1
    assert found.value("msg.warnings", id="Synth 8-3331") == 2
    assert found.value("msg.top_ids") == ["Synth 8-3331", "Synth 8-3352", "Place 30-640"]
    assert found.metric("msg.errors").stage.value == "place"
    assert found.value("prov.tool_version", tool="vivado") == "2022.2"
    assert found.value("prov.part") == "xc7z010clg400-1"


def test_commands_have_times_and_memory(parse: Parse) -> None:
    found = parse(VIVADO, "runme.log")
    assert found.value("build.cpu_s", step="synth_design") == 72
    assert found.value("build.wall_s", step="synth_design") == 0.66
    assert found.value("build.mem_peak_b", step="synth_design") == 2**30
    assert found.value("build.wall_s", step="place_design") == 7
    assert not found.has("build.cpu_s", step="place_design")
    assert found.value("build.cpu_s", step="place_design", call="2") == 3600
    assert not found.has("build.wall_s", step="x_design")
    assert found.metric("build.wall_s", step="synth_design").stage.value == "build"


def test_phases_have_the_time_since_their_command_began(parse: Parse) -> None:
    found = parse(VIVADO, "runme.log")
    elaboration = {"step": "synth_design", "phase": "RTL Elaboration"}
    assert found.value("build.phase_end_wall_s", **elaboration) == 4
    assert found.value("build.phase_end_cpu_s", **elaboration) == 3
    assert found.value("build.mem_peak_b", **elaboration) == 500 * 2**20
    placer = {"step": "place_design", "phase": "Phase 1 Placer Initialization"}
    assert found.value("build.phase_end_wall_s", **placer) == 6
    assert not any("Starting" in str(each.scope) for each in found.metrics)


def test_hls_gives_times_of_commands_phases_and_runs(parse: Parse) -> None:
    found = parse(HLS, "solution1.log")
    assert found.file.parser == "hls_log"
    assert found.value("build.wall_s", step="csynth_design", run="1") == 54.88
    assert found.value("build.cpu_s", step="csynth_design", run="1") == 17
    assert found.value("build.wall_s", step="csynth_design", run="2") == 300
    assert not found.has("build.cpu_s", step="csynth_design", run="2")
    assert found.value("build.wall_s", phase="Scheduling") == 0.4
    assert found.value("build.wall_s", run="1") == 62.316
    assert found.value("build.cpu_s", run="1") == 23.5
    assert found.value("build.mem_peak_b", run="1") == 1.5 * 2**30
    assert found.value("build.mem_peak_b", run="2") == 512 * 2**20
    assert found.value("msg.warnings") == 1
    assert found.metric("msg.warnings").stage.value == "hls"
    assert found.value("prov.tool_version", tool="vitis_hls") == "2022.1"


def test_a_log_without_messages_has_none(parse: Parse) -> None:
    found = parse("****** Vivado v2018.3 (64-bit)\nINFO: [Common 17-206] Exiting Vivado\n", "vivado.log")
    assert found.value("msg.errors") == found.value("msg.warnings") == found.value("msg.critical_warnings") == 0
    assert found.value("msg.top_ids") == []
    assert found.metric("msg.errors").stage.value == "build"


@pytest.mark.parametrize(
    ("text", "parser", "errors"),
    [
        ("@I [HLS-10] Running '/x/vivado_hls'\n@W [HLS-40] no file\n@E [SIM-100] 'csim_design' failed\n", "hls_log", 1),
        ("Vivado Simulator 2018.3\nERROR: [XSIM 43-3356] Could not open file\n", "tool_log", 1),
        ("17:23:32 ERROR : [Hsi 55-1] a\n17:23:33 INFO  : fine\n", "tool_log", 1),
        ("TRACE::x\nERROR: [Hsi 55-1558] Software Design is not found\n", "tool_log", 1),
        ("INFO: [v++ 60-1306] Additional information\nERROR: [v++ 60-300] Failed\n", "tool_log", 1),
        ("INFO-FLOW: Workspace /a/sol1 opened at Tue Oct 28\nERROR: [HLS 200-70] bad\n", "hls_log", 1),
        ("# Vivado v2020.1 (64-bit)\n# Start of session at: Tue\nERROR: no id\n", "vivado_log", 1),
    ],
)
def test_logs_of_all_tools_are_read(parse: Parse, text: str, parser: str, errors: int) -> None:
    found = parse(text, "x.log")
    assert (found.file.parser, found.value("msg.errors")) == (parser, errors)


def test_what_is_no_log_is_left_alone(parse: Parse) -> None:
    assert parse("hello\nERROR is a word\n", "x.log").file.status == "unknown"


def test_real_logs_agree_with_a_search_of_their_lines(corpus: Path, collector: MetricsCollector) -> None:
    checked = 0
    for folder in ("log_vivado_ok", "log_vivado_fail", "log_vivado_critwarn", "log_hls_ok", "log_hls_fail"):
        for path in sorted((corpus / folder).iterdir()):
            found = collector.collect([path], corpus)
            values = {each.name: each.value for each in found.metrics if not each.scope}
            text = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
            if found.files[0].status == "unknown":
                assert path.name.endswith("xcd.log")
                continue
            assert found.files[0].status == "parsed", path.name
            assert values["msg.errors"] == len(re.findall(r"^ERROR:", text, re.MULTILINE)), path.name
            assert values["msg.warnings"] == len(re.findall(r"^WARNING:", text, re.MULTILINE)), path.name
            criticals = len(re.findall(r"^CRITICAL WARNING:", text, re.MULTILINE))
            assert values["msg.critical_warnings"] == criticals, path.name
            walls = [each.value for each in found.metrics if each.name == "build.wall_s"]
            commands = re.findall(r"^\w+: Time \(s\): cpu = \S+ ; elapsed = (\d+):(\d+):([\d.]+)", text, re.MULTILINE)
            for hours, minutes, seconds in commands:
                assert round(int(hours) * 3600 + int(minutes) * 60 + float(seconds), 6) in walls, path.name
            checked += 1
    assert checked == 87
