"""Performance, timing and memory traffic of a build."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.workspace import Workspace, write_json
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.result import BuildResult
from brainsmith_finn_legacy import AdvancedPerformanceMetrics
from brainsmith_finn_legacy.analysis import TimingClosure
from brainsmith_finn_legacy.analysis.build_figures import read_build
from brainsmith_finn_legacy.analysis.timing_closure import ClockTiming

from .conftest import COUNTS, LAYERS, PERFORMANCE, encode_model

WINDOW = {"IFMChannels": 4, "ConvKernelDim": [3, 3], "IFMDim": [8, 8], "OFMDim": [6, 6], "Stride": [1, 1]}
P1 = "top_i/StreamingDataflowPartition_1/inst/StreamingDataflowPartition_1_"
UNITS = {"ns": "ns", "mhz": "MHz", "endpoints": "count", "levels": "levels", "met": "bool"}


@pytest.fixture
def performance(plugins: PluginManager) -> AdvancedPerformanceMetrics:
    return AdvancedPerformanceMetrics(plugins)


def timing(name: str, value: Any, stage: Stage = Stage.ROUTE, **scope: str) -> Metric:
    unit = UNITS.get(name.rpartition("_")[2].rpartition(".")[2], "string")
    source = MetricSource(file="post_route_timing.rpt", sha256="1" * 64, parser="timing")
    return Metric(name=f"timing.{name}", value=value, unit=unit, stage=stage, scope=scope, source=source)


ROUTED = [
    timing("setup.wns_ns", -0.5),
    timing("setup.tns_ns", -3.0),
    timing("setup.failing_endpoints", 8),
    timing("hold.whs_ns", 0.02),
    timing("setup.wns_ns", -0.5, clock="clk"),
    timing("setup.failing_endpoints", 8, clock="clk"),
    timing("period_ns", 10.0, clock="clk"),
    timing("fmax_mhz", 1000 / 10.5, clock="clk"),
    timing("setup.wns_ns", 1.0, clock="slow"),
    timing("fmax_mhz", 50.0, clock="slow"),
    timing("crit.endpoint", f"{P1}MVAU_hls_1/inst/y_reg/D"),
    timing("crit.endpoint", f"{P1}MVAU_hls_1/inst/y_reg/D", clock="clk"),
    timing("crit.startpoint", f"{P1}MVAU_hls_0/inst/x_reg/C", clock="clk"),
    timing("crit.slack_ns", -0.5, clock="clk"),
    timing("crit.logic_levels", 7, clock="clk"),
    timing("crit.endpoint", "top_i/smartconnect_0/inst/a", clock="slow"),
    timing("crit.slack_ns", 1.0, clock="slow"),
    timing("crit_hold.endpoint", f"{P1}MVAU_hls_0/inst/z_reg/D", clock="clk"),
    timing("crit_hold.slack_ns", 0.02, clock="clk"),
]


def test_a_finn_output_folder_gives_performance_with_stage_and_source(
    performance: AdvancedPerformanceMetrics, finn_output: Callable[..., Path]
) -> None:
    found = performance.collect_comprehensive_metrics(finn_output())
    (throughput,) = found.throughput
    assert throughput.number == pytest.approx(1e8 / 48)
    assert throughput.stage is Stage.ESTIMATE
    assert throughput.source.file == "report/estimate_network_performance.json"
    assert {each.name: each.value for each in found.latency} == {
        "perf.latency_us": pytest.approx(0.92),
        "perf.critical_path_cycles": 92,
    }
    assert [each.value for each in found.clock] == [pytest.approx(100)]
    assert [each.value for each in found.pace] == [48, "MVAU_hls_0"]
    efficiency = {each.name: each for each in found.efficiency}
    assert efficiency["perf.fps_per_lut"].value == pytest.approx(1e8 / 48 / 747)
    assert efficiency["perf.fps_per_lut"].source.formula == "perf.throughput_fps at estimate / util.lut at estimate"
    # 96 + 32 operations by 2 + 1 multipliers in 48 cycles
    assert efficiency["perf.mac_utilisation"].value == pytest.approx(128 / (3 * 48))
    assert found.missing == ("perf.fps_per_dsp", "perf.fps_per_w", "energy.per_frame_mj")
    assert found.summary.throughput == throughput.value
    json.dumps(found.to_dict())


def test_reports_that_contradict_each_other_give_no_utilisation(
    performance: AdvancedPerformanceMetrics, finn_output: Callable[..., Path]
) -> None:
    counts = {**COUNTS, "MVAU_hls_0": {"op_mac_2bx2b": 960}}
    found = performance.collect_comprehensive_metrics(finn_output(op_and_param_counts=counts))
    assert "perf.mac_utilisation" in found.missing


def test_a_simulated_batch_of_one_frame_is_not_the_pace(
    performance: AdvancedPerformanceMetrics, finn_output: Callable[..., Path]
) -> None:
    simulated = {"cycles": 200, "N": 1, "latency_cycles": 200, "fclk[mhz]": 100.0, "throughput[images/s]": 500000.0}
    found = performance.collect_comprehensive_metrics(finn_output(rtlsim_performance=simulated))
    assert [each.stage for each in found.throughput] == [Stage.RTLSIM, Stage.ESTIMATE]
    per_lut = next(each for each in found.efficiency if each.name == "perf.fps_per_lut")
    assert per_lut.value == pytest.approx(1e8 / 48 / 747)


def test_what_no_report_has_is_named_and_never_zero(performance: AdvancedPerformanceMetrics) -> None:
    figure = Metric(name="build.steps", value=3, unit="count", stage=Stage.BUILD)
    found = performance.collect_comprehensive_metrics([figure])
    assert found.throughput == found.latency == found.clock == found.pace == found.efficiency == ()
    assert found.missing[:5] == ("throughput", "latency", "clock", "pace", "efficiency")
    assert found.summary.throughput is None


def test_simulated_figures_stay_marked(performance: AdvancedPerformanceMetrics) -> None:
    status = MetricStatus.SIMULATED
    figures = [
        Metric(name="perf.throughput_fps", value=10.0, unit="frames/s", stage=Stage.ESTIMATE, status=status),
        Metric(name="util.lut", value=5, unit="count", stage=Stage.ESTIMATE, status=status),
    ]
    found = performance.collect_comprehensive_metrics(figures)
    assert found.simulated
    assert [each.status for each in found.efficiency] == [status]
    assert performance.analyze_timing_closure(figures).simulated


# --- where a build may be read from


def test_a_builds_folder_is_read_by_its_metrics_and_final_model(plugins: PluginManager, tmp_path: Path) -> None:
    figure = Metric(name="perf.cycles", value=12, unit="cycles", stage=Stage.ESTIMATE, scope={"layer": "MVAU_hls_0"})
    write_json(Workspace(tmp_path).metrics, {"metrics": [figure.to_dict()], "files": []})
    (tmp_path / "final_model.onnx").write_bytes(encode_model({"MVAU_hls_0": LAYERS["MVAU_hls_0"]}))
    result = BuildResult(config_id="one", output_dir=str(tmp_path))
    build = read_build(result, plugins)
    assert ([*build.metrics], build.model, build.clock_ns) == ([figure], "final_model.onnx", None)
    assert read_build(build) is build


@pytest.mark.parametrize("content", [b"\x00garbage", encode_model({"Other_hls_0": {"PE": 1}})])
def test_a_model_of_something_else_is_not_used(
    plugins: PluginManager, finn_output: Callable[..., Path], content: bytes
) -> None:
    folder = finn_output()
    (folder / "final_model.onnx").write_bytes(content)
    assert read_build(folder, plugins).model == "intermediate_models/step_generate_estimate_reports.onnx"
    (folder / "intermediate_models" / "step_generate_estimate_reports.onnx").unlink()
    assert read_build(folder, plugins).nodes == ()


def test_a_single_report_is_a_build(plugins: PluginManager, finn_output: Callable[..., Path]) -> None:
    build = read_build(finn_output() / "report" / "estimate_layer_cycles.json", plugins)
    assert {each.name for each in build.metrics} == {"perf.cycles"}
    assert build.metrics[0].source.file == "estimate_layer_cycles.json"


def test_what_is_no_build_is_refused(plugins: PluginManager, tmp_path: Path) -> None:
    with pytest.raises(MissingRequirementError, match="doesn't exist"):
        read_build(tmp_path / "nothing", plugins)
    with pytest.raises(MissingRequirementError, match="no figure that can be read"):
        read_build(tmp_path, plugins)
    with pytest.raises(ConfigurationError, match="names no folder"):
        read_build(BuildResult(config_id="one"), plugins)
    for wrong in (7, [], ["text"]):
        with pytest.raises(ConfigurationError, match="can't be read from"):
            read_build(wrong, plugins)  # type: ignore[arg-type] # what a caller without a type checker may give


# --- timing


def analyse(metrics: list[Metric]) -> TimingClosure:
    cycles = [
        Metric(name="perf.cycles", value=1, unit="cycles", stage=Stage.ESTIMATE, scope={"layer": layer})
        for layer in ("MVAU_hls_0", "MVAU_hls_1")
    ]
    return AdvancedPerformanceMetrics().analyze_timing_closure([*cycles, *metrics])


def test_worst_paths_are_mapped_to_layers() -> None:
    found = analyse(ROUTED)
    assert (found.stage, found.met) == ("route", False)
    assert found.achievable_mhz == pytest.approx(1000 / 10.5)
    assert (found.whole.wns_ns, found.whole.tns_ns, found.whole.setup_failing) == (-0.5, -3.0, 8)
    assert [each.clock for each in found.clocks] == ["clk", "slow"]
    paths = [(each.kind, each.scope, each.start_layer, each.end_layer, each.layer) for each in found.paths]
    assert paths == [
        ("setup", {"clock": "clk"}, "MVAU_hls_0", "MVAU_hls_1", "MVAU_hls_1"),
        ("hold", {"clock": "clk"}, "", "MVAU_hls_0", "MVAU_hls_0"),
        ("setup", {"clock": "slow"}, "", "", ""),
    ]
    assert found.paths[0].logic_levels == 7
    assert found.layers == {"MVAU_hls_0": -0.5, "MVAU_hls_1": -0.5}
    (layer,) = found.metrics
    assert (layer.name, layer.value, layer.scope) == ("timing.crit.layer", "MVAU_hls_1", {"clock": "clk"})
    assert layer.source.file == "post_route_timing.rpt"
    json.dumps(found.to_dict())


def test_a_slack_of_exactly_0_is_met_and_has_an_fmax() -> None:
    found = analyse([timing("setup.wns_ns", 0.0), timing("fmax_mhz", 100.0), timing("met", True)])
    assert (found.met, found.achievable_mhz, found.whole.wns_ns) == (True, 100.0, 0.0)


def test_timing_is_met_only_where_the_report_says_so() -> None:
    assert analyse([timing("setup.wns_ns", 0.1)]).met is None
    assert analyse([timing("setup.wns_ns", 0.1), timing("hold.whs_ns", -0.1)]).met is False
    early = [timing("setup.wns_ns", 0.1, Stage.SYNTH), timing("hold.whs_ns", -0.1, Stage.SYNTH)]
    assert analyse(early).met is None  # the router mends hold slacks


def test_the_routed_design_comes_before_earlier_stages() -> None:
    found = analyse([timing("setup.wns_ns", -1.0, Stage.SYNTH), timing("setup.wns_ns", 0.5)])
    assert (found.stage, found.whole.wns_ns) == ("route", 0.5)


def test_without_timing_reports_there_is_no_timing() -> None:
    found = analyse([])
    assert (found.stage, found.met, found.achievable_mhz, found.clocks, found.paths) == ("", None, None, (), ())
    assert found.whole == ClockTiming()


# --- memory


def test_streams_have_widths_and_traffic(
    performance: AdvancedPerformanceMetrics, finn_output: Callable[..., Path]
) -> None:
    found = performance.profile_memory_bandwidth(finn_output())
    fps = 1e8 / 48
    thresholds, first, second = found.layers
    assert first.input is not None
    assert first.output is not None
    assert first.weights is not None
    # two inputs of two bits in a cycle, six words; eight outputs of two bits; 2 x 1 weights of two bits in every cycle
    assert (first.input.bits_per_cycle, first.input.bits_per_frame) == (4, 24)
    assert (first.output.bits_per_cycle, first.output.bits_per_frame) == (2, 16)
    assert (first.weights.bits_per_cycle, first.weights.bits_per_frame) == (4, 192)
    assert first.weights.mbps == pytest.approx(192 * fps / 8e6)
    assert (first.weight_bits, first.external) == (192, False)
    assert (second.weight_memory, second.external, second.weight_bits) == ("external", True, 64)
    assert thresholds.weights is None
    assert thresholds.weight_bits == 0
    assert found.external_in_mbps == pytest.approx(12 * 8 * fps / 8e6)
    assert found.external_out_mbps == pytest.approx(4 * 8 * fps / 8e6)
    assert found.external_weight_mbps == pytest.approx(32 * 2 * fps / 8e6)
    assert found.weight_bits_per_cycle == 4 + 2
    assert found.missing == ()
    json.dumps(found.to_dict())


def test_without_a_model_widths_are_missing(
    performance: AdvancedPerformanceMetrics, finn_output: Callable[..., Path]
) -> None:
    performance_of_simulation = {"DRAM_in_bandwidth[MB/s]": 12.5, "N": 10, "cycles": 500, "latency_cycles": 90}
    folder = finn_output(model=False, rtlsim_performance=performance_of_simulation)
    found = performance.profile_memory_bandwidth(folder)
    assert found.missing == tuple(LAYERS)
    assert (found.external_in_mbps, found.external_weight_mbps, found.weight_bits_per_cycle) == (None, None, None)
    assert [(each.name, each.value) for each in found.measured] == [("perf.dram_in_mbps", 12.5)]


@pytest.mark.parametrize(
    ("name", "attributes", "widths", "frame"),
    [
        (
            "VVAU_hls_0",
            {"Channels": 4, "Kernel": [3, 3], "Dim": [6, 6], "PE": 2, "SIMD": 3},
            (12, 16, 12),
            (2592, 1152),
        ),
        ("Pool_hls_0", {"Channels": 4, "KernelSize": [2, 2], "OutImgDims": [3, 3], "PE": 2}, (4, 16, None), (288, 288)),
        ("LabelSelect_hls_0", {"Labels": 10, "PE": 2, "K": 1}, (4, 8, None), (20, 8)),
        ("Reshape_rtl_0", {"out_shape": [1, 12], "PE": 3, "dtype": "INT4"}, (12, 12, None), (48, 48)),
        (
            "ElementwiseAdd_hls_0",
            {"lhs_shape": [1, 12], "out_shape": [1, 12], "PE": 3, "lhs_dtype": "INT4", "out_dtype": "INT8"},
            (12, 24, None),
            (48, 96),
        ),
        (
            "FMPadding_rtl_0",
            {"ImgDim": [6, 6], "Padding": [1, 1, 1, 1], "NumChannels": 4, "SIMD": 2, "numInputVectors": 1},
            (4, 4, None),
            (288, 512),
        ),
        (
            "ConvolutionInputGenerator_rtl_0",
            {**WINDOW, "SIMD": 4, "parallel_window": 1},
            (8, 288, None),
            (512, 10368),
        ),
        ("Odd_hls_0", {"PE": 1}, (None, None, None), ()),
    ],
)
def test_every_operators_streams_are_those_of_finn(
    performance: AdvancedPerformanceMetrics,
    finn_output: Callable[..., Path],
    name: str,
    attributes: dict[str, Any],
    widths: tuple[int | None, ...],
    frame: tuple[int, ...],
) -> None:
    types = {"inputDataType": "INT2", "outputDataType": "INT8", "weightDataType": "INT2"}
    types |= {"InputDataType": "INT2", "OutputDataType": "INT8"}
    folder = finn_output(layers={name: {**types, **attributes}}, estimate_layer_cycles={name: 10})
    found = performance.profile_memory_bandwidth(folder)
    streams = (found.layers[0].input, found.layers[0].output, found.layers[0].weights)
    assert tuple(each.bits_per_cycle if each else None for each in streams) == widths
    assert tuple(each.bits_per_frame for each in streams[:2] if each) == frame
    assert (found.missing == (name,)) is (name == "Odd_hls_0")


def test_the_clock_is_that_of_the_estimate(plugins: PluginManager, finn_output: Callable[..., Path]) -> None:
    slower = {**PERFORMANCE, "estimated_latency_ns": 1840.0}
    assert read_build(finn_output(estimate_network_performance=slower), plugins).clock_ns == pytest.approx(20)
