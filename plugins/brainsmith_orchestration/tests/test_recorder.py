from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_orchestration import recorder as recorder_module
from brainsmith_orchestration.controller import Controller
from brainsmith_orchestration.recorder import Recorder
from brainsmith_orchestration.store.build_record import build_id
from brainsmith_orchestration.store.database import Store
from brainsmith_orchestration.store.errors import StoreError
from brainsmith_orchestration.store.orders import Order, give_order, obey_orders, open_orders
from brainsmith_orchestration.store.queries import events_of, find_build, list_builds, show_build
from brainsmith_orchestration.store.tables import orders, schema_version, sessions

MakeConfig = Callable[..., BuildConfig]
Held = Any
Plain = Callable[[Callable[[BuildConfig], Any]], RunnerFactory]
STUB = create_build_runner_factory("future_brainsmith")


@pytest.fixture(autouse=True)
def _quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "TICK_SECONDS", 0.02)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "builds.db")


def run(database: str, configs: list[BuildConfig], factory: RunnerFactory = STUB) -> list[BuildResult]:
    with Controller(factory, 2, store=database) as controller:
        return list(controller.run(configs))


def statuses(database: str) -> dict[str, tuple[str, int]]:
    with Store(database) as store:
        return {row["name"]: (row["status"], row["attempts"]) for row in list_builds(store)}


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_build_is_recorded_with_its_events(database: str, make_config: MakeConfig) -> None:
    results = run(database, [make_config(n) for n in range(5)])
    assert statuses(database) == {str(n): ("success", 1) for n in range(5)}
    with Store(database) as store:
        for result in results:
            shown = show_build(store, result.config_id)
            assert BuildResult.from_dict(shown["attempts"][0]["result"]) == result
            assert shown["metrics"]
            assert [e["kind"] for e in events_of(store, shown["id"])][-1] == "build_finished"


def test_finished_builds_are_recorded_once_however_often_they_are_found(database: str, make_config: MakeConfig) -> None:
    configs = [make_config(n) for n in range(3)]
    with Controller(STUB) as controller:
        list(controller.run(configs))  # without a store
    for _ in range(2):
        assert all(result.cached for result in run(database, configs))
        assert statuses(database) == {str(n): ("success", 1) for n in range(3)}


def test_what_never_started_is_not_recorded_and_what_raised_is(
    database: str, make_config: MakeConfig, plain: Plain
) -> None:
    def act(config: BuildConfig) -> BuildResult | None:
        if config.id == "skip":
            return BuildResult(config_id="skip", status=BuildStatus.SKIPPED)
        raise ValueError("no")

    run(database, [make_config("skip"), make_config("raise")], plain(act))
    assert statuses(database)["raise"] == ("failed", 1)


def test_builds_are_seen_while_they_run_and_cancelled_from_elsewhere(
    database: str, make_config: MakeConfig, held: Held
) -> None:
    config, found = make_config("a"), list[BuildResult]()
    with Controller(held, store=database) as controller, Store(database) as store:
        thread = threading.Thread(target=lambda: found.extend(controller.run([config])))
        thread.start()
        held.wait_begun(1)
        until(lambda: bool(list_builds(store)) and bool(find_build(store, "a")["live"]))
        assert find_build(store, "a")["status"] == "running"
        assert find_build(store, "a")["live"]["phase"] == "backend"
        give_order(store, Order("cancel", "nobody's"))
        give_order(store, Order("cancel", build_id(config), "not wanted"))
        thread.join()
        assert open_orders(store) == [Order("cancel", "nobody's")]
    assert found[0].status is BuildStatus.CANCELLED
    assert statuses(database) == {"a": ("cancelled", 1)}


def test_orders_that_nobody_obeys_are_void_after_a_while(database: str) -> None:
    with Store(database) as store:
        give_order(store, Order("cancel", "x"))
        with store.writing() as connection:
            connection.execute(orders.update().values(time=0))
        obey_orders(store, lambda _: False)
        assert open_orders(store) == []


def test_a_store_that_cannot_be_used_stops_the_run_before_anything_is_built(
    database: str, make_config: MakeConfig
) -> None:
    with Store(database) as store, store.writing() as connection:
        connection.execute(schema_version.update().values(version=99))
    with pytest.raises(MissingRequirementError):
        run(database, [make_config("a")])
    assert not Path(make_config("a").output_dir).exists()


@pytest.mark.parametrize("error", [StoreError("the disk is full"), ValueError("a fault")])
def test_builds_go_on_when_the_store_fails_and_the_next_run_stores_them(
    database: str,
    make_config: MakeConfig,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    def refuse(*_: object) -> None:
        raise error

    configs = [make_config(n) for n in range(3)]
    with monkeypatch.context() as patched:
        patched.setattr(recorder_module, "write_records", refuse)
        assert all(result.succeeded for result in run(database, configs))
    assert "builds go on" in caplog.text
    assert statuses(database) == {}
    run(database, configs)
    assert statuses(database) == {str(n): ("success", 1) for n in range(3)}


def test_damaged_metrics_do_not_lose_the_result(
    database: str, make_config: MakeConfig, plain: Plain, caplog: pytest.LogCaptureFixture
) -> None:
    def act(config: BuildConfig) -> BuildResult:
        result = STUB().run(config)
        Path(config.output_dir, "metrics.json").write_text("{")
        return result

    run(database, [make_config("a")], plain(act))
    assert statuses(database) == {"a": ("success", 1)}
    assert "can't be stored" in caplog.text


def test_a_controller_shows_that_it_lives(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "_TOUCH_TICKS", 1)
    with Recorder(database) as recorder, Store(database) as store:
        with store.writing() as connection:
            connection.execute(sessions.update().values(seen=0))

        def seen() -> bool:
            with store.reading() as connection:
                return bool(connection.execute(sessions.select()).one().seen > 0)

        until(seen)
        recorder.event(BuildEvent(kind="x", build_id="unknown"))


def test_after_kills_nothing_is_lost_or_doubled(
    tmp_path: Path,
    make_config: MakeConfig,
    make_exploration: Callable[..., Any],
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEST_STORE", database)
    dice = random.Random(7)
    configs = [make_config(n, config_flags={"mock_build_seconds": 0.02}) for n in range(40)]
    exploration = make_exploration(tmp_path, configs)
    for _ in range(4):
        with exploration.start() as process:
            exploration.read_results(process, dice.randrange(1, 8))
            time.sleep(dice.random() / 10)
            process.kill()
        with Store(database):
            pass
    assert set(exploration.finish()) == {config.id for config in configs}
    assert statuses(database) == {config.id: ("success", 1) for config in configs}
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM sessions WHERE ended IS NULL").fetchone() == (0,)
    connection.close()


def test_a_repeated_build_is_a_further_attempt(database: str, make_config: MakeConfig) -> None:
    config = make_config("a")
    settings = attrs.evolve(config.global_config, cache_results=False)
    for _ in range(2):
        run(database, [attrs.evolve(config, global_config=settings)])
    assert statuses(database) == {"a": ("success", 2)}
