"""Totals of dies, checked against the column "Available" of real reports."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from brainsmith_core.metric import Metric
from brainsmith_core.metrics.collector import MetricsCollector
from brainsmith_core.metrics.devices import Devices, die_of, totals_of
from brainsmith_vivado.devices import load_devices

DEVICES = Devices(load_devices())
RESOURCES = ("lut", "ff", "bram_36k", "bram_18k", "uram", "dsp")
#: Reports that contradict the die they name: a SmartSSD project whose HLS took the totals of a VU9P for a KU15P.
CONTRADICTORY = {"007_fpga-smartssd__cuisr_csynth.rpt", "007_fpga-smartssd__csynth.xml"}


def test_there_are_two_flip_flops_for_each_lut_of_every_die() -> None:
    assert all(each.ff == 2 * (each.lut or 0) for each in load_devices())


def test_no_die_is_listed_twice_and_each_is_its_own_die() -> None:
    parts = [each.part for each in load_devices()]
    assert len(parts) == len(set(parts)) > 75
    assert all(die_of(part) == part for part in parts)


def test_every_number_has_a_source() -> None:
    assert all(each.source.startswith("AMD DS") for each in load_devices())
    assert all(set(totals_of(each)) == set(RESOURCES) and each.slrs for each in load_devices())


@pytest.mark.parametrize(
    ("part", "cells"),
    # The data sheets count 2.1875 system logic cells for a LUT, and print cells exactly where parts of a die are used.
    [
        ("xczu17eg", 926_194),
        ("xczu6eg", 469_446),
        ("xczu19eg", 1_143_450),
        ("xcku035", 444_343),
        ("xcvu23p", 2_252_250),
    ],
)
def test_luts_are_those_of_the_system_logic_cells(part: str, cells: int) -> None:
    device = DEVICES.find(part)
    assert device is not None
    assert abs((device.lut or 0) * 2.1875 - cells) < 2.1875


@pytest.mark.parametrize(
    ("part", "luts"),
    [("xa7z020clg400-1I", 53_200), ("xq7k325tffg900-2", 203_800), ("7a35tcpg236-1", 20_800), ("xcku060", 331_680)],
)
def test_a_part_of_any_grade_has_the_totals_of_its_die(part: str, luts: int) -> None:
    device = DEVICES.find(part)
    assert device is not None
    assert device.lut == luts


def test_a_part_of_an_unknown_die_has_none() -> None:
    assert DEVICES.find("xc7a999t-1") is None


@pytest.fixture(scope="module")
def available(corpus_metrics: list[Metric]) -> dict[str, list[Metric]]:
    """What reports say the whole device has, by file."""
    found = defaultdict(list)
    for metric in corpus_metrics:
        resource = metric.name.removeprefix("util.").removesuffix(".available")
        if metric.name.endswith(".available") and resource in RESOURCES and metric.is_present and not metric.scope:
            found[metric.source.file].append(metric)
    return found


@pytest.fixture(scope="module")
def corpus_metrics(shared_corpus: Path, collector: MetricsCollector) -> list[Metric]:
    kinds = (
        "util_flat",
        "util_hier",
        "util_xml",
        "util_vitis_kernel",
        "csynth_rpt",
        "csynth_xml",
        "csynth_summary_rpt",
    )
    return [
        each
        for kind in (*kinds, "log_embedded_report")
        for each in collector.collect([shared_corpus / kind], shared_corpus).metrics
    ]


def test_every_die_of_real_reports_is_known(corpus_metrics: list[Metric]) -> None:
    parts = {str(each.value) for each in corpus_metrics if each.name == "prov.part" and each.is_present}
    known = Devices([*load_devices()])
    # Accelerator cards are those of the package for FINN, which knows boards.
    assert [part for part in sorted(parts) if known.find(part) is None] in ([], ["xcu280-fsvh2892-2L-e"])


def test_totals_are_those_that_real_reports_print(
    corpus_metrics: list[Metric], available: dict[str, list[Metric]]
) -> None:
    checked, wrong = Counter[str](), []
    for metric in corpus_metrics:
        device = DEVICES.find(str(metric.value)) if metric.name == "prov.part" else None
        if device is None or Path(metric.source.file).name in CONTRADICTORY:
            continue
        totals = totals_of(device)
        for each in available.get(metric.source.file, []):
            resource = each.name.removeprefix("util.").removesuffix(".available")
            checked[resource] += 1
            if each.value != totals[resource]:
                wrong.append((metric.source.file, device.part, resource, each.value, totals[resource]))
    assert not wrong
    assert all(checked[resource] > 10 for resource in RESOURCES)


def test_regions_have_their_share_of_the_whole(corpus_metrics: list[Metric]) -> None:
    parts = {each.source.file: str(each.value) for each in corpus_metrics if each.name == "prov.part"}
    checked = 0
    for each in corpus_metrics:
        if each.name == "util.lut.available" and each.scope == {"slr": "one"}:
            device = DEVICES.find(parts[each.source.file])
            assert device is not None
            assert each.value == (device.lut or 0) / (device.slrs or 0)
            checked += 1
    assert checked > 5
