"""Run our tasks in the worker of a FINN environment: one warm worker for each environment and process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from brainsmith_core import store
from brainsmith_core.context import StopSignal
from brainsmith_core.processes.client import TaskOutcome, Worker
from brainsmith_core.processes.pool import shared_worker

from .environments.records import FINNEnvironment

__all__ = ["STORE_CODE", "TASKS", "TaskLimits", "finn_worker", "import_paths", "run_task"]

#: The tasks, loaded by path inside FINN's interpreter.
TASKS = Path(__file__).with_name("finn_tasks")

#: Core's package of the content store, loaded by path there as well.
STORE_CODE = Path(store.__file__).parent


@attrs.frozen(kw_only=True)
class TaskLimits:
    """What a task may use, and what stops it.

    Args:
        timeout_s: seconds, or None for no limit.
        memory_bytes: memory of its whole process tree, or None.
        stop: set when it shall stop.
    """

    timeout_s: float | None = None
    memory_bytes: int | None = None
    stop: StopSignal | None = None


def finn_worker(environment: FINNEnvironment) -> Worker:
    """Return this process's worker for an environment; it starts, and imports FINN, when it is first used."""
    env = {**environment.worker_env(), "BRAINSMITH_CONTENT_STORE": str(STORE_CODE)}
    # FINN goes through sets of names here and there: so that a build gives the same in whatever worker it runs.
    env["PYTHONHASHSEED"] = os.environ.get("PYTHONHASHSEED", "0")
    return shared_worker(environment.python, TASKS, env=env)


def run_task(
    environment: FINNEnvironment,
    task: str,
    args: Mapping[str, Any],
    *,
    log: Path,
    cwd: Path,
    limits: TaskLimits | None = None,
    on_event: Callable[[dict[str, Any]], None] | None = None,
) -> TaskOutcome:
    """Run one task to its end, in a child process of the environment's worker.

    Args:
        environment: the FINN to run in.
        task: a function of `finn_tasks`.
        args: its arguments, plain data.
        log: what it prints is appended here.
        cwd: the folder to run in; tools leave files there.
        limits: its limits.
        on_event: gets what it emits, in this thread.

    Raises:
        MissingRequirementError: if the worker can't start.
    """
    limits = limits or TaskLimits()
    return finn_worker(environment).run(
        task,
        args,
        log=log,
        cwd=cwd,
        timeout_s=limits.timeout_s,
        memory_bytes=limits.memory_bytes,
        stop=limits.stop,
        on_event=on_event,
    )


def import_paths() -> list[str]:
    """Return where a user's own steps may be imported from, after FINN's own packages."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [str(Path.cwd()), *(str(Path(path).absolute()) for path in paths if path)]
