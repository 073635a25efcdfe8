"""Estimates of every layer: cycles, resources, and what they would be if the layer were implemented in another way."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError

from .reading import Field, as_object, entries, fields, layer_scope, read_object

__all__ = ["parse_alternatives", "parse_cycles", "parse_empirical_power", "parse_resources"]

_RESOURCES = {
    "LUT": Field("util.lut", "count"),
    "DSP": Field("util.dsp", "count"),
    "BRAM_18K": Field("util.bram_18k", "18 Kb"),
    "URAM": Field("util.uram", "count"),
    "BRAM_efficiency": Field("util.bram_efficiency", "fraction"),
    "URAM_efficiency": Field("util.uram_efficiency", "fraction"),
}


def parse_cycles(report: Report) -> Iterator[Metric]:
    """Yield the cycles of each layer (`estimate_layer_cycles.json`)."""
    for layer, cycles in read_object(report).items():
        yield report.figure("perf.cycles", cycles, "cycles", Stage.ESTIMATE, layer_scope(report, layer), field=layer)


def parse_resources(report: Report) -> Iterator[Metric]:
    """Yield the resources of each layer and of all (`estimate_layer_resources.json`, also `..._empirical`)."""
    method = {"method": "empirical"} if "_empirical" in report.name else {}
    for layer, values in entries(report):
        yield from fields(report, values, _RESOURCES, Stage.ESTIMATE, {**layer_scope(report, layer), **method})


def parse_alternatives(report: Report) -> Iterator[Metric]:
    """Yield what each layer would need in other implementations (`estimate_layer_config_alternatives.json`).

    FINN doesn't say which implementation each is, so they are numbered.
    """
    for layer, options in read_object(report).items():
        if not isinstance(options, list):
            raise ReportError(f'the alternatives of "{layer}" should be a list')
        for index, option in enumerate(options):
            record = as_object(option, f'alternative {index} of "{layer}"')
            scope = {**layer_scope(report, layer), "option": str(index)}
            yield report.metric("util.alternatives", record, "record", Stage.ESTIMATE, scope, field=layer)


def parse_empirical_power(report: Report) -> Iterator[Metric]:
    """Yield the power of each layer by a fitted model (`estimate_power_empirical.json`).

    FINN writes 0 for a layer without a model, so a 0 is no figure.
    """
    for layer, values in entries(report):
        for key, raw in values.items():
            known = None if raw == 0 and layer != "total" else raw
            scope = layer_scope(report, layer)
            yield report.figure("power.empirical_mw", known, "mW", Stage.ESTIMATE, scope, field=key)
