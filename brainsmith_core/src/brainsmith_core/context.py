"""What backends and steps are given, and what they give back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

import attrs

from .build.step_progress import tell_progress
from .build.workspace import Workspace
from .config import BuildConfig
from .errors import BuildCancelledError
from .formats.converters import to_tuple
from .formats.json_values import JSONValue, checked_json_dict
from .formats.serialization import to_data
from .metric import Metric
from .processes.stop_signal import StopSignal
from .result import BuildStatus

__all__ = [
    "Backend",
    "BackendOutcome",
    "BuildContext",
    "BuildFailure",
    "Emit",
    "Finding",
    "StepContext",
    "StepOutcome",
    "StopSignal",
]


class Emit(Protocol):
    """Records an event of the build."""

    def __call__(self, kind: str, **data: JSONValue) -> None:
        """Record what happened, with data that JSON can hold."""


@attrs.frozen(kw_only=True)
class BuildContext:
    """Everything that a backend needs for one build.

    Args:
        config: the configuration.
        workspace: the build's folder.
        model_path: the model to build: the one after preprocessing.
        emit: records an event.
        log: appends a line to `build.log`.
        stop: set when the build shall stop.
        deadline: when the build's time is over, by `time.monotonic`, or None.
        settings: the settings of the backend's plugin, checked and with defaults filled in.
        cache_root: the folder of the `ContentStore` for what may be reused, or None if all shall run.
    """

    config: BuildConfig
    workspace: Workspace
    model_path: Path
    emit: Emit
    log: Callable[[str], None]
    stop: StopSignal
    deadline: float | None = None
    cache_root: Path | None = None
    settings: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds until the build's time is over, at least 0; None without a limit."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    @property
    def memory_bytes(self) -> int | None:
        """The build's memory limit in bytes, or None."""
        limit = self.config.global_config.memory_gb
        return None if limit is None else int(limit * 2**30)

    def check_stop(self) -> None:
        """Raise BuildCancelledError if the build shall stop."""
        if self.stop.is_set():
            raise BuildCancelledError("the build was cancelled")


@attrs.frozen(kw_only=True)
class BuildFailure:
    """Why a backend or step didn't succeed.

    Args:
        message: what happened, in one sentence.
        category: a key of `BuildErrorHandler.ERROR_CATEGORIES` where it is known, else "".
        step: the step that failed, or "".
        traceback: the foreign code's traceback, or "".
    """

    message: str
    category: str = ""
    step: str = ""
    traceback: str = ""


@attrs.frozen(kw_only=True)
class BackendOutcome:
    """What a backend made.

    Args:
        status: SUCCESS, FAILED, TIMEOUT or CANCELLED.
        failure: why, unless it succeeded.
        final_model: the model that it ended with.
        reports: report files and folders, in which the metric parsers look.
        metrics: figures that stand in no file.
        artifacts: products by name, inside the build's folder.
        logs: logs by name, inside the build's folder.
        provenance: versions and digests that the outcome depends on.
        warnings: what the user should know.
    """

    status: BuildStatus = BuildStatus.SUCCESS
    failure: BuildFailure | None = None
    final_model: Path | None = None
    reports: tuple[Path, ...] = attrs.field(default=(), converter=to_tuple)
    metrics: tuple[Metric, ...] = attrs.field(default=(), converter=to_tuple)
    artifacts: dict[str, Path] = attrs.field(factory=dict)
    logs: dict[str, Path] = attrs.field(factory=dict)
    provenance: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)
    warnings: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)


class Backend(Protocol):
    """What a `BackendSpec` names.

    A backend may also have `identity(config)`, which gives what its results depend on beside the configuration and the
    model: a tool's version, the content of files that flags name. It goes into the result's provenance, and a finished
    build counts only as long as it is the same.

    A backend may also have `places`, folders outside the build's own that its products refer to, and `volatile_files`,
    patterns of products that differ from one run to the next, such as `artifacts/times.json`.

    A backend may also have `validate(config)`, which raises ConfigurationError or MissingRequirementError for what it
    can't build, before anything is written; and `check()`, which gives the findings that `brainsmith doctor` shows.
    """

    def build(self, context: BuildContext) -> BackendOutcome:
        """Build `context.model_path` as `context.config` says, inside `context.workspace`."""


@attrs.frozen(kw_only=True)
class Finding:
    """The state of something that builds need.

    Args:
        name: what it is.
        state: `ok`, `warning` or `missing`.
        message: what was found.
        fix: the next action, or "".
    """

    name: str
    state: Literal["ok", "warning", "missing"]
    message: str
    fix: str = ""

    def to_dict(self) -> dict[str, JSONValue]:
        """Return plain JSON data."""
        return to_data(self)


@attrs.frozen(kw_only=True)
class StepContext:
    """Everything that a processing step needs; it runs in a process of its own.

    Args:
        config: the build's configuration.
        parameters: the step's parameters, checked and with defaults filled in.
        settings: the settings of the step's plugin, checked and with defaults filled in.
        model_path: the model that goes in (preprocessing), or the processed one (postprocessing).
        output_model_path: where a preprocessing step writes the model that it makes.
        report_dir: where the step writes its report and other files.
        output_dir: the build's folder.
    """

    config: BuildConfig
    parameters: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)
    model_path: str
    output_model_path: str
    report_dir: str
    output_dir: str
    settings: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)

    @property
    def workspace(self) -> Workspace:
        """The build's folder; `read_metrics()` gives a postprocessing step the metrics so far."""
        return Workspace(Path(self.output_dir))

    def progress(self, done: int, total: int, what: str = "") -> None:
        """Say how far the step is, as often as it likes: what comes too soon after the last is dropped.

        It becomes an event `step_progress` of the build, which `brainsmith run` shows; outside a build nobody hears it.

        Args:
            done: how many are done.
            total: how many there are.
            what: what is counted, such as `samples`.

        Example:
            >>> from brainsmith_core import BuildConfig, StepContext
            >>> config = BuildConfig(id="a", model_path="model.onnx", output_dir="out")
            >>> context = StepContext(
            ...     config=config, model_path="model.onnx", output_model_path="new.onnx", report_dir=".", output_dir="."
            ... )
            >>> for index in range(1000):
            ...     context.progress(index + 1, 1000, "samples")
        """
        tell_progress(done, total, what)


@attrs.frozen(kw_only=True)
class StepOutcome:
    """What a processing step gives.

    Args:
        model_path: the model that it made, or "" if it leaves the model as it is.
        metrics: its figures.
        artifacts: files that it wrote, by name.
        warnings: what the user should know.
    """

    model_path: str = ""
    metrics: tuple[Metric, ...] = attrs.field(default=(), converter=to_tuple)
    artifacts: dict[str, str] = attrs.field(factory=dict)
    warnings: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
