"""Read a tool's log: its errors, the first genuine one, and whether the run failed."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from .result import LogLine

__all__ = ["LogFindings", "read_log"]

#: A log is read up to this size from its beginning and as much from its end; the middle of a flood says nothing.
_PART_BYTES = 8 * 2**20

_TOOL_ERROR = re.compile(r"^(?P<level>ERROR|FATAL|CRITICAL WARNING)\s*:\s*(?:\[(?P<id>[^\]]+)\])?\s*(?P<text>.*)")
_FINN_ERROR = re.compile(r"^(?:\[[^\]]*\]\s*)?(?P<text>FINN (?:INTERNAL COMPILER )?ERROR\s*:.*)")
_PYTHON_ERROR = re.compile(r"^(?P<text>(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b(?::.*)?)$")
_FAILED = re.compile(r"(?i)^(build failed|.*\b(synthesis|implementation|route_design|place_design) failed\b)")
_SUCCESS = re.compile(
    r"(?i)^.*(completed successfully|successfully completed|exiting vivado|finished.*v?hls|success after)"
)


@attrs.frozen(kw_only=True)
class LogFindings:
    """What a log says.

    Args:
        outcome: `ok`, `failed` or `unknown`.
        first_error: the first genuine error, or None.
        errors: number of error lines.
        critical_warnings: number of critical-warning lines.
        candidates: texts by which the failure may be recognised, the first error first.
    """

    outcome: str = "unknown"
    first_error: LogLine | None = None
    errors: int = 0
    critical_warnings: int = 0
    candidates: tuple[str, ...] = ()


def read_log(path: Path) -> LogFindings:
    """Return what a log says; a file that can't be read says nothing.

    Args:
        path: the log.
    """
    try:
        text = _read_ends(path)
    except OSError:
        return LogFindings()
    errors: list[LogLine] = []
    critical = 0
    outcome = "unknown"
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.rstrip()
        found = _error_in(line, number, path)
        if found is not None:
            if line.startswith("CRITICAL WARNING"):
                critical += 1
            else:
                errors.append(found)
        elif _FAILED.match(line):
            outcome = "failed"
        elif _SUCCESS.match(line) and outcome != "failed":
            outcome = "ok"
    first = errors[0] if errors else None
    candidates = [error.text for error in errors[:50]]
    return LogFindings(
        outcome="failed" if errors else outcome,
        first_error=first,
        errors=len(errors),
        critical_warnings=critical,
        candidates=tuple(candidates),
    )


def _read_ends(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_PART_BYTES)
        size = path.stat().st_size
        if size <= _PART_BYTES:
            return head.decode(errors="replace")
        file.seek(max(_PART_BYTES, size - _PART_BYTES))
        return (head + b"\n" + file.read(_PART_BYTES)).decode(errors="replace")


def _error_in(line: str, number: int, path: Path) -> LogLine | None:
    for pattern in (_TOOL_ERROR, _FINN_ERROR, _PYTHON_ERROR):
        match = pattern.match(line)
        if match:
            groups = match.groupdict()
            text = f"[{groups['id']}] {groups['text']}" if groups.get("id") else groups["text"]
            return LogLine(text=text.strip(), id=groups.get("id") or "", line=number, file=str(path))
    return None
