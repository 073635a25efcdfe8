"""The files behind a user's own build steps: a finished build counts only while they are the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

from brainsmith_core.build.workspace import file_digest

from .environments.records import FINNEnvironment
from .finn_worker import import_paths, run_task
from .planned_steps import PlannedStep

__all__ = ["StepSources"]


class StepSources:
    """Finds the files of user steps and of the modules that they use; FINN's interpreter says which those are.

    It is asked once for each step, and again when one of the files has changed.

    Args:
        environment: the FINN whose interpreter imports the steps.
    """

    def __init__(self, environment: FINNEnvironment) -> None:
        self._environment = environment
        self._known: dict[str, dict[str, str]] = {}

    def digests(self, steps: list[PlannedStep]) -> dict[str, str]:
        """Return the digests of all files behind steps, by path; nothing for a step that can't be imported."""
        found: dict[str, str] = {}
        for step in steps:
            known = self._known.get(step.path)
            if known is None or any(_digest(path) != digest for path, digest in known.items()):
                known = self._known[step.path] = self._ask(step)
            found |= known
        return dict(sorted(found.items()))

    def _ask(self, step: PlannedStep) -> dict[str, str]:
        with tempfile.TemporaryDirectory(prefix="brainsmith-step-") as name:
            folder = Path(name)
            args = {"step": step.to_task(), "import_paths": import_paths()}
            outcome = run_task(self._environment, "step_sources", args, log=folder / "log", cwd=folder)
        files = outcome.result["files"] if outcome.ok and outcome.result is not None else []
        if ":" in step.path:
            files = [*files, step.path.rpartition(":")[0]]  # also where it can't be imported
        return {str(path): _digest(str(path)) for path in files}


def _digest(path: str) -> str:
    return file_digest(Path(path)) if Path(path).is_file() else ""
