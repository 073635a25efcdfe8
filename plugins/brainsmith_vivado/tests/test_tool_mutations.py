"""Damaged HLS reports and logs: no exception, no hang, and no figure that the whole file doesn't have.

`BRAINSMITH_MUTANTS` sets how many mutants there are in all; without it there are about 12,000.
"""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.diagnosis.log_scan import LogScanner
from brainsmith_core.metric import Metric, MetricStatus
from brainsmith_core.metrics.report import Report, ReportError
from brainsmith_core.metrics.vocabulary import load_definitions
from brainsmith_vivado.definitions import load_own_definitions
from brainsmith_vivado.parsers.hls import cosim_text, csynth_text, csynth_xml, impl_xml, summary_text
from brainsmith_vivado.parsers.logs import report as logs

REPORTS = Path(__file__).parent / "hls" / "reports"
MUTANTS = int(os.environ.get("BRAINSMITH_MUTANTS", "12000"))
UNITS = {each.name: each.unit for each in (*load_definitions(), *load_own_definitions())}
Random = random.Random
Mutator = Callable[[bytes, Random], bytes]

LOG = b"""
*** Running vivado
****** Vivado v2022.2 (64-bit)
Command: synth_design -top top -part xc7z010clg400-1
WARNING: [Synth 8-3331] design a has unconnected port b
Finished RTL Elaboration : Time (s): cpu = 00:00:03 ; elapsed = 00:00:04 . Memory (MB): peak = 500.000 ; gain = 1.000
synth_design: Time (s): cpu = 00:01:12 ; elapsed = 00:01:13 . Memory (MB): peak = 1024.000 ; gain = 158.082
ERROR: [Synth 8-439] module 'a' not found [/x/top.v:12]
    while executing
"synth_design {
 a}"
Phase 1 Placer Initialization | Checksum: 11df528bd

Time (s): cpu = 00:00:05 ; elapsed = 00:00:06 . Memory (MB): peak = 2048.500 ; gain = 517.016
INFO: [HLS 200-111] Finished Command csynth_design CPU user time: 11 seconds. CPU system time: 6 seconds. Elapsed time: 5 seconds;
INFO: [HLS 200-112] Total CPU user time: 14 seconds. Total CPU system time: 9 seconds. Total elapsed time: 6 seconds; peak allocated memory: 792 MB.
[2026-01-01 10:00:00,000] Running step: step_a [1/2]
Traceback (most recent call last):
  File "a.py", line 3, in <module>
AssertionError: IPGen failed: a not found. Check log under /tmp/a
INFO: [Common 17-206] Exiting Vivado at Sat Aug  4 22:25:33 2018...
"""  # noqa: E501 - that long are the tools' lines
SAMPLES = {path.name: path.read_bytes() for path in sorted(REPORTS.iterdir())} | {"runme.log": LOG}
PARSERS: dict[str, Callable[[Report], Iterable[Metric]]] = {
    "csynth.xml": csynth_xml.parse,
    "export.xml": impl_xml.parse,
    "summary.rpt": summary_text.parse,
    "cosim.rpt": cosim_text.parse,
    "cosim_2016.rpt": cosim_text.parse,
    "runme.log": logs.parse_log,
}


def cut(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data))]


def drop_rows(data: bytes, chance: Random) -> bytes:
    lines = data.split(b"\n")
    for _ in range(chance.choice([1, 2, 5])):
        del lines[chance.randrange(len(lines))]
    return b"\n".join(lines)


def double_rows(data: bytes, chance: Random) -> bytes:
    lines = data.split(b"\n")
    place = chance.randrange(len(lines))
    lines.insert(place, lines[place])
    return b"\n".join(lines)


def cut_front(data: bytes, chance: Random) -> bytes:
    return data[chance.randrange(len(data)) :]


def flip(data: bytes, chance: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 3, 20])):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def repeat_part(data: bytes, chance: Random) -> bytes:
    begin, end = sorted(chance.sample(range(len(data)), 2))
    return data[:end] + data[begin:]


