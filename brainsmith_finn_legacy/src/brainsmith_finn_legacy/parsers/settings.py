"""Settings of every layer: folding, implementation styles, FIFO depths."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report

from .reading import entries

__all__ = ["SETTINGS", "parse_settings"]

#: What FINN's node attributes are called in the metric vocabulary.
SETTINGS = {
    "PE": "config.pe",
    "SIMD": "config.simd",
    "ram_style": "config.ram_style",
    "resType": "config.res_type",
    "mem_mode": "config.mem_mode",
    "runtime_writeable_weights": "config.runtime_writeable_weights",
    "parallel_window": "config.parallel_window",
    "ram_style_thresholds": "config.ram_style_thresholds",
    "depth_trigger_uram": "config.depth_trigger_uram",
    "depth_trigger_bram": "config.depth_trigger_bram",
    "depth": "config.fifo_depth",
    "impl_style": "config.impl_style",
    "preferred_impl_style": "config.preferred_impl_style",
    "inFIFODepths": "config.in_fifo_depths",
    "outFIFODepths": "config.out_fifo_depths",
    "slr": "config.floorplan.slr",
    "partition_id": "config.floorplan.partition_id",
    "mem_port": "config.floorplan.mem_port",
}


def parse_settings(report: Report) -> Iterator[Metric]:
    """Yield the settings of each layer (`auto_folding_config.json`, `final_hw_config.json` and their kin).

    An attribute without a name of its own is a `config.attribute`.
    """
    for layer, values in entries(report):
        for key, value in values.items():
            yield setting(report, layer, key, value)


def setting(report: Report, layer: str, key: str, value: JSONValue) -> Metric:
    """Return one setting of a layer.

    Args:
        report: the file that it stands in.
        layer: the layer.
        key: FINN's name of the attribute.
        value: the attribute.
    """
    name = SETTINGS.get(key)
    scope = {"layer": layer} if name else {"layer": layer, "attribute": key}
    return report.metric(name or "config.attribute", value, "setting", Stage.BUILD, scope, field=key)
