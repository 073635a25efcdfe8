"""How long 10,000 builds take, and how much memory grows: through the controller, with a store, through the queue.

python benchmarks/bench_orchestration.py [--builds 10000] [--parallel 2] [--queue-only] [--folder DIR]
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from bench_core import noop_runner, write_model

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult
from brainsmith_orchestration.controller import Controller
from brainsmith_orchestration.orchestrator import FINNBuildOrchestrator
from brainsmith_orchestration.scheduling.request import PRIORITIES
from brainsmith_orchestration.store.database import Store

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


def through_controller(
    factory: RunnerFactory, folder: Path, model: Path, options: argparse.Namespace, store: str | None
) -> Iterator[BuildResult]:
    """Build all, recorded in a store where one is given."""
    with Controller(factory, options.parallel, folder=folder, store=store) as controller:
        yield from controller.run(configs(folder, model, options.builds))


def through_queue(
    factory: RunnerFactory, folder: Path, model: Path, options: argparse.Namespace, store: str | None
) -> Iterator[BuildResult]:
    """Build all by way of the durable queue: random priorities, a third of the builds with a parent."""
    dice = random.Random(1)
    with FINNBuildOrchestrator(options.parallel, factory, store=store) as orchestrator:
        found = list(configs(folder, model, options.builds))
        parents = [(found[dice.randrange(n)].id,) if n and dice.random() < 1 / 3 else () for n in range(len(found))]
        orchestrator.schedule_builds((config, dice.choice(PRIORITIES), parents[n]) for n, config in enumerate(found))
        ids = [config.id for config in found]
        del found
        for name in ids:
            yield orchestrator.wait_for(name)


Way = Callable[[RunnerFactory, Path, Path, argparse.Namespace, str | None], Iterator[BuildResult]]


def measure(
    title: str,
    factory: RunnerFactory,
    folder: Path,
    options: argparse.Namespace,
    way: Way = through_controller,
    store: str | None = None,
) -> None:
    """Run all builds and print a row."""
    folder.mkdir(exist_ok=True)
    model = write_model(folder)
    process = psutil.Process()
    gc.collect()
    before, cpu, started = process.memory_info().rss, time.process_time(), time.perf_counter()
    cached = done = peak = 0
    for result in way(factory, folder, model, options, store):
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
    parser.add_argument(
        "--queue-only", action="store_true", help="only no-op builds through queue and store: the budget"
    )
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
            database = str(Path(name) / f"{kind}.db")
            Store(database).close()  # that the database is imported isn't growth
            queued = Path(name) / f"{kind}-queue"
            measure(f"{kind}, queue and store", factory, queued, options, through_queue, database)
            if options.queue_only:
                break
            measure(kind, factory, folder, options)
            measure(f"{kind}, all finished before", factory, folder, options)
            measure(f"{kind}, store", factory, Path(name) / f"{kind}-store", options, store=database)


if __name__ == "__main__":
    main()
