"""What FINN writes about the build itself: time of each step, status, versions, results of the verification."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

from .reading import note_unknown, read_object

__all__ = ["parse_metadata", "parse_step_times", "parse_verification"]

_TOTAL_TIME = "total_build_time"

#: The file's name says all: `verify_folded_hls_cppsim_0_SUCCESS.npy`; the oldest version has no batch number.
_VERIFIED = re.compile(r"verify_(.+?)(?:_([0-9]+))?_(SUCCESS|FAIL)\.np[yz]\Z")
_SKIPPED = re.compile(r"(\w+)_SKIPPED_DSP_CONFLICT\.txt\Z")


def parse_step_times(report: Report) -> Iterator[Metric]:
    """Yield the time of each step (`time_per_step.json`); newer versions round to seconds and add the sum."""
    for step, seconds in read_object(report).items():
        scope = {} if step == _TOTAL_TIME else {"step": step}
        yield report.figure("build.wall_s", seconds, "s", Stage.BUILD, scope, field=step)


def parse_metadata(report: Report) -> Iterator[Metric]:
    """Yield status and tool version (`metadata_builder.json`)."""
    for key, value in read_object(report).items():
        if key == "status":
            yield report.metric("build.status", value, "enum", Stage.BUILD, field=key)
        elif key == "tool_version":
            yield report.metric("prov.tool_version", value, "string", Stage.BUILD, {"tool": "vivado"}, field=key)
        else:
            note_unknown(report, key)


def parse_verification(report: Report) -> Iterator[Metric]:
    """Yield whether a step's output was as expected, from the name of a file in `verification_output`."""
    verified, skipped = _VERIFIED.search(report.name), _SKIPPED.search(report.name)
    if verified:
        step, batch, status = verified.groups()
        scope = {"step": step} if batch is None else {"step": step, "batch": batch}
    elif skipped:
        status, scope = "SKIPPED", {"step": skipped.group(1).rpartition("__")[2]}
    else:
        raise ReportError("its name says neither step nor result")
    yield report.metric("verify.status", status, "enum", Stage.BUILD, scope, field="file name")
