from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.config import OutputStage
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.result import BuildStatus
from brainsmith_finn_legacy.environments.records import FINNEnvironment
from brainsmith_finn_legacy.workflow import FINNTransformationRegistry, FINNWorkflowEngine, PipelineStatus


@pytest.fixture
def engine(fake_environment: FINNEnvironment) -> FINNWorkflowEngine:
    return FINNWorkflowEngine(fake_environment)


def follow(engine: FINNWorkflowEngine, pipeline_id: str, until: Callable[[PipelineStatus], bool]) -> PipelineStatus:
    """Watch a pipeline until a condition holds."""
    for _ in range(2000):
        status = engine.monitor_execution(pipeline_id)
        if until(status):
            return status
        time.sleep(0.01)
    raise AssertionError(f"it never came so far: {engine.monitor_execution(pipeline_id)}")


def test_a_sequence_of_transformations_makes_a_new_model(
    engine: FINNWorkflowEngine, fake_model: Path, tmp_path: Path
) -> None:
    before = fake_model.read_bytes()
    result = engine.execute_transformation_sequence(
        str(fake_model),
        ["GiveUniqueNodeNames{prefix=a_}", "~NotThere", "qonnx.transformation.general.GiveUniqueNodeNames"],
        {"output_dir": str(tmp_path / "out"), "timeout_minutes": 1, "memory_gb": 4},
    )
    assert result.status is BuildStatus.SUCCESS
    assert result.model == tmp_path / "out" / "transformed_model.onnx"
    assert b'"name": "MVAU_1"' in result.model.read_bytes()
    assert fake_model.read_bytes() == before
    assert result.layers == {"Thresholding": 1, "MVAU": 1}
    status = engine.monitor_execution(result.pipeline_id)
    assert (status.status, status.step, status.index, status.total) == (
        BuildStatus.SUCCESS,
        "GiveUniqueNodeNames",
        2,
        2,
    )
    assert [event["kind"] for event in status.events] == ["transform_started", "transform_finished"] * 2


def test_a_transformation_that_fails_is_told_and_leaves_no_model(
    engine: FINNWorkflowEngine, fake_model: Path, tmp_path: Path
) -> None:
    config = {"output_dir": str(tmp_path / "out")}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "transformed_model.onnx").write_text("of an earlier run")
    result = engine.execute_transformation_sequence(fake_model, ["GiveUniqueNodeNames", "Fails"], config)
    assert result.status is BuildStatus.FAILED
    assert result.model is None
    assert not (tmp_path / "out" / "transformed_model.onnx").exists()
    assert result.failure is not None
    assert "transformation Fails failed: RuntimeError: this transformation fails" in result.failure.message
    assert result.failure.category == "transform"
    assert "in apply" in result.failure.traceback
    assert "this transformation fails" in result.log.read_text()
    assert engine.monitor_execution(result.pipeline_id).message == result.failure.message


