"""How many real reports are read in a second, with every value of every table, on one core.

Each folder of the corpus is one kind of file; whatever parsers are installed read it. A kind is listed with what
became of its files, so a parser that is missing shows.

python benchmarks/bench_parsers.py [KIND...] [--folder ../shared/corpus] [--repeat 3] [--profile] [--memory]
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path

from brainsmith_core.metrics.collector import Collected, MetricsCollector
from brainsmith_core.plugins.manager import PluginManager

BUDGET_FILES_PER_SECOND = 500
SHARED = Path(os.environ.get("BRAINSMITH_SHARED") or Path(__file__).parents[2] / "shared")


def best_of(repeat: int, collector: MetricsCollector, folder: Path) -> tuple[float, Collected]:
    """Read a folder several times; return the least CPU time in s, and what was read."""
    times = []
    found = Collected()
    for _ in range(repeat):
        started = time.process_time()
        found = collector.collect([folder], folder.parent)
        times.append(time.process_time() - started)
    return min(times), found


def peak_of(collector: MetricsCollector, path: Path) -> float:
    """Return how many times the file's size reading it takes at most."""
    tracemalloc.start()
    collector.collect([path], path.parent)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / path.stat().st_size


def row(title: str, files: int, states: Counter[str], metrics: int, seconds: float) -> None:
    """Print one row."""
    shown = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    print(f"{title:42} {files:6} {metrics:9} {1e3 * seconds:9.1f} {files / seconds:9.0f}  {shown}", flush=True)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="folders of the corpus; all if none is given")
    parser.add_argument("--folder", type=Path, default=SHARED / "corpus", help="where the kinds' folders are")
    parser.add_argument("--repeat", type=int, default=3, help="read each kind so often; the quickest time counts")
    parser.add_argument("--profile", action="store_true", help="also print where the time goes")
    parser.add_argument("--memory", action="store_true", help="also print the memory that the largest file takes")
    options = parser.parse_args()
    if not options.folder.is_dir():
        print(f"there is no folder {options.folder}; give --folder or set BRAINSMITH_SHARED", file=sys.stderr)
        return 3
    folders = sorted(path for path in options.folder.iterdir() if path.is_dir())
    folders = [path for path in folders if not options.kinds or path.name in options.kinds]
    collector = MetricsCollector(PluginManager.discover())
    for folder in folders:  # import every parser before the clock runs
        collector.collect(sorted(folder.iterdir())[:1], folder)
    print(f"{'kind':42} {'files':>6} {'metrics':>9} {'CPU ms':>9} {'files/s':>9}  state")
    profile = cProfile.Profile()
    total, files, metrics = 0.0, 0, 0
    states: Counter[str] = Counter()
    for folder in folders:
        if options.profile:
            profile.enable()
        seconds, found = best_of(options.repeat, collector, folder)
        profile.disable()
        here: Counter[str] = Counter(file.status for file in found.files)
        row(folder.name, len(found.files), here, len(found.metrics), seconds)
        total, files, metrics, states = (
            total + seconds,
            files + len(found.files),
            metrics + len(found.metrics),
            states + here,
        )
    row("all", files, states, metrics, total)
    print(f"budget: at least {BUDGET_FILES_PER_SECOND} files/s over the whole corpus")
    if options.memory:
        largest = max((path for folder in folders for path in folder.iterdir()), key=lambda path: path.stat().st_size)
        print(f"memory for {largest.name}: {peak_of(collector, largest):.1f} times its size")
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(20)
    return 0


if __name__ == "__main__":
    sys.exit(main())
