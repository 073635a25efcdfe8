"""Whatever a report holds, its parser gives sound figures, says what is wrong, or refuses; it never breaks."""

from __future__ import annotations

import copy
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.metric import Metric, MetricStatus
from brainsmith_core.metrics.collector import Collected, MetricsCollector

LAYER = {"BRAM_18K": 36, "BRAM_efficiency": 0.25, "LUT": 67, "URAM": 0, "URAM_efficiency": 1, "DSP": 2}

#: One small report of each family.
SAMPLES: dict[str, Any] = {
    "estimate_layer_cycles.json": {"MVAU_hls_0": 60, "MVAU_hls_1": 64},
    "estimate_layer_resources.json": {"a": LAYER, "total": {"LUT": 67.0}},
    "estimate_layer_config_alternatives.json": {"a": [LAYER, LAYER]},
    "estimate_layer_resources_hls.json": {"a": {"BRAM_18K": "4", "FF": "20", "LUT": "17", "DSP48E": 0, "DSP": "3"}},
    "estimate_power_empirical.json": {"a": {"power": 1.5}},
    "estimate_network_performance.json": {"max_cycles": 64, "max_cycles_node_name": "a", "estimated_latency_ns": 25.5},
    "op_and_param_counts.json": {"a": {"op_mac_1bx2b": 38400, "param_weight_2b": 38400}},
    "auto_folding_config.json": {"Defaults": {}, "a": {"PE": 16, "ram_style": "auto"}},
    "fifo_sizing.json": {"fifo_depths": {"f": 2}, "impl_style": {"f": "rtl"}, "total_fifo_size_kiB": 2.0},
    "rtlsim_performance.json": {"N": 10, "cycles": 1100, "latency_cycles": 200, "fclk[mhz]": 100.0, "TIMEOUT": 0},
    "x_rtlsim_performance.json": [{"name": "o", "samples": 3, "intervals": [9, 9], "throughput_fps": 1.5}],
    "ooc_synth_and_timing.json": {"LUT": 8.0, "WNS": -0.5, "vivado_version": 2022.2, "fmax_mhz": 95.25},
    "x_ooc_synth_and_timing.json": {"LUT": 8, "WNS": 0.5, "clk_period_ns": 10.0, "fmax_mhz": 1000 / 9.5},
    "post_synth_resources.json": {"(top)": {"LUT": 82, "BRAM_36K": 3}, "a": {"LUT": 12}},
    "post_synth_resources_dcp.json": {"0": {"(top)": {"LUT": 82, "BRAM_36K": 3}}},
    "power_estimate_summary.json": {"power_sim_total": 1.5, "power_12.5_0.5_static": 1.25},
    "time_per_step.json": {"step_a": 0.5, "total_build_time": 1},
    "metadata_builder.json": {"status": "ok", "tool_version": "2023.2"},
    "report_throughput_test.json": {"runtime[ms]": 2.0, "DRAM_extw_a_bandwidth[MB/s]": 1.5},
    "report_experiment_instrumentation.json": {"error": False, "interval_cycles": 20, "throughput_fps": 50},
    "report_dma_validate.json": {"top-1_accuracy": 92.5},
}
TEXTS = {
    "build_dataflow.log": "[t]INFO:Running step: step_a [1/2]\nRunning step: step_b [2/2]\nBuild failed\n",
    "nw_metrics.txt": str({"runtime[ms]": 2.0, "fclk[mhz]": 100.0}),
    "post_synth_resources.xml": '<RptDoc designstate="Routed"><tablerow><tableheader contents="Instance"/>'
    '<tableheader contents="Total LUTs"/></tablerow><tablerow><tablecell contents="top"/>'
    '<tablecell contents="7"/></tablerow></RptDoc>',
}


def read(collector: MetricsCollector, name: str, data: bytes) -> Collected:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return collector.collect([path], Path(folder))


