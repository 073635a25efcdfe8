"""Logs of Vivado, Vitis HLS, XSim and v++: messages, times, memory, and the reports printed into them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report

from ...figures import Figures
from .embedded import embedded_figures
from .messages import read_messages
from .times import read_times

__all__ = ["parse_log"]

#: How far into a log its banner stands.
_HEAD = 16 * 1024
_VERSION = re.compile(
    r"\n(?:# |\*{4,} |)(?P<tool>Vivado|Vitis HLS|Vivado HLS|Vivado\(TM\) HLS|v\+\+|Vivado Simulator)\b[^\n]{0,80}? v?"
    r"(?P<version>20\d\d\.\d(?:\.\d)?)\b"
)
_PART = re.compile(r"\nCommand: synth_design\b[^\n]*? -part (?P<part>[\w-]+)")
#: What a log says of the point of the flow that it ends at, the last one first.
_STAGES: tuple[tuple[tuple[str, ...], Stage], ...] = (
    (("\nCommand: route_design", "\n# route_design", "\nroute_design", "\nStarting Routing Task"), Stage.ROUTE),
    (("\nCommand: place_design", "\n# place_design", "\nplace_design", "\nStarting Placer Task"), Stage.PLACE),
    (("\nCommand: synth_design", "\n# synth_design", "\nsynth_design", "\nStarting synth_design"), Stage.SYNTH),
    (("[COSIM ", "[COSIM-", "cosim_design"), Stage.COSIM),
    (("[HLS ", "[HLS-", "[SYN 201", "INFO-FLOW: ", "csynth_design"), Stage.HLS),
    (("\nVivado Simulator", "[XSIM ", "[VRFC "), Stage.RTLSIM),
)


def parse_log(report: Report) -> Iterator[Metric]:
    """Yield the figures of a log, and those of the reports in it.

    Args:
        report: the log.
    """
    text = f"\n{report.text}\n"
    figures = Figures(report, _stage(text))
    read_messages(text, figures)
    # Times are figures of the build, whichever step they are of.
    times = Figures(report, Stage.BUILD)
    read_times(text, times)
    embedded = embedded_figures(report)
    known = {metric.name for metric in embedded}
    yield from (metric for metric in _origin(report, text) if metric.name not in known)
    yield from figures.finish()
    yield from times.finish()
    yield from embedded


def _stage(text: str) -> Stage:
    return next((stage for marks, stage in _STAGES if any(mark in text for mark in marks)), Stage.BUILD)


def _origin(report: Report, text: str) -> Iterator[Metric]:
    version = _VERSION.search(text, 0, _HEAD)
    if version:
        tool = version["tool"].replace("(TM)", "").lower().replace(" ", "_")
        yield report.metric("prov.tool_version", version["version"], "string", Stage.BUILD, {"tool": tool})
    part = _PART.search(text)
    if part:
        yield report.metric("prov.part", part["part"], "string", Stage.BUILD, field="-part")
