"""Four real FINN builds at once against one after the other: time saved, slowdown of each, CPU in use, monitoring.

python benchmarks/bench_parallel.py [--model MODEL.onnx] [--builds 4] [--parallel CORES] [--folder DIR]

The step cache is off, so that each build does all of its work. "CPU in use" is that of all processes of the builds,
from the first build's start to the last one's end, over the cores. "Monitoring" is the controller's own CPU time
(events, samples, store) over that of the builds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

import attrs
import psutil

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig, GlobalConfig
from brainsmith_orchestration.controller import Controller

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.05


@attrs.frozen
class Figures:
    """What one run took."""

    wall: float
    each: list[float]
    children_cpu: float
    own_cpu: float


class ChildrenTime(threading.Thread):
    """Adds up the CPU time of all processes below this one, also of those that have ended meanwhile."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: dict[tuple[int, float], float] = {}
        self.over = threading.Event()
        self.own_cpu = 0.0

    def run(self) -> None:
        """Sample until it is over."""
        while not self.over.wait(SAMPLE_SECONDS):
            self.sample()
        self.own_cpu = time.thread_time()

    def sample(self) -> None:
        """Note how much each process has used so far."""
        for process in psutil.Process().children(recursive=True):
            try:
                times = process.cpu_times()
                self.seen[process.pid, process.create_time()] = times.user + times.system
            except psutil.NoSuchProcess:
                continue

    @property
    def total(self) -> float:
        """Seconds of all of them."""
        return sum(self.seen.values())


def measure(model: Path, folder: Path, builds: int, parallel: int) -> Figures:
    """Build so many times, so many at once, in a folder of its own."""
    settings = GlobalConfig(cache_results=False)
    configs = [
        BuildConfig(
            id=f"build{number}",
            model_path=str(model),
            output_dir=str(folder / f"build{number}"),
            config_flags={"board": "Pynq-Z1", "target_fps": 1000 + number},
            global_config=settings,
        )
        for number in range(builds)
    ]
    factory = create_build_runner_factory("legacy_finn")
    with Controller(factory, parallel, folder=folder) as controller:
        # Worker and model check are warm before the clock starts: both runs find them so.
        warm = attrs.evolve(configs[0], id="warm", output_dir=str(folder / "warm"))
        assert all(result.succeeded for result in controller.run([warm]))
        children = ChildrenTime()
        children.sample()
        before = children.total
        children.start()
        own = time.process_time()
        start = time.monotonic()
        results = list(controller.run(configs))
        wall = time.monotonic() - start
        own = time.process_time() - own
        children.over.set()
        children.join()
        children.sample()
    failed = [result for result in results if not result.succeeded]
    if failed:
        raise SystemExit(f"{failed[0].config_id}: {failed[0].error_message}")
    return Figures(
        wall, [result.duration_seconds for result in results], children.total - before, own - children.own_cpu
    )


def main() -> None:
    """Measure both ways and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("BRAINSMITH_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--model", type=Path, default=shared / "models" / "TFC_2W2A.onnx")
    parser.add_argument("--builds", type=int, default=4)
    parser.add_argument("--parallel", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if not options.model.exists():
        raise SystemExit(f"{options.model} isn't there: name a model with --model")
    os.environ["BRAINSMITH_NO_CACHE"] = "1"
    folder = options.folder or Path(tempfile.mkdtemp(prefix="brainsmith-parallel-"))
    cores = len(os.sched_getaffinity(0))
    rows: dict[str, Figures] = {}
    for title, parallel in (("one after the other", 1), (f"{options.parallel} at once", options.parallel)):
        rows[title] = measure(options.model, folder / f"p{parallel}", options.builds, parallel)
    if options.parallel < options.builds:
        rows[f"{options.builds} at once"] = measure(options.model, folder / "all", options.builds, options.builds)
    shutil.rmtree(folder)
    alone = rows["one after the other"]
    print(f"{options.builds} builds of {options.model.name}, {cores} cores, load before: {os.getloadavg()[0]:.1f}")
    print(f"{'':22} {'wall s':>7} {'saved':>7} {'s each':>7} {'slower':>7} {'CPU in use':>11} {'monitoring':>11}")
    for title, found in rows.items():
        each, base = sum(found.each) / len(found.each), sum(alone.each) / len(alone.each)
        saved, slower = 1 - found.wall / alone.wall, each / base - 1
        used = found.children_cpu / found.wall / cores
        share = found.own_cpu / found.children_cpu
        print(f"{title:22} {found.wall:7.2f} {saved:7.0%} {each:7.2f} {slower:7.0%} {used:11.0%} {share:11.1%}")


if __name__ == "__main__":
    main()
