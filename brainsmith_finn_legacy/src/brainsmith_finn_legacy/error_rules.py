"""What FINN's messages mean: the signatures of FINN and FINN+, and what Vivado says in their builds, as data.

FINN's own error is often secondary. Rules with `follow` name the log in which the first error stands. Patterns match
text with white space collapsed, since FINN breaks its messages over lines and Rich wraps them.
"""

from __future__ import annotations

from brainsmith_core.records import ErrorRule

__all__ = ["RULES"]

_SOURCE = "Source Vivado's and Vitis HLS' settings64.sh before starting brainsmith"
_STREAMLINE = "Streamline the model further, add a custom step for the layers that are left, or export them quantised"
_FIRST_ERROR = "Look for the first ERROR line in the log that the message names; what FINN says here comes after it"


def _rule(
    name: str,
    pattern: str,
    category: str,
    advice: str,
    *,
    priority: int = 60,
    retryable: bool = False,
    follow: str = "",
) -> ErrorRule:
    return ErrorRule(
        name=f"finn-{name}",
        pattern=pattern,
        category=category,
        advice=advice,
        priority=priority,
        retryable=retryable,
        follow=follow,
    )


def _warning(name: str, pattern: str, category: str, advice: str) -> ErrorRule:
    return ErrorRule(name=f"finn-{name}", pattern=pattern, category=category, advice=advice, warning=True)


_TOOLS = (
    _rule("hls-not-in-path", r"(vitis_hls|vivado_hls|vitis-run) not found( in PATH)?", "environment", f"{_SOURCE}."),
    _rule("vivado-not-in-path", r"vivado is not in PATH", "environment", f"{_SOURCE}."),
    _rule(
        "xilinx-vivado-unset",
        r"(XILINX_VIVADO environment variable not set|Environment variable XILINX_VIVADO must be set"
        r"|XILINX_VIVADO was not set)",
        "environment",
        f"{_SOURCE}: it sets XILINX_VIVADO.",
    ),
    _rule(
        "xsi-not-available",
        r"XSI not available",
        "environment",
        "RTL simulation needs XSI, which FINN builds with Vivado: run `finn deps update` in the FINN environment.",
    ),
    _rule("ohmyxilinx", r"OHMYXILINX is not defined", "environment", "Set OHMYXILINX to a checkout of oh-my-xilinx."),
    _rule(
        "vitis-variables",
        r"(VITIS_PATH|XILINX_VITIS|PLATFORM_REPO_PATHS|XILINX_XRT) must be set",
        "environment",
        "Source the set-up scripts of Vitis and XRT, and set PLATFORM_REPO_PATHS, before starting brainsmith.",
    ),
    _rule(
        "board-files",
        r"board_part definition was not found",
        "environment",
        "The board files are missing: run `finn deps update` (FINN+) or fetch-repos.sh (FINN).",
    ),
    _rule(
        "settings-script",
        r"Unable to find .*settings64\.sh",
        "environment",
        "The Xilinx tools aren't mounted in the container: mount their folder.",
    ),
    _rule(
        "docker-mount",
        r"error while creating mount source path",
        "environment",
        "Docker can't create the mount: check that the path exists and may be read.",
    ),
    _rule(
        "permission",
        r"PermissionError: \[Errno 13\]",
        "environment",
        "FINN_BUILD_DIR or .eggs may belong to another user, such as that of a container: correct the owner.",
    ),
    _rule(
        "stand-in",
        r"MissingPackageError",
        "environment",
        "The small FINN environment lacks a package that this step uses: brainsmith finn install --full.",
    ),
)

