"""What the header of an HLS report says of tool, part and time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report

from .names import tool_of

__all__ = ["put_origin"]

_VERSION = re.compile(r"([0-9]{4}\.[0-9](?:\.[0-9])?)")
_NAMES = {
    "Target device": "prov.part",
    "Part": "prov.part",
    "TopModelName": "prov.design",
    "Date": "prov.date",
    "Product family": "prov.family",
    "ProductFamily": "prov.family",
    "Project": "prov.project",
    "Solution": "prov.solution",
    "FlowTarget": "prov.flow_target",
}


def put_origin(report: Report, kind: str, header: Mapping[str, str]) -> Iterator[Metric]:
    """Yield where a report comes from.

    Args:
        report: the file.
        kind: its title, such as `Vitis HLS Report`, or "".
        header: what it says of itself.
    """
    for field, name in _NAMES.items():
        if header.get(field):
            yield report.metric(name, header[field], "string", Stage.BUILD, field=field)
    version = _VERSION.match(header.get("Version", ""))
    if version:
        tool = next((name for name in ("Vitis HLS", "Vivado HLS") if kind.startswith(name)), "")
        scope = {"tool": tool.lower().replace(" ", "_") or tool_of(version[1])}
        yield report.metric("prov.tool_version", version[1], "string", Stage.BUILD, scope, field="Version")
