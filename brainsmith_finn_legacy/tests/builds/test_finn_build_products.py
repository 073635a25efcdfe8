from __future__ import annotations

import json
from pathlib import Path

import pytest

from brainsmith_finn_legacy.build_products import find_products, find_reports, quality_warnings


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    (tmp_path / "report").mkdir()
    return tmp_path


def test_products_are_found_where_any_version_puts_them(artifacts: Path) -> None:
    (artifacts / "bitfile").mkdir()
    (artifacts / "time_per_step.json").write_text("{}")
    (artifacts / "final_hw_config.json").write_text("{}")
    (artifacts / "stitched_ip").mkdir()
    (artifacts / "stitched_ip" / "finn_vivado_stitch_proj.xpr").touch()
    assert find_products(artifacts) == {
        "timing_summary": artifacts / "time_per_step.json",
        "final_hw_config": artifacts / "final_hw_config.json",
        "stitched_ip": artifacts / "stitched_ip",
    }
    (artifacts / "report" / "time_per_step.json").write_text("{}")
    assert find_products(artifacts)["timing_summary"] == artifacts / "report" / "time_per_step.json"


def test_reports_are_looked_for_at_the_top_and_in_the_folders_of_reports(artifacts: Path) -> None:
    (artifacts / "auto_folding_config.json").write_text("{}")
    (artifacts / "intermediate_models").mkdir()
    assert find_reports(artifacts) == [artifacts / "auto_folding_config.json", artifacts / "report"]


@pytest.mark.parametrize(("fps", "count"), [(999.9, 1), (1000, 0), (None, 0)])
def test_a_missed_target_is_noticed(artifacts: Path, fps: float | None, count: int) -> None:
    report = {} if fps is None else {"estimated_throughput_fps": fps}
    (artifacts / "report" / "estimate_network_performance.json").write_text(json.dumps(report))
    assert len(quality_warnings(artifacts, {"target_fps": 1000})) == count
    assert quality_warnings(artifacts, {}) == []


def test_a_failed_verification_and_missed_timing_are_noticed(artifacts: Path) -> None:
    (artifacts / "verification_output").mkdir()
    for name in ("verify_initial_python_0_FAIL.npy", "verify_streamlined_python_0_SUCCESS.npy"):
        (artifacts / "verification_output" / name).touch()
    report = artifacts / "report" / "post_route_timing.rpt"
    report.write_text("All user specified timing constraints are met.\n")
    assert quality_warnings(artifacts, {}) == ["verification failed: verify_initial_python_0_FAIL.npy"]
    report.write_text("Timing constraints are not met.\n")
    assert len(quality_warnings(artifacts, {})) == 2


def test_warnings_in_finns_log_are_given_once_and_not_without_end(artifacts: Path) -> None:
    line = "[2026-11-21 01:38:51,487]WARNING:Unused HW configurations: MVAU_hls_{}\n"
    log = artifacts / "build_dataflow.log"
    log.write_text(line.format(0) * 3 + "[2026-11-21 01:38:51,487]INFO:nothing special\n")
    assert quality_warnings(artifacts, {}) == ["FINN: Unused HW configurations: MVAU_hls_0"]
    log.write_text("".join(line.format(index) for index in range(30)))
    found = quality_warnings(artifacts, {})
    assert len(found) == 21
    assert found[-1] == "10 more warnings are in build_dataflow.log"
