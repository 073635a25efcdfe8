"""One build from start to result: its folder, its events, its faults."""

from __future__ import annotations

import json
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.pipelines import PostprocessingPipeline, PreprocessingPipeline
from brainsmith_core.build.runner import BuildRunner, create_build_runner_factory
from brainsmith_core.build.workspace import Workspace, file_digest, read_json
from brainsmith_core.config import BuildConfig, GlobalConfig, OutputStage, ProcessingStep
from brainsmith_core.context import BackendOutcome, BuildContext, BuildFailure
from brainsmith_core.errors import (
    BuildCancelledError,
    ConfigurationError,
    MissingRequirementError,
    PluginError,
)
from brainsmith_core.events import BuildEvent
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import Parameter, StepSpec
from brainsmith_core.result import BuildResult, BuildStatus

MakeConfig = Callable[..., BuildConfig]
RunFake = Callable[..., BuildResult]


def throughput(value: float) -> Metric:
    return Metric(name="perf.throughput_fps", value=value, unit="frames/s", stage=Stage.ESTIMATE)


def test_a_build_leaves_the_folder_that_the_design_names(make_config: MakeConfig, run_fake: RunFake) -> None:
    def build(context: BuildContext) -> BackendOutcome:
        made = context.workspace.artifacts / "graph.onnx"
        made.write_bytes(b"\x08graph")
        return BackendOutcome(final_model=made, metrics=(throughput(1000.0),), provenance={"tool": "1.0"})

    result = run_fake(make_config(), build)
    workspace = Workspace(Path(result.output_dir))
    assert sorted(path.name for path in workspace.root.iterdir()) == sorted(
        ["config.json", "model.onnx", "processed_model.onnx", "final_model.onnx", "build.log", "events.jsonl",
         "metrics.json", "result.json", "artifacts", "preprocessing_logs", "postprocessing_logs", "backend_specific"]
    )  # fmt: skip
    assert result.status is BuildStatus.SUCCESS
    assert workspace.read_config() == make_config()
    assert workspace.read_result() == result
    assert result.metrics is not None
    assert result.metrics.throughput == 1000.0
    assert result.provenance == {"tool": "1.0", "model_sha256": file_digest(workspace.model)}
    assert workspace.final_model.read_bytes() == b"\x08graph"


def test_metrics_name_the_plugin_and_version_that_they_come_from(make_config: MakeConfig, run_fake: RunFake) -> None:
    result = run_fake(make_config(), lambda context: BackendOutcome(metrics=(throughput(5.0),)))
    metrics = Workspace(Path(result.output_dir)).read_metrics()
    (found,) = [metric for metric in metrics if metric.name == "perf.throughput_fps"]
    assert (found.source.parser, found.source.plugin, found.source.version) == (
        "fake",
        "fake-distribution",
        "1.2.3",
    )
    assert [use.role for use in result.plugins] == ["backend fake"]
    built = {metric.name: metric.value for metric in metrics if metric.stage is Stage.BUILD}
    assert built["build.status"] == "ok"
    assert len(str(built["prov.model_sha256"])) == 64


def test_events_tell_the_phases_in_their_order(make_config: MakeConfig, run_fake: RunFake) -> None:
    seen: list[BuildEvent] = []
    result = run_fake(make_config(), on_event=seen.append)
    phases = [event.data["phase"] for event in seen if event.kind == "phase_started"]
    assert phases == ["preprocessing", "backend", "metrics", "postprocessing"]
    assert (seen[0].kind, seen[-1].kind) == ("build_started", "build_finished")
    lines = (Path(result.output_dir) / "events.jsonl").read_text().splitlines()
    assert [BuildEvent.from_dict(json.loads(line)) for line in lines] == seen


@pytest.mark.parametrize(
    ("error", "status", "category"),
    [
        (RuntimeError("boom"), BuildStatus.FAILED, "unknown"),
        (OSError(28, "No space left on device"), BuildStatus.FAILED, "disk"),
        (MemoryError(), BuildStatus.FAILED, "memory"),
        (ConfigurationError("wrong fold"), BuildStatus.FAILED, "configuration"),
        (MissingRequirementError("no tool"), BuildStatus.FAILED, "environment"),
        (BuildCancelledError("stop"), BuildStatus.CANCELLED, "cancelled"),
    ],
)
def test_what_a_backend_raises_becomes_the_result(
    make_config: MakeConfig, run_fake: RunFake, error: Exception, status: BuildStatus, category: str
) -> None:
    def build(context: BuildContext) -> BackendOutcome:
        raise error

    result = run_fake(make_config(), build)
    assert result.status is status
    assert result.error is not None
    assert (result.error.category, result.error.phase) == (category, "backend")
    assert result.error.advice
    assert result.metrics is None
    assert Workspace(Path(result.output_dir)).read_result() == result


