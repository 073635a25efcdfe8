"""Ask an interpreter which FINN it has and what that can do, by really importing it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.formats.serialization import from_data
from brainsmith_core.processes.client import TaskOutcome, Worker

from .identity import identity_of, source_digest, stamp_of
from .records import FINNDescription, worker_env
from .registry import Facts

__all__ = ["inspect_finn"]

_TASKS = Path(__file__).parent.with_name("describe_tasks.py")
_TIMEOUT_S = 900.0


def inspect_finn(python: Path, checkout: Path | None = None, on_module: Callable[[str], None] | None = None) -> Facts:
    """Import FINN in a process of its own and return what it says of itself.

    Args:
        python: the interpreter.
        checkout: a source tree to import FINN from, instead of what is installed.
        on_module: told of each module of transformations before its import.

    Raises:
        MissingRequirementError: FINN can't be imported there; the message says why.
    """

    def tell(event: dict[str, Any]) -> None:
        if on_module is not None:
            on_module(str(event["module"]))

    with tempfile.TemporaryDirectory(prefix="brainsmith-finn-") as folder:
        log = Path(folder, "inspection.log")
        env = {**worker_env(checkout), "FINN_BUILD_DIR": folder}
        with Worker(python, _TASKS, env=env, log=log) as worker:
            outcome = worker.run(
                "describe_environment", {}, log=log, cwd=Path(folder), timeout_s=_TIMEOUT_S, on_event=tell
            )
        if not outcome.ok:
            raise _failure(python, checkout, outcome, log)
    return _facts(python, checkout, outcome.result)


def _failure(python: Path, checkout: Path | None, outcome: TaskOutcome, log: Path) -> MissingRequirementError:
    error = outcome.error
    assert error is not None
    where = f"{python}" if checkout is None else f"{checkout} with {python}"
    text = f"FINN can't be imported from {where}: {error.type}: {error.message}"
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [line for line in said if line.strip(" ^~") and "<frozen importlib" not in line][-8:]
    return MissingRequirementError(text, hint="\n".join(["its output ends with:", *(f"  {line}" for line in lines)]))


def _facts(python: Path, checkout: Path | None, data: dict[str, Any]) -> Facts:
    folders = {name: Path(folder) for name, folder in data["folders"].items()}
    description = from_data(FINNDescription, data["description"], "what FINN says of itself")
    version = data["version"] or _checkout_version(checkout, data["release"])
    identity = identity_of(
        data["flavour"], version, description.python_version, description.distributions, source_digest(folders)
    )
    return Facts(
        flavour=data["flavour"],
        version=version,
        identity=identity,
        stamp=stamp_of(python, folders, map(Path, data["site_folders"])),
        folders=data["folders"],
        site_folders=data["site_folders"],
        xsi=data["xsi"],
        description=description,
    )


def _checkout_version(checkout: Path | None, release: str) -> str:
    """Return what git says of a checkout, such as `0.10.1-3-g1a2b3c4`; without a tag, the release and the commit."""
    if checkout is None or not (checkout / ".git").exists():
        return release
    command = ["git", "-C", str(checkout), "describe", "--tags", "--always", "--dirty"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):  # git isn't needed for anything else
        return release
    text = described.stdout.strip().removeprefix("v")
    if described.returncode != 0 or not text:
        return release
    return text if "." in text else f"{release}-g{text}"
