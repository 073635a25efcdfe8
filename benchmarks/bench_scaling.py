"""How far predictions of another folding, throughput or clock are off: predicted, then really built with FINN.

Each model is built once with the least parallelism; from that build alone all others are predicted. Needs a FINN
environment (`brainsmith finn install`).

python benchmarks/bench_scaling.py [MODEL...] [--fps 1000 30000 ...] [--clock 10 5]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from brainsmith_core import BuildConfig, create_build_runner_factory
from brainsmith_finn_legacy.analysis import ResourceUsage, ResourceUtilizationTracker, ScalingPrediction
from brainsmith_finn_legacy.analysis.layers import layers_of

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("BRAINSMITH_SHARED") or ROOT.parent / "shared")
TARGETS = (1_000, 30_000, 300_000, 3_000_000, 30_000_000, 1_000_000_000)
HEADER = (
    f"{'model':18} {'fps asked':>13} {'ns':>5} {'layers':>6} {'folded so':>9} {'cycles so':>9} {'max cycles':>15} "
    f"{'fps error':>9} {'LUT built':>9} {'LUT predicted':>19} {'BRAM built':>10} {'predicted':>9}"
)


def build(model: Path, folder: Path, fps: int, clock_ns: float) -> ResourceUsage:
    """Build a point with FINN, up to its estimates."""
    flags = {"board": "ZCU104", "target_clock_ns": clock_ns, "target_fps": fps}
    config = BuildConfig(id=folder.name, model_path=str(model), output_dir=str(folder), config_flags=flags)
    result = create_build_runner_factory("legacy_finn")().run(config)
    if not result.succeeded:
        sys.exit(f"{model.name} at {fps} frames/s wasn't built: {result.error_message}")
    return ResourceUtilizationTracker().track_resource_usage(result)


def row(name: str, fps: int, clock_ns: float, found: ScalingPrediction, real: ResourceUsage) -> str:
    """Compare a prediction with the build."""
    built = layers_of(real.build)
    folded = sum(each.folding == built[each.layer].folding for each in found.layers)
    cycles = sum(each.cycles == built[each.layer].cycles for each in found.layers)
    slowest = max(layer.cycles or 0 for layer in built.values())
    throughput = 1e9 / clock_ns / slowest
    error = abs((found.throughput_fps or 0) / throughput - 1)
    lut, bram = found.totals["util.lut"], found.totals["util.bram_18k"]
    total = real.stages[0].total
    shown = f"{lut.value:.0f}" if lut.value is not None else f"{lut.low:.0f} to {lut.high:.0f}"
    blocks = f"{bram.value:.0f}" if bram.value is not None else "bounds"
    return (
        f"{name:18} {fps:13,} {clock_ns:5g} {len(built):6} {folded:9} {cycles:9} "
        f"{f'{found.max_cycles} / {slowest}':>15} {error:9.2%} {total['util.lut']:9.0f} {shown:>19} "
        f"{total['util.bram_18k']:10.0f} {blocks:>9}"
    )


def main() -> int:
    """Predict, build and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL", help="ONNX files; all that are there if none")
    parser.add_argument("--fps", nargs="+", type=int, default=TARGETS, help="throughputs to fold for")
    parser.add_argument("--clock", nargs="+", type=float, default=[10.0, 4.0], help="clock periods in ns")
    options = parser.parse_args()
    models = options.models or [
        ROOT / "examples" / "digits" / "model.onnx",
        *sorted((SHARED / "models").glob("*.onnx")),
    ]
    tracker = ResourceUtilizationTracker()
    print(HEADER)
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            name = f"{model.parent.name}/{model.stem}" if model.stem == "model" else model.stem
            base = build(model, Path(folder, f"{name.replace('/', '_')}-base"), 1, 10.0)
            for clock in options.clock:
                for fps in options.fps:
                    real = build(model, Path(folder, f"{name.replace('/', '_')}-{fps}-{clock:g}"), fps, clock)
                    found = tracker.predict_scaling_behavior(base, {"target_fps": float(fps), "clock_ns": clock})
                    print(row(name, fps, clock, found, real), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
