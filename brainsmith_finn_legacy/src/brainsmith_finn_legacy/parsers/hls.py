"""Resources of the layers after Vitis HLS, as FINN gathers them from the tool's reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, read_number

from .reading import Field, entries, layer_scope, note_unknown

__all__ = ["parse_hls_resources"]

_RESOURCES = {
    "LUT": Field("util.lut", "count"),
    "FF": Field("util.ff", "count"),
    "BRAM_18K": Field("util.bram_18k", "18 Kb"),
    "URAM": Field("util.uram", "count"),
}
#: The tool's name for a DSP block depends on its version and the device family; FINN presets the first one to 0.
_DSP = ("DSP48E", "DSP", "DSP58E")


def parse_hls_resources(report: Report) -> Iterator[Metric]:
    """Yield the resources of each HLS layer and of all (`estimate_layer_resources_hls.json`).

    FINN presets every figure to 0 and leaves that where the tool's report is missing. Such a figure is missing
    here: a layer whose figures are all 0; and, in the versions that copy the tool's figures as text, a plain 0.
    """
    for layer, values in entries(report):
        scope = layer_scope(report, layer)
        preset = _preset(values)
        if len(preset) == len(values) and values:
            report.note(f"{layer}: all figures are 0, which is what FINN writes if the HLS report is missing")
        for key, field in _RESOURCES.items():
            if key in values:
                raw = None if key in preset else values[key]
                yield report.figure(field.name, raw, field.unit, Stage.HLS, scope, field=key)
        yield from _dsp(report, values, preset, scope)
        for key in values:
            if key not in _RESOURCES and key not in _DSP:
                note_unknown(report, key, scope)


def _preset(values: Mapping[str, JSONValue]) -> set[str]:
    """Return the fields that still hold what FINN presets."""
    if all(read_number(value) == 0 and not isinstance(value, str) for value in values.values()):
        return set(values)
    if any(isinstance(value, str) for value in values.values()):
        return {key for key, value in values.items() if value == 0 and not isinstance(value, bool)}
    return set()


def _dsp(
    report: Report, values: Mapping[str, JSONValue], preset: set[str], scope: Mapping[str, str]
) -> Iterator[Metric]:
    """Yield the DSP blocks, which stand under the name that the tool's version uses."""
    named = [key for key in _DSP if key in values]
    told = [key for key in named if key not in preset]
    used = [key for key in told if read_number(values[key]) != 0]
    if len(used) > 1:
        text = f"{' and '.join(used)} are both given"
        yield report.unparsable("util.dsp", text, "count", Stage.HLS, scope, field=used[0])
    elif named:
        key = (used or told or named)[-1]
        raw = values[key] if told else None
        yield report.figure("util.dsp", raw, "count", Stage.HLS, scope, field=key)
