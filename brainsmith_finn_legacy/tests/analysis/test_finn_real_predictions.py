"""Formulas and predictions against FINN itself."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_finn_legacy import AdvancedPerformanceMetrics, ResourceUtilizationTracker
from brainsmith_finn_legacy.analysis import ResourceUsage
from brainsmith_finn_legacy.analysis.cycle_formulas import formula_of, operator_of
from brainsmith_finn_legacy.analysis.layers import layers_of
from brainsmith_finn_legacy.analysis.stream_formulas import ports_of, stream_of
from brainsmith_finn_legacy.environments import FINNEnvironment

pytestmark = pytest.mark.finn

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
RUN_FINN = HERE.parent / "builds" / "by_hand" / "run_finn.py"
SHARED = Path(os.environ.get("BRAINSMITH_SHARED", ROOT.parent / "shared"))

Build = Callable[..., ResourceUsage]


def model(name: str) -> Path:
    """Return a model that is there."""
    path = ROOT / "examples" / "digits" / "model.onnx" if name == "digits" else SHARED / "models" / f"{name}.onnx"
    if not path.is_file():
        pytest.skip(f"the model isn't here: {path}")
    return path


@pytest.fixture
def build(finn_environment: FINNEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Build a point with FINN, up to its estimates."""
    monkeypatch.setenv("BRAINSMITH_FINN", finn_environment.name)

    def run(name: str, point: str, **flags: Any) -> ResourceUsage:
        flags = {"board": "ZCU104", "target_clock_ns": 10.0, **flags}
        config = BuildConfig(
            id=point, model_path=str(model(name)), output_dir=str(tmp_path / point), config_flags=flags
        )
        result = create_build_runner_factory("legacy_finn")().run(config)
        assert result.succeeded, result.error_message
        return ResourceUtilizationTracker().track_resource_usage(result)

    return run


def check(target: dict[str, Any], base: ResourceUsage, real: ResourceUsage) -> None:
    """Check that a prediction made from one build holds for another."""
    found = ResourceUtilizationTracker().predict_scaling_behavior(base, target)
    built = layers_of(real.build)
    assert [each.layer for each in found.layers] == [*built]
    for each in found.layers:
        layer = built[each.layer]
        assert (each.layer, each.folding, each.cycles) == (each.layer, layer.folding, layer.cycles)
        for name, estimate in each.resources.items():
            assert estimate.high is not None
            assert estimate.low <= layer.resources[name] <= estimate.high, (each.layer, name)
    assert found.error == 0
    throughput = real.build.find("perf.throughput_fps")
    latency = real.build.find("perf.latency_ns")
    assert throughput is not None
    assert latency is not None
    assert found.throughput_fps == pytest.approx(throughput.number)
    assert found.latency_ns == pytest.approx(latency.number)


@pytest.mark.parametrize("name", ["digits", "TFC_2W2A", "TFC_1W1A", "qkeras_jettagging"])
def test_predictions_for_a_throughput_hold_for_real_builds(build: Build, name: str) -> None:
    base = build(name, "base", target_fps=1)
    for fps in (300_000, 1_000_000_000):  # more in benchmarks/bench_scaling.py
        check({"target_fps": float(fps)}, base, build(name, f"at{fps}", target_fps=fps))


def test_predictions_for_a_clock_and_wider_weights_hold_for_a_real_build(build: Build) -> None:
    base = build("TFC_2W2A", "base", target_fps=100_000)
    flags = {"target_fps": 2_000_000, "target_clock_ns": 4.0, "mvau_wwidth_max": 10_000}
    target = {"target_fps": 2_000_000.0, "clock_ns": 4.0, "mvau_wwidth_max": 10_000}
    check(target, base, build("TFC_2W2A", "fast", **flags))


def test_predictions_for_a_folding_hold_for_a_real_build(build: Build, tmp_path: Path) -> None:
    folding = {
        "MVAU_hls_0": {"PE": 8, "SIMD": 14},
        "MVAU_hls_2": {"PE": 4, "SIMD": 32},
        "Thresholding_rtl_0": {"PE": 7},
    }
    (tmp_path / "folding.json").write_text(json.dumps({"Defaults": {}, **folding}))
    real = build("TFC_2W2A", "folded", folding_config_file=str(tmp_path / "folding.json"))
    check({"folding": folding}, build("TFC_2W2A", "base", target_fps=1), real)


def test_a_real_builds_streams_and_efficiency_are_known(build: Build) -> None:
    usage = build("TFC_2W2A", "base", target_fps=30_000)
    traffic = AdvancedPerformanceMetrics().profile_memory_bandwidth(usage.build)
    assert traffic.missing == ()
    assert traffic.external_in_mbps == pytest.approx(784 * 4 * 1e8 / 3136 / 1e6)
    found = ResourceUtilizationTracker().analyze_resource_efficiency(usage)
    assert found.bottlenecks == ("MVAU_hls_0",)
    assert found.utilisation == pytest.approx(59008 / ((16 + 2 + 2 + 1) * 3136))


