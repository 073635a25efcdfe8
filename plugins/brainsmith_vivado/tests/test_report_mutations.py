"""Damaged reports: whatever is done to a file, no exception, no hang, and no figure that the whole file doesn't have.

`BRAINSMITH_MUTANTS` sets how many mutants there are in all; without it there are about 12,000.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from brainsmith_core.metric import Metric, MetricStatus
from brainsmith_core.metrics.report import Report, ReportError
from brainsmith_core.metrics.vocabulary import load_definitions
from brainsmith_vivado.definitions import load_own_definitions
from brainsmith_vivado.parsers.logs.embedded import embedded_figures
from brainsmith_vivado.reports import parse

REPORTS = Path(__file__).parent / "reports"
SAMPLES = sorted(path.name for path in REPORTS.iterdir())
UNITS = {each.name: each.unit for each in (*load_definitions(), *load_own_definitions())}
MUTANTS = int(os.environ.get("BRAINSMITH_MUTANTS", "12000"))

Random = random.Random
Mutator = Callable[[bytes, Random], bytes]


def lines_of(data: bytes) -> list[bytes]:
    return data.split(b"\n")


def cut(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data))]


def cut_front(data: bytes, chance: Random) -> bytes:
    return data[chance.randrange(len(data)) :]


def flip(data: bytes, chance: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 3, 20])):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def drop_rows(data: bytes, chance: Random) -> bytes:
    lines = lines_of(data)
    for _ in range(chance.choice([1, 2, 5])):
        del lines[chance.randrange(len(lines))]
    return b"\n".join(lines)


def double_rows(data: bytes, chance: Random) -> bytes:
    lines = lines_of(data)
    place = chance.randrange(len(lines))
    lines.insert(place, lines[place])
    return b"\n".join(lines)


def repeat_section(data: bytes, chance: Random) -> bytes:
    begins = [found.start() for found in re.finditer(rb"^(?:[0-9.]+ \w[^\n]*\n-{3,}\n|\+-[-+]*\+\n\|)", data, re.M)]
    if len(begins) < 2:
        return data + data
    place = chance.randrange(len(begins) - 1)
    part = data[begins[place] : begins[place + 1]]
    return data[: begins[place + 1]] + part + data[begins[place + 1] :]


def swap_sections(data: bytes, chance: Random) -> bytes:
    parts = re.split(rb"(?m)(?=^[0-9.]+ \w[^\n]*\n-{3,}\n)", data)
    if len(parts) < 4:
        return data
    one, other = chance.sample(range(1, len(parts)), 2)
    parts[one], parts[other] = parts[other], parts[one]
    return b"".join(parts)


def swap_columns(data: bytes, chance: Random) -> bytes:
    """Swap two columns of all tables that have them, headings included."""
    one, other = chance.sample(range(1, 8), 2)

    def swapped(line: bytes) -> bytes:
        mark = b"+" if line.startswith(b"+-") else b"|"
        cells = line.split(mark)
        if len(cells) > max(one, other) + 1 and line.startswith((b"| ", b"+-")):
            cells[one], cells[other] = cells[other], cells[one]
        return mark.join(cells)

    return b"\n".join(map(swapped, lines_of(data)))


def swap_inner_columns(data: bytes, chance: Random) -> bytes:
    """Swap two columns with their headings, but not the first: no figure changes by that."""
    one, other = chance.sample(range(2, 8), 2)

    def swapped(line: bytes) -> bytes:
        mark = b"+" if line.startswith(b"+-") else b"|"
        cells = line.split(mark)
        if len(cells) > max(one, other) + 1 and line.startswith((b"| ", b"+-")):
            cells[one], cells[other] = cells[other], cells[one]
        return mark.join(cells)

    return b"\n".join(map(swapped, lines_of(data)))


def break_frames(data: bytes, chance: Random) -> bytes:
    """Change letters of the frames, in which there are no figures."""
    rules = [range(*found.span()) for found in re.finditer(rb"^[+-][-+ ]+$", data, re.MULTILINE)]
    places = [place for rule in rules for place in rule] + [found.start() for found in re.finditer(rb"\|", data)]
    changed = bytearray(data)
    for place in chance.sample(places, min(len(places), chance.choice([1, 2, 8]))):
        changed[place] = chance.choice(b"| +-x1\n\t")
    return bytes(changed)


def change_encoding(data: bytes, chance: Random) -> bytes:
    """Line ends of other systems, marks of byte order, other encodings, blanks at the ends of lines."""
    how = chance.randrange(6)
    if how == 0:
        return data.replace(b"\n", b"\r\n")
    if how == 1:
        return b"\xef\xbb\xbf" + data
    if how == 2:
        return data.decode().encode("utf-16")
    if how == 3:
        return b"\xa9 " + data  # as Latin-1 has it
    if how == 4:
        return data.replace(b"\n", b"  \n")
    return data.rstrip(b"\n")


def insert_noise(data: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(data))
    noise = chance.choice(
        [b"\x00" * 50, b"|" * 200, b"+-" * 200, b"\n" * 20, b"9" * 5000, b"{" * 99, b"<" * 9, b"\xff"]
    )
    return data[:place] + noise + data[place:]


def mix_files(data: bytes, chance: Random) -> bytes:
    other = (REPORTS / chance.choice(SAMPLES)).read_bytes()
    place = chance.randrange(len(data))
    return data[:place] + other[chance.randrange(len(other)) :] + data[place:]


def no_spaces(data: bytes, chance: Random) -> bytes:
    return re.sub(rb" {2,}", chance.choice([b" ", b"\t", b"   "]), data)


#: Mutators that take away or repeat but change nothing: what is left has to be what was there.
HONEST: tuple[Mutator, ...] = (
    cut,
    drop_rows,
    double_rows,
    repeat_section,
    swap_sections,
    swap_inner_columns,
    break_frames,
    change_encoding,
)
OTHERS: tuple[Mutator, ...] = (cut_front, flip, swap_columns, insert_noise, mix_files, no_spaces)


def read(name: str, data: bytes) -> list[Metric]:
    report = Report(path=Path(name), data=data)
    try:
        return embedded_figures(report) if name.endswith(".log") else list(parse(report))
    except ReportError:
        return []


def figures(metrics: list[Metric]) -> dict[tuple[object, ...], object]:
    measured = [each for each in metrics if each.status is MetricStatus.MEASURED]
    return {(each.name, *sorted(each.scope.items())): each.value for each in measured}


@pytest.mark.parametrize("mutator", [*HONEST, *OTHERS], ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", SAMPLES)
def test_no_mutant_raises_and_all_that_it_gives_is_in_the_vocabulary(name: str, mutator: Mutator) -> None:
    data = (REPORTS / name).read_bytes()
    count = max(1, MUTANTS // (len(SAMPLES) * (len(HONEST) + len(OTHERS))))
    for seed in range(count):
        for metric in read(name, mutator(data, Random(seed))):
            assert UNITS[metric.name] == metric.unit


#: What a missing or repeated line changes without leaving a trace: sums of rows, the sum of a check's lines, the
#: greatest of the fan-outs that a path lists, the names above a row that others are called like, the first of paths.
TRACELESS = re.compile(
    r"util\.(gt|pcie|hbm|noc|aie)\b|power\.(mmcm_pll|gt)_w|timing\.check\.|timing\..*fanout_max|util\.site.* > "
)


#: A list of paths alone doesn't say what the worst slack is.
PATHS = "timing_paths.rpt"
#: Its headings stand in two lines, of which the upper one has fewer columns: to swap those is to change the headings.
SPANNED = "clocks_7series.rpt"


def agrees(value: object, whole: object) -> bool:
    """A fraction is calculated where a report gives the total, and else the percentage as printed."""
    if isinstance(value, float) and isinstance(whole, float):
        return abs(value - whole) < 1e-4
    return value == whole


@pytest.mark.parametrize("mutator", HONEST, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_left_of_a_report_gives_no_other_figures_than_the_whole(name: str, mutator: Mutator) -> None:
    if name == SPANNED and mutator is swap_inner_columns:
        pytest.skip("its headings span several columns, so that no column can be swapped with its own")
    data = (REPORTS / name).read_bytes()
    whole = figures(read(name, data))
    count = max(1, MUTANTS // (len(SAMPLES) * len(HONEST)))
    for seed in range(count):
        for key, value in figures(read(name, mutator(data, Random(seed)))).items():
            if name == PATHS and str(key[0]).startswith("timing.crit"):
                continue
            assert TRACELESS.match(" ".join(map(str, key))) or agrees(value, whole.get(key)), (seed, key)
