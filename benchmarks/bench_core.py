"""How long one build takes that does nothing: what core itself costs, in process.

python benchmarks/bench_core.py [--builds 500] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import tempfile
import time
from pathlib import Path
from typing import ClassVar

from brainsmith_core.build.runner import BuildRunner
from brainsmith_core.config import BuildConfig, OutputStage
from brainsmith_core.context import BackendOutcome, BuildContext
from brainsmith_core.plugins.manager import Offer, Plugin, PluginManager
from brainsmith_core.records import BackendSpec

BUDGET_MS = 2.0


class NoopBackend:
    """A backend that does nothing, successfully."""

    spec: ClassVar = BackendSpec(
        name="noop", summary="Does nothing.", target="bench_core:NoopBackend", output_stages=tuple(OutputStage)
    )

    def build(self, context: BuildContext) -> BackendOutcome:
        """Do nothing."""
        del context
        return BackendOutcome()


def noop_runner() -> BuildRunner:
    """Return a runner that does nothing but what core does for every build."""
    plugin = Plugin(name="noop", target="bench_core", distribution="noop", version="1")
    return BuildRunner(NoopBackend(), Offer(NoopBackend.spec, plugin), PluginManager.discover())


def write_model(folder: Path) -> Path:
    """Write something that passes for a small model."""
    model = folder / "model.onnx"
    model.write_bytes(b"\x08\x07\x12\x04test\x80" + bytes(range(256)) * 400)
    return model


def build_many(runner: BuildRunner, folder: Path, count: int) -> list[float]:
    """Run builds one after the other and return the ms that each took."""
    model = write_model(folder)
    times = []
    for number in range(count):
        config = BuildConfig(
            id=f"c{number}",
            model_path=str(model),
            output_dir=str(folder / f"c{number}"),
            config_flags={"target_fps": number, "board": "Pynq-Z1"},
        )
        started = time.perf_counter()
        result = runner.run(config)
        times.append(1e3 * (time.perf_counter() - started))
        assert result.succeeded, result.error
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--builds", type=int, default=500)
    parser.add_argument("--folder", type=Path, help="where to build; else a temporary folder")
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    options = parser.parse_args()
    runner = noop_runner()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        (folder / "warm").mkdir()
        build_many(runner, folder / "warm", 20)
        cpu = time.process_time()
        times = build_many(runner, folder, options.builds)
        cpu_ms = 1e3 * (time.process_time() - cpu) / options.builds
        print(f"{'no-op build through core':30} {'median':>8} {'mean':>8} {'p95':>8} {'CPU':>8} {'budget':>8}   (ms)")
        p95 = sorted(times)[int(0.95 * len(times))]
        row = (statistics.median(times), statistics.fmean(times), p95, cpu_ms, BUDGET_MS)
        print(f"{f'{options.builds} builds':30}" + "".join(f" {value:8.2f}" for value in row))
        if options.profile:
            (folder / "profiled").mkdir()
            profile = cProfile.Profile()
            profile.runcall(build_many, runner, folder / "profiled", options.builds)
            pstats.Stats(profile).sort_stats("tottime").print_stats(35)


if __name__ == "__main__":
    main()
