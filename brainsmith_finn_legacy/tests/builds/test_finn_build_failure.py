from __future__ import annotations

from typing import Any

import pytest

from brainsmith_core.processes.client import TaskError, TaskOutcome
from brainsmith_core.result import BuildStatus
from brainsmith_finn_legacy.build_failure import failure_of_result, failure_of_task, status_of_task

DIED = TaskError("WorkerDied", "the worker process is gone")


@pytest.mark.parametrize(
    ("outcome", "status", "category", "message"),
    [
        (TaskOutcome(outcome="crash", signal=9), "failed", "crash", "FINN step s was ended by signal 9"),
        (
            TaskOutcome(outcome="crash", exit_code=3),
            "failed",
            "crash",
            "FINN step s ended its process with exit code 3",
        ),
        (
            TaskOutcome(outcome="crash", error=DIED),
            "failed",
            "crash",
            "ended without a result: the worker process is gone",
        ),
        (TaskOutcome(outcome="timeout", seconds=61.2), "timeout", "timeout", "was stopped after 61 s: the time limit"),
        (TaskOutcome(outcome="memory"), "failed", "memory", "memory_gb is the limit"),
        (TaskOutcome(outcome="stopped"), "cancelled", "cancelled", "the build was cancelled"),
        (
            TaskOutcome(outcome="error", error=TaskError("a.StepLoadError", "no")),
            "failed",
            "configuration",
            "StepLoadError: no",
        ),
        (TaskOutcome(outcome="error", error=TaskError("ValueError", "no")), "failed", "transform", "ValueError: no"),
    ],
)
def test_each_way_to_end_without_a_result_has_its_status_and_words(
    outcome: TaskOutcome, status: str, category: str, message: str
) -> None:
    failure = failure_of_task(outcome, "s")
    assert status_of_task(outcome) is BuildStatus(status)
    assert (failure.category, failure.step) == (category, "s")
    assert message in failure.message


def test_a_task_that_ends_before_its_first_step_is_the_build_itself() -> None:
    assert failure_of_task(TaskOutcome(outcome="crash", signal=9), "").message.startswith("the FINN build was ended")


def recorded(**changes: Any) -> dict[str, Any]:
    failure = {"step": "step_x", "type": "builtins.ValueError", "message": "no", "traceback": "t", "node": None}
    return {**failure, "unmapped": "", **changes}


@pytest.mark.parametrize(
    ("changes", "category", "message"),
    [
        ({}, "transform", "FINN step step_x failed: ValueError: no"),
        ({"step": "step_hw_ipgen"}, "synthesis", "FINN step step_hw_ipgen failed: ValueError: no"),
        ({"type": "finn.util.exception.FINNConfigurationError"}, "configuration", "FINNConfigurationError: no"),
        ({"type": "finn_tasks.graph.FoldingError"}, "configuration", "FINN step step_x failed: no"),
        ({"step": ""}, "model_load", "FINN failed before its first step: ValueError: no"),
        ({"node": {"name": "MVAU_0", "op_type": "MVAU"}}, "transform", "no (while working on node MVAU_0, a MVAU)"),
        ({"message": "MVAU_0", "node": {"name": "MVAU_0", "op_type": "MVAU"}}, "transform", "ValueError: MVAU_0"),
        ({"unmapped": "Sin_0 (Sin)"}, "transform", "no; FINN made no hardware layer of Sin_0 (Sin)"),
        ({"message": "", "type": "builtins.KeyboardInterrupt"}, "transform", "failed: KeyboardInterrupt"),
    ],
)
def test_what_the_task_recorded_becomes_one_message(changes: dict[str, Any], category: str, message: str) -> None:
    failure = failure_of_result(recorded(**changes))
    assert failure.category == category
    assert failure.message.endswith(message)
    assert failure.traceback == "t"
