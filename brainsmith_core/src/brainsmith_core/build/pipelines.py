"""The processing steps before and after a backend, each in a process of its own."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs

from ..config import BuildConfig, ProcessingStep
from ..context import BuildContext, BuildFailure, StepContext, StepOutcome
from ..errors import BrainsmithError, BuildCancelledError, ConfigurationError
from ..formats.json_values import JSONValue
from ..formats.serialization import from_data, to_data
from ..metric import Metric
from ..plugins.manager import Offer, PluginManager, default_plugins
from ..processes.client import TaskOutcome
from ..processes.connection import OnEvent
from ..records import StepSpec
from ..result import BuildResult, PluginUse
from .cache.step_cache import StepCache
from .cache.step_reads import StepReads
from .parameters import checked_parameters
from .step_check import check_importable, step_worker
from .workspace import Workspace

__all__ = ["PostprocessingPipeline", "PreprocessingPipeline", "StepFailedError", "check_steps"]

Kind = Literal["preprocessing", "postprocessing"]

#: Where our own errors are defined.
_OURS = BrainsmithError.__module__


class StepFailedError(Exception):
    """A step failed and its `on_error` says that the build fails with it."""

    def __init__(self, failure: BuildFailure, outcome: str) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.outcome = outcome


@attrs.define(kw_only=True)
class PipelineReport:
    """What the steps of one side of a build gave."""

    metrics: list[Metric] = attrs.field(factory=list)
    artifacts: dict[str, str] = attrs.field(factory=dict)
    artifact_plugins: dict[str, PluginUse] = attrs.field(factory=dict)
    logs: dict[str, str] = attrs.field(factory=dict)
    warnings: list[str] = attrs.field(factory=list)
    plugins: list[PluginUse] = attrs.field(factory=list)
    failed: list[str] = attrs.field(factory=list)
    reuse: list[dict[str, JSONValue]] = attrs.field(factory=list)

    def note_reuse(self, step: str, saved: float) -> None:
        """Note that a step was not run, and how many seconds it took when it was."""
        self.reuse.append({"step": step, "reused": True, "seconds": 0.0, "saved_s": round(saved, 6)})

    def note_run(self, step: str, seconds: float, problems: list[str]) -> None:
        """Note that a step was run, and why its outcome can't be reused, if so."""
        row: dict[str, JSONValue] = {"step": step, "reused": False, "seconds": round(seconds, 6)}
        self.reuse.append({**row, "stored": not problems, "reasons": list[JSONValue](problems)})

    def add_to(self, result: BuildResult) -> None:
        """Add what the steps gave, but for the metrics, to a build's result."""
        result.artifacts |= self.artifacts
        result.artifact_plugins |= self.artifact_plugins
        result.logs |= self.logs
        result.warnings.extend(self.warnings)
        result.plugins.extend(self.plugins)
        if self.reuse:
            result.provenance["preprocessing_step_cache"] = list[JSONValue](self.reuse)


def check_steps(config: BuildConfig, plugins: PluginManager) -> None:
    """Check that every step is registered and its parameters are right, before anything runs.

    Raises:
        ConfigurationError: for an unknown step or a wrong parameter.
        PluginError: for a step of a plugin that isn't active, or whose code can't be imported.
    """
    for step in (*config.preprocessing, *config.postprocessing):
        offer = plugins.step(step.type, step.name)
        checked_parameters(offer.record.parameters, step.parameters, f'the {step.type} step "{step.name}"')
        if step.enabled:
            check_importable(offer, plugins)


class PreprocessingPipeline:
    """Runs the steps from the model that came in to `processed_model.onnx`.

    Args:
        plugins: where the steps are registered; else the plugins of this environment.
        context: the build that it is part of; without one, the configuration's folder is made fresh.
    """

    def __init__(self, plugins: PluginManager | None = None, context: BuildContext | None = None) -> None:
        self._plugins, self._context = plugins or default_plugins(), context
        self.report = PipelineReport()

    def execute(self, config: BuildConfig) -> Path:
        """Run the preprocessing steps in order and return the path of the processed model.

        Raises:
            ConfigurationError: for an unknown step or a wrong parameter.
            StepFailedError: if a step fails and the build fails with it.
        """
        context = self._context
        if context is None:
            check_steps(config, self._plugins)
            context = _context_alone(config)
            context.workspace.create(config)
        steps = _StepRunner(self._plugins, context, "preprocessing", self.report)
        current = context.workspace.model
        for index, step in enumerate(config.preprocessing, start=1):
            outcome = steps.run(step, index, len(config.preprocessing), current)
            if outcome is not None and outcome.model_path:
                current = Path(outcome.model_path)
        shutil.copyfile(current, context.workspace.processed_model)
        return context.workspace.processed_model


