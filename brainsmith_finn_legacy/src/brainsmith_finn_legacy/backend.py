"""The backend that runs FINN's own builder, `build_dataflow_cfg`, in a FINN environment of its own."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from brainsmith_core.build.cache.settings import cache_root
from brainsmith_core.build.runner import BackendBase
from brainsmith_core.build.workspace import file_digest
from brainsmith_core.config import BuildConfig
from brainsmith_core.context import BackendOutcome, BuildContext, Finding
from brainsmith_core.errors import BrainsmithError, ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, MetricSource, Stage
from brainsmith_core.processes.client import TaskOutcome
from brainsmith_core.records import BackendSpec
from brainsmith_core.result import BuildStatus

from .backend_spec import LEGACY_FINN
from .build_failure import failure_of_result, failure_of_task, status_of_task
from .build_products import find_products, find_reports, quality_warnings
from .dataflow_config import DataflowPlan, plan_build
from .environments.recent import recent_environment
from .environments.records import FINNEnvironment
from .finn_worker import STORE_CODE, TaskLimits, import_paths, run_task
from .model_check import check_model
from .requirements import check_requirements, missing_requirements
from .step_sources import StepSources
from .transformations import FINNTransformationRegistry

__all__ = ["LegacyFINNBackend"]


class LegacyFINNBackend(BackendBase):
    """Builds with FINN, step by step as FINN itself does.

    Args:
        finn_build_dir: where FINN keeps its intermediate files, in a new folder for each build; by default in the
            build's own folder.
        temp_cleanup: remove them after a successful build of estimates. Other products refer to them, so there they
            stay.
        preserve_intermediate: save the model after each step.
        environment: the FINN environment: its name, its path, or the environment itself; by default the one that
            `brainsmith finn list` marks.
    """

    spec: ClassVar[BackendSpec] = LEGACY_FINN

    def __init__(
        self,
        finn_build_dir: str | Path | None = None,
        temp_cleanup: bool = True,
        preserve_intermediate: bool = False,
        environment: FINNEnvironment | str | Path | None = None,
    ) -> None:
        self.finn_build_dir = None if finn_build_dir is None else Path(finn_build_dir).absolute()
        self.temp_cleanup = temp_cleanup
        self.preserve_intermediate = preserve_intermediate
        self._wanted = environment

    #: What FINN writes with the times that its steps took; all else is the same each time.
    volatile_files: ClassVar[tuple[str, ...]] = ("artifacts/report/time_per_step.json", "artifacts/*.log")

    @property
    def places(self) -> tuple[Path, ...]:
        """Folders outside the build's own that its products may refer to."""
        return () if self.finn_build_dir is None else (self.finn_build_dir,)

    @functools.cached_property
    def environment(self) -> FINNEnvironment:
        """The FINN environment that builds run in.

        Raises:
            MissingRequirementError: if there is none.
        """
        if isinstance(self._wanted, FINNEnvironment):
            return self._wanted
        return recent_environment(self._wanted)

    def validate(self, config: BuildConfig) -> None:
        """Check a configuration, against what the FINN environment says of itself and, once for each model, with FINN.

        Raises:
            ConfigurationError: for anything in it that this FINN doesn't know or can't do.
            MissingRequirementError: for tools that its steps need and that aren't here.
        """
        check_model(config, self._plan(config), self.environment)

    def identity(self, config: BuildConfig) -> dict[str, JSONValue]:
        """Return what a result depends on beside the configuration: FINN, what it is told, the files that it reads."""
        environment, plan = self.environment, self._outline(config)
        return {
            "finn": {
                "title": environment.title,
                "flavour": environment.flavour,
                "version": environment.version,
                "environment": environment.name,
                "profile": environment.profile,
                "identity": environment.identity,
                "python": str(environment.python),
            },
            "finn_settings": plan.settings,
            "finn_steps": [step.name for step in plan.steps.steps],
            "finn_files": {name: file_digest(path) for name, path in plan.files.items()},
            "finn_step_files": dict[str, JSONValue](
                self._sources.digests([step for step in plan.steps.steps if step.path])
            ),
        }

    def build(self, context: BuildContext) -> BackendOutcome:
        """Run FINN's builder on `context.model_path`; its products are in `artifacts`, its output in `build.log`."""
        run = _FINNRun(self, context, self._plan(context.config))
        return run.execute()

    def check(self) -> Iterator[Finding]:
        """Say which FINN environment builds run in, and what is missing for more than estimates."""
        try:
            environment = self.environment
        except BrainsmithError as error:
            yield Finding(name="FINN", state="missing", message=error.message, fix=error.hint or "")
            return
        yield Finding(name="FINN", state="ok", message=f"{environment.title} ({environment.name})")
        missing = missing_requirements(("vivado", "hls"), environment, os.environ)
        if missing:
            text = f"estimates only: {'; '.join(missing)}"
            fix = "for RTL and more, install Vivado and Vitis HLS and source their settings64.sh"
            yield Finding(name="FINN hardware builds", state="warning", message=text, fix=fix)

    @functools.cached_property
    def _sources(self) -> StepSources:
        return StepSources(self.environment)

    @functools.cached_property
    def _registry(self) -> FINNTransformationRegistry:
        return FINNTransformationRegistry(self.environment.description.transformations, self.environment.title)

    def _outline(self, config: BuildConfig) -> DataflowPlan:
        """Return what FINN is given, without a look at what the machine lacks for it."""
        return plan_build(
            config,
            self.environment,
            preserve_intermediate=self.preserve_intermediate,
            registry=self._registry,
        )

    def _plan(self, config: BuildConfig) -> DataflowPlan:
        plan = self._outline(config)
        stage = config.global_config.output_stage.value
        check_requirements(plan.steps.finn_steps, plan.settings, self.environment, stage)
        for step in plan.steps.steps:
            if step.path and ":" not in step.path:
                self._check_importable(step.path)
        return plan

    def _check_importable(self, path: str) -> None:
        """Try, once for each path, whether FINN's interpreter can import a step of the user's own."""
        reason = self._import_failures.get(path)
        if reason is None:
            reason = self._import_failures[path] = _import_failure(self.environment, path)
        if reason:
            text = f"the step {path} can't be imported in {self.environment.title}: {reason}"
            hint = "give a path that its interpreter finds (PYTHONPATH, or the working directory), or file.py:function"
            raise ConfigurationError(text, hint=hint)

    @functools.cached_property
    def _import_failures(self) -> dict[str, str]:
        return {}


