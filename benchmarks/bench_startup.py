"""What the command line costs before it does anything: `--help` and `plugins list`, in CPU time over `python -c pass`.

python benchmarks/bench_startup.py [--runs 9] [--counts 0 10 150]

Distributions are added beside those that are installed: ordinary ones, or ones that each bring a plugin with a parser.
Core and our own plugins are always there.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

BUDGET_MS = 150.0

COMMANDS = {"--help": ["--help"], "plugins list": ["plugins", "list"]}

PLUGIN = '''"""A plugin of the benchmark."""

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import MetricParserSpec


@hookimpl
def brainsmith_metric_parsers() -> Iterator[MetricParserSpec]:
    yield MetricParserSpec(
        name="{name}", summary="a report of {name}", target="{name}:parse", patterns=("*.{name}",), sniff="^{name}"
    )
'''


def add_distributions(folder: Path, count: int, *, plugins: bool) -> None:
    """Write distributions as pip leaves them: metadata, entry points, a module."""
    for number in range(count):
        name = f"bench_startup_{number:03}"
        info = folder / f"{name}-1.{number}.dist-info"
        info.mkdir(parents=True)
        requires = "Requires-Dist: brainsmith-core<1,>=0.1\nRequires-Dist: attrs>=23\n"
        text = "A description.\n" * 50
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.{number}\n{requires}\n{text}")
        group, value = ("brainsmith.plugins", name) if plugins else ("console_scripts", f"{name}:main")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
        (info / "RECORD").write_text("\n".join(f"{name}/{each}.py,sha256=0,1" for each in range(50)))
        (folder / f"{name}.py").write_text(PLUGIN.format(name=name))


def cpu_ms(argv: list[str], environment: dict[str, str], runs: int) -> float:
    """Return the least CPU time, in ms, of several runs of a command."""
    times = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, env=environment, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return 1e3 * min(times)


def measure(count: int, runs: int, *, plugins: bool) -> dict[str, float]:
    """Return what each command costs over a bare interpreter, in ms, with that many distributions more."""
    with tempfile.TemporaryDirectory() as name:
        add_distributions(Path(name), count, plugins=plugins)
        environment = os.environ | {"PYTHONPATH": name}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        bare = cpu_ms([sys.executable, "-c", "pass"], environment, runs)
        entry = [sys.executable, "-c", "from brainsmith_core.cli.main import run; run()"]
        return {title: cpu_ms([*entry, *arguments], environment, runs) - bare for title, arguments in COMMANDS.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--counts", type=int, nargs="*", default=[0, 10, 150])
    options = parser.parse_args()
    print(f"CPU over `python -c pass` in ms, least of {options.runs} runs; budget {BUDGET_MS:.0f}")
    print(f"{'distributions added':30}" + "".join(f"{title:>14}" for title in COMMANDS))
    for plugins in (False, True):
        for count in options.counts:
            if plugins and not count:
                continue
            row = measure(count, options.runs, plugins=plugins)
            label = f"{count} {'with a plugin each' if plugins else 'without plugins'}"
            print(f"{label:30}" + "".join(f"{value:14.0f}" for value in row.values()))


if __name__ == "__main__":
    main()
