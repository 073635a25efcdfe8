"""What the parsers make of the corpus of real files, as tables in Markdown.

Four tables: kinds of files with what was read and which oddities were met; diagnoses by folder of logs; device totals
that reports print against those that are known; and how many metric names have a value in some file.

python benchmarks/corpus_tables.py [--folder ../shared/corpus]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from brainsmith_core.diagnosis.handler import BuildErrorHandler
from brainsmith_core.metric import Metric
from brainsmith_core.metrics.collector import Collected, MetricsCollector
from brainsmith_core.metrics.devices import Devices, totals_of
from brainsmith_core.plugins.manager import PluginManager

SHARED = Path(os.environ.get("BRAINSMITH_SHARED") or Path(__file__).parents[2] / "shared")
RESOURCES = ("lut", "ff", "bram_36k", "bram_18k", "uram", "dsp")


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table."""
    print(f"\n## {title}\n\n| {' | '.join(headings)} |\n|{'---|' * len(headings)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")


def oddities(found: Collected) -> str:
    """Return what was noted of the files of a kind, each with the number of files."""
    counts: Counter[str] = Counter()
    for file in found.files:
        notes = {line.partition(":")[0][:60] for line in file.message.splitlines() if ": " in line[:70]}
        others = {line[:60] for line in file.message.splitlines() if ": " not in line[:70]}
        counts.update(notes | others)
    shown = [f"{text} ({count})" for text, count in counts.most_common(4)]
    more = len(counts) - len(shown)
    return "; ".join(shown) + (f"; {more} more" if more > 0 else "")


def kind_row(kind: str, found: Collected) -> list[object]:
    """Return a row: kind, files, parsed, metrics with a value, missing, unparsable, oddities."""
    parsed = sum(file.status == "parsed" for file in found.files)
    states = Counter(metric.status.value for metric in found.metrics)
    present = sum(metric.is_present for metric in found.metrics)
    return [kind, len(found.files), parsed, present, states["missing"], states["unparsable"], oddities(found)]


def device_rows(metrics: Sequence[Metric], devices: Devices) -> list[list[object]]:
    """Return rows: die, totals that whole-device columns of reports hold, and those that differ."""
    parts = {metric.source.file: str(metric.value) for metric in metrics if metric.name == "prov.part"}
    checked: Counter[str] = Counter()
    wrong: dict[str, Counter[str]] = {}
    for metric in metrics:
        resource = metric.name.removeprefix("util.").removesuffix(".available")
        part = parts.get(metric.source.file)
        if resource not in RESOURCES or metric.scope or not metric.is_present or part is None:
            continue
        device = devices.find(part)
        if device is None or not metric.name.endswith(".available"):
            continue
        name = device.part
        checked[name] += 1
        total = totals_of(device).get(resource)
        if metric.value != total:
            where = f"{Path(metric.source.file).name}: {resource} {metric.value}, not {total}"
            wrong.setdefault(name, Counter())[where] += 1
    return [[name, count, "; ".join(wrong.get(name, ())) or "-"] for name, count in sorted(checked.items())]


def diagnosis_rows(plugins: PluginManager, folders: Sequence[Path]) -> list[list[object]]:
    """Return rows: folder, logs, and how many have which outcome and category."""
    rows: list[list[object]] = []
    for folder in folders:
        found = BuildErrorHandler(plugins).diagnose([folder])
        counts = Counter(f"{each.outcome}: {each.category or 'nothing to say'}" for each in found)
        if counts:
            rows.append([folder.name, len(found), "; ".join(f"{text} ({n})" for text, n in sorted(counts.items()))])
    return rows


def main() -> int:
    """Read everything and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=SHARED / "corpus", help="where the kinds' folders are")
    options = parser.parse_args()
    if not options.folder.is_dir():
        print(f"there is no folder {options.folder}; give --folder or set BRAINSMITH_SHARED", file=sys.stderr)
        return 3
    folders = sorted(path for path in options.folder.iterdir() if path.is_dir())
    plugins = PluginManager.discover()
    collector = MetricsCollector(plugins)
    by_kind = {folder.name: collector.collect([folder], folder.parent) for folder in folders}
    everything = [metric for found in by_kind.values() for metric in found.metrics]

    headings = ("kind of file", "files", "parsed", "metrics", "missing", "unparsable", "oddities (files)")
    print_table("Kinds of files", headings, [kind_row(kind, found) for kind, found in by_kind.items()])
    logs = [folder for folder in folders if folder.name.startswith("log_") or folder.name == "finn_build_dataflow"]
    print_table("Diagnosis", ("folder", "logs", "outcome: category (logs)"), diagnosis_rows(plugins, logs))
    devices = device_rows(everything, Devices.of(plugins))
    print_table("Device totals", ("part", "totals checked", "mismatches"), devices)
    names = {metric.name for metric in everything if metric.is_present}
    print(f"\n{len(names)} metric names have a value in some file; {len(everything)} figures in all.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
