"""Real FINN reports of many projects: every value comes out once, with the right name, stage and scope.

The check reads the raw files by itself and compares sets of numbers; nothing of the parsers is used for that.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.metric import Metric, MetricStatus
from brainsmith_core.metrics.collector import Collected, MetricsCollector

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")

#: Folder of the corpus, number of files in it at least, the stages that its figures may have.
KINDS = [
    ("finn_auto_folding_config", 13, {"build"}),
    ("finn_build_dataflow", 10, {"build"}),
    ("finn_estimate_layer_config_alternatives", 19, {"estimate"}),
    ("finn_estimate_layer_cycles", 17, {"estimate"}),
    ("finn_estimate_layer_resources", 19, {"estimate"}),
    ("finn_estimate_layer_resources_hls", 26, {"hls"}),
    ("finn_estimate_network_performance", 17, {"estimate"}),
    ("finn_fifo_sizing", 7, {"fifo"}),
    ("finn_final_hw_config", 16, {"build"}),
    ("finn_folding_config", 6, {"build"}),
    ("finn_metadata_builder", 1, {"build"}),
    ("finn_ooc_synth_and_timing", 4, {"ooc", "build"}),
    ("finn_op_and_param_counts", 14, {"model"}),
    ("finn_post_synth_resources", 7, {"route"}),
    ("finn_post_synth_resources_xml", 12, {"route", "build"}),
    ("finn_rtlsim_performance", 11, {"rtlsim"}),
    ("finn_template_specialize_layers_config", 4, {"build"}),
    ("finn_time_per_step", 35, {"build"}),
]


@pytest.fixture(scope="module")
def parsed(corpus: Path, collector: MetricsCollector) -> dict[str, list[tuple[Path, Collected]]]:
    """What each file of each folder of FINN's reports gives."""
    return {
        folder.name: [(path, collector.collect([path], corpus)) for path in sorted(folder.iterdir())]
        for folder in sorted(corpus.glob("finn_*"))
    }


def numbers(value: Any) -> Iterator[float]:
    """Yield every number in JSON data, also those that are text."""
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, int | float) or (isinstance(value, str) and NUMBER.match(value)):
        yield float(value)


def given(metrics: list[Metric]) -> Counter[float]:
    """Count the numbers that stand in the file as such: not what follows from them."""
    return Counter(number for metric in metrics if not metric.source.formula for number in numbers(metric.value))


def raw_numbers(path: Path) -> Counter[float]:
    if path.suffix == ".xml":
        cells = re.findall(r'<tablecell class="" contents="([^"]*)"', path.read_text())
        return Counter(float(cell) for cell in cells if NUMBER.match(cell.strip()))
    return Counter(numbers(json.loads(path.read_text())))


def test_the_folders_are_those_that_are_checked(corpus: Path) -> None:
    assert {folder.name for folder in corpus.glob("finn_*")} == {name for name, _, _ in KINDS}


@pytest.mark.parametrize(("kind", "count", "stages"), KINDS)
def test_every_file_is_read_without_unknown_fields_and_wrong_names(
    kind: str, count: int, stages: set[str], parsed: dict[str, list[tuple[Path, Collected]]]
) -> None:
    assert len(parsed[kind]) >= count
    for path, found in parsed[kind]:
        (file,) = found.files
        assert (file.status, file.warning) == ("parsed", ""), path
        assert "unknown" not in file.message, path
        assert {metric.stage.value for metric in found.metrics} <= stages
        assert all(metric.source.sha256 and metric.source.file == file.file for metric in found.metrics)
        keys = [(metric.name, metric.stage, tuple(metric.scope.items())) for metric in found.metrics]
        assert len(set(keys)) == len(keys), path


EXACT = [name for name, _, _ in KINDS if name not in ("finn_build_dataflow", "finn_estimate_layer_resources_hls")]


@pytest.mark.parametrize("kind", [name for name in EXACT if name != "finn_ooc_synth_and_timing"])
def test_the_numbers_are_those_of_the_file(kind: str, parsed: dict[str, list[tuple[Path, Collected]]]) -> None:
    for path, found in parsed[kind]:
        assert given(found.metrics) == raw_numbers(path), path


def test_of_out_of_context_synthesis_only_what_finn_could_not_read_is_missing(
    parsed: dict[str, list[tuple[Path, Collected]]],
) -> None:
    unread = []
    for path, found in parsed["finn_ooc_synth_and_timing"]:
        left = raw_numbers(path) - given(found.metrics)
        assert given(found.metrics) - raw_numbers(path) == Counter()
        assert set(left) == {0.0}
        data = json.loads(path.read_text())
        zeros = [key for key, value in data.items() if value == 0 and isinstance(value, int)]
        assert left[0.0] == len(zeros)
        unread += [metric.source.field for metric in found.metrics if metric.status is MetricStatus.UNPARSABLE]
        assert sorted(zeros) == sorted(["", *unread[-1:]]) or zeros == [""]
    assert unread == ["DSP"]


def test_of_hls_layers_only_the_zeros_that_finn_presets_are_missing(
    parsed: dict[str, list[tuple[Path, Collected]]],
) -> None:
    missing = 0
    for path, found in parsed["finn_estimate_layer_resources_hls"]:
        left = raw_numbers(path) - given(found.metrics)
        assert given(found.metrics) - raw_numbers(path) == Counter()
        assert set(left) <= {0.0}
        layers = json.loads(path.read_text())
        for layer, values in layers.items():
            scope = {} if layer == "total" else {"layer": layer}
            figures = {metric.name: metric.value for metric in found.metrics if metric.scope == scope}
            empty = all(float(value) == 0 and not isinstance(value, str) for value in values.values())
            for key, name in (
                ("LUT", "util.lut"),
                ("FF", "util.ff"),
                ("BRAM_18K", "util.bram_18k"),
                ("URAM", "util.uram"),
            ):
                assert figures[name] == (None if empty else float(values[key])), (path, layer, key)
            dsp = max(float(values.get(key, 0)) for key in ("DSP", "DSP48E", "DSP58E"))
            assert figures["util.dsp"] == (None if empty else dsp), (path, layer)
            missing += empty
    assert missing == 124


