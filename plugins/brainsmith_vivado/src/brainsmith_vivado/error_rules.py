"""What the messages of Vivado, Vitis HLS, XSim and v++ mean, as data.

The rules are ordered by what they say. Those of priority -1 and below are vague: a family of messages, or a message
that only says that something failed before. They count where no other rule matches any error of the log.
"""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.records import ErrorRule

__all__ = ["RULES"]


def _rules(category: str, *rows: tuple[str, str, str], priority: int = 20, retryable: bool = False) -> list[ErrorRule]:
    """Return rules of one category from rows of name, pattern and advice."""
    return [
        ErrorRule(
            name=f"xilinx-{name}",
            pattern=pattern,
            category=category,
            advice=advice,
            priority=priority,
            retryable=retryable,
        )
        for name, pattern, advice in rows
    ]


_ENVIRONMENT = _rules(
    "environment",
    (
        "y2k22",
        r"bad lexical cast: source type value could not be interpreted|'2[2-9]\d{8}' is an invalid argument",
        "HLS before 2021.2 can't export in 2022 and later: install AMD's patch y2k22, or a newer version.",
    ),
    (
        "part-not-installed",
        (
            r"\[HLS 200-1023\]|Part '[^']*' is not installed|\[Coretcl 2-106\]|[Ss]pecified part could not be found"
            r"|\[Common 17-69\] .*[Pp]art .*not found"
        ),
        "The part is spelt wrongly, or its device family isn't installed: give the full name, or install the family.",
    ),
    (
        "platform-not-found",
        r"(?i)(failed to find|could not find|no valid|cannot find) (a |the )?(hardware )?platform|\[v\+\+ 60-1258\]",
        "The platform isn't installed: set PLATFORM_REPO_PATHS, or give the path of its .xpfm file.",
    ),
    (
        "ip-definition",
        r"\[BD 5-390\]|IP definition not found for VLNV",
        "An IP isn't in the repositories, or is of another Vivado version: set ip_repo_paths, or generate it again.",
    ),
    (
        "other-version",
        r"(?i)was (last saved|created|generated) (using|with|by) (a newer|a later|another|an older|vivado) .*version",
        "The project or IP belongs to another version of the tools: open it there, or upgrade it first.",
    ),
    (
        "output-locked",
        r"\[XSIM 43-3356\]|[Cc]ould not open file \S+ for writing|failed to delete one or more files",
        "Another process (often an open simulation) holds the file, or its folder is read-only: end it and retry.",
    ),
    (
        "gui-state",
        r"\[filemgmt 56-23\]|\[filemgmt 20-1788\]|Illegal (GUI graph access|access of HADGNode)",
        "A fault inside Vivado's window, not of the design: restart Vivado, or run in batch mode.",
    ),
    (
        "platform-software",
        r"\[Hsi 55-1558\]|\[Hsi 55-1403\]|XSCT server|\(XSDB Server\)",
        "The software platform isn't whole: generate it again; its folder's path must not hold blanks.",
    ),
)

_CONFIGURATION = _rules(
    "configuration",
    (
        "pins-unconstrained",
        r"\[DRC (NSTD|UCIO)-1\]",
        "Pins have no location or I/O standard: add PACKAGE_PIN and IOSTANDARD of all ports to the constraints (XDC).",
    ),
    (
        "no-test-bench",
        r"\[HLS 200-627\]|Cannot find C test bench",
        "There is no C test bench: name it with add_files -tb, and check the path.",
    ),
    (
        "no-top-function",
        (
            r"(?i)no top-level (hardware )?function|top function .*not (found|invoked)"
            r"|\[HLS 214-157\]|\[COSIM 212-330\]"
        ),
        "The top function isn't found or the test bench doesn't call it: check set_top and the names.",
    ),
    (
        "tcl-arguments",
        (
            r"\[HLS 200-101\]|\[Common 17-1(61|62|63|65|70)\]|Too many positional|[Uu]nknown option"
            r"|invalid command name|wrong # args|can't read \""
        ),
        "A Tcl command is called wrongly: correct the script; its options may differ between versions.",
    ),
    (
        "source-missing",
        (
            r"File '[^']*' does not exist|\[Vivado 12-172\]|\[Common 17-69\] .*does not exist|\[HLS 200-40\]"
            r"|\[BD 41-1296\]|\[[\w+]{1,12} 60-602\]|[Cc]annot (find|open) (design |source |test bench )?file"
        ),
        "A source file isn't where the script looks for it: check the path, above all blanks in it.",
    ),
    (
        "no-design-open",
        r"\[BD 5-104\]|\[Common 17-53\]|No open (design|project)|block design must be open|project is in-memory",
        "The command needs an open block design, or a project saved on disk: correct the script's order.",
    ),
    (
        "parameter-range",
        r"\[IP_Flow 19-(3461|3477)\]|is out of the range for parameter|\[IP_Flow 19-3478\]",
        "A parameter of an IP has a value that it can't have: correct it.",
    ),
    (
        "linker-settings",
        r"\[CFGEN 83-\d+\]|\[SYSTEM_LINK 82-\d+\]|\[cfgen 83-\d+\]",
        "The linker's configuration names a kernel, port or memory that isn't there: correct the connectivity section.",
    ),
    (
        "clock-pins",
        r"\[Place 30-(172|574|675|876)\]|CLOCK_DEDICATED_ROUTE",
        "A clock comes in through a pin that can't reach a clock buffer: take a clock-capable pin.",
    ),
)

