"""Run pipelines in the background and say how far they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import attrs

from brainsmith_core.build.model_file import check_model_file
from brainsmith_core.build.runner import BuildRunner, default_plugins
from brainsmith_core.context import BuildFailure
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.events import BuildEvent
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.result import BuildStatus

from .backend import LegacyFINNBackend
from .build_failure import failure_of_task, status_of_task
from .environments.records import FINNEnvironment
from .finn_worker import TaskLimits, run_task
from .pipeline_records import FINNPipeline, PipelineResult, PipelineStatus

__all__ = ["FINNPipelineExecutor"]

_STARTS = ("step_started", "transform_started")


class FINNPipelineExecutor:
    """Executes pipelines in one FINN environment, each in a thread of its own.

    Args:
        environment: the FINN environment.
    """

    def __init__(self, environment: FINNEnvironment) -> None:
        self._environment = environment
        self._executions: dict[str, _Execution] = {}

    def start(
        self,
        pipeline: FINNPipeline,
        model: Path,
        output_dir: Path,
        *,
        timeout_s: float | None = None,
        memory_bytes: int | None = None,
    ) -> str:
        """Begin to execute a pipeline, and return its id.

        Args:
            pipeline: what to run; it may run again once it has finished.
            model: the model that goes in.
            output_dir: where everything is written.
            timeout_s: limit of a sequence of transformations, in seconds; a build has its own.
            memory_bytes: limit of its memory; a build has its own.

        Raises:
            ConfigurationError: if the pipeline is running, or the model can't be one.
            MissingRequirementError: if there is no such model.
        """
        check_model_file(model)
        before = self._executions.get(pipeline.id)
        if before is not None and not before.future.done():
            raise ConfigurationError(f"the pipeline {pipeline.id} is running", hint="wait for it, or create another")
        limits = TaskLimits(timeout_s=timeout_s, memory_bytes=memory_bytes)
        execution = _Execution(self._environment, pipeline, model.absolute(), output_dir.absolute(), limits)
        self._executions[pipeline.id] = execution
        threading.Thread(target=execution.run, name=pipeline.id, daemon=True).start()
        return pipeline.id

    def status(self, pipeline_id: str) -> PipelineStatus:
        """Return how far a pipeline is.

        Raises:
            ConfigurationError: for an unknown pipeline.
        """
        return self._execution(pipeline_id).status()

    def wait(self, pipeline_id: str, timeout_s: float | None = None) -> PipelineResult:
        """Wait for the end of a pipeline and return what came of it.

        Raises:
            ConfigurationError: for an unknown pipeline, or if its configuration is wrong.
            TimeoutError: if it hasn't ended in time.
        """
        return self._execution(pipeline_id).future.result(timeout_s)

    def cancel(self, pipeline_id: str) -> None:
        """Stop a pipeline; it ends with all its processes.

        Raises:
            ConfigurationError: for an unknown pipeline.
        """
        self._execution(pipeline_id).stop.set()

    def _execution(self, pipeline_id: str) -> _Execution:
        if pipeline_id not in self._executions:
            text = f"there is no pipeline {pipeline_id}"
            raise ConfigurationError(text, hint=did_you_mean(pipeline_id, self._executions) or None)
        return self._executions[pipeline_id]


class _Execution:
    """One execution of a pipeline."""

    def __init__(
        self, environment: FINNEnvironment, pipeline: FINNPipeline, model: Path, output_dir: Path, limits: TaskLimits
    ) -> None:
        self.environment, self.pipeline, self.model, self.output_dir = environment, pipeline, model, output_dir
        self.stop = threading.Event()
        self.limits = attrs.evolve(limits, stop=self.stop)
        self.future: Future[PipelineResult] = Future()
        self._started = time.monotonic()
        self._ended: float | None = None
        self._events: list[dict[str, JSONValue]] = []

    def run(self) -> None:
        """Run the pipeline; what it raises goes to those who wait for it."""
        try:
            result = self._build() if self.pipeline.build is not None else self._transform()
        except BaseException as error:  # noqa: BLE001 - handed on to the threads that wait
            self._ended = time.monotonic()
            self.future.set_exception(error)
        else:
            self._ended = time.monotonic()
            self.future.set_result(result)

    def status(self) -> PipelineStatus:
        """Return how far it is."""
        events = tuple(self._events)
        current: dict[str, JSONValue] = next((each for each in reversed(events) if each["kind"] in _STARTS), {})
        status, message = self._state()
        index = current.get("index", 0)
        return PipelineStatus(
            pipeline_id=self.pipeline.id,
            status=status,
            step=str(current.get("step") or current.get("transform") or ""),
            index=index if isinstance(index, int) else 0,
            total=len(self.pipeline.steps),
            seconds=(self._ended or time.monotonic()) - self._started,
            events=events,
            message=message,
        )

    def _state(self) -> tuple[BuildStatus, str]:
        if not self.future.done():
            return BuildStatus.RUNNING, ""
        error = self.future.exception()
        if error is not None:
            return BuildStatus.FAILED, str(error)
        result = self.future.result()
        return result.status, result.failure.message if result.failure else ""

    def _note(self, event: Mapping[str, Any]) -> None:
        self._events.append(dict(event))

    def _note_build_event(self, event: BuildEvent) -> None:
        self._note({"kind": event.kind, **event.data})

    def _build(self) -> PipelineResult:
        assert self.pipeline.build is not None
        config = attrs.evolve(self.pipeline.build, model_path=str(self.model), output_dir=str(self.output_dir))
        backend = LegacyFINNBackend(environment=self.environment)
        plugins = default_plugins()
        runner = BuildRunner(backend, plugins.backend(backend.spec.name), plugins)
        built = runner.run(config, stop=self.stop, on_event=self._note_build_event)
        final = self.output_dir / "final_model.onnx"
        error = built.error
        return PipelineResult(
            pipeline_id=self.pipeline.id,
            status=built.status,
            model=final if final.exists() else None,
            seconds=built.duration_seconds,
            layers=_mapping(built.provenance.get("finn_layers")),
            log=self.output_dir / "build.log",
            failure=BuildFailure(message=error.message, category=error.category, step=error.step) if error else None,
            build=built,
        )

    def _transform(self) -> PipelineResult:
        build_dir = self.output_dir / "finn_build_dir"
        build_dir.mkdir(parents=True, exist_ok=True)
        output, log = self.output_dir / "transformed_model.onnx", self.output_dir / "transformations.log"
        output.unlink(missing_ok=True)
        args = {
            "model": str(self.model),
            "output": str(output),
            "transforms": [call.to_task() for call in self.pipeline.transformations],
            "build_dir": str(build_dir),
        }
        task = run_task(
            self.environment, "transform", args, log=log, cwd=build_dir, limits=self.limits, on_event=self._note
        )
        step = self.status().step
        failure = None if task.ok else failure_of_task(task, step, what="transformation")
        return PipelineResult(
            pipeline_id=self.pipeline.id,
            status=BuildStatus.SUCCESS if task.ok else status_of_task(task),
            model=output if task.ok else None,
            seconds=task.seconds,
            layers=_mapping(task.result["hardware"]) if task.ok else {},
            log=log,
            failure=failure,
        )


def _mapping(value: JSONValue) -> dict[str, JSONValue]:
    return value if isinstance(value, dict) else {}
