"""The float digits network is quantised, built with FINN, and keeps its accuracy within the stated loss."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig, ProcessingStep
from brainsmith_core.errors import BrainsmithError
from brainsmith_core.formats.config_file import load_build_config
from brainsmith_core.result import BuildStatus
from brainsmith_finn_legacy.environments import DEFAULT_VERSION, FINNEnvironmentManager

EXAMPLE = Path(__file__).parents[4] / "examples" / "digits_float"

pytestmark = pytest.mark.finn


@pytest.fixture
def finn() -> None:
    """A FINN environment, or the test is skipped."""
    try:
        FINNEnvironmentManager().find(DEFAULT_VERSION)
    except BrainsmithError as error:
        pytest.skip(f"needs a real FINN environment: make finn ({error.message})")


@pytest.mark.usefixtures("finn")
def test_the_example_builds_in_finn_and_keeps_its_accuracy(tmp_path: Path) -> None:
    config = load_build_config(EXAMPLE / "build.yaml", output_dir=tmp_path / "out")
    result = create_build_runner_factory("legacy_finn")().run(config)
    assert result.status is BuildStatus.SUCCESS, result.error_message
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())["metrics"]
    figures = {each["name"]: each["value"] for each in metrics if not each["scope"]}
    assert figures["quantization.accuracy_before"] == 441 / 450
    assert figures["quantization.accuracy_loss"] <= 0.01
    layers = {each["scope"].get("layer", "") for each in metrics if each["stage"] == "estimate"}
    assert len([name for name in layers if name.startswith("MVAU")]) == 3
    assert result.metrics is not None
    assert result.metrics.throughput is not None
    assert result.metrics.throughput > 900_000


@pytest.mark.usefixtures("finn")
@pytest.mark.parametrize("scale", ["per_tensor", "per_channel"])
def test_a_convolution_with_normalised_input_builds_in_finn(
    tmp_path: Path, convnet: onnx.ModelProto, scale: str
) -> None:
    """Attributes that onnx lets exporters leave out are missing in it, too."""
    onnx.save(convnet, tmp_path / "model.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (32, 3, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "pixels.npz", inputs=pixels)
    normalization = {"method": "mean_std", "mean": 128, "std": 64}
    quantization = {"samples": "pixels.npz", "weight_scale": scale}
    steps = [("input_normalization", normalization), ("model_quantization", quantization), ("verify_model", {})]
    config = BuildConfig(
        id="conv",
        model_path=str(tmp_path / "model.onnx"),
        output_dir=str(tmp_path / "out"),
        config_flags={"board": "Pynq-Z1", "synth_clk_period_ns": 10, "target_fps": 1000},
        preprocessing=tuple(
            ProcessingStep(name=name, type="preprocessing", parameters=parameters) for name, parameters in steps
        ),
    )
    result = create_build_runner_factory("legacy_finn")().run(config)
    assert result.status is BuildStatus.SUCCESS, result.error_message
