"""A sweep of frame-rate targets: through the step cache, and against FINN without it, side by side on two cores.

python benchmarks/bench_incremental.py [--points 50] [--separate 5] [--growth 10,50,200,1000] [--model FILE]

| row | what |
|---|---|
| (a) | separate FINN processes, one for each point; `--separate` of them are run, the others are extrapolated |
| (b) | one FINN process that builds all points in a loop |
| (c) | the sum of the times of all steps that had to run: the limit, on one core |
| cold | our builds, two at a time, with an empty store and a worker that isn't started yet |
| warm, steps | once more, in new folders, without the cache of whole builds: every step is restored |
| warm, builds | once more, in new folders, with it |

Our builds are whole builds: validated, run, reports parsed into metrics, results written. FINN's are only FINN.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
from incremental_equality import BY_HAND, HERE, SHARED, Fresh

from brainsmith_core.build.runner import BuildRunner, default_plugins
from brainsmith_core.config import BuildConfig
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_core.store import ContentStore
from brainsmith_finn_legacy.backend import LegacyFINNBackend
from brainsmith_finn_legacy.environments import FINNEnvironmentManager
from brainsmith_finn_legacy.environments.records import FINNEnvironment
from brainsmith_finn_legacy.finn_worker import STORE_CODE, run_task

CORES = 2
LOWEST, HIGHEST = 100, 5_000_000


@attrs.define
class Sweep:
    """One of our sweeps.

    Args:
        seconds: wall time.
        steps: how many steps there were.
        ran: how many of them ran.
        ran_seconds: how long those took together.
        peak_mb: the most memory that a build took.
    """

    seconds: float
    steps: int = 0
    ran: int = 0
    ran_seconds: float = 0.0
    peak_mb: float = 0.0

    def count(self, records: list[Any]) -> None:
        """Add the steps of one build."""
        run = [record for record in records if not record["reused"]]
        self.steps += len(records)
        self.ran += len(run)
        self.ran_seconds += sum(record["seconds"] for record in run)


def targets(count: int) -> list[int]:
    """Return frame rates, evenly spread by factor."""
    ratio = math.log(HIGHEST / LOWEST) / max(1, count - 1)
    return [round(LOWEST * math.exp(ratio * number)) for number in range(count)]


def flags(target: int) -> dict[str, Any]:
    """Return the flags of a point."""
    return {"target_fps": target, "board": "Pynq-Z1", "synth_clk_period_ns": 10.0}


def separate(environment: FINNEnvironment, model: Path, points: list[int], folder: Path) -> list[float]:
    """Run FINN once for each point, each time in a new process; return the seconds of each."""
    environ = {**os.environ, "FINN_SETTINGS": str(folder / "none.yaml"), "NUM_DEFAULT_WORKERS": "1"}
    for name, value in environment.worker_env().items():
        environ.pop(name, None)
        environ |= {} if value is None else {name: value}
    seconds = []
    for target in points:
        place = folder / f"separate_{target}"
        place.mkdir(parents=True)
        point = {"model": str(model), "output_dir": str(place / "out"), "settings": flags(target)}
        (place / "points.json").write_text(json.dumps([point]))
        command = [str(environment.python), str(BY_HAND), str(place / "points.json")]
        started = time.perf_counter()
        subprocess.run(command, cwd=place, env=environ, capture_output=True, stdin=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - started)
    return seconds


def in_a_loop(environment: FINNEnvironment, model: Path, points: list[int], folder: Path) -> float:
    """Run FINN for all points in one process; return the seconds."""
    started = time.perf_counter()
    finn = Fresh(environment, folder / "loop")
    for target in points:
        place = folder / "loop" / str(target)
        place.mkdir()
        names = {"output_dir": "out", "build_dir": "build", "final_model": "final.onnx"}
        where = {key: str(place / name) for key, name in names.items()}
        settings = {**flags(target), "generate_outputs": ["estimate_reports"]}
        answer = finn.build({"model": str(model), "settings": settings, "shared": True, "cwd": str(place), **where})
        assert answer["code"] == 0, answer
    finn.close()
    return time.perf_counter() - started


def builds(environment: FINNEnvironment, model: Path, points: list[int], folder: Path) -> Sweep:
    """Build all points, as an exploration does; two at a time."""
    backend = LegacyFINNBackend(environment=environment)
    plugins = default_plugins()
    runner = BuildRunner(backend, plugins.backend("legacy_finn"), plugins)

    def build(target: int) -> BuildResult:
        config = BuildConfig(
            id=f"fps_{target}",
            model_path=str(model),
            output_dir=str(folder / f"fps_{target}"),
            config_flags=flags(target),
        )
        return runner.run(config)

    started = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        results = list(pool.map(build, points))
    sweep = Sweep(time.perf_counter() - started)
    for result in results:
        assert result.status is BuildStatus.SUCCESS, result
        records = result.provenance.get("finn_step_cache")
        sweep.count(records if isinstance(records, list) else [])
    return sweep


def tasks(environment: FINNEnvironment, model: Path, points: list[int], folder: Path, store: Path) -> Sweep:
    """Run all points in the worker, without what core does around a build; two at a time."""
    sweep = Sweep(0.0)

    def build(target: int) -> None:
        place = folder / f"task_{target}"
        place.mkdir(parents=True)
        settings = {**flags(target), "generate_outputs": ["estimate_reports"], "enable_build_pdb_debug": False}
        args: dict[str, Any] = {
            "model": str(model),
            "settings": {**settings, "save_intermediate_models": False, "output_dir": str(place / "out")},
            "steps": [{"name": name} for name in environment.description.estimate_steps],
            "import_paths": [],
            "build_dir": str(place / "build"),
            "final_model": str(place / "final.onnx"),
            "cache": {"root": str(store), "code": str(STORE_CODE), "environment": environment.identity},
        }
        outcome = run_task(environment, "build", args, log=place / "log", cwd=place)
        assert outcome.ok, outcome
        assert outcome.result is not None
        sweep.count(outcome.result["steps"])
        sweep.peak_mb = max(sweep.peak_mb, (outcome.peak_rss_bytes or 0) / 1e6)

    started = time.perf_counter()
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(build, points))
    sweep.seconds = time.perf_counter() - started
    return sweep


def size_of(store: Path) -> str:
    """Return how much there is in a store."""
    stats = ContentStore(str(store)).stats()
    return f"{stats.total_bytes / 1e6:.1f} MB in {stats.blobs} files and {sum(stats.entries.values())} entries"


def row(title: str, seconds: float, reference: float, note: str = "") -> None:
    """Print a row."""
    print(f"{title:<34} {seconds:>8.2f} s  {reference / seconds:>7.1f}x  {note}", flush=True)


def growth(environment: FINNEnvironment, model: Path, counts: list[int], folder: Path) -> None:
    """Print how the cost grows with the number of points, in a worker that runs already."""
    print(f"\n{'points':>7} {'cold s':>8} {'ms/point':>9} {'warm s':>8} {'ms/point':>9} {'steps run':>10}  store")
    for count in counts:
        store, place = folder / f"growth_{count}_store", folder / f"growth_{count}"
        cold = tasks(environment, model, targets(count), place / "cold", store)
        warm = tasks(environment, model, targets(count), place / "warm", store)
        assert warm.ran == 0
        ran = f"{cold.ran}/{cold.steps}"
        times = [f"{sweep.seconds:>8.2f} {sweep.seconds / count * 1e3:>9.1f}" for sweep in (cold, warm)]
        print(f"{count:>7} {times[0]} {times[1]} {ran:>10}  {size_of(store)}", flush=True)
        shutil.rmtree(place)
        shutil.rmtree(store)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=50, help="0: only the growth")
    parser.add_argument("--separate", type=int, default=5, help="how many of (a) are run; 0: all")
    parser.add_argument("--growth", default="10,50,200,1000", help='numbers of points, or ""')
    parser.add_argument("--model", type=Path, default=SHARED / "models" / "TFC_2W2A.onnx")
    parser.add_argument("--environment")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    environment = FINNEnvironmentManager().find(options.environment)
    points = targets(options.points)
    print(f"{environment.title}, {options.model.name}, {len(points)} points, load {os.getloadavg()[0]:.1f} before")
    with tempfile.TemporaryDirectory(prefix="bench-incremental-") as name:
        if points:
            compare(environment, options, points, Path(name))
        counts = [int(text) for text in options.growth.split(",") if text]
        if counts:
            growth(environment, options.model, counts, Path(name))
    assert HERE.is_dir()


def compare(environment: FINNEnvironment, options: argparse.Namespace, points: list[int], folder: Path) -> None:
    """Print the table."""
    store = folder / "store"
    os.environ["BRAINSMITH_CACHE"] = str(store)
    sample = points if not options.separate else points[:: max(1, len(points) // options.separate)][: options.separate]
    times = separate(environment, options.model, sample, folder)
    whole = sum(times) / len(times) * len(points)
    note = "all run" if len(sample) == len(points) else f"extrapolated from {len(sample)} runs"
    row("(a) separate processes", whole, whole, note)
    row("(b) one process, in a loop", in_a_loop(environment, options.model, points, folder), whole)
    started = time.perf_counter()
    cold = builds(environment, options.model, points, folder / "cold")
    row("cold", cold.seconds, whole, f"{cold.ran} of {cold.steps} steps ran; the worker's start included")
    row("(c) those steps alone, one core", cold.ran_seconds, whole)
    print(f"{'':<34} cold is {cold.seconds / (cold.ran_seconds / CORES):.2f} times (c)/{CORES}")
    os.environ["BRAINSMITH_CACHE"] = str(folder / "task_store")
    alone = tasks(environment, options.model, points, folder / "tasks", folder / "task_store")
    ratio = alone.seconds / (alone.ran_seconds / CORES)
    row("cold, FINN's part, running worker", alone.seconds, whole, f"{ratio:.2f} times its (c)/{CORES}")
    warm = tasks(environment, options.model, points, folder / "warm_tasks", folder / "task_store")
    row("warm, steps", warm.seconds, whole, f"{warm.ran} steps ran")
    os.environ["BRAINSMITH_CACHE"] = str(store)
    again = builds(environment, options.model, points, folder / "warm")
    row("warm, builds", again.seconds, whole)

    print(f"store {size_of(store)}; most memory of a build {alone.peak_mb:.0f} MB")
    print(f"all of ours took {time.perf_counter() - started:.1f} s, load {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
