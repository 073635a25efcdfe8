"""Totals of the boards that FINN names, checked against what Vivado and Vitis HLS say they have."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from brainsmith_core.metrics.devices import Devices, die_of, totals_of
from brainsmith_finn_legacy.devices import DEVICES

#: FINN's own spelling, and its part.
BOARDS = {
    "Pynq-Z1": "xc7z020clg400-1",
    "Pynq-Z2": "xc7z020clg400-1",
    "Ultra96": "xczu3eg-sbva484-1-e",
    "Ultra96-V2": "xczu3eg-sbva484-1-e",
    "AUP-ZU3_8GB": "xczu3eg-sfvc784-2-e",
    "ZCU102": "xczu9eg-ffvb1156-2-e",
    "ZCU104": "xczu7ev-ffvc1156-2-e",
    "ZCU111": "xczu28dr-ffvg1517-2-e",
    "RFSoC2x2": "xczu28dr-ffvg1517-2-e",
    "RFSoC4x2": "xczu48dr-ffvg1517-2-e",
    "KV260_SOM": "xck26-sfvc784-2LV-c",
    "U50": "xcu50-fsvh2104-2L-e",
    "U200": "xcu200-fsgd2104-2-e",
    "U250": "xcu250-figd2104-2L-e",
    "U280": "xcu280-fsvh2892-2L-e",
    "U55C": "xcu55c-fsvh2892-2L-e",
    "VEK280": "xcve2802-vsvh1760-2MP-e-S",
    "VCK190": "xcvc1902-vsva2197-2MP-e-S",
    "V80": "xcv80-lsva4737-2MHP-e-s",
}


@pytest.mark.parametrize(("board", "part"), BOARDS.items())
def test_every_board_of_finn_has_totals(board: str, part: str) -> None:
    device = Devices(DEVICES).find(board.lower())
    assert device is not None
    assert device.part == part
    assert set(totals_of(device)) == {"lut", "ff", "bram_36k", "bram_18k", "uram", "dsp"}
    assert device.source


def test_there_is_no_other_board_and_no_part_twice() -> None:
    assert sorted(board for device in DEVICES for board in device.boards) == sorted(BOARDS)
    assert len({device.part for device in DEVICES}) == len(DEVICES)


def test_devices_of_one_die_have_the_same_totals() -> None:
    by_die = defaultdict(list)
    for device in DEVICES:
        by_die[die_of(device.part)].append(totals_of(device))
    assert all(totals == found[0] for found in by_die.values() for totals in found)


def test_there_are_two_flip_flops_for_each_lut() -> None:
    for device in DEVICES:
        assert device.lut is not None
        assert device.ff == 2 * device.lut


VIVADO = {
    "lut": r"(?:CLB|Slice) LUTs\*?",
    "ff": r"(?:CLB|Slice) Registers",
    "bram_36k": "Block RAM Tile",
    "uram": "URAM",
    "dsp": "DSPs",
}
HLS = {"lut": "LUT", "ff": "FF", "bram_18k": "BRAM_18K", "uram": "URAM", "dsp": "DSP(?:48E)?"}


def available_in_vivado(path: Path) -> tuple[str, dict[str, float]]:
    """Return the part of a utilisation report and its column Available."""
    text = path.read_text(errors="replace")
    part = re.search(r"\| Device\s*: (\S+)", text)
    found = {}
    for resource, row in VIVADO.items():
        cells = re.search(rf"\| {row} *\|([^\n]+)\|", text)
        if cells:
            # The columns differ by version; Available is the last but one.
            found[resource] = float(cells.group(1).split("|")[-2])
    return part.group(1) if part else "", found


def available_in_hls(path: Path) -> tuple[str, dict[str, float]]:
    """Return the part of an HLS report and what it says is available."""
    text = path.read_text(errors="replace")
    part = re.search(r"<Part>(\S+?)</Part>", text)
    block = re.search(r"<AvailableResources>(.*?)</AvailableResources>", text, re.DOTALL)
    found = {}
    for resource, tag in HLS.items():
        value = re.search(rf"<{tag}>(\d+)<", block.group(1)) if block else None
        if value:
            found[resource] = float(value.group(1))
    return part.group(1) if part else "", found


def real_totals(corpus: Path) -> Iterator[tuple[Path, str, dict[str, float]]]:
    for path in sorted((corpus / "util_flat").iterdir()):
        yield path, *available_in_vivado(path)
    for path in sorted((corpus / "csynth_xml").iterdir()):
        yield path, *available_in_hls(path)


def test_real_reports_say_the_same(corpus: Path) -> None:
    devices = Devices(DEVICES)
    seen: dict[str, set[str]] = defaultdict(set)
    for path, part, available in real_totals(corpus):
        device = devices.find(part) if part else None
        if device is None:
            continue
        totals = totals_of(device)
        for resource, count in available.items():
            assert totals[resource] == count, (path, resource)
            seen[die_of(part)].add(resource)
    assert set(seen) == {"xc7z020", "xczu3eg", "xczu7ev", "xczu28dr", "xcu50"}
    assert all({"lut", "ff", "dsp"} <= resources for resources in seen.values())
