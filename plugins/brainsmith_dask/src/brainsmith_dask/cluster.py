"""Connect to a Dask cluster, or start one."""

from __future__ import annotations

import importlib
import logging
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import attrs
import dask
from distributed import Client, LocalCluster

from brainsmith_core.errors import ConfigurationError, MissingRequirementError

from .settings import SYSTEMS, DaskSettings, JobQueue

__all__ = ["Connection", "connect", "job_script"]

#: A build whose worker died is started again by us, after its tokens and events are in order; not behind our back.
_POLICY = {"distributed.scheduler.allowed-failures": 0, "distributed.scheduler.work-stealing": False}


@attrs.frozen
class Connection:
    """A client, and how to end what was started for it."""

    client: Client
    close: Callable[[], None]


def connect(settings: DaskSettings, slots: int) -> Connection:
    """Return a connection to the cluster that the settings name, started if need be.

    Args:
        settings: which cluster.
        slots: how many builds run at once: so many workers or jobs are started.

    Raises:
        MissingRequirementError: if the scheduler doesn't answer, has no worker, or the batch system isn't here.
        ConfigurationError: if the batch system's settings are wrong.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with dask.config.set(_POLICY):
        if settings.scheduler:
            return _running(settings)
        if settings.jobqueue is not None:
            return _started(_job_cluster(settings.jobqueue, slots), settings)
        cluster = LocalCluster(
            n_workers=slots,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            # The build's own limit holds for its whole process tree; Dask would look at its worker alone.
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        )
        return _started(cluster, settings)


def job_script(settings: JobQueue) -> str:
    """Return the script that would be submitted for one worker.

    Raises:
        ConfigurationError: if the settings are wrong.
    """
    cluster = _job_cluster(settings, 0)
    try:
        return str(cluster.job_script())
    finally:
        cluster.close()


def _running(settings: DaskSettings) -> Connection:
    address = settings.scheduler
    try:
        client = Client(address, timeout=settings.connect_seconds, set_as_default=False)
    except (OSError, ValueError) as error:
        text = f"no Dask scheduler answers at {address}: {error}"
        raise MissingRequirementError(text, hint="start one with `dask scheduler`, or correct the address") from None
    try:
        client.wait_for_workers(1, timeout=settings.connect_seconds)
    except TimeoutError:
        client.close()
        text = f"the Dask scheduler at {address} has no worker"
        hint = f"start one with `dask worker {address} --nthreads 1`, in an environment with the same plugins"
        raise MissingRequirementError(text, hint=hint) from None
    return Connection(client, client.close)


def _started(cluster: Any, settings: DaskSettings) -> Connection:
    client = Client(cluster, timeout=settings.connect_seconds, set_as_default=False)

    def close() -> None:
        client.close()
        cluster.close()

    return Connection(client, close)


def _job_cluster(settings: JobQueue, jobs: int) -> Any:
    options: dict[str, Any] = {
        "cores": settings.cores,
        "processes": 1,
        # Any free port: several explorations may run on one machine.
        "scheduler_options": {"dashboard_address": ":0"},
        "memory": settings.memory,
        "job_script_prologue": list(settings.prologue),
        "job_extra_directives": list(settings.directives),
        "python": settings.python or sys.executable,
        # One build at a time in a worker: FINN changes directory and redirects its output.
        "worker_extra_args": ["--nthreads", "1"],
    }
    if settings.walltime:
        options["walltime"] = settings.walltime
    if settings.queue:
        options["queue"] = settings.queue
    if settings.project:
        options["project" if settings.system in ("lsf", "sge") else "account"] = settings.project
    try:
        cluster = getattr(_dask_jobqueue(), SYSTEMS[settings.system])(**options)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"jobqueue: {error}") from error
    try:
        cluster.scale(jobs=jobs)
    except (OSError, RuntimeError) as error:
        cluster.close()
        text = f"{settings.system} takes no jobs here: {error}"
        raise MissingRequirementError(text, hint="run it where the batch system's commands are") from error
    return cluster


def _dask_jobqueue() -> Any:
    """Import dask-jobqueue without what it does to Ctrl-C: it leaves the process there and then."""
    before = signal.getsignal(signal.SIGINT)
    found = importlib.import_module("dask_jobqueue")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)
    return found