def test_the_traceback_of_foreign_code_is_kept(make_config: MakeConfig, run_fake: RunFake) -> None:
    def build(context: BuildContext) -> BackendOutcome:
        raise KeyError("a_strange_key")

    result = run_fake(make_config(), build)
    assert result.error is not None
    assert "a_strange_key" in result.error.traceback
    assert "Traceback" in (Path(result.output_dir) / "build.log").read_text()


def test_a_backend_that_fails_says_which_step_and_why(make_config: MakeConfig, run_fake: RunFake) -> None:
    failure = BuildFailure(message="step_x failed", category="transform", step="step_x")
    result = run_fake(
        make_config(),
        lambda context: BackendOutcome(status=BuildStatus.FAILED, failure=failure, warnings=("odd",)),
    )
    assert result.error is not None
    assert (result.error.category, result.error.step, result.error_message) == (
        "transform",
        "step_x",
        "step_x failed",
    )
    assert result.warnings == ["odd"]
    names = {metric.name: metric.value for metric in Workspace(Path(result.output_dir)).read_metrics()}
    assert names["build.failed_step"] == "step_x"


def test_a_backend_without_a_reason_is_told_so(make_config: MakeConfig, run_fake: RunFake) -> None:
    result = run_fake(make_config(), lambda context: BackendOutcome(status=BuildStatus.FAILED))
    assert result.error_message == "the backend gave no reason"


def test_a_stop_before_the_start_cancels_the_build(make_config: MakeConfig, run_fake: RunFake) -> None:
    stop = threading.Event()
    stop.set()
    result = run_fake(make_config(), stop=stop)
    assert result.status is BuildStatus.CANCELLED


def test_a_stop_that_gives_a_reason_puts_it_into_the_result(make_config: MakeConfig, run_fake: RunFake) -> None:
    class Stop:
        reason = "the time is over"

        def is_set(self) -> bool:
            return True

    result = run_fake(make_config(), stop=Stop())
    assert (result.status, result.error_message) == (BuildStatus.CANCELLED, "the time is over")


class Identified:
    """A backend that fails, and says what its results depend on."""

    def __init__(self, identity: dict[str, str] | Exception) -> None:
        self._identity = identity

    def identity(self, config: BuildConfig) -> dict[str, str]:
        if isinstance(self._identity, Exception):
            raise self._identity
        return self._identity

    def build(self, context: BuildContext) -> BackendOutcome:
        raise ZeroDivisionError


def test_what_a_result_depends_on_is_known_even_if_the_build_fails(
    make_config: MakeConfig, plugins: PluginManager
) -> None:
    runner = BuildRunner(Identified({"tool": "7.1"}), plugins.backend("fake"), plugins)
    result = runner.run(make_config())
    assert result.status is BuildStatus.FAILED
    assert result.provenance["tool"] == "7.1"
    assert runner.identity(make_config()) == {"tool": "7.1"}


def test_a_backend_that_cannot_say_what_it_is_fails_the_build(make_config: MakeConfig, plugins: PluginManager) -> None:
    result = BuildRunner(Identified(OSError("no tool")), plugins.backend("fake"), plugins).run(make_config())
    assert result.status is BuildStatus.FAILED
    assert "no tool" in (result.error_message or "")


def test_a_backend_without_identity_depends_on_nothing_else(make_config: MakeConfig, plugins: PluginManager) -> None:
    assert create_build_runner_factory("fake", plugins)().identity(make_config()) == {}


def test_the_context_knows_the_limits(make_config: MakeConfig, run_fake: RunFake) -> None:
    seen: list[BuildContext] = []

    def build(context: BuildContext) -> BackendOutcome:
        seen.append(context)
        return BackendOutcome()

    run_fake(make_config(global_config=GlobalConfig(timeout_minutes=1, memory_gb=2)), build)
    run_fake(make_config(), build)
    limited, free = seen
    assert limited.remaining_seconds is not None
    assert 0 < limited.remaining_seconds <= 60
    assert limited.memory_bytes == 2 * 2**30
    assert (free.remaining_seconds, free.memory_bytes) == (None, None)


def test_a_stage_that_the_backend_cannot_reach_is_refused_before_anything_is_written(
    make_config: MakeConfig, run_fake: RunFake
) -> None:
    config = make_config(global_config=GlobalConfig(output_stage=OutputStage.BITFILE))
    with pytest.raises(ConfigurationError, match="can't reach the stage bitfile"):
        run_fake(config)
    assert not Path(config.output_dir).exists()


