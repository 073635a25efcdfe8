"""What this plugin offers, as records."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import ExecutorSpec, Parameter

__all__ = ["brainsmith_executors", "brainsmith_settings"]


@hookimpl
def brainsmith_executors() -> Iterator[ExecutorSpec]:
    """Yield the executor on Dask."""
    yield ExecutorSpec(
        name="dask",
        summary="Runs builds on a Dask cluster: on this machine, at an address, or jobs of LSF, Slurm, PBS or SGE.",
        target="brainsmith_dask.executor:DaskExecutor",
    )


@hookimpl
def brainsmith_settings() -> Iterator[Parameter]:
    """Yield what says which cluster builds run on; `brainsmith_dask.settings.DaskSettings` has the details."""
    yield Parameter(
        name="scheduler", type="str", summary="Address of a Dask scheduler, such as tcp://head:8786.", default=""
    )
    yield Parameter(
        name="jobqueue",
        type="dict",
        summary="Jobs of a batch system: system (lsf, slurm, pbs, sge), cores, memory, walltime, queue, project, ...",
        default={},
    )
    yield Parameter(
        name="files",
        type="str",
        summary="Whether workers see the builds' folders (shared), or files are sent; auto looks.",
        default="auto",
        choices=("auto", "shared", "sent"),
    )
    yield Parameter(
        name="connect_seconds", type="float", summary="Seconds to wait for the scheduler.", default=30.0, minimum=0.001
    )
    yield Parameter(
        name="retries",
        type="int",
        summary="How often a build is started again whose worker died.",
        default=3,
        minimum=0,
    )