def windows() -> list[dict[str, Any]]:
    """Sliding windows of all kinds."""
    found = []
    for depthwise, kernel, stride, dilation, simd, parallel in itertools.product(
        (0, 1), (1, 2, 3), (1, 2), (1, 2), (2, 4), (0, 1)
    ):
        if parallel and not depthwise and simd < 4:
            continue  # FINN allows that for all channels only
        out = (12 - (kernel - 1) * dilation - 1) // stride + 1
        shape = {"IFMChannels": 4, "SIMD": simd, "depthwise": depthwise, "parallel_window": parallel}
        types = {"inputDataType": "INT4", "outputDataType": "INT4"}
        square = {"ConvKernelDim": [kernel] * 2, "IFMDim": [12] * 2, "OFMDim": [out] * 2}
        square |= {"Stride": [stride] * 2, "Dilation": [dilation] * 2}
        row = {"ConvKernelDim": [1, kernel], "IFMDim": [1, 12], "OFMDim": [1, out]}
        row |= {"Stride": [1, stride], "Dilation": [1, dilation]}
        column = {key: value[::-1] for key, value in row.items()}
        found += [{**shape, **types, **dims} for dims in (square, row, column)]
    return found


def layers() -> list[tuple[str, dict[str, Any]]]:
    """Layers of each operator that has a formula here."""
    types = {"inputDataType": "INT4", "outputDataType": "INT8"}
    weights = {**types, "weightDataType": "INT2", "mem_mode": "internal_decoupled"}
    pool = {"Function": "MaxPool", "InputDataType": "INT4", "OutputDataType": "INT4", "BatchSize": 2}
    shaped = {"lhs_shape": [1, 5, 12], "rhs_shape": [1], "out_shape": [1, 5, 12], "lhs_style": "input"}
    shaped |= {"rhs_style": "const", "lhs_dtype": "INT4", "rhs_dtype": "INT4", "out_dtype": "INT9"}
    thresholds = {**types, "NumChannels": 12, "numSteps": 7, "weightDataType": "INT4", "numInputVectors": [1, 3, 3]}
    return [
        *(("ConvolutionInputGenerator_rtl", each) for each in windows()),
        *(
            ("MVAU_hls", {**weights, "MW": 12, "MH": 6, "SIMD": 4, "PE": pe, "numInputVectors": [1, 5, 5]})
            for pe in (1, 3)
        ),
        ("MVAU_rtl", {**weights, "MW": 12, "MH": 6, "SIMD": 6, "PE": 2, "resType": "dsp"}),
        *(
            ("VVAU_hls", {**weights, "Channels": 8, "Kernel": [3, 2], "Dim": [5, 4], "PE": pe, "SIMD": simd})
            for pe, simd in ((2, 1), (8, 3))
        ),
        ("Pool_hls", {**pool, "Channels": 8, "KernelSize": [2, 3], "OutImgDims": [5, 4], "PE": 4}),
        *((f"Thresholding_{kind}", {**thresholds, "PE": 4}) for kind in ("hls", "rtl")),
        (
            "DuplicateStreams_hls",
            {**types, "NumChannels": 12, "PE": 3, "NumOutputStreams": 2, "numInputVectors": [1, 9]},
        ),
        ("GlobalAccPool_hls", {**types, "NumChannels": 12, "PE": 3, "numInputVectors": [1, 4, 4]}),
        ("LabelSelect_hls", {**types, "Labels": 10, "PE": 5, "K": 1}),
        ("Reshape_rtl", {"inp_shape": [1, 6, 4], "out_shape": [1, 24], "dtype": "INT4", "PE": 2}),
        ("FMPadding_rtl", {**types, "ImgDim": [6, 5], "Padding": [1, 2, 0, 1], "NumChannels": 8, "SIMD": 4}),
        ("ElementwiseAdd_hls", {**shaped, "PE": 4}),
    ]


def plain(attributes: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in attributes.items()}


def test_cycles_and_widths_of_every_operator_are_finns_own(finn_environment: FINNEnvironment, tmp_path: Path) -> None:
    asked = layers()
    path = tmp_path / "layers.json"
    path.write_text(json.dumps([{"op_type": op_type, "attributes": each} for op_type, each in asked]))
    command = [str(finn_environment.python), str(HERE / "by_hand" / "finn_cycles.py"), str(RUN_FINN), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True, timeout=120)
    answers = json.loads(done.stdout.splitlines()[-1])
    assert len(answers) == len(asked) > 100
    for (op_type, attributes), answer in zip(asked, answers, strict=True):
        formula = formula_of(op_type)
        assert formula is not None
        assert formula.compute(plain(attributes)) == answer["cycles"], (op_type, attributes)
        ports = ports_of(operator_of(op_type))
        if ports is not None:
            widths = [stream_of(port, plain(attributes), None) for port in ports[:2]]
            found = [width.bits_per_cycle for width in widths if width]
            assert found == [answer["input"], answer["output"]], (op_type, attributes)