_SYNTHESIS = _rules(
    "synthesis",
    (
        "module-missing",
        r"\[Synth 8-439\]|\[Project 1-486\]|\[DRC INBB-3\]|\[Opt 31-30\]|module '[^']*' not found|[Bb]lack ?box",
        "A module, netlist or IP isn't among the sources: add its file, or generate the IP.",
    ),
    (
        "ports",
        r"\[Synth 8-(448|549|685)\]|named port connection '[^']*' does not exist",
        "A module is connected with ports that it hasn't: compare the instance with the module's declaration.",
    ),
    (
        "hdl-source",
        r"\[Synth 8-(27|91|462|524|944|993|994|1031|1717|2576|2611|2715|2716)\]|syntax error near|is not declared",
        "The HDL source is wrong in the line that the message names.",
    ),
    (
        "many-drivers",
        r"\[DRC MDRV-1\]|\[Synth 8-(3352|6859)\]|[Mm]ulti(ple|-)[Dd]riven? [Nn]ets?",
        "A signal is driven from several places: give it one driver.",
    ),
    (
        "combinational-loop",
        r"\[DRC LUTLP-1\]|\[Synth 8-295\]|[Cc]ombinatorial [Ll]oop",
        "Logic feeds back on itself without a register: break the loop.",
    ),
    (
        "primitive",
        r"\[DRC (REQP|PDCN|AVAL|PDIL|PDRC|RPBF|ADEF)-\d+\]",
        "A primitive is connected or set up in a way that the device can't do: see the cell that the message names.",
    ),
    (
        "dataflow",
        r"\[HLS 200-(970|971|979|984|1013|1014)\]|\[XFORM 203-7\d\d\]|failed dataflow checking",
        "A dataflow region breaks the rules of HLS: each channel has one process that writes and one that reads it.",
    ),
    (
        "cpp-source",
        r"\[HLS 2(07|14)-\d+\]|undeclared identifier|no matching function|redefinition of",
        "The C++ source doesn't compile: see the line that the message names.",
    ),
    (
        "linking-cpp",
        r"symbol multiply defined|llvm-link|undefined reference to|multiple definition of",
        "C++ functions or variables are defined twice or not at all: put definitions into one source file each.",
    ),
    (
        "not-synthesisable",
        r"\[SYNCHK 200-\d+\]|not synthesi[sz]able",
        "HLS can't turn this C++ into hardware: dynamic memory, recursion and system calls must go.",
    ),
    (
        "export",
        r"\[IMPL 213-28\]|[Ff]ailed to generate IP",
        "HLS couldn't package the IP: look into the Vivado log in impl/ip of the solution.",
    ),
    (
        "variable-too-large",
        r"size of variable '.*' is too large to handle|\[Synth 8-4556\]",
        "A memory is too large for registers: let it become block RAM.",
    ),
    (
        "unroutable",
        r"[Uu]nroutable|not (fully|completely) routed",
        "The router found no way: look for congestion and for pins locked in the wrong place.",
    ),
)

_RESOURCE = _rules(
    "resource",
    (
        "does-not-fit",
        (
            r"\[(Place|VPL) 30-(415|487|488|640)\]|\[DRC UTLZ-\d+\]|\[Synth 8-5835\]|have been overutili[sz]ed"
            r"|more (LUT|FF|DSP|BRAM|RAMB|URAM|I/O|IO|slice)\S* .*than .*available"
        ),
        "The design needs more of a resource than the device has: lower the parallelism, or take a larger device.",
    ),
    priority=30,
)