def test_an_earlier_attempt_leaves_nothing_behind(make_config: MakeConfig, run_fake: RunFake) -> None:
    first = run_fake(make_config())
    stale = Path(first.output_dir) / "artifacts" / "stale.json"
    stale.write_text("{}")
    run_fake(make_config())
    assert not stale.exists()


def test_a_folder_with_other_things_in_it_is_never_cleared(make_config: MakeConfig, run_fake: RunFake) -> None:
    config = make_config()
    Path(config.output_dir).mkdir()
    precious = Path(config.output_dir) / "thesis.tex"
    precious.write_text("years of work")
    with pytest.raises(ConfigurationError, match=r"thesis\.tex"):
        run_fake(config)
    assert precious.read_text() == "years of work"


def test_an_output_folder_that_is_a_file_is_refused(make_config: MakeConfig, run_fake: RunFake) -> None:
    config = make_config()
    Path(config.output_dir).write_text("")
    with pytest.raises(ConfigurationError, match="is a file"):
        run_fake(config)


def test_an_output_folder_that_cannot_be_made_is_refused(make_config: MakeConfig, run_fake: RunFake) -> None:
    with pytest.raises(ConfigurationError, match="can't be written"):
        run_fake(make_config(output_dir="/proc/no/such/folder"))


def test_without_save_artifacts_only_the_reports_stay(make_config: MakeConfig, run_fake: RunFake) -> None:
    def build(context: BuildContext) -> BackendOutcome:
        big = context.workspace.artifacts / "deep" / "big.bin"
        big.parent.mkdir()
        big.write_bytes(b"x" * 1000)
        return BackendOutcome(artifacts={"big": big})

    kept = run_fake(make_config(), build)
    assert kept.artifacts == {"big": "artifacts/deep/big.bin"}
    dropped = run_fake(make_config(global_config=GlobalConfig(save_artifacts=False)), build)
    assert dropped.artifacts == {}
    assert not list((Path(dropped.output_dir) / "artifacts").iterdir())


