"""From what became of a task in FINN's interpreter to the failure that a build's result shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brainsmith_core.context import BuildFailure
from brainsmith_core.processes.client import TaskOutcome
from brainsmith_core.result import BuildStatus

__all__ = ["failure_of_result", "failure_of_task", "status_of_task"]

#: Categories of exceptions whose name says enough; else the step says where it belongs.
_CATEGORY_OF_TYPE = {
    "FINNConfigurationError": "configuration",
    "FINNSynthesisError": "synthesis",
    "FINNDependencyInstallationFailure": "environment",
    "FoldingError": "configuration",
    "KernelError": "kernel",
    "MissingPackageError": "environment",
    "ModuleNotFoundError": "environment",
    "StepLoadError": "configuration",
    "UnconvertedModelError": "transform",
    "TransformationError": "transform",
}
_HARDWARE_STEPS = (
    *("step_hls_codegen", "step_hw_codegen", "step_hls_ipgen", "step_hw_ipgen", "step_set_fifo_depths"),
    *("step_generate_hardware", "step_create_stitched_ip", "step_measure_rtlsim_performance"),
    *("step_out_of_context_synthesis", "step_prepare_synthesis", "step_synthesize_bitfile"),
)
_STATUS = {"timeout": BuildStatus.TIMEOUT, "stopped": BuildStatus.CANCELLED}


def status_of_task(outcome: TaskOutcome) -> BuildStatus:
    """Return the status of a build whose task had no result."""
    return _STATUS.get(outcome.outcome, BuildStatus.FAILED)


def failure_of_task(outcome: TaskOutcome, step: str, *, what: str = "step") -> BuildFailure:
    """Return why a task had no result.

    Args:
        outcome: anything but `ok`.
        step: the step that was running, or "".
        what: what a step is called.
    """
    error = outcome.error
    kind = error.type.rpartition(".")[2] if error else ""
    message = error.message if error else ""
    where = f"FINN {what} {step}" if step else "the FINN build"
    texts = {
        "crash": f"{where} {_end_of_process(outcome, message)}",
        "timeout": f"{where} was stopped after {outcome.seconds:.0f} s: the time limit of the build",
        "memory": f"{where} used more memory than the build may: memory_gb is the limit",
        "stopped": f"{where} was stopped: the build was cancelled",
    }
    categories = {"crash": "crash", "timeout": "timeout", "memory": "memory", "stopped": "cancelled"}
    return BuildFailure(
        message=texts.get(outcome.outcome, f"{where} failed: {kind}: {message}"),
        category=categories.get(outcome.outcome) or _category(kind, step),
        step=step,
        traceback=(error.traceback or "") if error else "",
    )


def failure_of_result(failure: Mapping[str, Any]) -> BuildFailure:
    """Return why FINN's builder failed, from what the task recorded.

    Args:
        failure: `step`, `type`, `message`, `traceback`, `node`, `unmapped`.
    """
    step, kind = failure["step"], str(failure["type"]).rpartition(".")[2]
    where = f"FINN step {step} failed" if step else "FINN failed before its first step"
    ours = str(failure["type"]).startswith("finn_tasks.")  # its message says enough
    text = ": ".join(part for part in (where, "" if ours else kind, failure["message"]) if part)
    node = failure["node"]
    if node and not failure["unmapped"] and node["name"] not in failure["message"]:
        text += f" (while working on node {node['name']}, a {node['op_type']})"
    if failure["unmapped"]:
        text += f"; FINN made no hardware layer of {failure['unmapped']}"
    category = _category(kind, step) if step else "model_load"
    return BuildFailure(message=text, category=category, step=step, traceback=failure["traceback"])


def _end_of_process(outcome: TaskOutcome, message: str) -> str:
    if outcome.signal is not None:
        return f"was ended by signal {outcome.signal}"
    if outcome.exit_code is not None:
        return f"ended its process with exit code {outcome.exit_code}"
    return f"ended without a result: {message}"


def _category(kind: str, step: str) -> str:
    if kind in _CATEGORY_OF_TYPE:
        return _CATEGORY_OF_TYPE[kind]
    return "synthesis" if step in _HARDWARE_STEPS else "transform"
