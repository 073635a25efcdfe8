"""The executor on Dask: builds that may start now run on the workers of a cluster."""

from __future__ import annotations

import pickle
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import attrs
from distributed import Event, KilledWorker
from distributed import Future as DaskFuture

from brainsmith_core import plugin_settings
from brainsmith_core.config import BuildConfig
from brainsmith_core.context import StopSignal
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult, BuildStatus

from .cluster import Connection, connect
from .remote import FoldersNotSharedError, Job, Outcome, Probe, run_job
from .settings import DaskSettings
from .transfer import Parcel, pack_inputs, unpack_folder

__all__ = ["DaskExecutor"]

_LOOK_SECONDS = 0.1
_EVENTS_SECONDS = 5.0


@attrs.define
class _Build:
    """A build on its way."""

    config: BuildConfig
    stop: StopSignal
    on_event: Callable[[BuildEvent], None]
    future: Future[BuildResult]
    name: str
    lost: int = 0
    told_to_stop: bool = False
    dask: DaskFuture[Outcome] | None = None
    all_told: threading.Event = attrs.field(factory=threading.Event)

    def hear(self, message: tuple[float, Any]) -> None:
        """Take what the worker tells: an event of the build, or that there are no more."""
        event = message[1]["event"]
        if event is None:
            self.all_told.set()
        else:
            self.on_event(BuildEvent.from_dict(event))


class DaskExecutor:
    """Runs builds on the workers of a Dask cluster.

    Queue, licences, retries by class of failure and caching stay with the controller; Dask only gets builds that may
    start now. A build whose worker died is started again on another one.

    Args:
        runner_factory: makes the runner of each build, on the worker; it is pickled.
        slots: how many builds may run at once; a cluster that is started for this has so many workers.
        settings: which cluster; else what the plugin's settings say, by default worker processes on this machine.

    Raises:
        ConfigurationError: for a number of slots below 1, or a factory that can't be sent to another process.
        MissingRequirementError: if the cluster doesn't answer.
    """

    def __init__(self, runner_factory: RunnerFactory, slots: int = 1, settings: DaskSettings | None = None) -> None:
        if slots < 1:
            raise ConfigurationError(f"at least one build must be able to run, but parallel is {slots}")
        try:
            self._runners = pickle.dumps(runner_factory)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            text = f"the runner factory can't be sent to another process: {error}"
            hint = "take what create_build_runner_factory gives, or a function of a module"
            raise ConfigurationError(text, hint=hint) from error
        self._settings = settings or DaskSettings.from_table(plugin_settings("dask"), "[plugins.dask]")
        self._slots = slots
        self._connection: Connection | None = connect(self._settings, slots)
        self._sending = self._settings.files == "sent"
        self._builds: dict[str, _Build] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._pass_on_stops, name="brainsmith-dask-stops", daemon=True).start()

    @property
    def slots(self) -> int:
        """How many builds run at once."""
        return self._slots

    def submit(
        self, config: BuildConfig, stop: StopSignal, on_event: Callable[[BuildEvent], None]
    ) -> Future[BuildResult]:
        """Start a build; see `brainsmith_core.executor.Executor`."""
        if self._connection is None:
            raise RuntimeError("the executor is closed")
        build = _Build(config, stop, on_event, Future(), f"brainsmith-{uuid.uuid4().hex}")
        with self._lock:
            self._builds[build.name] = build
        self._connection.client.subscribe_topic(build.name, build.hear)
        self._start(build)
        return build.future

    def close(self) -> None:
        """Let go of the cluster; one that was started for this executor ends, with all that runs on it."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is None:
            return
        self._closed.set()
        connection.close()

    def _start(self, build: _Build) -> None:
        if self._connection is None:
            self._settle(build, error=MissingRequirementError("the Dask cluster was closed while the build waited"))
            return
        try:
            job = self._job(build)
        except (MissingRequirementError, OSError) as error:
            self._settle(build, error=error)
            return
        # pure=False, and a key of its own: the same build asked for again is a new one. Our retries, not Dask's.
        key = f"{build.name}-{build.lost}-{'sent' if job.probe is None else 'shared'}"
        build.dask = self._connection.client.submit(run_job, job, key=key, pure=False, retries=0)
        build.dask.add_done_callback(lambda future: self._finish(build, job, future))

    def _job(self, build: _Build) -> Job:
        content: BuildConfig | Parcel = pack_inputs(build.config) if self._sending else build.config
        probe = None if self._sending else _place_probe(Path(build.config.output_dir), build.name)
        return Job(self._runners, content, probe, build.name, build.name)

    def _finish(self, build: _Build, job: Job, future: Any) -> None:
        """Take what came of a build; called by Dask, in a thread of its own."""
        if job.probe is not None:
            Path(job.probe.path).unlink(missing_ok=True)
        error = future.exception() if future.status == "error" else None
        if error is None and future.status == "finished":
            # They come by another way than the result, and mostly before it.
            build.all_told.wait(_EVENTS_SECONDS)
            self._take(build, future.result())
        elif isinstance(error, FoldersNotSharedError) and self._settings.files == "auto":
            self._sending = True
            self._start(build)
        elif isinstance(error, FoldersNotSharedError):
            text = f"a Dask worker doesn't see {build.config.output_dir}"
            hint = 'put builds into a folder that all machines share, or set files = "sent"'
            self._settle(build, error=MissingRequirementError(text, hint=hint))
        elif isinstance(error, KilledWorker) and not build.stop.is_set() and build.lost < self._settings.retries:
            build.lost += 1
            lost = {"text": f"the worker died; the build starts again ({build.lost} of {self._settings.retries})"}
            build.on_event(BuildEvent(kind="warning", build_id=build.config.id, data=dict(lost)))
            self._start(build)
        elif build.stop.is_set():
            result = BuildResult(config_id=build.config.id, output_dir=build.config.output_dir)
            result.complete(BuildStatus.CANCELLED, error_message="stopped; its worker was lost before it answered")
            self._settle(build, result=result)
        else:
            self._settle(build, error=error or RuntimeError(f"Dask gave the build up: {future.status}"))

    def _take(self, build: _Build, outcome: Outcome) -> None:
        try:
            result = outcome.result
            if outcome.archive is not None:
                result = unpack_folder(outcome.archive, build.config, result)
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits for the build has to hear of it
            self._settle(build, error=error)
        else:
            self._settle(build, result=result)

    def _settle(self, build: _Build, *, result: BuildResult | None = None, error: BaseException | None = None) -> None:
        with self._lock:
            self._builds.pop(build.name, None)
            connection = self._connection
        build.dask = None
        if connection is not None:
            connection.client.unsubscribe_topic(build.name)
        if error is not None:
            build.future.set_exception(error)
        elif result is not None:
            build.future.set_result(result)

    def _pass_on_stops(self) -> None:
        """Tell the workers of builds that shall stop."""
        while not self._closed.wait(_LOOK_SECONDS):
            with self._lock:
                connection, builds = self._connection, list(self._builds.values())
            for build in builds:
                if connection is not None and build.stop.is_set() and not build.told_to_stop:
                    build.told_to_stop = True
                    Event(build.name, client=connection.client).set()


def _place_probe(output_dir: Path, token: str) -> Probe:
    """Write a file beside the build's folder that only who shares it can see."""
    parent = output_dir.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    path = parent / f".{token}"
    path.write_text(token, encoding="utf-8")
    return Probe(str(path), token)
