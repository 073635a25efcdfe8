"""How long 10,000 builds take through the controller, and how much its memory grows: no-op, simulated, and resumed.

python benchmarks/bench_orchestration.py [--builds 10000] [--parallel 2] [--folder DIR]
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from bench_core import noop_runner, write_model

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.executor import RunnerFactory
from brainsmith_orchestration.controller import Controller

BUDGET_SECONDS = 40.0
BUDGET_MB = 50.0


def configs(folder: Path, model: Path, count: int) -> Iterator[BuildConfig]:
    """Give configurations one by one, as a search does."""
    for number in range(count):
        yield BuildConfig(
            id=f"config_{number:05d}",
            model_path=str(model),
            output_dir=str(folder / f"config_{number:05d}"),
            config_flags={"target_fps": number, "board": "Pynq-Z1"},
        )


def measure(title: str, factory: RunnerFactory, folder: Path, options: argparse.Namespace) -> None:
    """Run all builds and print a row."""
    model = write_model(folder)
    process = psutil.Process()
    gc.collect()
    before, cpu, started = process.memory_info().rss, time.process_time(), time.perf_counter()
    cached = done = peak = 0
    with Controller(factory, options.parallel, folder=folder) as controller:
        for result in controller.run(configs(folder, model, options.builds)):
            assert result.succeeded, result.error
            done += 1
            cached += result.cached
            if done % 200 == 0:
                peak = max(peak, process.memory_info().rss)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    growth = (max(peak, process.memory_info().rss) - before) / 2**20
    print(
        f"{title:28} {done:7} {cached:7} {seconds:9.1f} {1e3 * seconds / done:9.2f} {cpu:8.1f} {growth:10.1f}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--builds", type=int, default=10_000)
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to build; else a temporary folder")
    options = parser.parse_args()
    print(
        f"budget for 10,000: {BUDGET_SECONDS:.0f} s, memory growth {BUDGET_MB:.0f} MB; {options.parallel} in parallel"
    )
    print(f"{'':28} {'builds':>7} {'cached':>7} {'seconds':>9} {'ms/build':>9} {'CPU s':>8} {'growth MB':>10}")
    runner = noop_runner()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        for kind, factory in (
            ("no-op", lambda: runner),
            ("simulated", create_build_runner_factory("future_brainsmith")),
        ):
            folder = Path(name) / kind
            folder.mkdir()
            measure(kind, factory, folder, options)
            measure(f"{kind}, all finished before", factory, folder, options)


if __name__ == "__main__":
    main()
