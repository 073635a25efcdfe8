from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.cli.main import run as run_command_line
from brainsmith_core.config import BuildConfig
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_orchestration import builds_command
from brainsmith_orchestration.build_queue import IntelligentBuildQueue
from brainsmith_orchestration.controller import Controller
from brainsmith_orchestration.live import LiveBuild
from brainsmith_orchestration.queue_store import QueueStore
from brainsmith_orchestration.store.build_record import BuildRecord, build_id
from brainsmith_orchestration.store.database import Store
from brainsmith_orchestration.store.orders import Order, open_orders
from brainsmith_orchestration.store.recording import write_records
from brainsmith_orchestration.store.sessions import open_session

MakeConfig = Callable[..., BuildConfig]
Held = Any


@attrs.frozen
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Done]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = str(tmp_path / "store" / "builds.db")
    monkeypatch.setenv("BRAINSMITH_STORE", path)
    return path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], database: str) -> Call:
    """Run a command and return what it printed."""

    def command(*arguments: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            run_command_line(arguments)
        said = capsys.readouterr()
        return Done(int(left.value.code or 0), said.out, said.err)

    return command


@pytest.fixture
def two_builds(database: str, make_config: MakeConfig) -> list[BuildConfig]:
    """Two builds in the store; the second asks for more."""
    configs = [make_config(name, config_flags={"target_fps": fps}) for name, fps in (("a", 1000), ("b", 100_000))]
    with Controller(create_build_runner_factory("future_brainsmith"), store=database) as controller:
        assert all(result.succeeded for result in controller.run(configs))
    return configs


@pytest.mark.usefixtures("two_builds")
def test_builds_are_listed_in_a_table_that_fits(call: Call) -> None:
    done = call("builds", "list")
    assert done.code == 0
    assert all(len(line) <= 120 for line in done.out.splitlines())
    assert "future_brainsmith" in done.out
    assert "2 builds" in done.err
    assert "--limit 2 shows more" in call("builds", "list", "--limit", "1").err


@pytest.mark.usefixtures("two_builds")
def test_builds_are_filtered_and_given_as_json(call: Call) -> None:
    found = call("builds", "list", "--name", "b", "--status", "success", "--days", "1", "--json").json["builds"]
    assert [build["name"] for build in found] == ["b"]
    assert found[0]["created"].endswith("+00:00")
    assert call("builds", "list", "--status", "failed", "--json").json == {"builds": []}


@pytest.mark.usefixtures("two_builds")
def test_a_build_is_shown_with_its_attempts_and_figures(call: Call) -> None:
    done = call("builds", "show", "a")
    assert "throughput" in done.out
    assert all(len(line) <= 120 for line in done.out.splitlines())
    shown = call("builds", "show", "a", "--json").json
    assert shown["attempts"][0]["status"] == "success"
    unknown = call("builds", "show", "c", "--json")
    assert unknown.code == 2
    assert "has no build" in unknown.json["error"]["message"]


@pytest.mark.usefixtures("two_builds")
def test_builds_are_compared_by_what_differs(call: Call) -> None:
    done = call("builds", "compare", "a", "b")
    assert "target_fps" in done.out
    assert "figures are the same" in done.err or done.err == ""
    assert len(call("builds", "compare", "a", "b", "--all").out) >= len(done.out)
    table = call("builds", "compare", "a", "b", "--json").json
    assert [build["name"] for build in table["builds"]] == ["a", "b"]
    assert all(len(values) == 2 for values in table["metrics"].values())
    assert "two builds or more" in call("builds", "compare", "a", "a").err


@pytest.mark.usefixtures("two_builds")
def test_a_history_is_carried_to_another_store(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "history.jsonl"
    assert call("history", "export", str(file), "--json").json["rows"] > 10
    assert "rows in" in call("history", "export", str(file)).out
    assert call("history", "export", "-").out == file.read_text()
    monkeypatch.setenv("BRAINSMITH_STORE", str(tmp_path / "other.db"))
    assert call("history", "import", str(file), "--json").json["attempts"] == 2
    assert "2 attempts" in call("history", "import", str(file)).out
    assert [build["name"] for build in call("builds", "list", "--json").json["builds"]] == ["b", "a"]
    file.write_bytes(b"\xff\xfe")
    assert "it isn't text" in call("history", "import", str(file)).err


def test_without_a_store_there_is_nothing_to_list(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSMITH_STORE", "none")
    done = call("builds", "list")
    assert done.code == 2
    assert "unset BRAINSMITH_STORE" in done.err


def test_running_builds_are_watched_until_they_end_and_cancelled(
    call: Call, database: str, make_config: MakeConfig, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds_command, "_PAUSE_SECONDS", 0.05)
    found = list[BuildResult]()
    with Controller(held, store=database) as controller:
        thread = threading.Thread(target=lambda: found.extend(controller.run([make_config("a")])))
        thread.start()
        held.wait_begun(1)
        while not call("builds", "watch", "--json").json["builds"]:
            time.sleep(0.05)
        assert "runs already" in call("builds", "retry", "a").err
        assert "asked to stop: a" in call("builds", "cancel", "a", "--reason", "enough").out
        watched = call("builds", "watch")
        thread.join()
    assert "a: " in watched.out
    assert "a: ended" in watched.out
    assert (found[0].status, found[0].error_message) == (BuildStatus.CANCELLED, "enough")
    assert "doesn't run" in call("builds", "cancel", "a").err


@pytest.mark.usefixtures("database")
def test_cancelling_gives_json(call: Call, database: str, make_config: MakeConfig) -> None:
    config = make_config("a")
    with Store(database) as store, store.writing() as connection:
        write_records(connection, [BuildRecord(config=config, session=open_session(connection, ""))])
    assert call("builds", "cancel", "a", "--json").json == {"cancelled": [build_id(config)]}


@pytest.mark.usefixtures("two_builds")
def test_a_build_is_built_again_as_a_further_attempt(call: Call) -> None:
    assert call("builds", "retry", "a", "--json").json["status"] == "success"
    assert "a: success" in call("builds", "retry", "a").out
    assert len(call("builds", "show", "a", "--json").json["attempts"]) == 3
    assert "(attempt 3)" in " ".join(call("builds", "list").out.split())


def test_a_build_that_fails_again_says_so(call: Call, database: str, make_config: MakeConfig) -> None:
    config = make_config("a", config_flags={"mock_success_rate": 0.0})
    with Controller(create_build_runner_factory("future_brainsmith"), store=database) as controller:
        assert [result.succeeded for result in controller.run([config])] == [False]
    assert call("builds", "retry", "a").code == 1


def test_the_last_line_of_a_log_is_seen(tmp_path: Path) -> None:
    live = LiveBuild("x", tmp_path)
    live.look(tmp_path / "build.log")
    assert not live.changed
    (tmp_path / "build.log").write_bytes(b"x" * 5000 + b"\nlast \xff\n\n")
    live.look(tmp_path / "build.log")
    assert live.to_dict()["line"] == "last \ufffd"


@pytest.mark.parametrize("arguments", [["--help"], ["plugins", "list"], ["builds", "--help"], ["history", "--help"]])
def test_the_database_is_not_imported_where_it_is_not_needed(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom brainsmith_core.cli.main import run\n"
        "try:\n    run(sys.argv[1:])\nfinally:\n    assert 'sqlalchemy' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- the queue


@pytest.fixture
def waiting(database: str, make_config: MakeConfig) -> Iterator[QueueStore]:
    """Two builds that wait, of a controller that doesn't look for orders."""
    kept = QueueStore(database)
    queue = IntelligentBuildQueue(keeper=kept.keeper)
    queue.enqueue_builds([(make_config("a"), "low", ()), (make_config("b"), "normal", ("a",))])
    yield kept
    kept.close()


@pytest.mark.usefixtures("waiting")
def test_the_queue_is_listed(call: Call) -> None:
    done = call("queue", "list")
    assert "0 run, 2 wait" in done.err
    assert all(len(line) <= 120 for line in done.out.splitlines())
    rows = call("queue", "list", "--all", "--json").json["jobs"]
    assert [(row["name"], row["priority"], row["state"]) for row in rows] == [
        ("a", "low", "waiting"),
        ("b", "normal", "waiting"),
    ]


@pytest.mark.usefixtures("waiting")
def test_orders_for_the_queue_are_left_for_its_controller(call: Call, database: str, make_config: MakeConfig) -> None:
    key = build_id(make_config("a"))
    assert call("queue", "pause").out == "asked for: pause\n"
    assert call("queue", "resume", "--json").json == {"asked": "resume", "job": None}
    assert "high" in call("queue", "priority", "a", "high").out
    assert call("queue", "cancel", "a", "--reason", "no", "--json").json == {"asked": "cancel", "job": key}
    with Store(database) as store:
        assert open_orders(store) == [
            Order("pause", ""),
            Order("resume", ""),
            Order("priority", key, "high"),
            Order("cancel", key, "no"),
        ]


def test_what_does_not_wait_cannot_be_changed(call: Call, waiting: QueueStore, make_config: MakeConfig) -> None:
    assert "isn't in the queue" in call("queue", "priority", "c", "high").err
    assert call("queue", "priority", "a", "urgent").code == 2
    queue = IntelligentBuildQueue(keeper=waiting.keeper)
    key = queue.enqueue_build(make_config("d"))
    queue.cancel(key)
    queue.flush()
    done = call("queue", "cancel", "d")
    assert done.code == 2
    assert "doesn't wait: cancelled" in done.err
