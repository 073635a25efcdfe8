"""What orchestration offers, as records."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import CommandSpec, ExecutorSpec, Parameter

__all__ = ["brainsmith_commands", "brainsmith_executors", "brainsmith_settings"]


@hookimpl
def brainsmith_executors() -> Iterator[ExecutorSpec]:
    """Yield the executor that runs builds on this machine."""
    yield ExecutorSpec(
        name="local",
        summary="Runs builds on this machine, each in a thread that watches over its processes.",
        target="brainsmith_orchestration.local:LocalExecutor",
    )


@hookimpl
def brainsmith_settings() -> Iterator[Parameter]:
    """Yield what there is for all builds that an orchestrator runs."""
    yield Parameter(
        name="tokens", type="dict", summary="Tokens that builds share, such as licences: {vivado = 2}.", default={}
    )
    yield Parameter(name="cores", type="float", summary="Cores for builds; 0: the machine's.", default=0.0, minimum=0)
    yield Parameter(
        name="memory_gb", type="float", summary="Memory for builds in GB; 0: the machine's.", default=0.0, minimum=0
    )


@hookimpl
def brainsmith_commands() -> Iterator[CommandSpec]:
    """Yield the commands over many builds."""
    yield CommandSpec(
        name="artifacts",
        summary="Keep, find and let go of what builds produce.",
        target="brainsmith_orchestration.artifacts_command:command",
    )
    yield CommandSpec(
        name="builds",
        summary="List, show, compare, watch, cancel and repeat builds.",
        target="brainsmith_orchestration.builds_command:command",
    )
    yield CommandSpec(
        name="history",
        summary="Export and import the history of all builds.",
        target="brainsmith_orchestration.history_command:command",
    )
    yield CommandSpec(
        name="platforms",
        summary="Boards that are known; one model on many of them.",
        target="brainsmith_orchestration.platforms_command:command",
    )
    yield CommandSpec(
        name="queue",
        summary="List what waits; pause, go on, change priorities.",
        target="brainsmith_orchestration.queue_command:command",
    )
