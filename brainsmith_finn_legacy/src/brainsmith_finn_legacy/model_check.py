"""Find out, once for each model, whether FINN can convert it: before a build, or a thousand of them, is started.

Only the first steps of the build run for it, those that make a hardware graph of the model. What they do depends on
few settings, so all points of a sweep share one check.
"""

from __future__ import annotations

import functools
import json
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from brainsmith_core.build.workspace import file_digest
from brainsmith_core.config import BuildConfig
from brainsmith_core.context import BuildFailure
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue

from .build_failure import failure_of_result
from .dataflow_config import DataflowPlan
from .environments.records import FINNEnvironment
from .finn_worker import TaskLimits, run_task
from .planned_steps import PlannedStep

__all__ = ["check_model"]

_LAST_STEP = "step_create_dataflow_partition"

#: Settings that those steps don't look at, and that sweeps change.
_LATER_SETTINGS = {
    *("target_fps", "synth_clk_period_ns", "hls_clk_period_ns", "board", "fpga_part", "shell_flow_type"),
    *("folding_config_file", "specialize_layers_config_file", "folding_two_pass_relaxation", "mvau_wwidth_max"),
    *("generate_outputs", "save_intermediate_models", "auto_fifo_depths", "auto_fifo_strategy", "verbose"),
}

#: A model that takes longer is left to the build: nothing can be cancelled while a configuration is checked.
_MOST_SECONDS = 30.0

_verdicts: dict[str, BuildFailure | None] = {}
_lock = threading.Lock()


def check_model(config: BuildConfig, plan: DataflowPlan, environment: FINNEnvironment) -> None:
    """Check that FINN can make a hardware graph of a build's model.

    Nothing is checked where that can't be said beforehand: if the model is preprocessed first, or if steps of the
    user's own, or transformations, take part. Nor is it an error here if the check itself ends badly (by its limits,
    or by a crash): the build will show it, with its log.

    Args:
        config: the build.
        plan: its steps and settings.
        environment: the FINN that it is for.

    Raises:
        ConfigurationError: if FINN can't convert the model; the message names the nodes.
    """
    steps = _first_steps(plan.steps.steps)
    if not steps or any(step.enabled for step in config.preprocessing):
        return
    settings = {name: value for name, value in plan.settings.items() if name not in _LATER_SETTINGS}
    model = Path(config.model_path)
    names = [step.name for step in steps]
    key = json.dumps([environment.identity, _digest(model), names, settings], sort_keys=True)
    if key not in _verdicts:
        with _lock:  # the same model isn't tried twice at once
            if key not in _verdicts:
                limits = TaskLimits(timeout_s=_seconds(config), memory_bytes=_bytes(config))
                _verdicts[key] = _try(model, steps, plan.settings, environment, limits)
    failure = _verdicts[key]
    if failure is not None:
        text = f"{environment.title} can't convert the model {config.model_path}: {failure.message}"
        hint = "quantise what is named there when the model is exported, or make it fit with steps of your own"
        if failure.category == "model_load":
            hint = "the file is damaged or no ONNX model: export it again"
        raise ConfigurationError(text, hint=hint, category=failure.category)


def _digest(model: Path) -> str:
    state = model.stat()
    return _digest_of_state(model, state.st_mtime_ns, state.st_size, state.st_ino)


@functools.lru_cache(maxsize=64)
def _digest_of_state(model: Path, *state: int) -> str:
    """Return a file's digest; it isn't read again while it is the same file, untouched."""
    del state
    return file_digest(model)


def _first_steps(steps: Sequence[PlannedStep]) -> list[PlannedStep]:
    names = [step.name for step in steps]
    first = list(steps[: names.index(_LAST_STEP) + 1]) if _LAST_STEP in names else []
    return first if all(step.is_finn for step in first) else []


def _try(
    model: Path,
    steps: Sequence[PlannedStep],
    settings: dict[str, JSONValue],
    environment: FINNEnvironment,
    limits: TaskLimits,
) -> BuildFailure | None:
    """Return why FINN can't convert a model, or None if it can, or if nobody knows."""
    with tempfile.TemporaryDirectory(prefix="brainsmith-check-") as name:
        folder = Path(name)
        args: dict[str, JSONValue] = {
            "model": str(model.absolute()),
            "settings": {**settings, "output_dir": str(folder / "artifacts"), "save_intermediate_models": False},
            "steps": [step.to_task() for step in steps],
            "import_paths": [],
            "build_dir": str(folder / "finn_build_dir"),
            "final_model": str(folder / "model.onnx"),
        }
        task = run_task(environment, "build", args, log=folder / "check.log", cwd=folder, limits=limits)
    if not task.ok or task.result["failure"] is None:
        return None
    return failure_of_result(task.result["failure"])


def _seconds(config: BuildConfig) -> float:
    minutes = config.global_config.timeout_minutes
    return _MOST_SECONDS if minutes is None else min(_MOST_SECONDS, 60 * minutes)


def _bytes(config: BuildConfig) -> int | None:
    limit = config.global_config.memory_gb
    return None if limit is None else int(limit * 2**30)
