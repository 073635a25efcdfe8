"""What runs builds that may start now, somewhere: in this process, on a batch system, ...

The queue, budgets, caching and signals are the controller's business; an executor only runs what it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from .build.runner import BuildRunnerInterface
from .config import BuildConfig
from .context import StopSignal
from .events import BuildEvent
from .result import BuildResult

__all__ = ["Executor", "ExecutorFactory", "RunnerFactory"]

#: Makes a runner for one build; see `brainsmith_core.build.runner.create_build_runner_factory`.
RunnerFactory = Callable[[], BuildRunnerInterface]


class Executor(Protocol):
    """Runs builds that may start now."""

    @property
    def slots(self) -> int:
        """How many builds it can run at once; it is never given more."""

    def submit(
        self, config: BuildConfig, stop: StopSignal, on_event: Callable[[BuildEvent], None]
    ) -> Future[BuildResult]:
        """Start a build and return at once.

        Args:
            config: what to build.
            stop: set when the build shall stop; the future then ends once no process of it is left.
            on_event: to be called with each event of the build, from any thread.

        Returns:
            a future that ends with the build's result, or with what its runner raised.
        """

    def close(self) -> None:
        """Let go of everything; called when no build is running, or when nobody waits for them any more."""


class ExecutorFactory(Protocol):
    """What the target of an `ExecutorSpec` is: a class, or a function that makes an executor."""

    def __call__(self, runner_factory: RunnerFactory, slots: int) -> Executor:
        """Return an executor.

        Args:
            runner_factory: makes the runner of each build.
            slots: how many builds may run at once.
        """
