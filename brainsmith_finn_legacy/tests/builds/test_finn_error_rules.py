from __future__ import annotations

import re

import pytest

from brainsmith_core.diagnosis.handler import BuildErrorHandler
from brainsmith_finn_legacy.error_rules import RULES

#: What FINN, or a tool that it calls, says; the rule that it falls under; that rule's category.
SAYINGS = [
    ("Exception: vitis_hls not found in PATH", "hls-not-in-path", "environment"),
    ("AssertionError: vivado is not in PATH, ensure settings64.sh is sourced", "vivado-not-in-path", "environment"),
    ("OSError: XILINX_VIVADO environment variable not set. Please source it", "xilinx-vivado-unset", "environment"),
    ("Environment variable XILINX_VIVADO must be set", "xilinx-vivado-unset", "environment"),
    ("ImportError: XSI not available", "xsi-not-available", "environment"),
    ("The environment variable OHMYXILINX is not defined", "ohmyxilinx", "environment"),
    ("IPGen failed: /b/project_MVAU_0 not found. Check log under /b/code_gen", "ip-generation", "synthesis"),
    ("Unknown option '-deadlock_detection'", "hls-deadlock-option", "environment"),
    ("HLS IP Generation failed. Logs and sources are in /b/code_gen", "hls-ip-generation", "synthesis"),
    ("CreateStitchedIP failed, no wrapper HDL found under /b", "no-wrapper-hdl", "synthesis"),
    ("ERROR: [BD 5-390] IP definition not found for VLNV: xilinx.com:hls:MVAU_0:1.0", "ip-definition", "synthesis"),
    ("make_project.sh failed with a non-zero exit code", "make-project", "synthesis"),
    ("Synthesis failed, no bitfile found. Check logs under /b/vivado_zynq_proj", "no-bitfile", "synthesis"),
    ("ERROR: [Common 17-69] Command failed: Run 'synth_1' has not been launched", "run-not-launched", "synthesis"),
    ("FileNotFoundError: [Errno 2] No such file or directory: '/b/res.txt'", "no-ooc-result", "synthesis"),
    ("ERROR: [Synth 8-403] size of variable 'srl' is too large to handle", "variable-too-large", "synthesis"),
    ("ERROR: [Place 30-640] The design requires more LUT cells than are available", "place-capacity", "resource"),
    ("ERROR: [Common 17-345] A valid license was not found for feature 'Synthesis'", "licence", "licence"),
    ("cycle-free graph violated: partition depends on itself", "cyclic-partition", "transform"),
    ("Unsupported/unmapped layer(s) found in between FINN operators, starting with node Sin_0.", "unmapped-layer", ""),
    ("AssertionError: Only a single StreamingDataflowPartition supported.", "single-partition", "transform"),
    ("AssertionError: thresholds are float type, but they should be integers", "thresholds", "transform"),
    ("Requirement MH divisable by PE is violated.", "illegal-folding", "configuration"),
    ("MVAU_hls_0: MW (784) must be divisable by SIMD (currently 5).", "illegal-folding", "configuration"),
    ("AP_INT_MAX_W=8192 is larger than allowed maximum of 8191", "stream-too-wide", "configuration"),
    ("RTL simulation timed out after 10000 cycles", "simulation-timeout", "deadlock"),
    ("Final validation simulation timed out", "final-fifo-simulation", "deadlock"),
    ("Value '65536' is out of the range for parameter 'FIFO depth(FIFO_DEPTH)'", "fifo-depth-range", ""),
    ("KeyError: 'Collection' object has no item 'StreamingFIFO_3'", "fifo-collection", "synthesis"),
    ("memblock_sim_0.dat: readmem file ended before the final address", "weight-file", "synthesis"),
    ("Exception: Vitis .xo file not created, check logs under /b", "no-xo-file", "synthesis"),
    ("PLATFORM_REPO_PATHS must be set to use Vitis.", "vitis-variables", "environment"),
    ("ERROR: board_part definition was not found for tul.com.tw:pynq-z2:part0:1.0", "board-files", "environment"),
    ('line 17: 999 Killed "$RDI_PROG" "$@"', "out-of-memory", "memory"),
    ("OSError: [Errno 28] No space left on device", "disk", "disk"),
    ("PermissionError: [Errno 13] Permission denied: '.eggs'", "permission", "environment"),
    ("error while creating mount source path '/x': mkdir /x: read-only", "docker-mount", "environment"),
    ("Unable to find /opt/Xilinx/Vivado/2022.2/settings64.sh", "settings-script", "environment"),
    ("LUT-based RTL-MVU implementation currently not supported", "lut-mvu", "configuration"),
    ("Infeasible clk target of 0.7 ns has been set", "infeasible-clock", "configuration"),
    ("AssertionError: increment > buffer size", "window-buffer", "configuration"),
    ("FINNConfigurationError: Couldn't resolve fpga_part for Pynq-Z9", "no-part", "configuration"),
    ("Step step_x is not a default step, not in globals()", "unknown-step", "configuration"),
    ("KeyError: 'step_streamlin'", "unknown-step", "configuration"),
    ("Expected model file at /o/step_x.onnx to start from step step_y", "no-checkpoint", "configuration"),
    ("Op MultiThreshold not found in custom opset qonnx.custom_op.general", "foreign-operator", "transform"),
    ("Please run synthesis first", "no-synthesis-report", "synthesis"),
    ("AssertionError: OOC needs stitched IP", "needs-stitched-ip", "configuration"),
    ("part-select [7:4] out of range of prefix 'p'", "part-select", "synthesis"),
    ("Timing constraints are not met.", "timing", "timing"),
    ("The following keys were found in your config, but are not known", "unknown-keys", "configuration"),
    ("FileNotFoundError: [Errno 2] No such file: '/o/all_verilog_srcs.txt'", "reused-folder", "configuration"),
    ("transformation Streamline failed: ValueError: no", "transformation-failed", "transform"),
    ("KeyError: 'FINN_BUILD_DIR'", "no-build-folder", "environment"),
    ("KeyError: 'ZCU111x'", "unknown-board", "configuration"),
    ("FINN ERROR: the model has an odd shape", "user-error", "configuration"),
    ("FINN INTERNAL COMPILER ERROR: list index out of range", "internal-error", "transform"),
    ("the model has no VVAU layer; its kernels at this point: MVAU", "kernel-not-in-model", "kernel"),
]

