"""Real models go through FINN and the postprocessing steps in one run, and their accuracy is the independent one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from brainsmith_core.errors import BrainsmithError
from brainsmith_finn_legacy.environments import DEFAULT_VERSION, FINNEnvironmentManager
from brainsmith_onnx.models import Runner, describe, load_model

pytestmark = [pytest.mark.finn, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _finn() -> None:
    """A FINN environment, or none of these tests."""
    try:
        FINNEnvironmentManager().find(DEFAULT_VERSION)
    except BrainsmithError as error:
        pytest.skip(f"needs a real FINN environment: make finn ({error.message})")


def brainsmith(*arguments: str) -> Any:
    command = Path(sys.executable).with_name("brainsmith")
    done = subprocess.run([str(command), *arguments, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def figures(folder: Path, name: str) -> dict[str, Any]:
    metrics = json.loads((folder / "metrics.json").read_bytes())["metrics"]
    return {metric["scope"].get("graph", ""): metric["value"] for metric in metrics if metric["name"] == name}


def test_the_digits_example_has_the_accuracy_of_its_training_at_each_of_finns_stages(
    digits: Path, tmp_path: Path
) -> None:
    result = brainsmith("run", str(digits / "build.yaml"), "--output", str(tmp_path / "out"))
    expected = json.loads((digits / "accuracy.json").read_bytes())["top1"]["qonnx"]
    assert result["metrics"]["accuracy"] == expected
    assert figures(tmp_path / "out", "accuracy.top1") == dict.fromkeys(("", "streamlined", "hardware"), expected)
    assert figures(tmp_path / "out", "accuracy.agreement") == dict.fromkeys(("", "streamlined", "hardware"), 1.0)
    logs = tmp_path / "out" / "postprocessing_logs"
    speed = json.loads((logs / "performance_analysis.json").read_bytes())
    assert speed["throughput_analysis"]["meets_target"]["value"] is True
    assert speed["bottleneck"]["layers"]
    size = json.loads((logs / "resource_analysis.json").read_bytes())
    assert size["utilization_summary"]["lut"]["value"] == result["metrics"]["lut_utilization"]
    assert len(size["by_layer"]) == 4


@pytest.mark.filterwarnings("ignore:Some old-style domain attributes:UserWarning")
@pytest.mark.filterwarnings("ignore:Output shapes disagree:UserWarning")
@pytest.mark.parametrize("name", ["TFC_1W1A", "TFC_2W2A", "qkeras_jettagging"])
def test_a_real_model_goes_through_all_steps_in_one_run(shared_models: Path, tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(7)
    model = load_model(shared_models / f"{name}.onnx")
    samples = rng.random((20, *map(int, describe(model).static_input().shape[1:])), np.float32)
    outputs = Runner(model, engine="qonnx").run_samples(samples)
    labels = np.where(rng.random(20) < 0.5, outputs.argmax(axis=1), rng.integers(0, outputs.shape[1], 20))
    np.savez(tmp_path / "data.npz", inputs=samples, labels=labels)
    np.save(tmp_path / "input.npy", samples[:3])
    np.save(tmp_path / "expected.npy", outputs[:3])
    steps = ["performance_analysis", "resource_analysis", "verification"]
    config = {
        "model_path": str(shared_models / f"{name}.onnx"),
        "config_flags": {
            "board": "Pynq-Z1",
            "target_fps": 10_000,
            "save_intermediate_models": True,
            "verify_steps": ["finn_onnx_python", "streamlined_python"],
            "verify_input_npy": "input.npy",
            "verify_expected_output_npy": "expected.npy",
        },
        "preprocessing": [{"name": "graph_optimization", "type": "preprocessing"}],
        "postprocessing": [
            *({"name": step, "type": "postprocessing"} for step in steps),
            {
                "name": "accuracy_validation",
                "type": "postprocessing",
                "parameters": {"dataset": "data.npz", "graphs": ["processed", "streamlined", "hardware"]},
            },
        ],
    }
    (tmp_path / "build.yaml").write_text(yaml.safe_dump(config))
    result = brainsmith("run", str(tmp_path / "build.yaml"), "--output", str(tmp_path / "out"))
    independent = float((outputs.argmax(axis=1) == labels).mean())
    assert result["metrics"]["accuracy"] == independent
    assert figures(tmp_path / "out", "accuracy.top1") == dict.fromkeys(("", "streamlined", "hardware"), independent)
    report = json.loads((tmp_path / "out" / "postprocessing_logs" / "verification.json").read_bytes())
    assert report["passed"] is True
    assert {name: row["samples"] for name, row in report["steps"].items()} == {
        "finn_onnx_python": 3,
        "streamlined_python": 3,
    }
