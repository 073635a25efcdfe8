"""Workers that a process shares: one for each interpreter and tasks module, warm once it was used."""

from __future__ import annotations

import atexit
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from .client import Worker
from .signals import ignore_ctrl_c

__all__ = ["close_workers", "shared_worker"]

_workers: dict[tuple[object, ...], Worker] = {}
_lock = threading.Lock()


def shared_worker(python: Path, tasks: Path, *, env: Mapping[str, str | None] | None = None) -> Worker:
    """Return this process's worker for an interpreter and a tasks module; it starts when it is first used.

    Args:
        python: the interpreter that it runs in.
        tasks: the file that defines its tasks.
        env: added to the environment that it starts with; None as a value removes the variable.
    """
    key = (python, tasks, frozenset((env or {}).items()))
    with _lock:
        if not _workers:
            atexit.register(close_workers)
        if key not in _workers:
            folder = Path(tempfile.mkdtemp(prefix="brainsmith-worker-"))
            _workers[key] = Worker(python, tasks, env=env, log=folder / "worker.log")
        return _workers[key]


def close_workers() -> None:
    """End all shared workers and everything that runs in them; Ctrl-C can't cut that short."""
    with _lock, ignore_ctrl_c():
        while _workers:
            _, worker = _workers.popitem()
            worker.close()
            _remove_log(worker)


def _remove_log(worker: Worker) -> None:
    worker.log.unlink(missing_ok=True)
    worker.log.parent.rmdir()
