"""Rules that hold for every backend: what operating system, Python and tools say when something is wrong.

Signatures of FINN itself belong to the FINN package, those of Vivado's reports to the Vivado package.
"""

from __future__ import annotations

from .records import ErrorRule

__all__ = ["RULES"]


def _rule(
    name: str, pattern: str, category: str, advice: str, *, retryable: bool = False, priority: int = 0
) -> ErrorRule:
    return ErrorRule(
        name=name, pattern=pattern, category=category, advice=advice, retryable=retryable, priority=priority
    )


RULES: tuple[ErrorRule, ...] = (
    _rule(
        "licence-not-found",
        r"(?i)valid licen[sc]e was not found|licen[sc]e checkout failed|\[Common 17-34[58]\]|FLEXnet Licensing error",
        "licence",
        "Check XILINXD_LICENSE_FILE and LM_LICENSE_FILE and whether one is free; the part may need a paid edition.",
        retryable=True,
        priority=50,
    ),
    _rule(
        "out-of-memory",
        r"(?i)\bMemoryError\b|std::bad_alloc|cannot allocate memory|out of memory|oom-kill|Killed +\"?\$RDI_PROG",
        "memory",
        "Run fewer builds in parallel, raise memory_gb, or use a machine with more memory.",
        retryable=True,
        priority=50,
    ),
    _rule(
        "disk-full",
        r"(?i)no space left on device|\bENOSPC\b|disk quota exceeded",
        "disk",
        "Free disk space: remove old build folders, or give another output folder.",
        retryable=True,
        priority=50,
    ),
    _rule(
        "too-many-files",
        r"(?i)too many open files|\bEMFILE\b",
        "disk",
        "Raise the limit of open files (ulimit -n) or run fewer builds in parallel.",
        retryable=True,
        priority=40,
    ),
    _rule(
        "permission",
        r"(?i)\bPermissionError\b|permission denied",
        "environment",
        "Make the file or folder that the message names accessible to you.",
        priority=30,
    ),
    _rule(
        "tool-not-found",
        r"(?i)\b(vivado|vitis_hls|vitis|v\+\+|vivado_hls|verilator|xelab|xsim)\b(:| is)? (command )?not (found|in PATH)",
        "environment",
        "Install the tool and put it on PATH: source its settings64.sh before starting brainsmith.",
        priority=40,
    ),
    _rule(
        "module-missing",
        r"ModuleNotFoundError: No module named '(?P<module>[\w.]+)'",
        "environment",
        "The Python environment lacks a module: brainsmith finn check says which environment is incomplete.",
        priority=20,
    ),
    _rule(
        "asked-for-input",
        r"EOFError: EOF when reading a line",
        "environment",
        "A step asked for input, but builds have no terminal: remove breakpoints and prompts from the step.",
        priority=30,
    ),
    _rule(
        "timing-not-met",
        r"(?i)timing constraints are not met|failed to meet timing|\[Timing 38-282\]",
        "timing",
        "Ask for a slower clock, or look at the critical path: more pipelining or less folding helps.",
        priority=20,
    ),
    _rule(
        "does-not-fit",
        r"(?i)requires more .* cells than are available|\[(Place 30-640|DRC UTLZ-1)\]|over-utili[sz]ed",
        "resource",
        "The design doesn't fit: lower target_fps (or PE and SIMD), or take a larger device.",
        priority=30,
    ),
    _rule(
        "deadlock",
        r"(?i)\bdeadlock\b|takes too long to produce output|simulation timed out",
        "deadlock",
        "The design makes no progress: give FIFOs more depth, or raise the simulation's liveness threshold.",
        priority=20,
    ),
    _rule(
        "network",
        r"(?i)temporary failure in name resolution|connection (refused|reset|timed out)|network is unreachable",
        "environment",
        "Check the network connection, or install from a local package index.",
        retryable=True,
        priority=30,
    ),
    _rule(
        "model-load",
        r"(?i)google\.protobuf\.message\.DecodeError|onnx\.checker\.ValidationError|Error parsing message",
        "model_load",
        "The model file is damaged or no ONNX model: export it again.",
        priority=30,
    ),
)