def test_an_observer_cannot_harm_a_build(
    make_config: MakeConfig, run_fake: RunFake, plugins: PluginManager, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    class Observer:
        @hookimpl
        def brainsmith_build_event(self, event: BuildEvent) -> None:
            seen.append(event.kind)
            raise RuntimeError("observers may be broken")

    plugins.register(Observer(), "observer")
    result = run_fake(make_config())
    assert result.succeeded
    assert seen == ["build_started"]
    assert "observers may be broken" in caplog.text


def test_a_slow_observer_does_not_hold_the_build_up(
    make_config: MakeConfig, run_fake: RunFake, plugins: PluginManager, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()

    class Observer:
        @hookimpl
        def brainsmith_build_event(self, event: BuildEvent) -> None:
            release.wait(30)

    plugins.register(Observer(), "observer")
    started = time.monotonic()
    result = run_fake(make_config())
    assert result.succeeded
    assert time.monotonic() - started < 25
    assert "fell behind" in caplog.text
    release.set()


def test_a_listener_that_raises_is_left_out(make_config: MakeConfig, run_fake: RunFake) -> None:
    seen: list[str] = []

    def listen(event: BuildEvent) -> None:
        seen.append(event.kind)
        raise BrokenPipeError

    result = run_fake(make_config(), on_event=listen)
    assert result.succeeded
    assert seen == ["build_started"]
    assert "BrokenPipeError" in (Path(result.output_dir) / "build.log").read_text()


COPY_STEP = """
import shutil, json
from pathlib import Path
from brainsmith_core.context import StepOutcome
from brainsmith_core.metric import Metric, Stage

def grow(context):
    data = Path(context.model_path).read_bytes() + b"!" * context.parameters["times"]
    Path(context.output_model_path).write_bytes(data)
    return StepOutcome(model_path=context.output_model_path)

def look(context):
    report = Path(context.report_dir) / "look.json"
    names = [metric.name for metric in context.workspace.read_metrics()]
    report.write_text(json.dumps(names))
    metric = Metric(name="accuracy.top1", value=0.5, unit="fraction", stage=Stage.MODEL)
    return StepOutcome(metrics=(metric,), artifacts={"look": str(report)}, warnings=("looked",))

def fail(context):
    raise ValueError("no such tensor")

def crash(context):
    import os, signal
    os.kill(os.getpid(), signal.SIGSEGV)

def nothing(context):
    return None

def wrong(context):
    return 42

def lies(context):
    return StepOutcome(model_path="/nowhere.onnx")

def hang(context):
    import time
    time.sleep(600)
"""


@pytest.fixture
def with_steps(step_module: Callable[[str], str], add_steps: Callable[..., None]) -> None:
    name = step_module(COPY_STEP)
    times = Parameter(name="times", type="int", summary="how many bytes to add", default=1, minimum=0)

    def spec(function: str, *parameters: Parameter) -> StepSpec:
        return StepSpec(
            name=function, summary="a step of the tests", target=f"{name}:{function}", parameters=parameters
        )

    others = [spec(each) for each in ("fail", "crash", "nothing", "wrong", "lies", "hang")]
    add_steps("preprocessing", spec("grow", times), *others)
    add_steps("postprocessing", spec("look"), *others)


def pre(name: str, **options: Any) -> ProcessingStep:
    return ProcessingStep(name=name, type="preprocessing", **options)


def post(name: str, **options: Any) -> ProcessingStep:
    return ProcessingStep(name=name, type="postprocessing", **options)


@pytest.mark.usefixtures("with_steps")
class TestSteps:
    def test_preprocessing_steps_follow_each_other(self, make_config: MakeConfig, run_fake: RunFake) -> None:
        config = make_config(preprocessing=[pre("grow", parameters={"times": 2}), pre("nothing"), pre("grow")])
        result = run_fake(config)
        before = Path(config.model_path).read_bytes()
        workspace = Workspace(Path(result.output_dir))
        assert workspace.model.read_bytes() == before
        assert workspace.processed_model.read_bytes() == before + b"!!!"
        assert "preprocessing_01_grow" in result.logs
        assert {use.role for use in result.plugins} >= {
            "preprocessing step grow",
            "preprocessing step nothing",
        }

    def test_postprocessing_steps_see_the_metrics_and_add_to_them(
        self, make_config: MakeConfig, run_fake: RunFake
    ) -> None:
        result = run_fake(
            make_config(postprocessing=[post("look")]),
            lambda context: BackendOutcome(metrics=(throughput(7.0),)),
        )
        assert result.metrics is not None
        assert result.metrics.accuracy == 0.5
        assert result.artifacts == {"look": "postprocessing_logs/look.json"}
        assert result.warnings == ["looked"]
        names = read_json(Path(result.output_dir) / "postprocessing_logs" / "look.json")
        assert isinstance(names, list)
        assert "perf.throughput_fps" in names

    def test_a_failing_preprocessing_step_fails_the_build(self, make_config: MakeConfig, run_fake: RunFake) -> None:
        result = run_fake(make_config(preprocessing=[pre("fail")]))
        assert result.status is BuildStatus.FAILED
        assert result.error is not None
        assert (result.error.category, result.error.step) == ("preprocessing", "fail")
        assert "no such tensor" in result.error.message
        assert "no such tensor" in (Path(result.output_dir) / result.logs["preprocessing_01_fail"]).read_text()

    def test_with_on_error_continue_it_leaves_a_warning(self, make_config: MakeConfig, run_fake: RunFake) -> None:
        result = run_fake(make_config(preprocessing=[pre("fail", on_error="continue"), pre("grow")]))
        assert result.succeeded
        assert "no such tensor" in result.warnings[0]

    def test_a_failing_postprocessing_step_is_a_warning(self, make_config: MakeConfig, run_fake: RunFake) -> None:
        result = run_fake(make_config(postprocessing=[post("fail"), post("look")]))
        assert result.succeeded
        assert "no such tensor" in result.warnings[1]

    def test_with_on_error_fail_it_fails_the_build(self, make_config: MakeConfig, run_fake: RunFake) -> None:
        result = run_fake(make_config(postprocessing=[post("fail", on_error="fail")]))
        assert result.error is not None
        assert (result.status, result.error.phase) == (BuildStatus.FAILED, "postprocessing")

    @pytest.mark.parametrize(
        ("step", "category", "message"),
        [
            ("crash", "crash", "signal 11"),
            ("wrong", "preprocessing", "gave 42"),
            ("lies", "preprocessing", "not there"),
        ],
    )
    def test_a_step_that_misbehaves_is_contained(
        self, make_config: MakeConfig, run_fake: RunFake, step: str, category: str, message: str
    ) -> None:
        result = run_fake(make_config(preprocessing=[pre(step)]))
        assert result.error is not None
        assert (result.status, result.error.category) == (BuildStatus.FAILED, category)
        assert message in result.error.message

    def test_a_step_that_hangs_is_stopped_by_the_time_limit(self, make_config: MakeConfig, run_fake: RunFake) -> None:
        config = make_config(preprocessing=[pre("hang")], global_config=GlobalConfig(timeout_minutes=2 / 60))
        result = run_fake(config)
        assert result.error is not None
        assert (result.status, result.error.category) == (BuildStatus.TIMEOUT, "timeout")

    def test_a_step_can_be_cancelled(self, make_config: MakeConfig, run_fake: RunFake) -> None:
        stop = threading.Event()

        def on_event(event: BuildEvent) -> None:
            if event.kind == "step_started":
                stop.set()

        result = run_fake(make_config(preprocessing=[pre("hang")]), stop=stop, on_event=on_event)
        assert result.status is BuildStatus.CANCELLED

    def test_a_disabled_step_is_named(self, make_config: MakeConfig, run_fake: RunFake) -> None:
        seen: list[BuildEvent] = []
        result = run_fake(make_config(preprocessing=[pre("fail", enabled=False)]), on_event=seen.append)
        assert result.succeeded
        assert '"fail" is disabled' in result.warnings[0]
        assert "step_skipped" in {event.kind for event in seen}

    @pytest.mark.parametrize(
        ("step", "message"),
        [
            (pre("grwo"), 'did you mean "grow"?'),
            (pre("grow", parameters={"tims": 1}), 'did you mean "times"?'),
            (pre("grow", parameters={"times": -1}), "must be 0 to ∞"),
            (pre("grow", parameters={"times": "2"}), "must be int"),
        ],
    )
    def test_a_wrong_step_stops_the_build_before_it_starts(
        self, make_config: MakeConfig, run_fake: RunFake, step: ProcessingStep, message: str
    ) -> None:
        config = make_config(preprocessing=[step])
        with pytest.raises(ConfigurationError) as caught:
            run_fake(config)
        assert message in str(caught.value)
        assert not Path(config.output_dir).exists()


def test_a_target_that_cannot_be_imported_stops_the_build_at_once_and_names_its_owner(
    make_config: MakeConfig, run_fake: RunFake, add_steps: Callable[..., None]
) -> None:
    add_steps("preprocessing", StepSpec(name="gone", summary="not there", target="no_such_module_at_all:step"))
    config = make_config(preprocessing=[pre("gone")])
    with pytest.raises(PluginError, match=r"step gone of plugin .*fake-steps.* 'no_such_module_at_all'"):
        run_fake(config)
    assert not Path(config.output_dir).exists()


def test_a_step_of_a_plugin_that_is_not_active_stops_the_build(
    make_config: MakeConfig, run_fake: RunFake, plugins: PluginManager
) -> None:
    class Broken:
        @hookimpl
        def brainsmith_preprocessing_steps(self) -> list[StepSpec]:
            raise RuntimeError("half a plugin")

    plugins.register(Broken(), "broken", "broken-distribution")
    with pytest.raises((PluginError, ConfigurationError), match="half a plugin"):
        run_fake(make_config(preprocessing=[pre("its_step")]))


def test_the_names_of_the_public_face_are_there() -> None:
    import brainsmith_core

    for name in brainsmith_core.__all__:
        assert getattr(brainsmith_core, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        brainsmith_core.no_such_name  # noqa: B018 - the access is what is tested


def test_a_build_without_any_figure_says_so(make_config: MakeConfig, run_fake: RunFake) -> None:
    result = run_fake(make_config())
    assert "no figure was found" in result.warnings[0]


def test_the_pipelines_run_alone_too(make_config: MakeConfig, plugins: PluginManager, with_steps: None) -> None:
    config = make_config(preprocessing=[pre("grow")], postprocessing=[post("look")])
    processed = PreprocessingPipeline(plugins).execute(config)
    assert processed.read_bytes() == Path(config.model_path).read_bytes() + b"!"
    result = BuildResult(config_id=config.id)
    report = PostprocessingPipeline(plugins).analyze(config, result)
    assert [metric.name for metric in report.metrics] == ["accuracy.top1"]
    assert result.artifacts == {"look": "postprocessing_logs/look.json"}
    with pytest.raises(ConfigurationError, match="grwo"):
        PreprocessingPipeline(plugins).execute(make_config(preprocessing=[pre("grwo")]))


def test_a_runner_factory_finds_its_backend_in_another_process_too() -> None:
    plugins = PluginManager.discover(["vivado"])
    factory = pickle.loads(pickle.dumps(create_build_runner_factory("future_brainsmith", plugins)))
    runner = factory()
    assert runner.offer.record.name == "future_brainsmith"
    assert set(runner.plugins.choices.disabled) == {"vivado"}