_HARDWARE = (
    _rule(
        "hls-deadlock-option",
        r"Unknown option '-deadlock_detection'",
        "environment",
        "This Vitis HLS is too old for the FINN version: take a newer one.",
        priority=70,
    ),
    _rule(
        "ip-generation",
        r"IPGen failed: .* not found\. Check log under (?P<log>\S+)",
        "synthesis",
        f"Vitis HLS failed. {_FIRST_ERROR} (vitis_hls.log).",
        follow="log",
    ),
    _rule(
        "hls-ip-generation",
        r"HLS IP Generation failed\. Logs and sources are in (?P<log>\S+)",
        "synthesis",
        f"Vitis HLS failed. {_FIRST_ERROR} (vitis_hls.log).",
        follow="log",
    ),
    _rule(
        "no-wrapper-hdl",
        r"CreateStitchedIP failed, no wrapper HDL found",
        "synthesis",
        "A layer's IP is missing: look for the first error of Vitis HLS.",
    ),
    _rule(
        "ip-definition",
        r"\[BD 5-390\] IP definition not found for VLNV",
        "synthesis",
        "A layer's IP wasn't generated, or by another Vivado version: build again from the start with one version.",
    ),
    _rule("make-project", r"make_project\.sh failed with a non-zero", "synthesis", f"{_FIRST_ERROR} (vivado.log)."),
    _rule(
        "no-bitfile",
        r"Synthesis failed, no bitfile found\. Check logs under (?P<log>\S+)",
        "synthesis",
        f"{_FIRST_ERROR} (impl_1/runme.log).",
        follow="log",
    ),
    _rule(
        "run-not-launched",
        r"\[Common 17-69\] .* Run 'synth_1' has not been launched",
        "synthesis",
        "This follows from an earlier error: look for the first ERROR line.",
        priority=-1,
    ),
    _rule(
        "no-ooc-result",
        r"No such file or directory: .*res\.txt",
        "synthesis",
        "Vivado failed in out-of-context synthesis: look into its log.",
    ),
    _rule(
        "variable-too-large",
        r"size of variable '.*' is too large to handle",
        "synthesis",
        "A FIFO is too deep for a shift register: take another FIFO style (impl_style vivado).",
    ),
    _rule(
        "no-synthesis-report",
        r"Please run synthesis first|Could not read synthesis report",
        "synthesis",
        "The synthesis report is missing: look for the failure of the synthesis itself.",
    ),
    _rule(
        "part-select",
        r"part-select .* out of range",
        "synthesis",
        "Vivado 2025.2 and later refuse this folding (SIMD=1 with PE=2): choose other PE and SIMD.",
    ),
    _rule(
        "no-xo-file",
        r"Vitis \.xo file not created",
        "synthesis",
        "Packaging for Vitis failed: look into the log in the folder that the message names.",
    ),
    _rule(
        "place-capacity",
        r"\[Place 30-640\] .* requires more .* cells than are available",
        "resource",
        "The design doesn't fit: lower PE and SIMD (target_fps), or take a larger part.",
    ),
    _rule(
        "licence",
        r"\[Common 17-34[58]\]",
        "licence",
        "Pass XILINXD_LICENSE_FILE; the free edition of Vivado has no licence for large parts such as the ZCU102's.",
        retryable=True,
    ),
    _rule(
        "out-of-memory",
        r"Killed \"?\$RDI_PROG|Error 137|has died\. This helper",
        "memory",
        "Vivado ran out of memory: run fewer builds in parallel, or use a machine with more of it.",
        retryable=True,
    ),
    _rule(
        "timing",
        r"Timing constraints are not met",
        "timing",
        "FINN calls this a success all the same: ask for a slower clock.",
    ),
)

_SIMULATION = (
    _rule(
        "simulation-timeout",
        r"Takes too long to produce output|RTL simulation timed out after \d+ cycles|XSI C\+\+ simulation timed out",
        "deadlock",
        "The design deadlocks, or LIVENESS_THRESHOLD is too low for it: raise it, then look at the FIFO depths.",
    ),
    _rule(
        "final-fifo-simulation",
        r"Final validation simulation (timed out|detected throughput)",
        "deadlock",
        "The minimised FIFOs are too small together: allow a larger initial depth or fewer minimisation orders.",
    ),
    _rule(
        "fifo-depth-range",
        r"out of the range for parameter 'FIFO depth",
        "configuration",
        "FIFOs above 32768 entries, or of a depth that is no power of two, must be split: split_large_fifos.",
    ),
    _rule(
        "fifo-collection",
        r"'Collection' object has no item 'StreamingFIFO_",
        "synthesis",
        "FINN lost a FIFO between two passes; its cause isn't known: build again from the start in a fresh folder.",
    ),
    _rule(
        "weight-file",
        r"memblock_sim_\d+\.dat.*readmem file ended",
        "synthesis",
        "A weight file is too short: build again from the start in a fresh folder.",
    ),
)