WARNINGS = [
    ("MVAU_hls_0: Width of weights per PE grew wider than max width 36. Reverting SIMD", "target-missed"),
    ("One or more nodes did not reach the target throughput", "target-missed"),
    ("No HW configuration for nodes: MVAU_hls_0", "folding-names"),
    ("Unused HW configurations: MVAU_hls_7", "folding-names"),
    ("No output detected, calculated FIFO depths may not be correct", "no-fifo-output"),
    ("Could not find report files, values will be set to zero", "hls-reports-missing"),
    ("There is no RTL variant for MVAU_0. The node will automatically be", "not-specialised"),
]


@pytest.mark.parametrize(("text", "name", "category"), SAYINGS)
def test_what_finn_says_falls_under_its_rule(text: str, name: str, category: str) -> None:
    (rule,) = [rule for rule in RULES if rule.name == f"finn-{name}"]
    assert re.search(rule.pattern, text)
    assert not rule.warning
    best = max((each for each in RULES if not each.warning and re.search(each.pattern, text)), key=lambda r: r.priority)
    assert best.name == rule.name
    assert category in ("", rule.category)


@pytest.mark.parametrize(("text", "name"), WARNINGS)
def test_what_does_not_fail_a_build_is_a_warning(text: str, name: str) -> None:
    found = [rule for rule in RULES if rule.warning and re.search(rule.pattern, text)]
    assert [rule.name for rule in found] == [f"finn-{name}"]


def test_each_rule_has_a_known_category_and_a_name_of_its_own() -> None:
    assert {rule.category for rule in RULES} <= BuildErrorHandler.ERROR_CATEGORIES.keys()
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.advice.endswith(".") for rule in RULES)


def test_a_rule_that_follows_has_the_group_that_names_the_log() -> None:
    followed = [rule for rule in RULES if rule.follow]
    assert len(followed) >= 3
    for rule in followed:
        assert rule.follow in re.compile(rule.pattern).groupindex