def check_sound(found: Collected, collector: MetricsCollector) -> None:
    (file,) = found.files
    assert file.status in ("parsed", "unparsable"), file.message
    assert "refused" not in file.message
    for metric in found.metrics:
        assert metric.is_present == (metric.value is not None)
        assert Metric.from_dict(json.loads(json.dumps(metric.to_dict()))) == metric
        if metric.status is MetricStatus.UNPARSABLE:
            assert file.message
    assert all(metric.is_present for metric in collector.derive(found.metrics))


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A sample with a piece cut out, put in twice, or replaced by bytes."""
    texts = {**TEXTS, **{name: json.dumps(content) for name, content in SAMPLES.items()}}
    name = draw(st.sampled_from(sorted(texts)))
    data = texts[name].encode()
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, len(data)))
    piece = draw(
        st.sampled_from([b"", data[start:end] * 2, b"0", b"-", b"NaN", b"1e999", b'"', b"{", b"null", b"9" * 50])
        | st.binary(max_size=8)
    )
    return name, data[:start] + piece + data[end:]


@given(damaged())
def test_a_damaged_report_breaks_nothing(collector: MetricsCollector, sample: tuple[str, bytes]) -> None:
    check_sound(read(collector, *sample), collector)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every value that is no list or object."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))
    else:
        yield path


def put(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(data)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_another_value_comes_out_as_it_is_or_not_at_all(
    collector: MetricsCollector, name: str, data: st.DataObject
) -> None:
    """A number put in place of another one is the only number that may be new."""
    content = SAMPLES[name]
    path = data.draw(st.sampled_from(sorted(places(content), key=repr)))
    value = data.draw(JSON_VALUES)
    found = read(collector, name, json.dumps(put(content, path, value)).encode())
    check_sound(found, collector)
    before = read(collector, name, json.dumps(content).encode())
    known = {repr(metric.value) for metric in before.metrics}
    new = [metric for metric in found.metrics if metric.is_present and repr(metric.value) not in known]
    for metric in new:
        if metric.source.formula or metric.unit in ("record", "list"):
            continue
        if isinstance(metric.value, bool):
            assert value in (0, 1)
        elif isinstance(metric.value, int | float):
            assert isinstance(value, int | float | str)
            assert not isinstance(value, bool)
            assert math.isclose(float(value), metric.value)
        else:
            assert metric.unit in ("string", "enum", "setting")


@given(st.sampled_from(sorted(SAMPLES)), st.text(max_size=12))
def test_a_renamed_field_is_never_taken_for_another_one(collector: MetricsCollector, name: str, key: str) -> None:
    content = SAMPLES[name]
    if isinstance(content, list):
        return
    first = next(iter(content))
    if key in content:
        return
    renamed = {key if old == first else old: value for old, value in content.items()}
    found = read(collector, name, json.dumps(renamed).encode())
    check_sound(found, collector)
    before = Counts(read(collector, name, json.dumps(content).encode()))
    assert Counts(found).numbers <= before.numbers


class Counts:
    """The numbers that a report gives as such."""

    def __init__(self, found: Collected) -> None:
        self.numbers = {
            repr(m.value) for m in found.metrics if not m.source.formula and isinstance(m.value, int | float)
        }


def calls(function: Callable[[], object]) -> int:
    """Count the function calls that a function makes: a measure of work that is the same on every machine."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def many(name: str, size: int) -> str:
    """Return a report of a family with `size` layers, steps or rows."""
    match name:
        case "build_dataflow.log":
            return "".join(f"Running step: step_{i} [{i + 1}/{size}]\n" for i in range(size))
        case "post_synth_resources.xml":
            rows = "".join(
                f'<tablerow><tablecell contents="  i{i}"/><tablecell contents="{i}"/></tablerow>' for i in range(size)
            )
            return TEXTS[name].replace("</RptDoc>", rows + "</RptDoc>")
        case "estimate_layer_config_alternatives.json":
            return json.dumps({f"l{i}": [LAYER] for i in range(size)})
        case "estimate_layer_resources.json" | "estimate_layer_resources_hls.json":
            return json.dumps({f"l{i}": {"LUT": i + 1, "DSP": 2} for i in range(size)})
        case "rtlsim_performance.json":
            return json.dumps([{"name": f"o{i}", "samples": 3, "latency_cycles": [i]} for i in range(size)])
        case "auto_folding_config.json":
            return json.dumps({f"l{i}": {"PE": i} for i in range(size)})
        case _:
            return json.dumps({f"l{i}": i for i in range(size)})


@pytest.mark.parametrize(
    "name",
    [
        *("build_dataflow.log", "post_synth_resources.xml", "estimate_layer_config_alternatives.json"),
        *("estimate_layer_resources.json", "estimate_layer_resources_hls.json", "rtlsim_performance.json"),
        *("auto_folding_config.json", "estimate_layer_cycles.json", "time_per_step.json"),
    ],
)
def test_the_work_grows_with_the_report_and_not_faster(name: str, collector: MetricsCollector, tmp_path: Path) -> None:
    def work(size: int) -> int:
        path = tmp_path / name
        path.write_text(many(name, size))
        found: list[Collected] = []
        spent = calls(lambda: found.append(collector.collect([path], tmp_path)))
        assert len(found[0].metrics) >= size
        return spent

    work(10)  # what is made once is made now
    small, large = work(200), work(1600)
    assert large < 9 * small