_MODEL = (
    _rule(
        "cyclic-partition",
        r"cycle-free graph violated: partition depends on itself",
        "transform",
        f"A layer that FINN can't make stands between layers that it can. {_STREAMLINE}.",
    ),
    _rule(
        "unmapped-layer",
        r"Unsupported/unmapped layer\(s\) found .* node (?P<node>\S+)",
        "transform",
        f"A layer that FINN can't make stands between layers that it can. {_STREAMLINE}.",
    ),
    _rule(
        "single-partition",
        r"Only a single StreamingDataflowPartition",
        "transform",
        f"The model has no layer that FINN can make, or its graph splits in several parts. {_STREAMLINE}.",
    ),
    _rule(
        "thresholds",
        r"thresholds are float type|out_scale must be 1|out_bias must be integer|Signed output requires actval",
        "transform",
        "The activations aren't quantised as FINN needs it: correct the export of the model.",
    ),
    _rule(
        "foreign-operator",
        r"Op \S+ not found in (custom opset|domain)|Custom op_type \S+ is currently not supported",
        "transform",
        "The model has operators of another FINN version: export it again for this one.",
    ),
    _rule(
        "model-file",
        r"File not found: .*onnx|IndexError: list index .*out of range.*opset_import|opset_import\[0\].*IndexError",
        "model_load",
        "The model is missing, too old or broken: export it again.",
    ),
)

_FOLDING = (
    _rule(
        "illegal-folding",
        r"divisable by .* violated|M[HW] \(\d+\) must be divisable by|M[HW] \(\d+\) must be divisible by"
        r"|(SIMD|PE) must divide|illegal folding:",
        "configuration",
        "PE and SIMD must divide the layer's dimensions: correct the folding file.",
    ),
    _rule(
        "stream-too-wide",
        r"AP_INT_MAX_W=\d+ is larger|requires AP_INT_MAX_W to be set",
        "configuration",
        "A stream is wider than Vitis HLS can handle: lower PE and SIMD.",
    ),
    _rule(
        "lut-mvu",
        r"LUT-based RTL-MVU .* not supported",
        "configuration",
        "Set resType to dsp for this layer in the folding file.",
    ),
    _rule(
        "infeasible-clock",
        r"Infeasible clk target of",
        "configuration",
        "RTL matrix-vector units can't run that fast: ask for a slower clock.",
    ),
    _rule(
        "window-buffer",
        r"increment > buffer size",
        "configuration",
        "Set parallel_window to 1 for this sliding window in the folding file.",
    ),
)

_CONFIGURATION = (
    _rule(
        "no-part",
        r"Couldn't resolve fpga_part for|Either board or fpga_part must be specified",
        "configuration",
        "Give a board that FINN knows, or fpga_part.",
    ),
    _rule(
        "unknown-step",
        r"KeyError: 'step_|is not a default step|Unknown step or phase",
        "configuration",
        "Correct the name of the step: brainsmith finn steps lists them.",
    ),
    _rule(
        "no-build-folder",
        r"KeyError: 'FINN_(BUILD_DIR|ROOT)'",
        "environment",
        "FINN needs this environment variable; builds by brainsmith set it, so this FINN was called in another way.",
    ),
    _rule(
        "unknown-board",
        r"KeyError: '(Pynq|ZCU|ZC7|Ultra96|RFSoC|AUP|KV26|U\d{2,3}\b|V(C|M)K|V80)[^']*'",
        "configuration",
        "This FINN version doesn't know the board: give fpga_part (or shell_flow_type) instead.",
    ),
    _rule(
        "no-checkpoint",
        r"Expected model file at .* to start from step",
        "configuration",
        "The model of the step before isn't there: run the earlier steps first.",
    ),
    _rule(
        "needs-stitched-ip",
        r"(rtlsim_perf|OOC) needs stitched IP",
        "configuration",
        "Add stitched_ip to generate_outputs.",
    ),
    _rule(
        "unknown-keys",
        r"keys were found in your config, but are not known",
        "configuration",
        "This FINN version has no such settings: brainsmith validate names the nearest ones.",
    ),
    _rule(
        "reused-folder",
        r"FileNotFoundError.*all_verilog_srcs\.txt",
        "configuration",
        "The output folder was deleted and used again in one process: build in a fresh process.",
    ),
)

