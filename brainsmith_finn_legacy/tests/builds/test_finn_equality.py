"""Builds give the reports that FINN gives when it is run by hand, byte for byte."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.config import BuildConfig
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_finn_legacy.backend import LegacyFINNBackend
from brainsmith_finn_legacy.environments.records import FINNEnvironment

pytestmark = pytest.mark.finn

BY_HAND = Path(__file__).parent / "by_hand" / "run_finn.py"
FOLDING = {"Defaults": {}, "MVAU_hls_0": {"PE": 16, "SIMD": 49}, "Thresholding_rtl_0": {"PE": 7}}

#: Flags of a build; by hand the same are settings of FINN's configuration.
POINTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a target": ("TFC_2W2A.onnx", {"board": "Pynq-Z1", "synth_clk_period_ns": 10.0, "target_fps": 1000}),
    "a target that can't be met": (
        "TFC_2W2A.onnx",
        {"board": "ZCU104", "synth_clk_period_ns": 5.0, "target_fps": 100_000_000},
    ),
    "no target, a part": ("TFC_1W1A.onnx", {"fpga_part": "xczu7ev-ffvc1156-2-e", "synth_clk_period_ns": 4.0}),
    "a folding file, standalone thresholds": (
        "TFC_2W2A.onnx",
        {
            "board": "Ultra96",
            "synth_clk_period_ns": 3.33,
            "folding_config_file": "folding.json",
            "standalone_thresholds": True,
        },
    ),
    "wider weights": (
        "TFC_1W1A.onnx",
        {"board": "U250", "synth_clk_period_ns": 2.5, "target_fps": 2_000_000, "mvau_wwidth_max": 10_000},
    ),
    "layers outside the accelerator": (
        "qkeras_jettagging.onnx",
        {"board": "Pynq-Z2", "synth_clk_period_ns": 10.0, "target_fps": 50_000, "minimize_bit_width": False},
    ),
    "our own model": ("digits.onnx", {"board": "Pynq-Z1", "synth_clk_period_ns": 7.0, "target_fps": 20_000}),
}


def files_below(folder: Path) -> dict[str, bytes]:
    """Return all files by name, but for those in which times stand."""
    timed = ("build_dataflow.log", "report/time_per_step.json")
    found = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name not in timed}


@pytest.fixture(scope="module")
def points(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The points with their models; those whose model isn't there are left out, and named."""
    folder = tmp_path_factory.mktemp("by_hand")
    (folder / "folding.json").write_text(json.dumps(FOLDING))
    found = []
    for name, (model, settings) in POINTS.items():
        if model not in models:
            print(f"left out: {name}, since there is no {model}")
            continue
        files = {key: str(folder / value) for key, value in settings.items() if key.endswith("_file")}
        output = str(folder / name.replace(" ", "_").replace("'", ""))
        found.append(
            {"name": name, "model": str(models[model]), "output_dir": output, "settings": {**settings, **files}}
        )
    assert found
    return found


@pytest.fixture(scope="module")
def by_hand(finn: FINNEnvironment, points: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Run FINN by hand for all points, in one process of its own interpreter."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "points.json").write_text(json.dumps(points))
    environ = {**os.environ, "FINN_SETTINGS": str(folder / "none.yaml"), "NUM_DEFAULT_WORKERS": "1"}
    for name, value in finn.worker_env().items():
        environ.pop(name, None)
        environ |= {} if value is None else {name: value}
    command = [str(finn.python), str(BY_HAND), str(folder / "points.json")]
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize("cache", [False, True], ids=["every step run", "steps restored where they can be"])
def test_the_reports_equal_those_of_finn_run_by_hand(
    finn: FINNEnvironment,
    points: list[dict[str, Any]],
    by_hand: None,
    build_with: Callable[..., BuildResult],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cache: bool,
) -> None:
    if finn.flavour != "finn-plus":
        pytest.skip("the script runs FINN+ by hand")
    if cache:
        monkeypatch.setenv("BRAINSMITH_CACHE", str(tmp_path / "store"))
        monkeypatch.delenv("BRAINSMITH_NO_CACHE", raising=False)
    reused = 0
    backend = LegacyFINNBackend(environment=finn)
    distinct: set[bytes] = set()
    for index, point in enumerate(points):
        config = BuildConfig(
            id="point", model_path=point["model"], output_dir=str(tmp_path / str(index)), config_flags=point["settings"]
        )
        result = build_with(backend, config)
        assert result.status is BuildStatus.SUCCESS, point["name"]
        records: Any = result.provenance["finn_step_cache"]
        reused += sum(record["reused"] for record in records)
        ours, theirs = files_below(tmp_path / str(index) / "artifacts"), files_below(Path(point["output_dir"]))
        assert ours.keys() == theirs.keys(), point["name"]
        assert "report/estimate_network_performance.json" in ours
        different = [name for name in ours if ours[name] != theirs[name]]
        assert different == [], point["name"]
        distinct.add(ours["report/estimate_layer_resources.json"])
    assert len(distinct) == len(points)
    assert (reused > 0) == cache