def swap_columns(data: bytes, chance: Random) -> bytes:
    one, other = chance.sample(range(1, 6), 2)

    def swapped(line: bytes) -> bytes:
        cells = line.split(b"|")
        if len(cells) > max(one, other) + 1:
            cells[one], cells[other] = cells[other], cells[one]
        return b"|".join(cells)

    return b"\n".join(map(swapped, data.split(b"\n")))


def insert_noise(data: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(data))
    noise = chance.choice(
        [
            b"\x00" * 50,
            b"|" * 200,
            b"+-" * 200,
            b"\n" * 20,
            b"9" * 5000,
            b"{" * 99,
            b"<a>" * 300,
            b"\xff\xfe",
            b"\x1b[2K",
        ]
    )
    return data[:place] + noise + data[place:]


def mix_files(data: bytes, chance: Random) -> bytes:
    other = chance.choice(list(SAMPLES.values()))
    place = chance.randrange(len(data))
    return data[:place] + other[chance.randrange(len(other)) :] + data[place:]


HONEST: tuple[Mutator, ...] = (cut, drop_rows, double_rows)
OTHERS: tuple[Mutator, ...] = (cut_front, flip, repeat_part, swap_columns, insert_noise, mix_files)


def read(name: str, data: bytes) -> list[Metric]:
    try:
        return list(PARSERS.get(name, csynth_text.parse)(Report(path=Path(name), data=data)))
    except ReportError:
        return []


@pytest.mark.parametrize("mutator", [*HONEST, *OTHERS], ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", SAMPLES)
def test_no_mutant_raises_and_all_that_it_gives_is_in_the_vocabulary(name: str, mutator: Mutator) -> None:
    count = max(1, MUTANTS // (len(SAMPLES) * (len(HONEST) + len(OTHERS))))
    for seed in range(count):
        for metric in read(name, mutator(SAMPLES[name], Random(seed))):
            assert UNITS[metric.name] == metric.unit


#: What a line less, or one more, changes without leaving a trace: which loop of a name is meant, what a record holds,
#: the path to an instance, and things of one name, which are numbered.
TRACELESS = re.compile(r"loop\.|prov\.|instance\.module|hls\.(properties|issue|operation|detail|port)")


def _numbered(metric: Metric) -> bool:
    return "occurrence" in metric.scope or any("#" in value for value in metric.scope.values())


@pytest.mark.parametrize("mutator", HONEST, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in ("runme.log", "cosim.rpt")])
def test_what_is_left_of_a_report_is_what_was_there(name: str, mutator: Mutator) -> None:
    def figures(data: bytes) -> dict[tuple[object, ...], object]:
        found = [each for each in read(name, data) if each.status is MetricStatus.MEASURED]
        kept = [each for each in found if not TRACELESS.match(each.name) and not _numbered(each)]
        return {(each.name, *each.scope.items()): each.value for each in kept}

    whole = figures(SAMPLES[name])
    count = max(1, MUTANTS // (len(SAMPLES) * (len(HONEST) + len(OTHERS))))
    for seed in range(count):
        for key, value in figures(mutator(SAMPLES[name], Random(seed))).items():
            assert whole.get(key) == value, (seed, key)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_log_reader_takes_any_mutant(name: str) -> None:
    for seed in range(max(1, MUTANTS // 100)):
        mutator = Random(seed).choice([*HONEST, *OTHERS])
        scanner = LogScanner(name)
        for line in mutator(SAMPLES[name], Random(seed)).decode("utf-8", "replace").split("\n"):
            scanner.feed(line)
        assert scanner.runs[-1].outcome in ("ok", "failed", "unknown")


def steps(name: str, data: bytes) -> int:
    """Return how many lines of code reading a file takes: a measure of time that doesn't depend on the machine."""
    count = 0

    def trace(frame: object, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        read(name, data)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("name", SAMPLES)
def test_work_grows_with_the_size_only(name: str) -> None:
    """Eight times the size takes about eight times the work; anything quadratic would take sixty times as much."""
    data = SAMPLES[name]
    if name.endswith(".xml"):
        head, body = data.split(b"<Resources>", 1)
        small, large = (head + b"<Resources>" + b"<LUT>1</LUT>" * count + body for count in (50, 400))
    else:
        small, large = data * 4, data * 32
    read(name, small)  # what is loaded once, is now
    assert steps(name, large) < 12 * steps(name, small)