@pytest.mark.parametrize(
    ("transformations", "config", "message"),
    [
        (["InferShape"], {"output_dir": "out"}, 'did you mean "InferShapes"'),
        (["InferShapes"], {}, "config needs output_dir"),
        (["InferShapes"], {"output": "out"}, 'did you mean "output_dir"'),
        (["InferShapes"], {"output_dir": "out", "timeout_minutes": 0}, "must be a number greater than 0"),
        (["InferShapes"], {"output_dir": "out", "memory_gb": True}, "must be a number greater than 0"),
    ],
)
def test_a_wrong_sequence_is_refused(
    engine: FINNWorkflowEngine, fake_model: Path, transformations: list[str], config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        engine.execute_transformation_sequence(fake_model, transformations, config)
    assert message in str(caught.value)


def test_a_model_must_be_there(engine: FINNWorkflowEngine, tmp_path: Path) -> None:
    with pytest.raises(MissingRequirementError, match="doesn't exist"):
        engine.execute_transformation_sequence(tmp_path / "none.onnx", ["InferShapes"], {"output_dir": str(tmp_path)})


def test_a_pipeline_is_made_to_requirements_and_is_a_whole_build(
    engine: FINNWorkflowEngine, fake_model: Path, tmp_path: Path
) -> None:
    pipeline = engine.create_custom_pipeline(
        {
            "config_flags": {"board": "Pynq-Z1", "target_fps": 100},
            "transforms": {"cleanup": ["GiveUniqueNodeNames"]},
            "kernels": [["MVAU", ["hls"]]],
            "output_stage": "dataflow_graph",
        }
    )
    assert pipeline.build is not None
    assert pipeline.build.global_config.output_stage is OutputStage.DATAFLOW_GRAPH
    assert pipeline.steps[1:5] == (
        *("step_tidy_up", "transforms_cleanup", "step_streamline"),
        "step_create_dataflow_partition",
    )
    executor = engine.pipeline_executor
    assert executor.start(pipeline, fake_model, tmp_path / "out") == pipeline.id
    result = executor.wait(pipeline.id, 60)
    assert result.status is BuildStatus.SUCCESS
    assert result.model == tmp_path / "out" / "final_model.onnx"
    assert result.layers == {"Thresholding_hls": 1, "MVAU_hls": 1}
    assert result.build is not None
    assert result.build.warnings == []
    status = engine.monitor_execution(pipeline.id)
    assert (status.index, status.total) == (len(pipeline.steps), len(pipeline.steps))
    assert status.step == "step_generate_estimate_reports"


def test_a_running_pipeline_is_watched_and_cancelled(
    engine: FINNWorkflowEngine, fake_model: Path, tmp_path: Path
) -> None:
    pipeline = engine.create_custom_pipeline(
        {"build_steps": ["tidy_up", "hangs"], "config_flags": {"board": "Pynq-Z1"}}
    )
    engine.pipeline_executor.start(pipeline, fake_model, tmp_path / "out")
    status = follow(engine, pipeline.id, lambda status: status.step == "step_hangs")
    assert status.status is BuildStatus.RUNNING
    assert (status.index, status.total) == (2, 2)
    with pytest.raises(ConfigurationError, match="is running"):
        engine.pipeline_executor.start(pipeline, fake_model, tmp_path / "again")
    engine.pipeline_executor.cancel(pipeline.id)
    result = engine.pipeline_executor.wait(pipeline.id, 60)
    assert result.status is BuildStatus.CANCELLED
    assert result.failure is not None
    assert result.failure.category == "cancelled"
    ended = follow(engine, pipeline.id, lambda status: status.status is BuildStatus.CANCELLED)
    assert ended.message
    assert ended.seconds > 0


def test_what_a_pipeline_raises_reaches_those_who_wait(
    engine: FINNWorkflowEngine, tmp_path: Path, fake_model: Path
) -> None:
    pipeline = engine.create_custom_pipeline({"config_flags": {"board": "Pynq-Z1"}})
    (tmp_path / "file").touch()
    engine.pipeline_executor.start(pipeline, fake_model, tmp_path / "file")
    with pytest.raises(ConfigurationError, match="is a file"):
        engine.pipeline_executor.wait(pipeline.id, 60)
    assert "is a file" in engine.monitor_execution(pipeline.id).message


@pytest.mark.parametrize(
    ("requirements", "message"),
    [
        ({"kernel": []}, 'requirements: unknown key "kernel"\ndid you mean "kernels"'),
        ({"config_flags": {"board": "Pynq-Z9"}}, "knows no board"),
        ({"build_steps": ["streamlin"]}, 'did you mean "step_streamline"'),
        ({"output_stage": "everything"}, "is no OutputStage"),
    ],
)
def test_requirements_that_cannot_be_fulfilled_are_refused(
    engine: FINNWorkflowEngine, requirements: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        engine.create_custom_pipeline(requirements)
    assert message in str(caught.value)


def test_an_unknown_pipeline_is_refused(engine: FINNWorkflowEngine) -> None:
    with pytest.raises(ConfigurationError, match="there is no pipeline"):
        engine.monitor_execution("pipeline-0")


def test_the_engine_is_for_the_installation_that_it_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fake_environment: FINNEnvironment
) -> None:
    with pytest.raises(MissingRequirementError):
        FINNWorkflowEngine(tmp_path / "nothing")
    engine = FINNWorkflowEngine(fake_environment)
    assert engine.finn_path == fake_environment.path
    assert isinstance(engine.transformation_registry, FINNTransformationRegistry)


@pytest.mark.finn
def test_real_transformations_change_a_real_model(finn: FINNEnvironment, real_model: Path, tmp_path: Path) -> None:
    engine = FINNWorkflowEngine(finn.name)
    assert engine.environment == finn
    assert len(engine.transformation_registry) > 100
    sequence = ["InferShapes", "FoldConstants", "GiveUniqueNodeNames", "ConvertQONNXtoFINN", "Streamline"]
    result = engine.execute_transformation_sequence(real_model, sequence, {"output_dir": str(tmp_path)})
    assert result.status is BuildStatus.SUCCESS
    assert result.model is not None
    events = engine.monitor_execution(result.pipeline_id).events
    finished = [event for event in events if event["kind"] == "transform_finished"]
    assert [event["transform"] for event in finished] == sequence
    assert finished[0]["nodes_before"] != finished[-1]["nodes_after"]
