"""Figures of the whole network: estimated performance, operations and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report

from .reading import Field, entries, fields, layer_scope, loop_scope, note_unknown, read_object

__all__ = ["parse_counts", "parse_performance"]

_PERFORMANCE = {
    "critical_path_cycles": Field("perf.critical_path_cycles", "cycles"),
    "max_cycles": Field("perf.max_cycles", "cycles"),
    "estimated_throughput_fps": Field("perf.throughput_fps", "frames/s"),
    "estimated_latency_ns": Field("perf.latency_ns", "ns"),
}

#: `op_mac_1bx2b`: the narrower operand first, whether it is the weight or the activation. `param_weight_2b`.
_COUNT = re.compile(r"(op|param)_(\w+?)_([0-9]+)b(?:x([0-9]+)b)?\Z")
_COUNTED = {
    ("op", "mac"): Field("model.ops.mac", "ops/frame"),
    ("param", "weight"): Field("model.params.weight", "params"),
    ("param", "threshold"): Field("model.params.threshold", "params"),
}
_OTHERS = {"op": Field("model.ops.other", "ops/frame"), "param": Field("model.params.other", "params")}


def parse_performance(report: Report) -> Iterator[Metric]:
    """Yield the estimated performance of the network (`estimate_network_performance.json`)."""
    values = read_object(report)
    scope = loop_scope(report)
    node = values.pop("max_cycles_node_name", None)
    if isinstance(node, str):
        yield report.metric("perf.max_cycles_node", node, "string", Stage.ESTIMATE, scope, field="max_cycles_node_name")
    yield from fields(report, values, _PERFORMANCE, Stage.ESTIMATE, scope)


def parse_counts(report: Report) -> Iterator[Metric]:
    """Yield the operations and parameters of each layer and of all, by bit width (`op_and_param_counts.json`)."""
    for layer, values in entries(report):
        scope = layer_scope(report, layer)
        for key, count in values.items():
            found = _COUNT.match(key)
            if found is None:
                note_unknown(report, key, scope)
                continue
            group, kind, *widths = found.groups()
            field = _COUNTED.get((group, kind))
            bits = {"bits": "x".join(filter(None, widths))}
            if field is None:
                field, bits = _OTHERS[group], {"kind": kind, **bits}
            yield report.figure(field.name, count, field.unit, Stage.MODEL, {**scope, **bits}, field=key)