def _import_failure(environment: FINNEnvironment, path: str) -> str:
    with tempfile.TemporaryDirectory(prefix="brainsmith-step-") as name:
        folder = Path(name)
        args = {"steps": [{"name": path, "import": path}], "import_paths": import_paths()}
        outcome = run_task(environment, "resolve_steps", args, log=folder / "log", cwd=folder)
    if outcome.ok:
        return str(outcome.result["reasons"][path])
    return outcome.error.message if outcome.error else outcome.outcome


class _FINNRun:
    """One build under way."""

    def __init__(self, backend: LegacyFINNBackend, context: BuildContext, plan: DataflowPlan) -> None:
        self.backend, self.context, self.plan = backend, context, plan
        self.environment = backend.environment
        self.workspace = context.workspace
        self.step = ""

    def execute(self) -> BackendOutcome:
        """Run FINN and return what it made."""
        build_dir = self._make_build_dir()
        steps = [step.to_task() for step in self.plan.steps.steps]
        args: dict[str, JSONValue] = {
            "model": str(self.context.model_path),
            "settings": {**self.plan.settings, "output_dir": str(self.workspace.artifacts)},
            "steps": list[JSONValue](steps),
            "import_paths": list[JSONValue](import_paths()),
            "build_dir": str(build_dir),
            "final_model": str(self.workspace.final_model),
            "cache": self._cache(),
        }
        limits = TaskLimits(
            timeout_s=self.context.remaining_seconds,
            memory_bytes=self.context.memory_bytes,
            stop=self.context.stop,
        )
        task = run_task(
            self.environment,
            "build",
            args,
            log=self.workspace.log,
            cwd=self.workspace.backend_specific,
            limits=limits,
            on_event=self._note,
        )
        outcome = self._outcome(task)
        if outcome.status is BuildStatus.SUCCESS and self._may_remove_build_dir():
            shutil.rmtree(build_dir)
        return outcome

    def _cache(self) -> dict[str, JSONValue] | None:
        """Return what the worker needs to find and keep traces of steps; None if every step is to run."""
        root = cache_root(self.context.config)
        if root is None:
            return None
        return {"root": str(root), "code": str(STORE_CODE), "environment": self.environment.identity}

    def _make_build_dir(self) -> Path:
        if self.backend.finn_build_dir is None:
            folder = self.workspace.backend_specific / "finn_build_dir"
            folder.mkdir(exist_ok=True)
            return folder
        self.backend.finn_build_dir.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="build_", dir=self.backend.finn_build_dir))

    def _may_remove_build_dir(self) -> bool:
        estimate = self.environment.description.estimate_steps
        return self.backend.temp_cleanup and set(self.plan.steps.finn_steps) <= set(estimate)

    def _note(self, event: dict[str, Any]) -> None:
        kind = event.pop("kind")
        if kind == "step_started":
            self.step = event["step"]
        self.context.emit(kind, **event)

    def _outcome(self, task: TaskOutcome) -> BackendOutcome:
        """Return what came of the task: its result has FINN's failure, if there was one."""
        result: dict[str, Any] = task.result or {}
        if not task.ok:
            status, failure = status_of_task(task), failure_of_task(task, self.step)
        elif result["failure"] is not None:
            status, failure = BuildStatus.FAILED, failure_of_result(result["failure"])
        else:
            status, failure = BuildStatus.SUCCESS, None
        artifacts = self.workspace.artifacts
        log = artifacts / "build_dataflow.log"
        return BackendOutcome(
            status=status,
            failure=failure,
            final_model=self.workspace.final_model if self.workspace.final_model.exists() else None,
            reports=find_reports(artifacts),
            metrics=self._metrics(task, result),
            artifacts=find_products(artifacts),
            logs={"finn": log} if log.exists() else {},
            provenance={"finn_layers": result.get("hardware", {}), "finn_step_cache": result.get("steps", [])},
            warnings=self._warnings(task, result),
        )

    def _warnings(self, task: TaskOutcome, result: dict[str, Any]) -> list[str]:
        found = [*self.plan.warnings, *result.get("warnings", [])]
        if task.killed and task.outcome in ("ok", "error"):
            names = ", ".join(f"{process.name} ({process.pid})" for process in task.killed)
            found.append(f"processes were left in the background and ended: {names}")
        if task.log_truncated:
            found.append("build.log isn't whole: there was more output than it may hold")
        return [*found, *quality_warnings(self.workspace.artifacts, self.plan.settings)]

    def _metrics(self, task: TaskOutcome, result: dict[str, Any]) -> list[Metric]:
        """Return the figures that stand in no report: FINN rounds times to seconds, and says not who it is."""
        flavour = "FINN+" if self.environment.flavour == "finn-plus" else "FINN"
        target = self.plan.target
        found = [_metric("prov.tool_version", self.environment.version, "string", tool=flavour)]
        found += [_metric("prov.board", target.board, "string")] if target.board else []
        found += [_metric("prov.part", target.part, "string")] if target.part else []
        if task.peak_rss_bytes is not None:
            found.append(_metric("build.mem_peak_b", task.peak_rss_bytes, "B"))
        return found + [
            _metric("build.wall_s", each["seconds"], "s", step=each["step"]) for each in result.get("seconds", [])
        ]


def _metric(name: str, value: JSONValue, unit: str, **scope: str) -> Metric:
    return Metric(name=name, value=value, unit=unit, stage=Stage.BUILD, scope=scope, source=MetricSource())
