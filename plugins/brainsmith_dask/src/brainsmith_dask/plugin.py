"""What this plugin offers, as records."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import ExecutorSpec

__all__ = ["brainsmith_executors"]


@hookimpl
def brainsmith_executors() -> Iterator[ExecutorSpec]:
    """Yield the executor on Dask."""
    yield ExecutorSpec(
        name="dask",
        summary="Runs builds on a Dask cluster: on this machine, at an address, or jobs of LSF, Slurm, PBS or SGE.",
        target="brainsmith_dask.executor:DaskExecutor",
    )
