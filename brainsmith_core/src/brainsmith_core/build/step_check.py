"""Check that the code of a step can be imported, before a build starts: not after hours, when its turn comes."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..errors import PluginError
from ..plugins.failures import forget_failure, remember_failure
from ..plugins.manager import Offer, PluginManager
from ..processes.client import Worker
from ..processes.pool import shared_worker
from ..records import StepSpec

__all__ = ["check_importable", "step_worker"]

_TASKS = Path(__file__).with_name("step_tasks.py")


def step_worker() -> Worker:
    """Return the worker that runs steps: in processes of its own, with this process's path."""
    return shared_worker(Path(sys.executable), _TASKS, env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))})


def check_importable(offer: Offer[StepSpec], plugins: PluginManager) -> None:
    """Import a step's target in a process of its own, once for all builds of this process.

    Args:
        offer: the step.
        plugins: the manager that it comes from.

    Raises:
        PluginError: if it can't be imported, with the reason and what to install.
    """
    known = plugins.derived(_known)
    target = offer.record.target
    if target in known:
        return
    plugin = offer.plugin
    owner = f"the step {offer.record.name} of plugin {plugin.label}"
    args: dict[str, Any] = {
        "target": target,
        "owner": owner,
        "requires": list(plugin.requires),
        "distribution": plugin.distribution,
    }
    with tempfile.TemporaryDirectory() as folder:
        task = step_worker().run("check_step", args, log=Path(folder) / "check.log")
    if task.error is not None:
        raise PluginError(
            f"{owner} can't be loaded: {task.error.message}", hint=f"mend or remove {plugin.distribution}"
        )
    if task.result["message"]:
        error = PluginError(task.result["message"], hint=task.result["hint"])
        remember_failure(plugin, target, error)
        raise error
    forget_failure(target)
    known.add(target)


def _known(_: PluginManager) -> set[str]:
    """Return the targets that were imported before: none at first."""
    return set()
