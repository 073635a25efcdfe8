"""The orchestrator over its queue: dependencies, retries, hanging builds, orders from outside, restarts."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult, BuildStatus, ErrorReport
from brainsmith_orchestration import orchestrator as orchestrator_module
from brainsmith_orchestration import recorder as recorder_module
from brainsmith_orchestration.orchestrator import FINNBuildOrchestrator
from brainsmith_orchestration.scheduling.request import BuildRequest
from brainsmith_orchestration.scheduling.retries import RetryPolicy, RetryRule
from brainsmith_orchestration.store.build_record import build_id
from brainsmith_orchestration.store.database import Store
from brainsmith_orchestration.store.jobs import list_jobs
from brainsmith_orchestration.store.orders import Order, give_order
from brainsmith_orchestration.store.queries import list_builds
from brainsmith_orchestration.store.tables import leases
from brainsmith_orchestration.watchdog import Watchdog

MakeConfig = Callable[..., BuildConfig]
Held = Any
Plain = Callable[[Callable[[BuildConfig], Any]], RunnerFactory]
QUICK = RetryPolicy({"licence": RetryRule(most=2, first_seconds=0.01, longest_seconds=0.02)})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(orchestrator_module, "_LOOK_SECONDS", 0.02)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "builds.db")


def failing(config: BuildConfig, category: str) -> BuildResult:
    error = ErrorReport(category=category, message="no")
    return BuildResult(config_id=config.id, status=BuildStatus.FAILED, error=error, error_message="no")


def test_a_licence_that_was_taken_is_waited_for(make_config: MakeConfig, plain: Plain) -> None:
    tries: Counter[str] = Counter()

    def act(config: BuildConfig) -> BuildResult | None:
        tries[config.id] += 1
        return failing(config, "licence") if tries[config.id] < 3 else None

    with FINNBuildOrchestrator(2, plain(act), policy=QUICK) as orchestrator:
        results = orchestrator.execute_parallel_builds([make_config(n) for n in range(3)])
    assert [result.status for result in results] == [BuildStatus.SUCCESS] * 3
    assert set(tries.values()) == {3}


def test_a_genuine_failure_is_told_at_once_and_children_are_skipped(make_config: MakeConfig, plain: Plain) -> None:
    with FINNBuildOrchestrator(1, plain(lambda config: failing(config, "timing")), policy=QUICK) as orchestrator:
        orchestrator.schedule_build(make_config("parent"))
        orchestrator.schedule_build(make_config("child"), dependencies=["parent"])
        assert orchestrator.wait_for("parent", timeout=30).status is BuildStatus.FAILED
        child = orchestrator.wait_for("child", timeout=30)
    assert child.status is BuildStatus.SKIPPED
    assert "parent failed" in (child.error_message or "")


def test_tokens_bound_what_runs_at_once(make_config: MakeConfig, held: Held) -> None:
    with FINNBuildOrchestrator(4, held, resources={"vivado": 1}) as orchestrator:
        for n in range(3):
            orchestrator.schedule_build(BuildRequest(config=make_config(n), tokens={"vivado": 1}))
        held.wait_begun(1)
        held.release()
        for n in range(3):
            assert orchestrator.wait_for(str(n), timeout=30).succeeded
    assert held.most_at_once == 1


def test_a_build_that_hangs_is_stopped_with_the_reason(make_config: MakeConfig, held: Held) -> None:
    with FINNBuildOrchestrator(1, held, no_progress_minutes=0.001) as orchestrator:
        orchestrator.schedule_build(make_config("a"))
        result = orchestrator.wait_for("a", timeout=30)
    assert result.status is BuildStatus.TIMEOUT
    assert result.error is not None
    assert (result.error.category, "no progress" in result.error.message) == ("deadlock", True)


def test_orders_from_another_terminal_are_obeyed(make_config: MakeConfig, held: Held, database: str) -> None:
    with FINNBuildOrchestrator(1, held, store=database) as orchestrator, Store(database) as store:
        for name in ("running", "a", "b", "c"):
            orchestrator.schedule_build(make_config(name))
        held.wait_begun(1)
        give_order(store, Order("priority", build_id(make_config("c")), "critical"))
        give_order(store, Order("cancel", build_id(make_config("a")), "not wanted"))
        give_order(store, Order("pause", ""))
        assert "not wanted" in (orchestrator.wait_for("a", timeout=30).error_message or "")
        while not orchestrator.build_queue.paused:
            time.sleep(0.01)
        held.release()
        orchestrator.wait_for("running", timeout=30)
        assert held.begun == ["running"]
        give_order(store, Order("resume", ""))
        orchestrator.wait_for("b", timeout=30)
    assert held.begun == ["running", "c", "b"]


def test_what_was_scheduled_outlives_the_orchestrator(make_config: MakeConfig, held: Held, database: str) -> None:
    with FINNBuildOrchestrator(1, held, store=database) as orchestrator:
        for name in ("a", "b"):
            orchestrator.schedule_build(make_config(name))
        held.wait_begun(1)
    held.release()
    with FINNBuildOrchestrator(1, held, store=database) as orchestrator:
        assert orchestrator.wait_for("a", timeout=30).succeeded
        assert orchestrator.wait_for("b", timeout=30).succeeded
    with Store(database) as store:
        assert {row["name"]: row["state"] for row in list_jobs(store)} == {"a": "succeeded", "b": "succeeded"}


def test_killed_orchestrators_lose_nothing_and_build_nothing_twice(
    tmp_path: Path, make_config: MakeConfig, database: str, builds_in: Callable[[Path], int]
) -> None:
    program = """
