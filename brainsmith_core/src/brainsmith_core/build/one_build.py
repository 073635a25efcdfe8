"""One build, from configuration to result: the same path for every backend.

The order: validate, make the workspace, preprocessing, `backend.build`, metrics, postprocessing, diagnosis, result.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import attrs

from ..config import BuildConfig
from ..context import Backend, BackendOutcome, BuildContext, BuildFailure, StopSignal
from ..diagnosis.handler import BuildErrorHandler
from ..errors import BrainsmithError, BuildCancelledError, ConfigurationError
from ..events import BuildEvent
from ..formats.json_values import JSONValue, checked_json_dict
from ..metric import Metric, MetricSource, Stage
from ..metrics.collector import Collected, MetricsCollector
from ..metrics.summary import summarise
from ..plugins.manager import Offer, PluginManager
from ..records import BackendSpec
from ..result import BuildResult, BuildStatus, PluginUse
from .cache.build_cache import BuildCache
from .cache.settings import cache_root
from .model_file import check_model_file
from .pipelines import (
    PostprocessingPipeline,
    PreprocessingPipeline,
    StepFailedError,
    check_steps,
)
from .recorder import BuildRecorder, ObserverThread
from .settings_used import settings_used
from .workspace import Workspace, config_digest, file_digest, write_json

__all__ = ["is_stored", "run_build", "validate_build"]

_STATUS_OF_OUTCOME = {"timeout": BuildStatus.TIMEOUT, "stopped": BuildStatus.CANCELLED}


def validate_build(config: BuildConfig, backend: Backend, spec: BackendSpec, plugins: PluginManager) -> None:
    """Check all that can be checked before a build starts; writes nothing.

    Raises:
        ConfigurationError: for a wrong configuration.
        MissingRequirementError: for something that the build needs and that isn't here.
    """
    check_model_file(Path(config.model_path))
    stage = config.global_config.output_stage
    if stage not in spec.output_stages:
        known = ", ".join(each.value for each in spec.output_stages)
        raise ConfigurationError(
            f"backend {spec.name} can't reach the stage {stage.value}", hint=f"it reaches: {known}"
        )
    check_steps(config, plugins)
    settings_used(config, spec, plugins)
    validate = getattr(backend, "validate", None)
    if validate is not None:
        validate(config)


def is_stored(config: BuildConfig, backend: Backend, spec: BackendSpec, plugins: PluginManager) -> bool:
    """Tell whether a build's result is in the store, so that it needn't be checked or built; see `run_build`."""
    cache = BuildCache.of(config, backend, spec, plugins)
    return cache is not None and cache.entry() is not None


def run_build(
    config: BuildConfig,
    backend: Backend,
    offer: Offer[BackendSpec],
    plugins: PluginManager,
    *,
    stop: StopSignal | None = None,
    on_event: Callable[[BuildEvent], None] | None = None,
) -> BuildResult:
    """Run one build and return its result, which is also in `result.json`.

    A build whose like is in the store isn't run: it gets that one's result and files, and `cached` is set.

    Args:
        config: what to build.
        backend: what builds it.
        offer: the backend's record, with the plugin that it comes from.
        plugins: where steps, parsers and rules are registered.
        stop: set when the build shall stop.
        on_event: called with each event, in the build's thread; must be quick and must not raise.

    Raises:
        ConfigurationError: for a wrong configuration, before anything is written.
        MissingRequirementError: for something that the build needs and that isn't here, before anything is written.
    """
    workspace, stop = Workspace(Path(config.output_dir).absolute()), stop or threading.Event()
    start = functools.partial(_recording, config, workspace, plugins, on_event)
    cache = BuildCache.of(config, backend, offer.record, plugins)
    stored = _restored(cache, workspace, start)
    if stored is not None:
        return stored
    validate_build(config, backend, offer.record, plugins)
    with contextlib.ExitStack() as stack:
        if cache is not None and stack.enter_context(cache.alone(stop.is_set)):
            stored = _restored(cache, workspace, start)
            if stored is not None:
                return stored
        workspace.create(config)
        with start() as recorder:
            build = _Build(config, backend, offer, plugins, workspace, recorder, stop)
            result = build.run()
        if cache is not None and build.is_reusable:
            cache.put(workspace, result, tuple(getattr(backend, "places", ())))
    return result


@contextlib.contextmanager
def _recording(
    config: BuildConfig,
    workspace: Workspace,
    plugins: PluginManager,
    on_event: Callable[[BuildEvent], None] | None,
) -> Iterator[BuildRecorder]:
    """Record what happens in a build whose folder is there, and tell who listens."""
    observers = _start_observers(plugins)
    listeners = [*([on_event] if on_event else []), *([observers.post] if observers else [])]
    recorder = BuildRecorder(config.id, workspace.events, workspace.log, config.global_config.log_level, listeners)
    try:
        yield recorder
    finally:
        recorder.close()
        if observers:
            observers.close()


def _restored(
    cache: BuildCache | None, workspace: Workspace, start: Callable[[], AbstractContextManager[BuildRecorder]]
) -> BuildResult | None:
    """Give a build the stored result of its like, if there is one; `result.json` is written last, as always."""
    result = None if cache is None else cache.restore(workspace)
    if result is None:
        return None
    origin = result.provenance["cached_from"]
    assert isinstance(origin, dict)
    with start() as recorder:
        recorder.emit("build_started", backend=result.backend, output_dir=str(workspace.root), cached=True)
        recorder.log(f"nothing was run: this is the result of build {origin['build']} in {origin['output_dir']}")
        recorder.emit("build_finished", status=result.status.value, seconds=0.0, error=None, cached=True)
    write_json(workspace.result, result.to_dict())  # not synced: after a power cut it is restored once more
    return result


def _start_observers(plugins: PluginManager) -> ObserverThread | None:
    found = [(plugin.name, function) for plugin, function in plugins.observers()]
    return ObserverThread(found, _warn) if found else None


def _warn(text: str) -> None:
    import logging

    logging.getLogger("brainsmith").warning("%s", text)


class _Build:
    """One build under way: what its phases have gathered so far."""

    def __init__(
        self,
        config: BuildConfig,
        backend: Backend,
        offer: Offer[BackendSpec],
        plugins: PluginManager,
        workspace: Workspace,
        recorder: BuildRecorder,
        stop: StopSignal,
    ) -> None:
        self.config, self.backend, self.offer, self.plugins = config, backend, offer, plugins
        self.workspace, self.recorder = workspace, recorder
        limit = config.global_config.timeout_minutes
        self.context = BuildContext(
            config=config,
            workspace=workspace,
            model_path=workspace.model,
            emit=recorder.emit,
            log=recorder.log,
            stop=stop,
            deadline=None if limit is None else time.monotonic() + 60 * limit,
            cache_root=cache_root(config),
            settings=plugins.setting_values(offer.plugin),
        )
        self.started = time.monotonic()
        self.phase = "preprocessing"
        self.collector = MetricsCollector(plugins)
        self.metrics: list[Metric] = []
        self.failed_steps: list[str] = []
        self.collected = Collected()
        spec = offer.record
        self.use = _use(offer.plugin.name, offer.plugin.distribution, offer.plugin.version, f"backend {spec.name}")
        self.result = BuildResult(
            config_id=config.id,
            status=BuildStatus.RUNNING,
            backend=spec.name,
            simulated=spec.simulated,
            output_dir=str(workspace.root),
            logs={"build": workspace.log.name},
            plugins=[self.use],
        )

    @property
    def is_reusable(self) -> bool:
        """Whether the same build would give the same: what failed may do better the next time."""
        return self.result.status is BuildStatus.SUCCESS and not self.failed_steps

    def run(self) -> BuildResult:
        self.recorder.emit("build_started", backend=self.offer.record.name, output_dir=str(self.workspace.root))
        self.recorder.log(f"build {self.config.id} with backend {self.offer.record.name}")
        status, failure = self._run_phases()
        self._finish(status, failure)
        return self.result

    def _run_phases(self) -> tuple[BuildStatus, BuildFailure | None]:
        """Run the phases; this is the boundary that contains what backends and steps raise."""
        try:
            self._identify()
            self._preprocess()
            outcome = self._build()
            if outcome.status is not BuildStatus.SUCCESS:
                return outcome.status, outcome.failure or BuildFailure(message="the backend gave no reason")
            self._collect(outcome)
            self._postprocess()
        except StepFailedError as error:
            return _STATUS_OF_OUTCOME.get(error.outcome, BuildStatus.FAILED), error.failure
        except BuildCancelledError as error:
            return BuildStatus.CANCELLED, BuildFailure(message=error.message, category="cancelled")
        except BrainsmithError as error:
            return BuildStatus.FAILED, BuildFailure(message=str(error), category=error.category)
        except Exception as error:  # noqa: BLE001 - foreign code: a backend that raises has failed, nothing more
            text = f"{type(error).__name__}: {error}"
            return BuildStatus.FAILED, BuildFailure(message=text, traceback=traceback.format_exc())
        return BuildStatus.SUCCESS, None

    def _identify(self) -> None:
        """Note what the result depends on beside the configuration, so that it can be told whether it still holds."""
        identity = getattr(self.backend, "identity", None)
        if identity is not None:
            self.result.provenance |= checked_json_dict(identity(self.config), "identity")
        self.result.provenance |= settings_used(self.config, self.offer.record, self.plugins)

    def _enter(self, phase: str) -> None:
        self.phase = phase
        self.context.check_stop()
        self.recorder.emit("phase_started", phase=phase)
        self.recorder.log(f"phase {phase}")

    def _preprocess(self) -> None:
        self._enter("preprocessing")
        pipeline = PreprocessingPipeline(self.plugins, self.context)
        try:
            processed = pipeline.execute(self.config)
        finally:
            pipeline.report.add_to(self.result)
            self.failed_steps.extend(pipeline.report.failed)
            self._accept(pipeline.report.metrics, "a preprocessing step")
        self.context = attrs.evolve(self.context, model_path=processed)

    def _build(self) -> BackendOutcome:
        self._enter("backend")
        outcome = self.backend.build(self.context)
        self.result.warnings.extend(outcome.warnings)
        self.result.provenance |= outcome.provenance
        self.result.artifacts |= {name: self.workspace.relative(path) for name, path in outcome.artifacts.items()}
        self.result.artifact_plugins |= dict.fromkeys(outcome.artifacts, self.use)
        self.result.logs |= {name: self.workspace.relative(path) for name, path in outcome.logs.items()}
        if outcome.final_model is not None and outcome.final_model != self.workspace.final_model:
            outcome.final_model.replace(self.workspace.final_model)
        return outcome

    def _collect(self, outcome: BackendOutcome) -> None:
        self._enter("metrics")
        self.collected = self.collector.collect(outcome.reports, self.workspace.root)
        self.result.plugins.extend(self.collected.plugins)
        self.result.warnings.extend(file.warning for file in self.collected.files if file.warning)
        self._accept([self._stamped(metric) for metric in outcome.metrics], f"backend {self.offer.record.name}")
        self.metrics.extend(self.collector.derive(self.metrics + self.collected.metrics, self.config))
        self.metrics[:0] = self.collected.metrics
        if not any(metric.is_present for metric in self.metrics):
            self.result.warnings.append("no figure was found: the backend gave none, and none of its reports has one")
        if self.config.postprocessing:  # its steps read them; else they are written once, at the end
            self._write_metrics()

    def _stamped(self, metric: Metric) -> Metric:
        """Return a metric of the backend itself with the source filled in."""
        plugin = self.offer.plugin
        source = attrs.evolve(
            metric.source, parser=self.offer.record.name, plugin=plugin.distribution, version=plugin.version
        )
        return attrs.evolve(metric, source=source)

    def _postprocess(self) -> None:
        self._enter("postprocessing")
        pipeline = PostprocessingPipeline(self.plugins, self.context)
        try:
            pipeline.analyze(self.config, self.result)
        finally:
            self.failed_steps.extend(pipeline.report.failed)
            self._accept(pipeline.report.metrics, "a postprocessing step")

    def _accept(self, metrics: Sequence[Metric], owner: str) -> None:
        """Take figures whose name and unit the vocabulary knows; the others become warnings."""
        good, problems = self.collector.accept(metrics)
        self.metrics.extend(good)
        self.result.warnings.extend(f"{owner}: {problem}" for problem in problems)

    def _finish(self, status: BuildStatus, failure: BuildFailure | None) -> None:
        seconds = time.monotonic() - self.started
        if failure is not None:
            failure = self._with_reason(status, failure)
            self._diagnose(status, failure)
        self.result.provenance["model_sha256"] = file_digest(self.workspace.model)
        self.metrics.extend(_build_metrics(self.config, status, self.result, seconds))
        self._write_metrics()
        if status is BuildStatus.SUCCESS:
            self.result.metrics = summarise(self.metrics)
            self._drop_artifacts()
        message = failure.message if failure else None
        self.result.complete(status, message, duration_seconds=seconds)
        self.recorder.emit("build_finished", status=status.value, seconds=round(seconds, 3), error=message)
        self.recorder.log(f"{status.value} after {seconds:.2f} s" + (f": {message}" if message else ""))
        write_json(self.workspace.result, self.result.to_dict(), sync=True)

    def _with_reason(self, status: BuildStatus, failure: BuildFailure) -> BuildFailure:
        """Return the failure of a build that was stopped with the reason that the stop signal gives, if it does."""
        reason = getattr(self.context.stop, "reason", "")
        return attrs.evolve(failure, message=reason) if status is BuildStatus.CANCELLED and reason else failure

    def _diagnose(self, status: BuildStatus, failure: BuildFailure) -> None:
        if failure.traceback:
            self.recorder.log(failure.traceback, "ERROR")
        logs = {name: str(self.workspace.root / path) for name, path in self.result.logs.items()}
        self.result.error = BuildErrorHandler(self.plugins).report(failure, status, self.phase, logs)

    def _write_metrics(self) -> None:
        data: dict[str, JSONValue] = {
            "metrics": [metric.to_dict() for metric in self.metrics],
            "files": [file.to_dict() for file in self.collected.files],
        }
        write_json(self.workspace.metrics, data)

    def _drop_artifacts(self) -> None:
        """Without `save_artifacts`, keep only the reports that metrics were read from."""
        if self.config.global_config.save_artifacts:
            return
        keep = {self.workspace.root / file.file for file in self.collected.files if file.parser}
        for folder in (self.workspace.artifacts, self.workspace.backend_specific):
            _delete_except(folder, keep)
        kept = {name: path for name, path in self.result.artifacts.items() if (self.workspace.root / path).exists()}
        self.result.artifacts = kept
        self.result.artifact_plugins = {name: self.result.artifact_plugins[name] for name in kept}


def _delete_except(folder: Path, keep: set[Path]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in keep:
            path.unlink()


def _build_metrics(config: BuildConfig, status: BuildStatus, result: BuildResult, seconds: float) -> list[Metric]:
    """Return the figures that stand in no report: what became of the build, and what it was made from."""
    values: dict[str, tuple[JSONValue, str]] = {
        "build.status": ("ok" if status is BuildStatus.SUCCESS else status.value, "enum"),
        "build.wall_s": (round(seconds, 3), "s"),
        "prov.model_sha256": (result.provenance["model_sha256"], "hash"),
        "prov.config_sha256": (config_digest(config), "hash"),
    }
    if result.error is not None:
        values["build.failure_class"] = (result.error.category, "enum")
        if result.error.step:
            values["build.failed_step"] = (result.error.step, "string")
    source = MetricSource(parser="build", plugin="brainsmith-core")
    return [
        Metric(name=name, value=value, unit=unit, stage=Stage.BUILD, source=source)
        for name, (value, unit) in values.items()
    ]


def _use(name: str, distribution: str, version: str, role: str) -> PluginUse:
    return PluginUse(name=name, distribution=distribution, version=version, role=role)
