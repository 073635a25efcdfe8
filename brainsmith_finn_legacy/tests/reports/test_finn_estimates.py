"""FINN's estimates: layers, network, operations and parameters, settings, FIFOs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from brainsmith_core.metric import MetricStatus
from brainsmith_core.metrics.collector import Collected

Read = Callable[[str, Any], Collected]
Row = tuple[str, Any, str, str, dict[str, str]]


def rows(found: Collected) -> list[Row]:
    (file,) = found.files
    assert (file.status, file.message) == ("parsed", "")
    return [(m.name, m.value, m.unit, m.stage.value, m.scope) for m in found.metrics]


def test_cycles_of_layers(read: Read) -> None:
    assert rows(read("estimate_layer_cycles.json", {"MVAU_hls_0": 60, "MVAU_hls_1": 0})) == [
        ("perf.cycles", 60, "cycles", "estimate", {"layer": "MVAU_hls_0"}),
        ("perf.cycles", 0, "cycles", "estimate", {"layer": "MVAU_hls_1"}),
    ]


@pytest.mark.parametrize("name", ["007_x__estimate_layer_cycles.json", "estimate_layer_cycles 1.json"])
def test_names_may_have_something_in_front_and_behind(name: str, read: Read) -> None:
    (metric,) = read(name, {"MVAU_hls_0": 60}).metrics
    assert metric.scope == {"layer": "MVAU_hls_0"}


def test_reports_of_loop_bodies_are_not_about_the_whole(read: Read) -> None:
    (metric,) = read("estimate_layer_cycles_FINNLoop_0.json", {"MVAU_rtl_0": 60}).metrics
    assert metric.scope == {"loop": "FINNLoop_0", "layer": "MVAU_rtl_0"}
    values = {"total": {"LUT": 5.0}}
    (metric,) = read("estimate_layer_resources_FINNLoop_0.json", values).metrics
    assert metric.scope == {"loop": "FINNLoop_0"}
    performance = {"max_cycles": 5, "max_cycles_node_name": "a"}
    found = read("estimate_network_performance_FINNLoop_0.json", performance)
    assert {tuple(metric.scope) for metric in found.metrics} == {("loop",)}


def test_resources_of_layers_and_their_sum(read: Read) -> None:
    layer = {"BRAM_18K": 36, "BRAM_efficiency": 0.25, "LUT": 67.5, "URAM": 0, "URAM_efficiency": 1, "DSP": 2}
    total = {"BRAM_18K": 36.0, "LUT": 67.5, "URAM": 0.0, "DSP": 2.0}
    scope = {"layer": "MVAU_hls_0"}
    assert rows(read("estimate_layer_resources.json", {"MVAU_hls_0": layer, "total": total})) == [
        ("util.bram_18k", 36, "18 Kb", "estimate", scope),
        ("util.bram_efficiency", 0.25, "fraction", "estimate", scope),
        ("util.lut", 67.5, "count", "estimate", scope),
        ("util.uram", 0, "count", "estimate", scope),
        ("util.uram_efficiency", 1, "fraction", "estimate", scope),
        ("util.dsp", 2, "count", "estimate", scope),
        ("util.bram_18k", 36.0, "18 Kb", "estimate", {}),
        ("util.lut", 67.5, "count", "estimate", {}),
        ("util.uram", 0.0, "count", "estimate", {}),
        ("util.dsp", 2.0, "count", "estimate", {}),
    ]


def test_empirical_estimates_are_kept_apart(read: Read) -> None:
    found = read("estimate_layer_resources_empirical.json", {"MVAU_rtl_0": {"LUT": 12}, "total": {"LUT": 12}})
    assert [metric.scope for metric in found.metrics] == [
        {"layer": "MVAU_rtl_0", "method": "empirical"},
        {"method": "empirical"},
    ]


def test_power_of_a_layer_without_a_model_is_missing(read: Read) -> None:
    found = read("estimate_power_empirical.json", {"MVAU_rtl_0": {"power": 1.5}, "FIFO_0": {"power": 0.0}})
    assert [(metric.value, metric.status.value) for metric in found.metrics] == [(1.5, "measured"), (None, "missing")]


def test_alternatives_are_numbered_records(read: Read) -> None:
    options = [{"LUT": 1, "DSP": 4}, {"LUT": 9, "DSP": 0}]
    assert rows(read("estimate_layer_config_alternatives.json", {"MVAU_hls_0": options})) == [
        ("util.alternatives", options[0], "record", "estimate", {"layer": "MVAU_hls_0", "option": "0"}),
        ("util.alternatives", options[1], "record", "estimate", {"layer": "MVAU_hls_0", "option": "1"}),
    ]


def test_performance_of_the_network(read: Read) -> None:
    content = {
        "critical_path_cycles": 252,
        "max_cycles": 64,
        "max_cycles_node_name": "MVAU_hls_1",
        "estimated_throughput_fps": 1562500.0,
        "estimated_latency_ns": 2520.0,
    }
    assert rows(read("estimate_network_performance.json", content)) == [
        ("perf.max_cycles_node", "MVAU_hls_1", "string", "estimate", {}),
        ("perf.critical_path_cycles", 252, "cycles", "estimate", {}),
        ("perf.max_cycles", 64, "cycles", "estimate", {}),
        ("perf.throughput_fps", 1562500.0, "frames/s", "estimate", {}),
        ("perf.latency_ns", 2520.0, "ns", "estimate", {}),
    ]


def test_operations_and_parameters_by_width(read: Read) -> None:
    layer = {
        "op_mac_1bx2b": 38400,
        "param_weight_2b": 38400,
        "param_threshold_9b": 64,
        "op_add_8b": 3,
        "param_bias_4b": 5,
    }
    scope = {"layer": "MVAU_hls_0"}
    assert rows(read("op_and_param_counts.json", {"MVAU_hls_0": layer, "total": {"param_weight_2b": 38400.0}})) == [
        ("model.ops.mac", 38400, "ops/frame", "model", {**scope, "bits": "1x2"}),
        ("model.params.weight", 38400, "params", "model", {**scope, "bits": "2"}),
        ("model.params.threshold", 64, "params", "model", {**scope, "bits": "9"}),
        ("model.ops.other", 3, "ops/frame", "model", {**scope, "kind": "add", "bits": "8"}),
        ("model.params.other", 5, "params", "model", {**scope, "kind": "bias", "bits": "4"}),
        ("model.params.weight", 38400.0, "params", "model", {"bits": "2"}),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "auto_folding_config.json",
        "applied_folding_config.json",
        "final_hw_config.json",
        "folding_config_before_lfs.json",
    ],
)
def test_settings_of_layers(name: str, read: Read) -> None:
    content = {
        "Defaults": {},
        "MVAU_hls_0": {"PE": 16, "SIMD": 40, "ram_style": "auto", "resType": "lut", "mem_mode": "internal_decoupled"},
        "StreamingFIFO_rtl_0": {"depth": 32, "impl_style": "rtl", "inFIFODepths": [0], "odd": True},
    }
    layer, fifo = {"layer": "MVAU_hls_0"}, {"layer": "StreamingFIFO_rtl_0"}
    assert rows(read(name, content)) == [
        ("config.pe", 16, "setting", "build", layer),
        ("config.simd", 40, "setting", "build", layer),
        ("config.ram_style", "auto", "setting", "build", layer),
        ("config.res_type", "lut", "setting", "build", layer),
        ("config.mem_mode", "internal_decoupled", "setting", "build", layer),
        ("config.fifo_depth", 32, "setting", "build", fifo),
        ("config.impl_style", "rtl", "setting", "build", fifo),
        ("config.in_fifo_depths", [0], "setting", "build", fifo),
        ("config.attribute", True, "setting", "build", {**fifo, "attribute": "odd"}),
    ]


def test_an_empty_setting_is_a_value(read: Read) -> None:
    assert rows(read("template_specialize_layers_config.json", {"MVAU_0": {"preferred_impl_style": ""}})) == [
        ("config.preferred_impl_style", "", "setting", "build", {"layer": "MVAU_0"})
    ]


def test_fifo_sizes_in_kilobytes(read: Read) -> None:
    content = {"fifo_depths": {"F_0": 32}, "fifo_sizes": {"F_0": 256}, "total_fifo_size_kB": 0}
    assert rows(read("fifo_sizing.json", content)) == [
        ("fifo.depth", 32, "words", "fifo", {"fifo": "F_0"}),
        ("fifo.size_bits", 256, "bit", "fifo", {"fifo": "F_0"}),
        ("fifo.total_kbytes", 0, "kB", "fifo", {}),
    ]


def test_fifo_sizes_in_kibibytes_with_implementation(read: Read) -> None:
    content = {
        "fifo_depths": {"F_0": 33},
        "fifo_sizes": {"F_0": 264},
        "fifo_sizes_effective": {"F_0": 512},
        "impl_style": {"F_0": "rtl"},
        "ram_style": {"F_0": "auto"},
        "total_fifo_size_kiB": 2.0,
        "total_fifo_size_effective_kiB": 4.0,
    }
    assert rows(read("fifo_sizing.json", content)) == [
        ("fifo.depth", 33, "words", "fifo", {"fifo": "F_0"}),
        ("fifo.size_bits", 264, "bit", "fifo", {"fifo": "F_0"}),
        ("fifo.effective_size_bits", 512, "bit", "fifo", {"fifo": "F_0"}),
        ("config.impl_style", "rtl", "setting", "build", {"layer": "F_0"}),
        ("config.ram_style", "auto", "setting", "build", {"layer": "F_0"}),
        ("fifo.total_kib", 2.0, "KiB", "fifo", {}),
        ("fifo.total_effective_kib", 4.0, "KiB", "fifo", {}),
        ("fifo.total_kbytes", 2.048, "kB", "fifo", {}),
    ]


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("estimate_layer_resources.json", {"a": {"LUT": 1, "FF": 2}}, 'unknown field "FF" of a'),
        ("estimate_network_performance.json", {"max_cycles": 1, "new": 2}, 'unknown field "new"'),
        ("op_and_param_counts.json", {"a": {"op_mac": 1}}, 'unknown field "op_mac" of a'),
        ("fifo_sizing.json", {"new": 1}, 'unknown field "new"'),
    ],
)
def test_fields_that_nobody_knows_are_noted(name: str, content: Any, note: str, read: Read) -> None:
    (file,) = read(name, content).files
    assert (file.status, file.message) == ("parsed", note)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("estimate_layer_cycles.json", "[1, 2]"),
        ("estimate_layer_cycles.json", '{"a": 1'),
        ("estimate_layer_resources.json", {"a": 5}),
        ("estimate_layer_resources.json", {"total": []}),
        ("estimate_layer_resources_hls.json", {"a": None}),
        ("estimate_layer_config_alternatives.json", {"a": {"LUT": 1}}),
        ("estimate_layer_config_alternatives.json", {"a": [1]}),
        ("op_and_param_counts.json", {"a": 1}),
        ("auto_folding_config.json", {"a": 1}),
        ("fifo_sizing.json", {"fifo_depths": 3}),
        ("fifo_sizing.json", {"impl_style": 3}),
        ("estimate_network_performance.json", b"\x1f\x8b\x08"),
        ("estimate_network_performance.json", ""),
    ],
)
def test_another_shape_is_unparsable_and_gives_nothing(name: str, content: Any, read: Read) -> None:
    found = read(name, content)
    assert found.files[0].status == "unparsable"
    assert found.files[0].message
    assert found.metrics == []


def test_a_figure_that_is_no_number_is_unparsable_and_the_others_stand(read: Read) -> None:
    found = read("estimate_layer_cycles.json", '{"a": 1, "b": "many", "c": NaN, "d": null, "e": -3}')
    assert [metric.value for metric in found.metrics] == [1, None, None, None, None]
    assert [metric.status for metric in found.metrics[1:]] == [
        *[MetricStatus.UNPARSABLE] * 2,
        MetricStatus.MISSING,
        MetricStatus.UNPARSABLE,
    ]
    assert found.files[0].message.splitlines() == [
        "b.b: 'many' can't be read",
        "c.c: nan can't be read",
        "e.e: -3 can't be read",
    ]