class PostprocessingPipeline:
    """Runs the steps over a backend's products.

    Args:
        plugins: where the steps are registered; else the plugins of this environment.
        context: the build that it is part of; without one, what lies in the configuration's folder is analysed.
    """

    def __init__(self, plugins: PluginManager | None = None, context: BuildContext | None = None) -> None:
        self._plugins, self._context = plugins or default_plugins(), context
        self.report = PipelineReport()

    def analyze(self, config: BuildConfig, result: BuildResult) -> PipelineReport:
        """Run the postprocessing steps in order; what they give is added to the result, and returned.

        Args:
            config: the build.
            result: its result; gets artefacts, logs, warnings and plugins, also of steps before one that fails.

        Raises:
            ConfigurationError: for an unknown step or a wrong parameter.
            StepFailedError: if a step fails and its `on_error` is `fail`.
        """
        check_steps(config, self._plugins)
        context = self._context or _context_alone(config)
        steps = _StepRunner(self._plugins, context, "postprocessing", self.report)
        try:
            for index, step in enumerate(config.postprocessing, start=1):
                steps.run(step, index, len(config.postprocessing), context.model_path)
        finally:
            self.report.add_to(result)
        return self.report


def _context_alone(config: BuildConfig) -> BuildContext:
    """Return a context for steps that are run outside a build."""
    workspace = Workspace(Path(config.output_dir).absolute())

    def ignore(*_: str, **__: JSONValue) -> None:
        """Nobody listens."""

    return BuildContext(
        config=config,
        workspace=workspace,
        model_path=workspace.processed_model,
        emit=ignore,
        log=ignore,
        stop=threading.Event(),
    )


