from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildStatus
from brainsmith_orchestration.orchestrator import FINNBuildOrchestrator

MakeConfig = Callable[..., BuildConfig]
Held = Any
Plain = Callable[[Callable[[BuildConfig], Any]], RunnerFactory]


@pytest.fixture
def orchestrator(held: Held) -> Iterator[FINNBuildOrchestrator]:
    with FINNBuildOrchestrator(2, held) as orchestrator:
        yield orchestrator


def test_builds_are_executed_in_parallel_and_results_keep_the_order(make_config: MakeConfig) -> None:
    configs = [make_config(n, config_flags={"mock_build_seconds": 0.05 / (n + 1)}) for n in range(5)]
    with FINNBuildOrchestrator(3, create_build_runner_factory("future_brainsmith")) as orchestrator:
        results = orchestrator.execute_parallel_builds(configs)
    assert [result.config_id for result in results] == ["0", "1", "2", "3", "4"]
    assert all(result.succeeded for result in results)


def test_urgent_builds_go_first(make_config: MakeConfig, held: Held) -> None:
    with FINNBuildOrchestrator(1, held) as orchestrator:
        orchestrator.schedule_build(make_config("running"))
        held.wait_begun(1)
        for name, priority in (("last", "low"), ("b", "normal"), ("c", "normal"), ("first", "critical")):
            orchestrator.schedule_build(make_config(name), priority)
        held.release()
        orchestrator.wait_for("last", timeout=30)
    assert held.begun == ["running", "first", "b", "c", "last"]


def test_a_build_scheduled_while_others_run_starts_in_a_free_slot(
    make_config: MakeConfig, held: Held, orchestrator: FINNBuildOrchestrator
) -> None:
    orchestrator.schedule_build(make_config("a"))
    held.wait_begun(1)
    orchestrator.schedule_build(make_config("b"))
    held.wait_begun(2)
    held.release()


def test_progress_is_pending_then_running_then_what_became_of_it(
    make_config: MakeConfig, held: Held, orchestrator: FINNBuildOrchestrator
) -> None:
    for name in ("a", "b", "c"):
        assert orchestrator.schedule_build(make_config(name)) == name
    held.wait_begun(2)
    while (running := orchestrator.monitor_build_progress("a")).status is BuildStatus.PENDING:
        time.sleep(0.005)
    assert (running.status, running.phase) == (BuildStatus.RUNNING, "backend")
    assert running.seconds >= 0
    assert orchestrator.monitor_build_progress("c").status is BuildStatus.PENDING
    held.release()
    result = orchestrator.wait_for("a", timeout=30)
    done = orchestrator.monitor_build_progress("a")
    assert (done.status, done.result) == (BuildStatus.SUCCESS, result)


def test_scheduling_the_same_build_again_changes_nothing(
    make_config: MakeConfig, held: Held, orchestrator: FINNBuildOrchestrator
) -> None:
    held.release()
    orchestrator.schedule_build(make_config("a"))
    orchestrator.wait_for("a", timeout=30)
    orchestrator.schedule_build(make_config("a"))
    assert orchestrator.monitor_build_progress("a").status is BuildStatus.SUCCESS
    assert held.begun == ["a"]


def test_two_configurations_cannot_have_one_id(make_config: MakeConfig, orchestrator: FINNBuildOrchestrator) -> None:
    orchestrator.schedule_build(make_config("a"))
    with pytest.raises(ConfigurationError, match='has the id "a" already'):
        orchestrator.schedule_build(attrs.evolve(make_config("a"), design_space_id="other"))


def test_an_unknown_priority_is_refused(make_config: MakeConfig, orchestrator: FINNBuildOrchestrator) -> None:
    with pytest.raises(ConfigurationError, match='did you mean "high"'):
        orchestrator.schedule_build(make_config("a"), "hihg")


def test_an_unknown_build_is_an_error(make_config: MakeConfig, orchestrator: FINNBuildOrchestrator) -> None:
    with pytest.raises(ConfigurationError, match="nothing is scheduled"):
        orchestrator.monitor_build_progress("a")
    orchestrator.schedule_build(make_config("config_1"))
    with pytest.raises(ConfigurationError, match='did you mean "config_1"'):
        orchestrator.wait_for("config_2")


def test_waiting_has_a_limit(make_config: MakeConfig, orchestrator: FINNBuildOrchestrator) -> None:
    orchestrator.schedule_build(make_config("a"))
    with pytest.raises(TimeoutError, match="hasn't ended"):
        orchestrator.wait_for("a", timeout=0.01)


def test_closing_stops_what_runs_and_skips_what_waits(make_config: MakeConfig, held: Held) -> None:
    with FINNBuildOrchestrator(1, held) as orchestrator:
        orchestrator.schedule_build(make_config("a"))
        orchestrator.schedule_build(make_config("b"))
        held.wait_begun(1)
    assert orchestrator.wait_for("a").status is BuildStatus.CANCELLED
    assert orchestrator.wait_for("b").status is BuildStatus.SKIPPED
    with pytest.raises(RuntimeError, match="closed"):
        orchestrator.schedule_build(make_config("c"))


def test_an_exception_while_waiting_stops_everything(make_config: MakeConfig, held: Held) -> None:

    def configs() -> Iterator[BuildConfig]:
        yield make_config("a")
        held.wait_begun(1)
        raise KeyboardInterrupt

    orchestrator = FINNBuildOrchestrator(1, held)
    with pytest.raises(KeyboardInterrupt):
        orchestrator.execute_parallel_builds(configs())
    assert orchestrator.wait_for("a").status is BuildStatus.CANCELLED


def test_a_fault_of_the_controller_reaches_those_who_wait(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, plain: Plain
) -> None:
    with FINNBuildOrchestrator(1, plain(lambda _: None)) as orchestrator:

        def submit(*arguments: object) -> None:
            raise OSError("no more threads")

        monkeypatch.setattr(orchestrator._controller.executor, "submit", submit)
        orchestrator.schedule_build(make_config("a"))
        result = orchestrator.wait_for("a", timeout=30)
    assert result.status is BuildStatus.FAILED
    assert "no more threads" in (result.error_message or "")


def test_by_default_the_best_real_backend_builds(monkeypatch: pytest.MonkeyPatch, plain: Plain) -> None:
    module = "brainsmith_orchestration.orchestrator.create_build_runner_factory"
    monkeypatch.setattr(module, lambda: plain(lambda _: None))
    with FINNBuildOrchestrator() as orchestrator:
        assert orchestrator.execute_parallel_builds([]) == []
