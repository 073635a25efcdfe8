"""Real FINN builds of the corpus, put together again from their reports: every view of them holds together.

The checks read the raw files by themselves.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from brainsmith_core.metric import Stage
from brainsmith_core.metrics.collector import MetricsCollector
from brainsmith_core.plugins.manager import default_plugins
from brainsmith_finn_legacy import AdvancedPerformanceMetrics, ResourceUtilizationTracker
from brainsmith_finn_legacy.analysis.build_figures import read_build
from brainsmith_finn_legacy.analysis.layers import layers_of

ROUTED = "alhusseingamal/finn-brevitas-pynq-labs"
#: Builds with a routed design, and the layer that its worst setup path is in.
WORST = {
    "task3/results/output_auto": "MVAU_hls_2",
    "task3/results/output_custom_0": "LabelSelect_hls_0",
    "task3/results/output_custom_1": "LabelSelect_hls_0",
    "task3/results/output_custom_2": "LabelSelect_hls_0",
    "task3/results/output_custom_3": "LabelSelect_hls_0",
    "task3/results/output_custom_4": "MVAU_hls_0",
    "task4/source/finn_out/12x12_w2a3_c12x24x36/outputs/output_800000": "MVAU_hls_3",
}
#: Builds of which estimates, folding and operations are there, all of one run.
ESTIMATED = [
    ("CNStanLee/DAC2026", "output/unsw/output_estimates_only"),
    (ROUTED, "task3/results/output_auto"),
    (ROUTED, "task4/source/finn_out/12x12_w2a3_c12x24x36/outputs/output_800000"),
    ("o-ibrahim33/finn", "build_lpyolo/output_finn/lpyoloW4A4"),
    ("o-ibrahim33/finn", "notebooks/output_finn/lpyoloW4A4_1"),
]

Assemble = Callable[[str, str], Path]


@pytest.fixture
def assemble(corpus: Path, tmp_path: Path) -> Assemble:
    """Put the reports of one build into a folder as FINN has them."""

    def run(repo: str, folder: str) -> Path:
        root = tmp_path / "build"
        with (corpus / "index.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if row["repo"] == repo]
        for row in rows:
            path = PurePosixPath(row["path"])
            if path.is_relative_to(folder):
                target = root / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(corpus / row["file"], target)
        return root

    return run


def raw(root: Path, name: str) -> Any:
    return json.loads((root / "report" / name).read_text())


def needs_timing() -> None:
    if not any("timing" in offer.record.name for offer in default_plugins().metric_parsers()):
        pytest.skip("no parser of timing reports is installed: pip install brainsmith-vivado")


@pytest.mark.parametrize(("folder", "layer"), sorted(WORST.items()))
def test_the_worst_path_is_in_the_layer_that_it_names(assemble: Assemble, folder: str, layer: str) -> None:
    needs_timing()
    root = assemble(ROUTED, folder)
    (report,) = (root / "report").glob("post_route_timing*")
    text = report.read_text(errors="replace")
    found = AdvancedPerformanceMetrics().analyze_timing_closure(root)
    # the row below the headings of the design's summary
    summary = re.search(r"WNS\(ns\).*?\n[ -]+\n\s+(-?[0-9.]+)\s+(-?[0-9.]+)\s+([0-9]+)", text, re.DOTALL)
    assert summary is not None
    assert (found.whole.wns_ns, found.whole.tns_ns) == (float(summary[1]), float(summary[2]))
    assert found.met is ("All user specified timing constraints are met." in text)
    assert found.achievable_mhz == pytest.approx(1000 / (10 - float(summary[1])))
    worst = next(path for path in found.paths if path.kind == "setup")
    first = re.search(r"Slack \(\w+\) :\s+(-?[0-9.]+)ns.*\n  Source:\s+(\S+)", text)
    assert first is not None
    assert (worst.slack_ns, worst.startpoint) == (float(first[1]), first[2])
    assert f"_{layer}/" in worst.startpoint
    assert worst.layer == layer
    assert layer in raw(root, "estimate_layer_cycles.json")
    assert found.metrics[0].value == layer


@pytest.mark.parametrize("folder", [*WORST][:4])
def test_the_routed_designs_instances_are_the_estimates_layers(assemble: Assemble, folder: str) -> None:
    root = assemble(ROUTED, folder)
    usage = ResourceUtilizationTracker().track_resource_usage(root)
    route = next(stage for stage in usage.stages if stage.stage == "route")
    routed = raw(root, "post_synth_resources.json")
    for instance, counts in routed.items():
        layer = re.sub(r"StreamingDataflowPartition_1_", "", instance)
        if instance == "(top)":
            assert route.total["util.lut"] == counts["LUT"]
        elif "IODMA" in instance:
            assert instance in route.layers
        else:
            assert route.layers[layer]["util.lut"] == counts["LUT"]
            assert route.layers[layer]["util.bram_18k"] == 2 * counts["BRAM_36K"] + counts["BRAM_18K"]
    if (root / "report" / "estimate_layer_resources.json").is_file():
        estimated = raw(root, "estimate_layer_resources.json")
        errors = {each.scope["layer"]: each.value for each in usage.errors if _lut_of_route(each)}
        partition = "StreamingDataflowPartition_1_"
        assert errors == {
            layer: routed[partition + layer]["LUT"] / counts["LUT"]
            for layer, counts in estimated.items()
            if counts["LUT"] and partition + layer in routed
        }
        assert errors
    assert usage.unmapped == ("IODMA_hls_0",)


def _lut_of_route(metric: Any) -> bool:
    return metric.name == "est_error.lut" and metric.stage is Stage.ROUTE


@pytest.mark.parametrize(("repo", "folder"), ESTIMATED)
def test_matrix_layers_need_their_operations_divided_by_their_multipliers(
    assemble: Assemble, repo: str, folder: str
) -> None:
    build = read_build(assemble(repo, folder))
    multiplying = [layer for layer in layers_of(build).values() if layer.multiplies]
    known = [layer for layer in multiplying if layer.macs is not None and len(layer.folding) == 2]
    assert known
    for layer in known:
        assert layer.cycles == layer.macs / prod(layer.folding.values())  # type: ignore[operator] # looked at above
        assert layer.multipliers == prod(layer.folding.values())


def test_reports_of_different_builds_in_one_folder_are_noticed(assemble: Assemble) -> None:
    root = assemble("o-ibrahim33/finn", "notebooks/end2end_example/cybersecurity/output_estimates_only")
    found = AdvancedPerformanceMetrics().collect_comprehensive_metrics(root)
    assert "perf.mac_utilisation" in found.missing


@pytest.mark.parametrize("folder", [folder for folder in WORST if "custom_2" not in folder])
def test_the_summary_of_a_finn_output_folder_is_that_of_its_reports(assemble: Assemble, folder: str) -> None:
    root = assemble(ROUTED, folder)
    summary = MetricsCollector().collect_from_finn_output(root)
    simulated = raw(root, "rtlsim_performance.json")
    routed = raw(root, "post_synth_resources.json")["(top)"]
    clock, batch = simulated["fclk[mhz]"], simulated["N"]
    # A batch of one frame never fills the pipeline; with more, the steady state is what counts.
    steady = (batch - 1) / max(1, simulated["cycles"] - simulated["latency_cycles"]) * clock * 1e6
    assert summary.throughput == pytest.approx(steady if batch > 1 else simulated["throughput[images/s]"])
    assert summary.latency == pytest.approx(simulated["latency_cycles"] / simulated["fclk[mhz]"])
    assert summary.clock_frequency == simulated["fclk[mhz]"]
    assert summary.lut_utilization == pytest.approx(routed["LUT"] / 53200)
    assert summary.dsp_utilization == pytest.approx(routed["DSP"] / 220)
    assert summary.bram_utilization == pytest.approx((routed["BRAM_36K"] + routed["BRAM_18K"] / 2) / 140)
    assert (summary.uram_utilization, summary.total_power, summary.accuracy) == (None, None, None)
    assert summary.stages["lut_utilization"] == "route"
