"""Whole builds, in a stand-in for FINN: what goes right, what goes wrong, and what is left behind."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig, ProcessingStep
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.events import BuildEvent
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_finn_legacy.backend import LegacyFINNBackend
from brainsmith_finn_legacy.environments.records import FINNEnvironment
from brainsmith_finn_legacy.finn_tasks.log_limit import cap_finn_log

MakeConfig = Callable[..., BuildConfig]
MakeLayer = Callable[..., dict[str, Any]]
RunBuild = Callable[..., BuildResult]
WriteModel = Callable[..., Path]


def test_the_backend_is_found_by_its_name() -> None:
    runner = create_build_runner_factory("legacy_finn")()
    assert runner.get_backend_name() == "FINN Legacy Builder"
    assert isinstance(runner.backend, LegacyFINNBackend)
    assert [stage.value for stage in runner.get_supported_output_stages()] == [
        *("dataflow_graph", "rtl", "stitched_ip", "out_of_context_synth", "bitfile")
    ]


def test_a_build_leaves_its_products_and_says_what_they_were_made_with(
    run_build: RunBuild, make_config: MakeConfig
) -> None:
    result = run_build(make_config(config_flags={"board": "Pynq-Z1", "target_fps": 400}))
    out = Path(result.output_dir)
    assert result.status is BuildStatus.SUCCESS
    assert result.artifacts["estimate_reports"] == "artifacts/report"
    assert result.logs == {"build": "build.log", "finn": "artifacts/build_dataflow.log"}
    assert (out / "final_model.onnx").read_bytes().startswith(b"\x08")
    assert not (out / "backend_specific" / "finn_build_dir").exists()
    assert result.warnings == []
    provenance: dict[str, Any] = result.provenance
    assert provenance["finn"]["version"] == "1.6.1"
    assert provenance["finn"]["identity"] == "fake"
    assert provenance["finn_settings"]["target_fps"] == 400
    assert provenance["finn_steps"][0] == "step_qonnx_to_finn"
    assert provenance["finn_layers"] == {"Thresholding_hls": 1, "MVAU_hls": 1}


def test_the_steps_and_their_times_are_events_and_metrics(run_build: RunBuild, make_config: MakeConfig) -> None:
    result = run_build(make_config())
    out = Path(result.output_dir)
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    steps = [event["data"] for event in events if event["kind"] == "step_finished"]
    assert [step["index"] for step in steps] == list(range(1, 8))
    assert {step["total"] for step in steps} == {7}
    metrics = json.loads((out / "metrics.json").read_text())["metrics"]
    timed = {m["scope"]["step"] for m in metrics if m["name"] == "build.wall_s" and "step" in m["scope"]}
    assert {"step_streamline", "step_generate_estimate_reports"} <= timed
    assert {"prov.board", "prov.part", "build.mem_peak_b"} <= {m["name"] for m in metrics}


@pytest.mark.parametrize(
    ("settings", "kept"), [({}, False), ({"temp_cleanup": False}, True), ({"preserve_intermediate": True}, False)]
)
def test_finns_build_folder_is_removed_unless_it_shall_stay(
    run_build: RunBuild, make_config: MakeConfig, settings: dict[str, Any], kept: bool
) -> None:
    result = run_build(make_config(), **settings)
    assert (Path(result.output_dir) / "backend_specific" / "finn_build_dir").exists() is kept


def test_finns_build_folder_may_be_elsewhere_a_new_one_for_each_build(
    run_build: RunBuild, make_config: MakeConfig, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        run_build(make_config(output_dir=str(tmp_path / name)), finn_build_dir=tmp_path / "fbd", temp_cleanup=False)
    assert len(list((tmp_path / "fbd").iterdir())) == 2


def test_it_stays_for_steps_whose_products_refer_to_it(run_build: RunBuild, make_config: MakeConfig) -> None:
    result = run_build(make_config(build_steps=["tidy_up", "gives_nothing"]))
    assert (Path(result.output_dir) / "backend_specific" / "finn_build_dir").exists()


@pytest.mark.parametrize(
    ("step", "category", "message"),
    [
        (
            "raises",
            "transform",
            "ValueError: this step fails for Pynq-Z1, whatever Thresholding it is (while working on ",
        ),
        ("exits", "transform", "SystemExit: 3"),
        ("gives_nothing", "transform", "TypeError: the step returned NoneType, but a step returns the model"),
        ("crashes", "crash", "was ended by signal 11"),
        ("asks", "environment", "EOFError: EOF when reading a line"),
        ("memory_error", "memory", "used more memory"),
    ],
)
def test_a_step_that_fails_is_named_with_the_true_exception(
    run_build: RunBuild, make_config: MakeConfig, step: str, category: str, message: str
) -> None:
    result = run_build(make_config(build_steps=["tidy_up", step, "streamline"]))
    assert result.status is BuildStatus.FAILED
    assert result.error is not None
    assert (result.error.category, result.error.step) == (category, f"step_{step}")
    assert message in result.error.message
    assert (Path(result.output_dir) / "build.log").stat().st_size > 0
    if category == "transform":
        assert f"in step_{step}" in result.error.traceback or step == "gives_nothing"


def test_a_step_that_takes_too_much_memory_is_stopped(run_build: RunBuild, make_config: MakeConfig) -> None:
    result = run_build(make_config(build_steps=["eats_memory"], settings={"memory_gb": 0.5}))
    assert result.status is BuildStatus.FAILED
    assert result.error is not None
    assert (result.error.category, result.error.step) == ("memory", "step_eats_memory")
    assert "memory_gb" in result.error.message


def test_a_step_that_hangs_is_stopped_after_the_time_limit(run_build: RunBuild, make_config: MakeConfig) -> None:
    result = run_build(make_config(build_steps=["hangs"], settings={"timeout_minutes": 0.02}))
    assert result.status is BuildStatus.TIMEOUT
    assert result.error is not None
    assert (result.error.category, result.error.step) == ("timeout", "step_hangs")


def test_a_build_that_is_cancelled_ends_at_once(
    fake_environment: FINNEnvironment, build_with: RunBuild, make_config: MakeConfig
) -> None:
    stop = threading.Event()

    def cancel(event: BuildEvent) -> None:
        if event.data.get("step") == "step_hangs":
            stop.set()

    backend = LegacyFINNBackend(environment=fake_environment)
    result = build_with(backend, make_config(build_steps=["hangs"]), stop=stop, on_event=cancel)
    assert result.status is BuildStatus.CANCELLED
    assert result.error is not None
    assert result.error.category == "cancelled"


def test_a_flood_of_output_is_cut_in_both_logs(run_build: RunBuild, make_config: MakeConfig) -> None:
    result = run_build(make_config(build_steps=["floods"]))
    assert result.status is BuildStatus.SUCCESS
    assert any("build.log isn't whole" in warning for warning in result.warnings)
    assert (Path(result.output_dir) / "build.log").stat().st_size < 70 * 2**20


def test_finns_own_log_stops_at_its_limit(tmp_path: Path) -> None:
    handler = logging.FileHandler(tmp_path / "build_dataflow.log")
    other = logging.FileHandler(tmp_path / "other.log")
    log = logging.getLogger()
    for each in (handler, other):
        log.addHandler(each)
    try:
        for _ in range(2):
            cap_finn_log(limit=100)
            for _ in range(10):
                log.warning("twenty bytes of text")
    finally:
        for each in (handler, other):
            log.removeHandler(each)
            each.close()
    lines = (tmp_path / "build_dataflow.log").read_text().splitlines()
    assert len(lines) == 5
    assert "limit is reached" in lines[-1]
    assert len((tmp_path / "other.log").read_text().splitlines()) == 20


def test_processes_left_in_the_background_are_ended_and_named(run_build: RunBuild, make_config: MakeConfig) -> None:
    result = run_build(make_config(build_steps=["leaves_processes"]))
    children = [int(line) for line in (Path(result.output_dir) / "artifacts" / "children").read_text().split()]
    assert result.status is BuildStatus.SUCCESS
    assert len(children) == 2
    assert not any(psutil.pid_exists(child) for child in children)
    (warning,) = result.warnings
    assert "were left in the background and ended" in warning
    assert all(str(child) in warning for child in children)


def test_a_build_is_not_harmed_by_another_one_that_crashes(
    run_build: RunBuild, make_config: MakeConfig, tmp_path: Path
) -> None:
    results: dict[str, BuildResult] = {}

    def build(name: str, steps: list[str]) -> None:
        config = make_config(id=name, output_dir=str(tmp_path / name), build_steps=steps)
        results[name] = run_build(config)

    plans = {"good": [], "crashing": ["crashes"], "raising": ["raises"], "leaving": ["leaves_processes"]}
    threads = [threading.Thread(target=build, args=item) for item in plans.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = {name: result.status.value for name, result in results.items()}
    assert statuses == {"good": "success", "crashing": "failed", "raising": "failed", "leaving": "success"}
    assert results["good"].warnings == []


@pytest.mark.parametrize(
    ("board", "message"),
    [
        ("lets exceptions through", "FINN failed before its first step: RuntimeError: settings are missing"),
        ("gives up", "FINN failed before its first step: FINN's builder returned -1 without running a step"),
    ],
)
def test_a_failure_outside_the_steps_is_told_too(
    run_build: RunBuild, make_config: MakeConfig, board: str, message: str
) -> None:
    result = run_build(make_config(config_flags={"board": board}, build_steps=["tidy_up"]))
    assert result.status is BuildStatus.FAILED
    assert (result.error_message or "").startswith(message)


def test_a_builder_that_survives_without_running_a_step_makes_no_model(
    run_build: RunBuild, make_config: MakeConfig
) -> None:
    result = run_build(make_config(config_flags={"board": "survives failures"}, build_steps=["tidy_up"]))
    assert result.status is BuildStatus.SUCCESS
    assert not (Path(result.output_dir) / "final_model.onnx").exists()


def test_a_model_that_finn_cannot_read_is_refused_before_anything_is_written(
    run_build: RunBuild, make_config: MakeConfig, tmp_path: Path
) -> None:
    path = tmp_path / "garbage.onnx"
    path.write_bytes(b"\x08\x0a\x12\x01garbage")
    with pytest.raises(ConfigurationError, match="is no model") as caught:
        run_build(make_config(model_path=str(path)))
    assert caught.value.category == "model_load"
    assert "export it again" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_model_that_finn_cannot_convert_is_refused_with_the_nodes(
    run_build: RunBuild, make_config: MakeConfig, write_model: WriteModel, hardware: MakeLayer, tmp_path: Path
) -> None:
    between = {"op_type": "Sin", "name": "sine", "input": ["a:FLOAT32"]}
    path = write_model(hardware("MVAU"), between, hardware("MVAU"), name="between.onnx")
    with pytest.raises(ConfigurationError, match=r"can't convert the model .*between\.onnx") as caught:
        run_build(make_config(model_path=str(path)))
    assert "sine (Sin of FLOAT32)" in caught.value.message
    assert caught.value.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_model_of_which_no_layer_with_weights_becomes_hardware_is_refused(
    run_build: RunBuild, make_config: MakeConfig, write_model: WriteModel, hardware: MakeLayer
) -> None:
    product = {"op_type": "MatMul", "name": "fc1", "input": ["a:FLOAT32", "b:FLOAT32"]}
    path = write_model(product, hardware("ElementwiseMax"), name="float.onnx")
    with pytest.raises(ConfigurationError, match="FINN makes no layer with weights of this model") as caught:
        run_build(make_config(model_path=str(path)))
    assert "fc1 (MatMul of FLOAT32, FLOAT32)" in caught.value.message


def test_layers_outside_the_accelerator_are_a_warning(
    run_build: RunBuild, make_config: MakeConfig, write_model: WriteModel, hardware: MakeLayer
) -> None:
    outside = [{"op_type": "Mul", "name": f"scale{index}", "input": ["a:INT2"]} for index in range(10)]
    path = write_model(hardware("MVAU"), *outside, name="outside.onnx")
    result = run_build(make_config(model_path=str(path)))
    (warning,) = result.warnings
    assert warning.startswith("left outside the accelerator, and not in its figures: scale0 (Mul of INT2); ")
    assert warning.endswith("and 2 more")


def test_nothing_is_checked_beforehand_where_the_model_or_the_steps_are_the_users_own(
    fake_environment: FINNEnvironment, make_config: MakeConfig, write_model: WriteModel, hardware: MakeLayer
) -> None:
    path = write_model(hardware("MVAU"), {"op_type": "Sin", "name": "sine"}, hardware("MVAU"), name="between.onnx")
    backend = LegacyFINNBackend(environment=fake_environment)
    step = ProcessingStep(name="anything", type="preprocessing")
    backend.validate(make_config(model_path=str(path), preprocessing=[step]))
    backend.validate(make_config(model_path=str(path), transforms={"cleanup": ["InferShapes"]}))


def test_a_check_that_runs_into_its_limits_leaves_it_to_the_build_to_fail(
    run_build: RunBuild, make_config: MakeConfig, write_model: WriteModel, hardware: MakeLayer
) -> None:
    path = write_model(hardware("MVAU"), hardware("MVAU"), name="slow.onnx")
    steps = ["hangs", "create_dataflow_partition"]
    config = make_config(model_path=str(path), build_steps=steps, settings={"timeout_minutes": 0.01, "memory_gb": 4})
    assert run_build(config).status is BuildStatus.TIMEOUT


def test_transforms_run_at_their_place_and_are_reported(run_build: RunBuild, make_config: MakeConfig) -> None:
    result = run_build(make_config(transforms={"cleanup": ["GiveUniqueNodeNames{prefix=top_}"]}))
    assert result.status is BuildStatus.SUCCESS
    out = Path(result.output_dir)
    assert b'"name": "top_MVAU_1"' in (out / "final_model.onnx").read_bytes()
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    (event,) = [event["data"] for event in events if event["kind"] == "transform_finished"]
    assert (event["transform"], event["nodes_before"], event["nodes_after"]) == ("GiveUniqueNodeNames", 2, 2)


@pytest.mark.parametrize(
    ("text", "category", "message"),
    [
        ("Fails", "transform", "transformation Fails failed: RuntimeError: this transformation fails"),
        ("InferShapes", "environment", "transformation InferShapes of qonnx.transformation.infer_shapes can't be made"),
    ],
)
def test_a_transformation_that_fails_is_named(
    run_build: RunBuild, make_config: MakeConfig, text: str, category: str, message: str
) -> None:
    result = run_build(make_config(transforms={"cleanup": [text]}))
    assert result.error is not None
    assert (result.error.category, result.error.step) == (category, "transforms_cleanup")
    assert message in result.error.message


def test_kernels_get_the_implementation_that_is_preferred(run_build: RunBuild, make_config: MakeConfig) -> None:
    kernels = [("MVAU", ["hls"]), ("Thresholding", ["rtl"]), ("~VVAU", ["hls"])]
    result = run_build(make_config(kernels=kernels))
    assert result.provenance["finn_layers"] == {"Thresholding_rtl": 1, "MVAU_hls": 1}
    assert result.warnings == []


def test_a_kernel_that_finn_makes_otherwise_is_a_warning(run_build: RunBuild, make_config: MakeConfig) -> None:
    result = run_build(make_config(kernels=[("MVAU", ["rtl"]), ("Thresholding", ["*"])]))
    assert result.warnings == ["FINN can't make MVAU_0 in RTL, and made it in HLS"]


def test_a_kernel_that_the_model_does_not_have_is_an_error(run_build: RunBuild, make_config: MakeConfig) -> None:
    result = run_build(make_config(kernels=[("VVAU", ["hls"])]))
    assert result.error is not None
    assert result.error.category == "kernel"
    assert "the model has no VVAU layer; its kernels at this point: MVAU, Thresholding" in result.error.message


@pytest.mark.parametrize(
    ("folding", "fault"),
    [
        ({"MVAU_0": {"SIMD": 5}}, "SIMD=5 of MVAU_0 doesn't divide MW=12"),
        ({"MVAU_0": {"PE": 16}}, "PE=16 of MVAU_0 doesn't divide MH=8"),
        ({"Thresholding_0": {"PE": 0}}, "PE=0 of Thresholding_0 doesn't divide NumChannels=8"),
    ],
)
def test_folding_that_does_not_divide_is_refused_before_it_gives_figures(
    run_build: RunBuild, make_config: MakeConfig, tmp_path: Path, folding: dict[str, Any], fault: str
) -> None:
    (tmp_path / "folding.json").write_text(json.dumps(folding))
    result = run_build(make_config(config_flags={"board": "Pynq-Z1", "folding_config_file": "folding.json"}))
    assert result.error is not None
    assert result.error.category == "configuration"
    assert fault in result.error.message
    assert not (Path(result.output_dir) / "artifacts" / "report").exists()


def test_depthwise_layers_fold_over_their_window(
    run_build: RunBuild, make_config: MakeConfig, write_model: WriteModel, hardware: MakeLayer, tmp_path: Path
) -> None:
    path = write_model(hardware("VVAU", Channels=8, PE=4, SIMD=1, Kernel=[3, 3]), name="depthwise.onnx")
    flags = {"board": "Pynq-Z1", "folding_config_file": "folding.json"}
    for simd, status in ((3, BuildStatus.SUCCESS), (2, BuildStatus.FAILED)):
        (tmp_path / "folding.json").write_text(json.dumps({"VVAU_0": {"SIMD": simd}}))
        assert run_build(make_config(model_path=str(path), config_flags=flags)).status is status


def test_what_finn_calls_a_success_may_still_miss_what_was_asked(run_build: RunBuild, make_config: MakeConfig) -> None:
    result = run_build(make_config(config_flags={"board": "warns", "target_fps": 1000}))
    assert result.status is BuildStatus.SUCCESS
    assert result.warnings == [
        "target_fps 1000 isn't met: FINN estimates 500 frames/s",
        "FINN: Unused HW configurations: MVAU_7",
    ]


def test_the_users_own_steps_run_from_a_file_and_from_the_import_path(
    run_build: RunBuild, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "def mine(model, cfg):\n    print('my step ran for', cfg.board)\n    return model\n"
    (tmp_path / "my_file.py").write_text(text)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "my_importable_steps.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    steps = ["tidy_up", "my_file.py:mine", "my_file.py:mine", "my_importable_steps.mine"]
    result = run_build(make_config(build_steps=steps))
    assert result.status is BuildStatus.SUCCESS
    assert (Path(result.output_dir) / "build.log").read_text().count("my step ran for Pynq-Z1") == 3
    assert result.provenance["finn_steps"] == ["step_tidy_up", "mine", "mine", "mine"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise RuntimeError('not today')", "RuntimeError: not today"),
        ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
        ("mine = 3", "the step missing_steps.mine can't be called"),
        ("", "there is no step missing_steps.mine"),
    ],
)
def test_a_step_that_cannot_be_imported_is_refused_with_the_reason(
    run_build: RunBuild,
    make_config: MakeConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    reason: str,
) -> None:
    (tmp_path / "missing_steps.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"missing_steps\.mine can't be imported in FINN\+ 1\.6\.1") as caught:
        run_build(make_config(build_steps=["missing_steps.mine"]))
    assert reason in caught.value.message


def test_a_step_file_that_fails_at_import_fails_the_build_with_its_reason(
    run_build: RunBuild, make_config: MakeConfig, tmp_path: Path
) -> None:
    (tmp_path / "bad.py").write_text("def mine(model, cfg):\n    return model\n\nraise RuntimeError('not today')\n")
    result = run_build(make_config(build_steps=["bad.py:mine"]))
    assert result.status is BuildStatus.FAILED
    assert "not today" in (result.error_message or "")


def test_without_a_finn_environment_a_build_says_how_to_get_one(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BRAINSMITH_FINN", str(tmp_path / "nothing"))
    with pytest.raises(MissingRequirementError):
        LegacyFINNBackend().validate(make_config())


def test_the_backend_says_what_it_builds_with_and_what_is_missing(
    fake_environment: FINNEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found, hardware = LegacyFINNBackend(environment=fake_environment).check()
    assert (found.state, found.message) == ("ok", "FINN+ 1.6.1 (fake)")
    assert hardware.state == "warning"
    assert "vivado isn't on PATH" in hardware.message
    monkeypatch.setenv("BRAINSMITH_FINN", str(tmp_path / "nothing"))
    (missing,) = LegacyFINNBackend().check()
    assert missing.state == "missing"