import json, sys
from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_orchestration import BuildRequest, FINNBuildOrchestrator
configs = [BuildConfig.from_dict(each) for each in json.load(open(sys.argv[1]))]
factory = create_build_runner_factory("future_brainsmith")
with FINNBuildOrchestrator(2, factory, store=sys.argv[2], resources={"vivado": 1}) as orchestrator:
    for number, config in enumerate(configs):
        request = BuildRequest(config=config, tokens={"vivado": number % 2})
        orchestrator.schedule_build(request, dependencies=[configs[number - 3].id] if number % 5 == 4 else [])
    print("scheduled", flush=True)
    for config in configs:
        print(orchestrator.wait_for(config.id).status.value, flush=True)
"""
    configs = [make_config(n, config_flags={"mock_build_seconds": 0.02}) for n in range(30)]
    (tmp_path / "configs.json").write_text(json.dumps([config.to_dict() for config in configs]))
    command = [sys.executable, "-c", program, str(tmp_path / "configs.json"), database]
    dice = random.Random(3)
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(dice.randrange(1, 6)):
                process.stdout.readline()
            time.sleep(dice.random() / 10)
            process.kill()
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["scheduled", *["success"] * 30]
    with Store(database) as store:
        assert {(row["status"], row["attempts"]) for row in list_builds(store)} == {("success", 1)}
        assert Counter(row["state"] for row in list_jobs(store)) == {"succeeded": 30}
        with store.reading() as connection:
            assert connection.execute(leases.select()).all() == []
    assert builds_in(tmp_path) == 30


# --- the watchdog


def test_a_step_that_takes_too_long_is_found(make_config: MakeConfig) -> None:
    now = 0.0
    dog = Watchdog(step_minutes=1, clock=lambda: now)
    assert dog.needed
    dog.begin(make_config("a"))
    for kind, data in (("step_started", {"step": "hls"}), ("sample", {})):
        dog.note(BuildEvent(kind=kind, build_id="a", data=data))
    now = 59.0
    assert dog.hanging() == {}
    now = 60.0
    assert dog.hanging() == {"a": "the step hls took longer than 1 min"}
    dog.note(BuildEvent(kind="step_finished", build_id="a"))
    dog.note(BuildEvent(kind="step_finished", build_id="unknown"))
    assert dog.hanging() == {}
    dog.end("a")


def test_a_log_that_grows_and_an_event_are_progress_and_a_sample_is_not(make_config: MakeConfig) -> None:
    now = 0.0
    config = make_config("a")
    dog = Watchdog(1, clock=lambda: now)
    dog.begin(config)
    Path(config.output_dir).mkdir(parents=True)
    Path(config.output_dir, "build.log").write_text("line\n")
    now = 100.0
    assert dog.hanging() == {}
    now = 150.0
    dog.note(BuildEvent(kind="warning", build_id="a"))
    now = 209.0
    dog.note(BuildEvent(kind="sample", build_id="a"))
    assert dog.hanging() == {}
    now = 211.0
    assert list(dog.hanging()) == ["a"]


def test_limits_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no_progress_minutes must be greater than 0"):
        Watchdog(0)
    assert not Watchdog().needed


def test_a_simulated_and_a_waiting_build_are_told_apart(make_config: MakeConfig, database: str) -> None:
    factory = create_build_runner_factory("future_brainsmith")
    with FINNBuildOrchestrator(2, factory, store=database) as orchestrator:
        results = orchestrator.execute_parallel_builds([make_config(n) for n in range(4)])
    assert all(result.succeeded for result in results)
    with Store(database) as store:
        assert len(list_builds(store)) == 4
