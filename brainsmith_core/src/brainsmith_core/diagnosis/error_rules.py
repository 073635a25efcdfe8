"""Rules that hold for every backend: what operating system, Python and tools say when something is wrong.

Signatures of FINN itself belong to the FINN package, those of Vivado's reports to the Vivado package.
"""

from __future__ import annotations

from ..records import ErrorRule

__all__ = ["RULES"]


def _rule(
    name: str,
    pattern: str,
    category: str,
    advice: str,
    *,
    retryable: bool = False,
    priority: int = 0,
    follow: str = "",
    warning: bool = False,
) -> ErrorRule:
    return ErrorRule(
        name=name,
        pattern=pattern,
        category=category,
        advice=advice,
        retryable=retryable,
        priority=priority,
        follow=follow,
        warning=warning,
    )


_SYSTEM = (
    _rule(
        "licence-not-found",
        r"(?i)valid licen[sc]e was not found|licen[sc]e checkout failed|\[Common 17-34[58]\]|FLEX(?:net|lm)\S* .*error"
        r"|licen[sc]ed number of users already reached|cannot connect to licen[sc]e server",
        "licence",
        "Check XILINXD_LICENSE_FILE and LM_LICENSE_FILE and whether one is free; the part may need a paid edition.",
        retryable=True,
        priority=50,
    ),
    _rule(
        "out-of-memory",
        r"(?i)\bMemoryError\b|std::bad_alloc|cannot allocate memory|out of memory|oom-kill|Killed +\"?\$RDI_PROG"
        r"|\bError 137\b|^(?:\S+: line \d+: +\d+ +)?Killed\b|signal 9\b|SIGKILL",
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
        r"(?i)\bPermissionError\b|permission denied|operation not permitted|read-only file system",
        "environment",
        "Make the file or folder that the message names accessible to you.",
        priority=30,
    ),
    _rule(
        "tool-not-found",
        r"(?i)\b(vivado|vitis_hls|vitis-run|vitis|v\+\+|vivado_hls|verilator|xelab|xsim)\b(:| is)? (command )?"
        r"not (found|in PATH)",
        "environment",
        "Install the tool and put it on PATH: source its settings64.sh before starting brainsmith.",
        priority=40,
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
        "crash",
        r"(?i)\bsegmentation fault\b|\bSIGSEGV\b|abnormal program termination|\bcore dumped\b"
        r"|terminate called|an unexpected error has occurred|fatal error has been detected by the Java|\bbus error\b"
        r"|illegal instruction",
        "crash",
        "A tool or a native library crashed: look at what it did last, and try it once more.",
        retryable=True,
        priority=20,
    ),
)

_PYTHON = (
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
        "model-load",
        r"(?i)google\.protobuf\.message\.DecodeError|onnx\.checker\.ValidationError|Error parsing message",
        "model_load",
        "The model file is damaged or no ONNX model: export it again.",
        priority=30,
    ),
)

_DESIGN = (
    _rule(
        "timing-not-met",
        r"(?i)timing constraints are not met|failed to meet (the )?timing|\[Timing 38-282\]|\[Route 35-39\]",
        "timing",
        "Ask for a slower clock, or look at the critical path: more pipelining or less folding helps.",
        priority=20,
    ),
    _rule(
        "timing-missed",
        r"\[Timing 38-282\]|\[Route 35-39\]|(?i:failed to meet (?:the )?timing|did not meet timing)",
        "timing",
        "The design is complete, but too slow for its clock: see the paths with negative slack in the timing report.",
        warning=True,
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
)

#: What says little by itself; anything more exact goes before it.
_VAGUE = (
    _rule(
        "file-missing",
        r"(?i)no such file or directory|couldn't (read|open) file|file '[^']*' does not exist|\bFileNotFoundError\b",
        "environment",
        "A file is missing: check the path that the message names (and blanks in it), and what should have written it.",
        priority=-5,
    ),
    _rule(
        "see-log",
        r"(?i)\b(?:see|check|refer to|consult|in|under)\b[^/]{0,60}['\"]?(?P<log>/[^\s'\"]{1,400}?\.log)\b",
        "unknown",
        "The log that the message names says more.",
        priority=-9,
        follow="log",
    ),
)

RULES: tuple[ErrorRule, ...] = (*_SYSTEM, *_PYTHON, *_DESIGN, *_VAGUE)
