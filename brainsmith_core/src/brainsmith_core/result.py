"""What a build gives: status, summary of its metrics, artefacts, logs, the error if there was one, provenance."""

from __future__ import annotations

import enum
from datetime import UTC, datetime

import attrs

from .formats.converters import to_tuple
from .formats.json_values import JSONValue, checked_json_dict
from .formats.serialization import from_data, to_data

__all__ = ["BuildMetrics", "BuildResult", "BuildStatus", "ErrorReport", "LogLine", "PluginUse"]


class BuildStatus(enum.Enum):
    """What has become of a build."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether building the same configuration again is pointless: it succeeded or failed by itself."""
        return self in (BuildStatus.SUCCESS, BuildStatus.FAILED, BuildStatus.TIMEOUT)


@attrs.frozen(kw_only=True)
class BuildMetrics:
    """Summary of a build's metrics: for each figure the value of the most faithful stage that has it.

    Args:
        throughput: inferences per second.
        latency: µs for one inference.
        clock_frequency: MHz.
        lut_utilization: 0..1 of the device (above 1: it doesn't fit).
        dsp_utilization: 0..1 of the device.
        bram_utilization: 0..1 of the device.
        uram_utilization: 0..1 of the device.
        total_power: W.
        accuracy: 0..1.
        raw_metrics: all whole-design figures by name, in the vocabulary's units.
        stages: for each figure given, the stage that it was taken from.
        simulated: whether the figures are simulated.
    """

    throughput: float | None = None
    latency: float | None = None
    clock_frequency: float | None = None
    lut_utilization: float | None = None
    dsp_utilization: float | None = None
    bram_utilization: float | None = None
    uram_utilization: float | None = None
    total_power: float | None = None
    accuracy: float | None = None
    raw_metrics: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)
    stages: dict[str, str] = attrs.field(factory=dict)
    simulated: bool = False


@attrs.frozen(kw_only=True)
class LogLine:
    """One line of a log, such as the first genuine error.

    Args:
        text: the line.
        id: the tool's message id (`Synth 8-7080`), or "".
        line: line number from 1, or None where there is no file.
        file: the log, or "".
    """

    text: str
    id: str = ""
    line: int | None = None
    file: str = ""


@attrs.frozen(kw_only=True)
class ErrorReport:
    """Why a build failed, and what to do about it.

    Args:
        category: a key of `BuildErrorHandler.ERROR_CATEGORIES`.
        message: what happened, in one sentence.
        phase: the part of the build that failed (`preprocessing`, `backend`, `metrics`, `postprocessing`).
        step: the step that failed, or "".
        first_error: the first genuine error in the logs, or None.
        advice: what to do, most useful first.
        retryable: whether the same build may succeed when it is tried again.
        traceback: the foreign code's traceback, or "".
    """

    category: str
    message: str
    phase: str = ""
    step: str = ""
    first_error: LogLine | None = None
    advice: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)
    retryable: bool = False
    traceback: str = ""


@attrs.frozen(kw_only=True)
class PluginUse:
    """A plugin that took part in a build.

    Args:
        name: the plugin's name.
        distribution: the distribution that it is part of.
        version: that distribution's version.
        role: what it did, such as `backend legacy_finn` or `parser finn_layer_cycles`.
    """

    name: str
    distribution: str
    version: str
    role: str


def _now() -> datetime:
    return datetime.now(UTC)


@attrs.define(kw_only=True)
class BuildResult:
    """The result of one build execution; whole or not there at all.

    Args:
        config_id: the id of the configuration that was built.
        status: what became of it.
        metrics: summary of the metrics; all of them are in `metrics.json`.
        start_time: UTC.
        end_time: UTC.
        duration_seconds: by a clock that never jumps.
        artifacts: path by name, relative to the build's folder.
        artifact_plugins: for each artefact, the plugin that produced it.
        logs: path by name, relative to the build's folder.
        error_message: one sentence; the whole is in `error`.
        error: the diagnosis of a build that failed.
        warnings: what the user should know of a build that didn't fail.
        backend: the name of the backend.
        simulated: whether the backend is a simulation.
        output_dir: the build's folder.
        plugins: what took part.
        provenance: versions and digests that the result depends on.
        cached: whether the result was there before and nothing was run.
    """

    config_id: str
    status: BuildStatus = BuildStatus.PENDING
    metrics: BuildMetrics | None = None
    start_time: datetime = attrs.field(factory=_now)
    end_time: datetime | None = None
    duration_seconds: float = 0.0
    artifacts: dict[str, str] = attrs.field(factory=dict)
    artifact_plugins: dict[str, PluginUse] = attrs.field(factory=dict)
    logs: dict[str, str] = attrs.field(factory=dict)
    error_message: str | None = None
    error: ErrorReport | None = None
    warnings: list[str] = attrs.field(factory=list)
    backend: str = ""
    simulated: bool = False
    output_dir: str = ""
    plugins: list[PluginUse] = attrs.field(factory=list)
    provenance: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)
    cached: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the build gave what was asked for."""
        return self.status is BuildStatus.SUCCESS

    def complete(
        self, status: BuildStatus, error_message: str | None = None, *, duration_seconds: float | None = None
    ) -> None:
        """Mark the build as complete.

        Args:
            status: what became of it.
            error_message: why, if it didn't succeed.
            duration_seconds: its length by a monotonic clock; else the difference of the two times.
        """
        self.end_time = _now()
        if duration_seconds is None:
            duration_seconds = max(0.0, (self.end_time - self.start_time).total_seconds())
        self.duration_seconds = duration_seconds
        self.status = status
        self.error_message = error_message

    def to_dict(self) -> dict[str, JSONValue]:
        """Return plain JSON data that `from_dict` reads back to an equal object."""
        return to_data(self)

    @classmethod
    def from_dict(cls, data: object, where: str = "") -> BuildResult:
        """Return the result that `data` describes; raises ConfigurationError where it is wrong."""
        return from_data(cls, data, where)
