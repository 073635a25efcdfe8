from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.build.workspace import Workspace
from brainsmith_core.config import BuildConfig, GlobalConfig, OutputStage
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_core.metric import MetricStatus
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_stub.artifacts import FILES
from brainsmith_stub.backend import FutureBrainsmithBackend

MakeConfig = Callable[..., BuildConfig]


def run(config: BuildConfig, **options: Any) -> BuildResult:
    return create_build_runner_factory("future_brainsmith")().run(config, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_build_succeeds_with_simulated_figures_only(make_config: MakeConfig) -> None:
    config = make_config(kernels=[("MatMul", ["hls"])])
    result = run(config)
    assert result.status is BuildStatus.SUCCESS, result.error
    assert result.simulated
    assert result.metrics is not None
    assert result.metrics.simulated
    assert 700 < (result.metrics.throughput or 0) < 1200
    assert 5 < (result.metrics.latency or 0) < 17
    assert 200 <= (result.metrics.clock_frequency or 0) <= 400
    assert 0 < (result.metrics.lut_utilization or 0) <= 0.95
    assert 0 < (result.metrics.bram_utilization or 0) <= 0.95
    assert 0 < (result.metrics.dsp_utilization or 0) <= 0.95
    assert 5 <= (result.metrics.total_power or 0) <= 25
    assert 0.85 <= (result.metrics.accuracy or 0) <= 0.99
    figures = [m for m in Workspace(Path(config.output_dir)).read_metrics() if m.source.parser != "build"]
    assert {metric.status for metric in figures} <= {MetricStatus.SIMULATED, MetricStatus.MISSING}


def test_the_raw_figures_of_the_simulation_are_among_the_raw_metrics(make_config: MakeConfig) -> None:
    result = run(make_config(kernels=[("A", ["hls"]), ("~B", ["rtl"])], transforms={"s": ["t"]}))
    assert result.metrics is not None
    raw = result.metrics.raw_metrics
    assert (raw["mock_build"], raw["kernel_count"], raw["transform_count"]) == (True, 2, 1)
    assert raw["complexity_factor"] == 0.3


def test_the_artefacts_are_written_and_say_that_they_are_mock_data(make_config: MakeConfig) -> None:
    config = make_config(transforms={"cleanup": ["Fold"]})
    result = run(config)
    root = Path(config.output_dir)
    assert {name: Path(path).name for name, path in result.artifacts.items()} == {
        **FILES,
        "finn_brainsmith_config": "finn_brainsmith_config.json",
    }
    for name in ("design_summary", "kernel_mapping", "performance_report", "resource_report"):
        data = json.loads((root / result.artifacts[name]).read_text())
        assert (data["artifact_type"], data["mock_data"]) == (name, True)
    assert "cleanup: Fold" in (root / result.artifacts["transform_log"]).read_text()
    handed_over = root / "backend_specific" / "brainsmith_outputs" / "finn_brainsmith_config.json"
    assert json.loads(handed_over.read_text())["processed_model_path"].endswith("processed_model.onnx")


def test_the_same_configuration_gives_the_same_files(make_config: MakeConfig, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        run(make_config(output_dir=str(folder)))
    one, two = (contents(folder / "artifacts") for folder in folders)
    assert one == two
    assert set(one) == set(FILES.values())


def test_another_process_draws_the_same_figures(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(output_dir=str(tmp_path / "other"))
    program = (
        "import json, sys; from brainsmith_core.config import BuildConfig;"
        "from brainsmith_stub.backend import FutureBrainsmithBackend as Stub;"
        "result = Stub().run(BuildConfig.from_dict(json.load(sys.stdin)));"
        "print(json.dumps(result.metrics.raw_metrics))"
    )
    environment = {"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(config.to_dict()),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    here = run(make_config()).metrics
    assert here is not None
    there = json.loads(done.stdout)
    for name in ("perf.throughput_fps", "power.total_w", "util.lut.fraction"):
        assert here.raw_metrics[name] == there[name]


def test_builds_succeed_at_the_rate_asked_for(make_config: MakeConfig, tmp_path: Path) -> None:
    factory = create_build_runner_factory("future_brainsmith")
    statuses = [
        factory()
        .run(
            make_config(
                output_dir=str(tmp_path / str(fps)),
                config_flags={"target_fps": fps, "mock_success_rate": 0.5},
            )
        )
        .status
        for fps in range(60)
    ]
    assert set(statuses) == {BuildStatus.SUCCESS, BuildStatus.FAILED}
    assert 18 <= statuses.count(BuildStatus.SUCCESS) <= 42


def test_a_configuration_that_succeeds_at_a_rate_succeeds_at_every_higher_one(
    make_config: MakeConfig,
) -> None:
    outcomes = [run(make_config(config_flags={"mock_success_rate": rate})).succeeded for rate in (0, 0.2, 0.5, 0.8, 1)]
    assert outcomes == sorted(outcomes)
    assert (outcomes[0], outcomes[-1]) == (False, True)


def test_a_simulated_failure_says_so_and_what_to_do(make_config: MakeConfig) -> None:
    result = run(make_config(config_flags={"mock_success_rate": 0}))
    assert result.status is BuildStatus.FAILED
    assert result.metrics is None
    assert result.error is not None
    assert "mock failure" in result.error.message
    assert any("mock_success_rate" in advice for advice in result.error.advice)
    assert "finn_brainsmith_config" in result.artifacts


def test_the_success_rate_of_the_constructor_holds_without_flags(make_config: MakeConfig) -> None:
    assert FutureBrainsmithBackend(mock_success_rate=0).run(make_config()).status is BuildStatus.FAILED


@pytest.mark.parametrize(
    "change",
    [
        {"config_flags": {"mock_speed": 1}},
        {"config_flags": {"target_clock_ns": -1}},
        {"global_config": GlobalConfig(output_stage=OutputStage.BITFILE)},
    ],
)
def test_a_wrong_configuration_is_refused_before_anything_is_written(
    make_config: MakeConfig, change: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError):
        run(make_config(**change))
    assert not (tmp_path / "out").exists()


def test_a_sleeping_build_takes_its_time_and_shows_it(make_config: MakeConfig) -> None:
    events: list[BuildEvent] = []
    started = time.monotonic()
    run(make_config(config_flags={"mock_build_seconds": 0.05}), on_event=events.append)
    assert time.monotonic() - started >= 0.05
    steps = [event.kind for event in events if event.data.get("step") == "mock_build"]
    assert steps == ["step_started", "step_finished"]


def test_a_sleeping_build_can_be_cancelled(make_config: MakeConfig) -> None:
    stop = threading.Event()

    def cancel(event: BuildEvent) -> None:
        if event.kind == "step_started":
            stop.set()

    result = run(make_config(config_flags={"mock_build_seconds": 3600}), stop=stop, on_event=cancel)
    assert result.status is BuildStatus.CANCELLED


def test_a_sleeping_build_keeps_its_time_limit(make_config: MakeConfig) -> None:
    config = make_config(config_flags={"mock_build_seconds": 3600}, global_config=GlobalConfig(timeout_minutes=0.002))
    result = run(config)
    assert result.status is BuildStatus.TIMEOUT
    assert result.error is not None
    assert (result.error.category, result.error.step) == ("timeout", "mock_build")


def test_the_backend_tells_its_name_and_stages() -> None:
    backend = FutureBrainsmithBackend()
    assert backend.get_backend_name() == "FINN-Brainsmith Direct (Stub)"
    assert backend.get_supported_output_stages() == [
        OutputStage.DATAFLOW_GRAPH,
        OutputStage.RTL,
        OutputStage.STITCHED_IP,
    ]