_MACHINE = [
    *_rules(
        "memory",
        (
            "spawn",
            r"\[Common 17-180\]|[Ss]pawn failed",
            "No further process can be started: run fewer jobs at once.",
        ),
        retryable=True,
    ),
    *_rules(
        "crash",
        ("access-violation", r"\[XSIM 43-3294\]|EXCEPTION_ACCESS_VIOLATION", "A tool crashed: try it once more."),
        retryable=True,
    ),
]

_SIMULATION = _rules(
    "simulation",
    (
        "test-bench-headers",
        r"\[COSIM[ -](212-)?24\]|TB preprocess failed",
        "The test bench doesn't compile in co-simulation: give the folders of its headers in -cflags of add_files.",
    ),
    (
        "test-bench-fails",
        r"\[COSIM[ -](212-)?3[26]0\]|C TB (simulation|testing) failed",
        "The C test bench itself fails (main must return 0): run C simulation first.",
    ),
    (
        "csim-compile",
        r"\[SIM[ -](211-)?100\] .*compil|csim_design' failed: compilation",
        "C simulation doesn't compile: the compiler's messages stand before this error, or in csim/report.",
    ),
    (
        "csim",
        r"\[SIM[ -](211-)?[12]00\]|CSim failed with",
        "C simulation fails: main returned another value than 0, or it crashed.",
    ),
    (
        "cosim",
        r"\[COSIM[ -](212-)?[45]\]|C/RTL co-simulation finished: FAIL",
        "The hardware's output differs from the C model's, or the simulation stopped: look at the lines before it.",
    ),
    (
        "simulated-hdl",
        r"\[VRFC 10-\d+\]|\[XSIM 43-(3225|3238|3321|3322|3409)\]",
        "The simulator can't compile the HDL: see the line that the message names.",
    ),
)

#: Families, for messages that no rule above knows.
_FAMILIES = [
    *_rules("simulation", ("xsim", r"\[(XSIM|USF-XSim|VRFC|SIM|COSIM)[ -]", "The simulation failed."), priority=-1),
    *_rules(
        "synthesis",
        ("synth", r"\[Synth 8-", "Synthesis failed: see the line of the source that the message names."),
        ("implementation", r"\[(Opt|Place|Route|Physopt|DRC|Netlist|Shape Builder) ", "Implementation failed."),
        ("hls", r"\[(HLS|XFORM|SCHED|BIND|RTGEN|RTMG|IMPL|SYN|ANALYSIS|CLANG|HLS_\w+)[ -]", "HLS failed."),
        ("vitis", r"\[(v\+\+|VPL|XOCC) (?!60-)\d", "v++ failed."),
        ("finn-tools", r"\[(Designutils|Constraints|Timing|Vivado|Vivado_Tcl|Bitstream|Memdata) ", "Vivado failed."),
        priority=-2,
    ),
    *_rules(
        "configuration",
        ("project", r"\[(Project|filemgmt|Coretcl|Board|Runs|Common) (?!17-(39|69)\])\d", "A Tcl command failed."),
        ("block-design", r"\[(BD|IP_Flow|xilinx\.com:|PSU|bd)[ -:]", "The block design or an IP is set up wrongly."),
        priority=-2,
    ),
    *_rules("environment", ("software", r"\[(Hsi|XSDB|XSCT|Labtools\w*)[ -]", "A software tool failed."), priority=-2),
]

#: Said after something else went wrong, without saying what.
_SECONDARY = _rules(
    "synthesis",
    (
        "earlier-errors",
        (
            r"\[Common 17-(39|69)\]|failed due to earlier errors|\[Vivado 12-(1345|4473|13638)\]|\[Vivado_Tcl 4-\d+\]"
            r"|\[USF-XSim-62\]|\[HLS 200-(70|1715)\]|\[Synth 8-(285|6156)\]|Run '\w+' has not been launched"
        ),
        "This follows from an earlier error: look for the first ERROR line, in the log of the run where there is one.",
    ),
    (
        "vitis-link",
        r"\[(v\+\+|VPL|XOCC) 60-\d+\]",
        "v++ only says that a step failed: look into the log of that step (vivado.log or vpl.log below _x).",
    ),
    priority=-7,
)


def _all() -> Iterator[ErrorRule]:
    yield from _RESOURCE
    yield from _MACHINE
    yield from _ENVIRONMENT
    yield from _CONFIGURATION
    yield from _SIMULATION
    yield from _SYNTHESIS
    yield from _FAMILIES
    yield from _SECONDARY


RULES: tuple[ErrorRule, ...] = tuple(_all())
