"""What runs on a Dask worker: one build, with its events, and an ear for the word to stop."""

from __future__ import annotations

import functools
import pickle
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import attrs
from distributed import Event, get_client, get_worker

from brainsmith_core.build.runner import BuildRunnerInterface
from brainsmith_core.config import BuildConfig
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult
from brainsmith_orchestration.local import run_with

from .transfer import Parcel, pack_folder

__all__ = ["FoldersNotSharedError", "Job", "Outcome", "Probe", "run_job"]

_STOP_CHECK_SECONDS = 1.0


class FoldersNotSharedError(Exception):
    """The worker doesn't see the folders of the builds."""


@attrs.frozen
class Probe:
    """A file that only who shares our folders can see.

    Args:
        path: the file.
        token: what stands in it.
    """

    path: str
    token: str

    def check(self) -> None:
        """Raise FoldersNotSharedError if it isn't there."""
        try:
            seen = Path(self.path).read_text("utf-8")
        except OSError:
            seen = ""
        if seen != self.token:
            raise FoldersNotSharedError(self.path)


@attrs.frozen
class Job:
    """One build for a worker.

    Args:
        runners: the pickled factory of the runner; equal ones share a runner, so FINN stays warm.
        build: the configuration, or the parcel for a worker that doesn't see our folders.
        probe: how to tell whether it does; None for a parcel.
        stop: name of the event that stops the build.
        topic: where its events are told.
    """

    runners: bytes
    build: BuildConfig | Parcel
    probe: Probe | None
    stop: str
    topic: str


@attrs.frozen
class Outcome:
    """What came of a build.

    Args:
        result: its result, with the worker's paths.
        archive: its folder, where the worker doesn't see ours.
    """

    result: BuildResult
    archive: bytes | None = None


def run_job(job: Job) -> Outcome:
    """Run a build on this worker.

    Raises:
        FoldersNotSharedError: if our folders can't be seen here; nothing was run.
    """
    if job.probe is not None:
        job.probe.check()
    stop = threading.Event()
    over = threading.Event()
    # Only the task's own thread knows the worker's client.
    told = Event(job.stop, client=get_client())
    watcher = threading.Thread(target=_watch, args=(told, stop, over), name="brainsmith-stop", daemon=True)
    watcher.start()
    try:
        return _build(job, stop)
    finally:
        over.set()
        _end_of_events(job.topic)


def _build(job: Job, stop: threading.Event) -> Outcome:
    runner, tell = _runner(job.runners), _teller(job.topic)
    if not isinstance(job.build, Parcel):
        return Outcome(run_with(runner, job.build, stop, tell))
    with tempfile.TemporaryDirectory(prefix="brainsmith-") as folder:
        config = job.build.unpack(Path(folder))
        result = run_with(runner, config, stop, tell)
        return Outcome(result, pack_folder(Path(config.output_dir)))


@functools.lru_cache(maxsize=4)
def _runner(runners: bytes) -> BuildRunnerInterface:
    # Our own client pickled it: who may submit to a Dask scheduler may run any code on its workers anyway.
    factory: RunnerFactory = pickle.loads(runners)  # noqa: S301 - as above
    return factory()


def _teller(topic: str) -> Callable[[BuildEvent], None]:
    worker = get_worker()

    def tell(event: BuildEvent) -> None:
        worker.loop.add_callback(worker.log_event, topic, {"event": event.to_dict()})

    return tell


def _end_of_events(topic: str) -> None:
    worker = get_worker()
    worker.loop.add_callback(worker.log_event, topic, {"event": None})


def _watch(told: Event, stop: threading.Event, over: threading.Event) -> None:
    """Set `stop` when the client says so; a scheduler that is gone stops the build too."""
    try:
        while not over.is_set():
            if told.wait(timeout=_STOP_CHECK_SECONDS):
                stop.set()
                return
    except (OSError, RuntimeError, ValueError):
        if not over.is_set():
            stop.set()
