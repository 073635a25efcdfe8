"""What messages of Vivado, Vitis HLS, XSim and v++ mean."""

from __future__ import annotations

import pytest

from brainsmith_core.diagnosis.error_rules import RULES as CORE_RULES
from brainsmith_core.diagnosis.handler import BuildErrorHandler
from brainsmith_core.diagnosis.rule_book import RuleBook
from brainsmith_vivado.error_rules import RULES

BOOK = RuleBook([*CORE_RULES, *RULES])

MESSAGES = [
    ("[Synth 8-2715] syntax error near assign [/x/a.v:48]", "synthesis"),
    ("[Synth 8-439] module 'Audio' not found [/x/top.v:1602]", "synthesis"),
    ("[Synth 8-448] named port connection 'Reset' does not exist for instance 'a' of module 'B'", "synthesis"),
    ("[Synth 8-9999] something that no rule names", "synthesis"),
    ("[Synth 8-4556] size of variable 'Q' is too large to handle; the size of the variable is 67108864", "synthesis"),
    ("[DRC NSTD-1] Unspecified I/O Standard: 2 out of 132 logical ports use I/O standard 'DEFAULT'", "configuration"),
    ("[DRC MDRV-1] Multiple Driver Nets: Net a has multiple drivers", "synthesis"),
    ("[DRC UTLZ-1] Resource utilization: RAMB36/FIFO over-utilized in Top Level Design", "resource"),
    ("[Place 30-640] Place Check : This design requires more FDRE cells than are available", "resource"),
    ("[Place 30-487] The packing of instances into the device could not be obeyed.", "resource"),
    ("[Place 30-574] Poor placement for routing between an IO pin and BUFG.", "configuration"),
    ("[VPL 30-487] The packing of instances into the device could not be obeyed.", "resource"),
    ("[Route 35-999] Design is not completely routed", "synthesis"),
    ("[Common 17-345] A valid license was not found for feature 'Synthesis' and/or device 'xcu250'.", "licence"),
    ("[Common 17-53] User Exception: No open design.", "configuration"),
    ("[Common 17-69] Command failed: File '/home/a/uni' does not exist", "configuration"),
    ("[Common 17-165] Too many positional options when parsing 'x'", "configuration"),
    ("[Common 17-180] Spawn failed: No error", "memory"),
    ("[Common 17-39] 'place_design' failed due to earlier errors.", "synthesis"),
    ("[Coretcl 2-106] Specified part could not be found.", "environment"),
    ("[BD 5-390] IP definition not found for VLNV: xilinx.com:hls:MVAU:1.0", "environment"),
    ("[BD 41-1296] Cannot read block design file <a.bd>", "configuration"),
    ("[IP_Flow 19-3461] Value '65536' is out of the range for parameter 'FIFO depth'", "configuration"),
    ("[HLS 207-3776] use of undeclared identifier 'TEST_DIM' (a.cpp:63:44)", "synthesis"),
    ("[HLS 200-970] Internal stream 'a' failed dataflow checking", "synthesis"),
    ("[HLS 200-1023] Part 'xczu7ev-2ffvc1156' is not installed.", "environment"),
    ("[HLS 200-627] Cannot find C test bench. Please specify test bench files using 'add_files -tb'.", "configuration"),
    ("[HLS 214-157] Top function not found: there is no function named 'a'", "configuration"),
    ("[HLS 200-70] Pre-synthesis failed.", "synthesis"),
    ("[SIM 211-100] 'csim_design' failed: compilation error(s).", "simulation"),
    ("[SIM-100] 'csim_design' failed: compilation error(s).", "simulation"),
    ("[COSIM 212-4] *** C/RTL co-simulation finished: FAIL ***", "simulation"),
    ("[COSIM-4] *** C/RTL co-simulation finished: FAIL ***", "simulation"),
    ("[COSIM 212-24] TB preprocess failed : a.cpp:1:28: fatal error: a.hpp: No such file or directory", "simulation"),
    ("[VRFC 10-1412] syntax error near endmodule [/x/a.v:3]", "simulation"),
    ("[XSIM 43-3356] Could not open file xsim.dir/a/xsim.type for writing.", "environment"),
    ("[XSIM 43-3294] Signal EXCEPTION_ACCESS_VIOLATION received.", "crash"),
    ("[USF-XSim-62] 'compile' step failed with error(s).", "simulation"),
    ("[v++ 60-300] Failed to build kernel(ip) vadd, see log for details", "synthesis"),
    ("[CFGEN 83-2292] --sp tag applied to an invalid kernel instance", "configuration"),
    ("[Hsi 55-1558] Software Design /x/system.mss is not found", "environment"),
    ("[Labtools 27-3165] End of startup status: LOW", "environment"),
    ("'2201011234' is an invalid argument. Please specify an integer value.", "environment"),
]


@pytest.mark.parametrize(("message", "category"), MESSAGES)
def test_a_message_has_its_category(message: str, category: str) -> None:
    match = BOOK.match(message)
    assert match is not None
    assert match.rule.category == category
    assert match.rule.advice.endswith((".", ")"))


def test_every_rule_is_named_once_and_has_a_known_category() -> None:
    names = [rule.name for rule in (*CORE_RULES, *RULES)]
    assert len(names) == len(set(names))
    assert {rule.category for rule in RULES} <= set(BuildErrorHandler.ERROR_CATEGORIES)


def test_what_only_follows_gives_way_to_its_cause() -> None:
    texts = ["[Common 17-39] 'opt_design' failed due to earlier errors.", "[DRC MDRV-1] Multiple Driver Nets"]
    match = BOOK.match_any(texts)
    assert match is not None
    assert match.rule.name == "xilinx-many-drivers"
    match = BOOK.match_any(["[HLS 200-70] Pre-synthesis failed.", "[Synth 8-9999] something"])
    assert match is not None
    assert match.rule.priority < 0


def test_trying_again_helps_only_where_the_machine_is_at_fault() -> None:
    assert {rule.category for rule in RULES if rule.retryable} == {"memory", "crash"}
