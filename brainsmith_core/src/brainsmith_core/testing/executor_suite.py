"""The standard tests of an executor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ..build.runner import BuildRunnerInterface
from ..config import BuildConfig, OutputStage
from ..context import StopSignal
from ..errors import ConfigurationError
from ..events import BuildEvent
from ..executor import Executor, RunnerFactory
from ..plugins.manager import Offer, PluginManager
from ..result import BuildResult, BuildStatus
from .plugin_suite import PluginSuite
from .tools import EventRecorder, make_config

__all__ = ["ExecutorSuite", "FlagRunner", "make_flag_runner"]

_PATIENCE = 60.0


class FlagRunner(BuildRunnerInterface):
    """Does what a configuration's flag `do` says: `succeed`, `fail`, `raise` or `wait` until it shall stop."""

    def run(
        self,
        config: BuildConfig,
        *,
        stop: StopSignal | None = None,
        on_event: Callable[[BuildEvent], None] | None = None,
    ) -> BuildResult:
        """Return a result without building anything."""
        what = config.config_flags.get("do", "succeed")
        if on_event is not None:
            on_event(BuildEvent(kind="build_started", build_id=config.id))
        if what == "raise":
            raise ConfigurationError(f"{config.id} can't be built")
        status = BuildStatus.FAILED if what == "fail" else BuildStatus.SUCCESS
        while what == "wait":
            if stop is not None and stop.is_set():
                what, status = "", BuildStatus.CANCELLED
            time.sleep(0.01)
        result = BuildResult(config_id=config.id, output_dir=config.output_dir)
        result.complete(status)
        return result

    def get_backend_name(self) -> str:
        """Return a name for people."""
        return "flags"

    def get_supported_output_stages(self) -> list[OutputStage]:
        """Return all stages."""
        return list(OutputStage)


def make_flag_runner() -> BuildRunnerInterface:
    """Return a runner of the tests; a function of a module, so that another process can find it."""
    return FlagRunner()


class ExecutorSuite(PluginSuite):
    """The standard tests of an executor.

    Attributes:
        executor: its name.

    Example:
        >>> class TestMine(ExecutorSuite):
        ...     executor = "my_executor"
    """

    hook = "brainsmith_executors"
    executor: ClassVar[str] = ""

    def name(self) -> str:
        """Return the executor's name."""
        return self.executor

    def make(self, factory: Callable[..., Executor], runner_factory: RunnerFactory, slots: int) -> Executor:
        """Return an executor; override it where more is needed."""
        return factory(runner_factory, slots)

    @pytest.fixture
    def running(self, plugins: PluginManager, offer: Offer[Any]) -> Iterator[Executor]:
        """An executor with two slots."""
        executor = self.make(plugins.load(offer, "executor"), make_flag_runner, 2)
        yield executor
        executor.close()

    def config(self, folder: Path, name: str, do: str) -> BuildConfig:
        """Return a configuration for `FlagRunner`."""
        return make_config(folder, id=name, output_dir=str(folder / name), config_flags={"do": do})

    def submit(self, executor: Executor, config: BuildConfig, stop: StopSignal | None = None) -> Future[BuildResult]:
        """Start a build whose events nobody needs."""
        return executor.submit(config, stop or threading.Event(), lambda event: None)

    def test_it_has_the_slots_that_were_asked_for(self, running: Executor) -> None:
        """It is given as many builds as it says."""
        assert running.slots == 2

    def test_a_build_ends_with_its_result(self, running: Executor, tmp_path: Path) -> None:
        """Success and failure are results, not exceptions."""
        good = self.submit(running, self.config(tmp_path, "good", "succeed"))
        bad = self.submit(running, self.config(tmp_path, "bad", "fail"))
        assert good.result(_PATIENCE).status is BuildStatus.SUCCESS
        assert bad.result(_PATIENCE).status is BuildStatus.FAILED
        assert (good.result().config_id, bad.result().config_id) == ("good", "bad")

    def test_what_a_runner_raises_ends_that_build_alone(self, running: Executor, tmp_path: Path) -> None:
        """The future has the exception; the executor goes on."""
        wrong = self.submit(running, self.config(tmp_path, "wrong", "raise"))
        with pytest.raises(ConfigurationError, match="wrong can't be built"):
            wrong.result(_PATIENCE)
        later = self.submit(running, self.config(tmp_path, "later", "succeed"))
        assert later.result(_PATIENCE).status is BuildStatus.SUCCESS

    def test_a_build_that_shall_stop_stops_and_the_others_go_on(self, running: Executor, tmp_path: Path) -> None:
        """Submitting doesn't wait, builds run beside each other, and each has a stop signal of its own."""
        stop, other = threading.Event(), threading.Event()
        first = self.submit(running, self.config(tmp_path, "first", "wait"), stop)
        second = self.submit(running, self.config(tmp_path, "second", "wait"), other)
        stop.set()
        assert first.result(_PATIENCE).status is BuildStatus.CANCELLED
        assert not second.done()
        other.set()
        assert second.result(_PATIENCE).status is BuildStatus.CANCELLED

    def test_the_events_of_a_build_are_told(self, running: Executor, tmp_path: Path) -> None:
        """Who submitted the build hears of what happens in it."""
        recorder = EventRecorder()
        config = self.config(tmp_path, "told", "succeed")
        running.submit(config, threading.Event(), recorder).result(_PATIENCE)
        assert [event.build_id for event in recorder.of("build_started")] == ["told"]

    def test_slots_are_used_again(self, running: Executor, tmp_path: Path) -> None:
        """More builds than slots all run, one after the other."""
        for number in range(5):
            name = f"build{number}"
            result = self.submit(running, self.config(tmp_path, name, "succeed")).result(_PATIENCE)
            assert result.config_id == name

    def test_closing_twice_does_no_harm(self, running: Executor) -> None:
        """Closing is safe at any time."""
        running.close()
        running.close()
