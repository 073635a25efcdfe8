"""The simulated backend: everything of a build is real but what FINN-Brainsmith would have done."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import ClassVar

from brainsmith_core.build.runner import BackendBase
from brainsmith_core.build.workspace import file_digest
from brainsmith_core.config import BuildConfig
from brainsmith_core.context import BackendOutcome, BuildContext, BuildFailure
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.records import BackendSpec
from brainsmith_core.result import BuildStatus

from .artifacts import write_artifacts
from .figures import content_digest, draw, simulated_metrics
from .marshalling import marshal
from .settings import MockSettings
from .spec import SPEC

__all__ = ["FutureBrainsmithBackend"]

_POLL_SECONDS = 0.02


class FutureBrainsmithBackend(BackendBase):
    """Marshals a build for the future FINN-Brainsmith interface and simulates its outcome.

    What a configuration gives depends on its content and the seed alone: the same in any process, order and
    number of parallel builds. `config_flags` may hold `mock_success_rate`, `mock_seed` and
    `mock_build_seconds`; they go before the arguments here. All other flags are passed along.

    Args:
        mock_success_rate: share of configurations whose build succeeds, 0..1. By default all do: one that
            fails does so each time, and who didn't ask for failures could do nothing about it.
        mock_build_time_range: least and greatest length of a build, in s. By default nothing sleeps.
        mock_seed: changes all figures.

    Raises:
        ConfigurationError: for a rate or a range that can't be.

    Example:
        >>> FutureBrainsmithBackend(mock_success_rate=0.5).get_backend_name()
        'FINN-Brainsmith Direct (Stub)'
    """

    spec: ClassVar[BackendSpec] = SPEC

    def __init__(
        self,
        mock_success_rate: float = 1.0,
        mock_build_time_range: tuple[float, float] = (0.0, 0.0),
        mock_seed: int = 0,
    ) -> None:
        self.settings = MockSettings(
            success_rate=mock_success_rate, seed=mock_seed, build_seconds=mock_build_time_range
        )

    def validate(self, config: BuildConfig) -> None:
        """Check flags and kernels; raises ConfigurationError for what is wrong."""
        self.settings.with_flags(config.config_flags)
        marshal(config, Path(config.model_path))

    def identity(self, config: BuildConfig) -> dict[str, JSONValue]:
        """Return what a result depends on beside the configuration: the constructor's arguments."""
        settings = self.settings.with_flags(config.config_flags)
        return {"mock_seed": settings.seed, "mock_success_rate": settings.success_rate}

    def build(self, context: BuildContext) -> BackendOutcome:
        """Write what the real interface would be given, wait as long as asked, and simulate the outcome."""
        config, workspace = context.config, context.workspace
        settings = self.settings.with_flags(config.config_flags)
        digest = content_digest(config, file_digest(context.model_path), settings.seed)
        marshalled = marshal(config, context.model_path)
        handed_over = _write_config(workspace.backend_specific / "brainsmith_outputs", marshalled)
        provenance: dict[str, JSONValue] = {"mock_build": True, "mock_content_sha256": digest}
        failure = _wait(context, draw(digest, "seconds", *settings.build_seconds))
        if failure is not None:
            return BackendOutcome(status=BuildStatus.TIMEOUT, failure=failure, provenance=provenance)
        if draw(digest, "success") >= settings.success_rate:
            return BackendOutcome(
                status=BuildStatus.FAILED,
                failure=BuildFailure(message="FINN-Brainsmith build failed (mock failure)"),
                artifacts={"finn_brainsmith_config": handed_over},
                provenance=provenance,
            )
        metrics = simulated_metrics(config, digest)
        artifacts = write_artifacts(workspace.artifacts, marshalled, metrics)
        artifacts["finn_brainsmith_config"] = handed_over
        return BackendOutcome(metrics=tuple(metrics), artifacts=artifacts, provenance=provenance)


def _write_config(folder: Path, marshalled: dict[str, JSONValue]) -> Path:
    folder.mkdir()
    path = folder / "finn_brainsmith_config.json"
    path.write_text(json.dumps(marshalled, indent=2) + "\n", encoding="utf-8")
    return path


def _wait(context: BuildContext, seconds: float) -> BuildFailure | None:
    """Sleep as a build of that length would run: it can be cancelled, and its time limit holds.

    Returns:
        why it ended early, or None.
    """
    context.check_stop()
    if seconds <= 0:
        return None
    context.log(f"simulating a build of {seconds:.2f} s")
    context.emit("step_started", step="mock_build", index=1, total=1, phase="backend")
    started = time.monotonic()
    end = started + seconds
    while (left := end - time.monotonic()) > 0:
        context.check_stop()
        if context.remaining_seconds == 0:
            text = "the simulated build was stopped: its time limit is over"
            return BuildFailure(message=text, category="timeout", step="mock_build")
        time.sleep(min(_POLL_SECONDS, left))
    took = round(time.monotonic() - started, 3)
    context.emit("step_finished", step="mock_build", outcome="ok", seconds=took)
    return None