def test_layers_have_the_resources_that_the_file_gives_them(
    parsed: dict[str, list[tuple[Path, Collected]]],
) -> None:
    names = {
        "util.lut": ("LUT", "count"),
        "util.dsp": ("DSP", "count"),
        "util.uram": ("URAM", "count"),
        "util.bram_18k": ("BRAM_18K", "18 Kb"),
        "util.bram_efficiency": ("BRAM_efficiency", "fraction"),
        "util.uram_efficiency": ("URAM_efficiency", "fraction"),
    }
    for path, found in parsed["finn_estimate_layer_resources"]:
        data = json.loads(path.read_text())
        for metric in found.metrics:
            key, unit = names[metric.name]
            assert metric.value == data[metric.scope.get("layer", "total")][key], path
            assert metric.unit == unit
        assert len(found.metrics) == sum(len(values) for values in data.values())


def test_cycles_times_and_fifos_have_the_right_owner(parsed: dict[str, list[tuple[Path, Collected]]]) -> None:
    for path, found in parsed["finn_estimate_layer_cycles"]:
        assert {metric.scope["layer"]: metric.value for metric in found.metrics} == json.loads(path.read_text())
    for path, found in parsed["finn_time_per_step"]:
        steps = {metric.scope.get("step", "total_build_time"): metric.value for metric in found.metrics}
        assert steps == json.loads(path.read_text())
    for path, found in parsed["finn_fifo_sizing"]:
        depths = {metric.scope["fifo"]: metric.value for metric in found.metrics if metric.name == "fifo.depth"}
        assert depths == json.loads(path.read_text())["fifo_depths"]


def test_the_whole_design_has_the_figures_of_the_top_row(parsed: dict[str, list[tuple[Path, Collected]]]) -> None:
    for path, found in parsed["finn_post_synth_resources_xml"]:
        whole = {metric.name: metric.value for metric in found.metrics if not metric.scope}
        headings = re.findall(r'<tableheader class="" contents="([^"]*)"', path.read_text())
        cells = re.findall(r'<tablecell class="" contents="([^"]*)"', path.read_text())[: len(headings)]
        top = dict(zip(headings, cells, strict=True))
        assert top["Module"] == "(top)"
        assert whole["util.lut"] == int(top["Total LUTs"])
        assert whole["util.ramb36"] == int(top["RAMB36"])
        assert whole["util.dsp"] == int(top.get("DSP Blocks") or top["DSP48 Blocks"])
        assert str(whole["prov.part"]).startswith("xc")


def test_the_same_build_has_the_same_resources_in_both_formats(
    corpus: Path, parsed: dict[str, list[tuple[Path, Collected]]]
) -> None:
    with (corpus / "index.csv").open(newline="") as file:
        origin = {row["file"]: (row["repo"], row["commit"], Path(row["path"]).parent) for row in csv.DictReader(file)}

    def whole_designs(kind: str) -> dict[Any, dict[str, Any]]:
        return {
            origin[str(path.relative_to(corpus))]: {m.name: m.value for m in found.metrics if not m.scope}
            for path, found in parsed[kind]
        }

    tables = whole_designs("finn_post_synth_resources_xml")
    pairs = [
        (summary, tables[place])
        for place, summary in whole_designs("finn_post_synth_resources").items()
        if place in tables
    ]
    assert len(pairs) >= 2
    assert all(summary.items() <= table.items() for summary, table in pairs)


def test_steady_throughput_needs_more_than_one_frame(
    parsed: dict[str, list[tuple[Path, Collected]]], collector: MetricsCollector
) -> None:
    batches = Counter[bool]()
    for path, found in parsed["finn_rtlsim_performance"]:
        data = json.loads(path.read_text())
        follows = {metric.name: metric.value for metric in collector.derive(found.metrics)}
        steady = follows.get("perf.steady_throughput_fps")
        batches[data["N"] > 1] += 1
        if data["N"] == 1:
            assert steady is None
        else:
            cycles = (data["cycles"] - data["latency_cycles"]) / (data["N"] - 1)
            assert steady == pytest.approx(1e6 * data["fclk[mhz]"] / cycles)
        assert follows["perf.latency_us"] == pytest.approx(data["latency_cycles"] / data["fclk[mhz]"])
    assert batches[True] == 3


def test_logs_name_the_steps_of_their_last_build(parsed: dict[str, list[tuple[Path, Collected]]]) -> None:
    for path, found in parsed["finn_build_dataflow"]:
        lines = re.findall(r"Running step: (\S+) \[(\d+)/(\d+)\]", path.read_text(errors="replace"))
        last = lines[max(place for place, line in enumerate(lines) if line[1] == "1") :]
        steps = [metric.scope["step"] for metric in found.metrics if metric.name == "build.step_index"]
        whole = {metric.name: metric.value for metric in found.metrics if not metric.scope}
        assert steps == [step for step, _, _ in last]
        assert (whole["build.last_step"], whole["build.steps"]) == (last[-1][0], int(last[-1][2]))
        assert whole["build.status"] is None
