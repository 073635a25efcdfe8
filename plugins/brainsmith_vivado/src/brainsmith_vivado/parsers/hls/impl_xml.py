"""`*_export.xml`: what an HLS function takes after Vivado has synthesised or implemented it on its own."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

from ...figures import Figures, Scope
from .names import function_scope
from .values import put_cycles, put_number
from .xml_tree import read_xml

__all__ = ["parse"]

#: HLS counts block RAM in units of 18 Kb here too.
_RESOURCES = {
    "LUT": "util.lut",
    "FF": "util.ff",
    "DSP": "util.dsp",
    "DSP48E": "util.dsp",
    "BRAM": "util.bram_18k",
    "BRAM_18K": "util.bram_18k",
    "URAM": "util.uram",
    "SRL": "util.srl",
    "LATCH": "util.latch",
    "CLB": "util.slice_clb",
    "SLICE": "util.slice_clb",
}
_TIMING = {"TargetClockPeriod": "timing.period_ns", "AchievedClockPeriod": "timing.achieved_period_ns"}


def parse(report: Report) -> Iterator[Metric]:
    """Yield the figures of a report about an exported function.

    Args:
        report: the file.

    Raises:
        ReportError: if it holds no figure.
    """
    root, broken = read_xml(report.data)
    figures = Figures(report, Stage.OOC)
    if broken:
        figures.remark("broken off", broken)
    scope = function_scope(report.path, "")
    used, available = root.path("AreaReport", "Resources"), root.path("AreaReport", "AvailableResources")
    tags = used.texts() if used else {}
    for field, text in tags.items():
        if field in _RESOURCES:
            put_cycles(figures, _RESOURCES[field], text, field, scope)
        else:
            figures.remark("unknown element", f"{field} of the resources")
    for field, text in (available.texts() if available else {}).items():
        # Devices with CLBs have no slices: what is available of them says nothing.
        if field in _RESOURCES and (field != "SLICE" or "SLICE" in tags):
            put_cycles(figures, f"{_RESOURCES[field]}.available", text, field, ())
    for name in dict.fromkeys(_RESOURCES.values()):
        _put_fraction(figures, name, scope)
    timing = root.child("TimingReport")
    for field, text in (timing.texts() if timing else {}).items():
        if field in _TIMING:
            put_number(figures, _TIMING[field], text, field, scope)
    _put_fmax(figures, scope)
    found = list(figures.finish())
    if not any(metric.is_present for metric in found):
        raise ReportError(broken or "the file holds no figure of an implementation")
    yield from found


def _put_fraction(figures: Figures, name: str, scope: Scope) -> None:
    used, available = figures.get(name, scope), figures.get(f"{name}.available")
    if used is not None and available:
        figures.put(f"{name}.fraction", used / available, name, scope, formula="used / available")


def _put_fmax(figures: Figures, scope: Scope) -> None:
    achieved = figures.get("timing.achieved_period_ns", scope)
    if achieved:
        formula = "1000 / AchievedClockPeriod"
        figures.put("timing.fmax_mhz", 1000 / achieved, "AchievedClockPeriod", scope, formula=formula)