_OURS = (
    _rule(
        "kernel-not-in-model",
        r"the model has no \w+ layer; its kernels at this point",
        "kernel",
        "Name a kernel that the model has, or put ~ in front of it: then it may be absent.",
        priority=80,
    ),
    _rule(
        "transformation-failed",
        r"transformation \S+ failed:",
        "transform",
        "Check the transformation's place and parameters, and whether it fits this model.",
        priority=75,
    ),
    _rule(
        "nothing-with-weights",
        r"FINN makes no layer with weights of this model",
        "transform",
        "Quantise weights and activations when the model is exported.",
        priority=80,
    ),
    _rule(
        "no-model-returned",
        r"TypeError: the step returned \w+, but a step returns the model",
        "transform",
        "Let the step return the model at its end.",
        priority=80,
    ),
)

_DISK = (
    _rule(
        "disk",
        r"No space left on device|Too many open files",
        "disk",
        "Clean up FINN_BUILD_DIR and old builds, or raise the limit of open files.",
        retryable=True,
    ),
)

#: What FINN puts before all that goes wrong; it counts only where nothing else is known.
_VAGUE = (
    _rule(
        "user-error",
        r"FINN E(RROR|rror):",
        "configuration",
        "FINN says what it can't do with this model and these settings: correct them.",
        priority=-4,
    ),
    _rule(
        "internal-error",
        r"FINN (INTERNAL COMPILER ERROR|Internal compiler error):|FINN(Internal|Dataflow|User)?Error",
        "transform",
        "A step of FINN can't handle this model: look at the model that the step before has left.",
        priority=-4,
    ),
)

_WARNINGS = (
    _warning(
        "target-missed",
        r"Width of weights per PE grew wider|did not reach the target throughput|did not meet the target cycles"
        r"|Weight stream per PE became wider",
        "configuration",
        "Raise mvau_wwidth_max or lower target_fps.",
    ),
    _warning(
        "folding-names",
        r"No HW configuration for nodes:|Unused HW configurations:|HW configurations for non-custom nodes",
        "configuration",
        "The layers' names don't match: correct the folding file.",
    ),
    _warning(
        "unknown-folding",
        r"SetFolding doesn't know how to handle op_type",
        "configuration",
        "The layer keeps FINN's default folding: set it in a folding file.",
    ),
    _warning(
        "no-fifo-output",
        r"No output detected, calculated FIFO depths",
        "deadlock",
        "Distrust the FIFO depths: the simulation gave no output.",
    ),
    _warning(
        "hls-reports-missing",
        r"Could not find report files, values will be set to zero",
        "synthesis",
        "The figures of these layers are zeros that mean nothing.",
    ),
    _warning(
        "not-specialised",
        r"There is no (HLS|RTL) variant (of|for)",
        "kernel",
        "FINN took the other implementation for this layer.",
    ),
)

RULES: tuple[ErrorRule, ...] = (
    *_TOOLS,
    *_HARDWARE,
    *_SIMULATION,
    *_MODEL,
    *_FOLDING,
    *_CONFIGURATION,
    *_OURS,
    *_DISK,
    *_VAGUE,
    *_WARNINGS,
)