class _StepRunner:
    """Runs one step after the other and keeps what they give."""

    def __init__(self, plugins: PluginManager, context: BuildContext, kind: Kind, report: PipelineReport) -> None:
        self.plugins, self.context, self.kind, self.report = plugins, context, kind, report

    def run(self, step: ProcessingStep, index: int, total: int, model: Path) -> StepOutcome | None:
        """Run a step; None if it is disabled, or failed and the build goes on."""
        if not step.enabled:
            self.context.emit("step_skipped", step=step.name, index=index, total=total, reason="disabled")
            self.report.warnings.append(f'{self.kind} step "{step.name}" is disabled and was not run')
            return None
        self.context.check_stop()
        self.context.emit("step_started", step=step.name, index=index, total=total, phase=self.kind)
        started = time.monotonic()
        offer = self.plugins.step(self.kind, step.name)
        name = f"{index:02d}_{step.name}"
        given = self._given(offer, step, name, model)
        self.report.logs[f"{self.kind}_{name}"] = f"{self.kind}_logs/{name}.log"

        def show(progress: Mapping[str, JSONValue]) -> None:
            self.context.emit("step_progress", step=step.name, index=index, total=total, **progress)

        failed, outcome = self._reused_or_run(offer, given, name, show)
        self.context.emit(
            "step_finished",
            step=step.name,
            outcome="ok" if failed is None else failed.outcome,
            seconds=round(time.monotonic() - started, 3),
        )
        if failed is not None:
            self._handle_failure(step, failed)
            return None
        return self._keep(offer, from_data(StepOutcome, outcome, f'outcome of step "{step.name}"'))

    def _reused_or_run(
        self, offer: Offer[StepSpec], given: StepContext, name: str, show: OnEvent
    ) -> tuple[TaskOutcome | None, JSONValue]:
        """Return the task if it failed, and the outcome if it didn't: that of an earlier run where one holds."""
        cache = None
        if self.kind == "preprocessing" and self.context.cache_root is not None:
            cache = StepCache.of(self.context.cache_root, offer, given, name)
        if cache is None:
            task = self._run_task(offer, given, name, show)
            return (None, task.result) if task.outcome == "ok" else (task, None)
        with cache.alone(self.context.stop.is_set):
            found = cache.restore()
            if found is not None:
                self.report.note_reuse(name, found[1])
                return None, to_data(found[0])
            before = cache.state()
            task = self._run_task(offer, given, name, show, watch=True)
            if task.outcome != "ok":
                return task, None
            outcome = from_data(StepOutcome, task.result["outcome"], f"outcome of step {name}")
            problems = cache.put(before, outcome, StepReads(**task.result["reads"]), task.seconds)
            self.report.note_run(name, task.seconds, problems)
            return None, task.result["outcome"]

    def _given(self, offer: Offer[StepSpec], step: ProcessingStep, name: str, model: Path) -> StepContext:
        logs = self.context.workspace.step_logs(self.kind)
        where = f'the {self.kind} step "{step.name}"'
        return StepContext(
            config=self.context.config,
            parameters=checked_parameters(offer.record.parameters, step.parameters, where),
            model_path=str(model),
            output_model_path=str(logs / f"{name}.onnx"),
            report_dir=str(logs),
            output_dir=str(self.context.workspace.root),
            settings=self.plugins.setting_values(offer.plugin),
        )

    def _run_task(
        self, offer: Offer[StepSpec], given: StepContext, name: str, show: OnEvent, *, watch: bool = False
    ) -> TaskOutcome:
        return step_worker().run(
            "run_step",
            {"target": offer.record.target, "context": to_data(given), "watch": watch},
            log=self.context.workspace.step_logs(self.kind) / f"{name}.log",
            timeout_s=self.context.remaining_seconds,
            memory_bytes=self.context.memory_bytes,
            stop=self.context.stop,
            on_event=show,
        )

    def _handle_failure(self, step: ProcessingStep, task: TaskOutcome) -> None:
        if task.outcome == "stopped":
            raise BuildCancelledError("the build was cancelled")
        failure = task_failure(task, self.kind, step.name)
        if step.fails_build or task.outcome == "timeout":
            raise StepFailedError(failure, task.outcome)
        self.report.failed.append(step.name)
        self.report.warnings.append(f"{failure.message}; the build went on without it")

    def _keep(self, offer: Offer[StepSpec], outcome: StepOutcome) -> StepOutcome:
        plugin, spec = offer.plugin, offer.record
        if outcome.model_path and not Path(outcome.model_path).is_file():
            raise StepFailedError(
                BuildFailure(
                    message=f'{self.kind} step "{spec.name}" says it wrote {outcome.model_path}, which is not there',
                    category=self.kind,
                    step=spec.name,
                ),
                "error",
            )
        for metric in outcome.metrics:
            source = attrs.evolve(metric.source, parser=spec.name, plugin=plugin.distribution, version=plugin.version)
            self.report.metrics.append(attrs.evolve(metric, source=source))
        use = PluginUse(
            name=plugin.name,
            distribution=plugin.distribution,
            version=plugin.version,
            role=f"{self.kind} step {spec.name}",
        )
        for name, path in outcome.artifacts.items():
            self.report.artifacts[name] = self.context.workspace.relative(Path(path))
            self.report.artifact_plugins[name] = use
        self.report.warnings.extend(outcome.warnings)
        self.report.plugins.append(use)
        return outcome


def _type_of(error: type[BrainsmithError]) -> str:
    return f"{error.__module__}.{error.__qualname__}"


def task_failure(task: TaskOutcome, kind: str, step: str) -> BuildFailure:
    """Return why a task in a worker failed, as a failure of a step.

    Args:
        task: its outcome, not `ok`.
        kind: what the step is, for the message; also the category of an error that nothing more is known of.
        step: the step's name.
    """
    category = {"error": kind, "crash": "crash", "timeout": "timeout", "memory": "memory"}[task.outcome]
    if task.error is not None and task.error.type == _type_of(ConfigurationError):
        # A step sees what is wrong with the files that its parameters name only when it runs.
        category = "configuration"
    what = {
        "crash": f"was ended by signal {task.signal}" if task.signal else f"ended with exit code {task.exit_code}",
        "timeout": f"was stopped after {task.seconds:.0f} s: the time limit",
        "memory": "used more memory than its limit",
    }
    if task.error is not None and task.outcome == "error":
        home, _, name = task.error.type.rpartition(".")
        # Messages of our own errors say all; those of foreign ones often need the name.
        text = f"failed: {task.error.message}" if home == _OURS else f"failed: {name}: {task.error.message}"
    else:
        text = what.get(task.outcome, "failed")
    return BuildFailure(
        message=f'{kind} step "{step}" {text}',
        category=category,
        step=step,
        traceback=(task.error.traceback or "") if task.error else "",
    )
