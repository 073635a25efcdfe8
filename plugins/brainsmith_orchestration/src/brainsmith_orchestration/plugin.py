"""What orchestration offers, as records."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import ExecutorSpec

__all__ = ["brainsmith_executors"]


@hookimpl
def brainsmith_executors() -> Iterator[ExecutorSpec]:
    """Yield the executor that runs builds on this machine."""
    yield ExecutorSpec(
        name="local",
        summary="Runs builds on this machine, each in a thread that watches over its processes.",
        target="brainsmith_orchestration.local:LocalExecutor",
    )
