from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, insert, inspect, select
from sqlalchemy.exc import OperationalError

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BrainsmithError, ConfigurationError, MissingRequirementError
from brainsmith_core.events import BuildEvent
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.result import BuildResult, BuildStatus, ErrorReport
from brainsmith_orchestration.store import sessions as session_module
from brainsmith_orchestration.store.build_record import BuildRecord, build_id, complete, read_record
from brainsmith_orchestration.store.database import Store, schema_of
from brainsmith_orchestration.store.engine import make_engine
from brainsmith_orchestration.store.errors import StoreError, explained, shown
from brainsmith_orchestration.store.location import store_location
from brainsmith_orchestration.store.migrate import migrate
from brainsmith_orchestration.store.migrations import MIGRATIONS
from brainsmith_orchestration.store.queries import (
    BuildFilter,
    events_of,
    expected_seconds,
    find_build,
    list_builds,
    metric_table,
    show_build,
)
from brainsmith_orchestration.store.recording import INTERRUPTED, insert_new, write_records
from brainsmith_orchestration.store.sessions import close_session, open_session, reconcile, touch_session
from brainsmith_orchestration.store.tables import METADATA, VERSION, attempts, builds, schema_version, sessions

MakeConfig = Callable[..., BuildConfig]


def built(config: BuildConfig) -> BuildRecord:
    """Build for real (simulated), and return what the folder holds."""
    create_build_runner_factory("future_brainsmith")().run(config)
    record = read_record(Path(config.output_dir))
    assert record is not None
    return record


def write(store: Store, *records: BuildRecord) -> None:
    with store.writing() as connection:
        write_records(connection, records)


def count(store: Store, table: Any) -> int:
    with store.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


# --- the schema


@pytest.mark.parametrize("first", range(VERSION + 1))
def test_a_database_of_any_version_is_brought_to_the_schema_that_the_tables_say(location: str, first: int) -> None:
    engine = make_engine(location)
    with engine.begin() as connection:
        if first:
            migrate(connection, first)
            row = {"id": "s", "host": "h", "pid": 1, "process_start": "", "folder": "", "started": 1.5, "seen": 1.5}
            connection.execute(insert(sessions).values(row))
    engine.dispose()
    with Store(location) as store, store.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
        kept = connection.execute(select(sessions.c.started)).scalars().all()
        assert schema_of(connection) == VERSION == len(MIGRATIONS)
    assert differences == []
    assert kept == ([1.5] if first else [])


def test_a_database_of_a_newer_version_is_refused_and_left_alone(location: str) -> None:
    with Store(location) as store, store.writing() as connection:
        connection.execute(schema_version.update().values(version=VERSION + 1))
    with pytest.raises(MissingRequirementError, match="update brainsmith-orchestration"):
        Store(location)


def test_several_processes_may_open_a_new_store_at_once(location: str) -> None:
    failures, opened = [], []

    def open_it() -> None:
        try:
            Store(location).close()
        except BrainsmithError as error:
            failures.append(error)
        else:
            opened.append(location)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(opened) == 4


def test_sqlite_is_set_to_survive_power_cuts_and_to_hold_references(tmp_path: Path) -> None:
    with Store(str(tmp_path / "builds.db")) as store, store.reading() as connection:
        said = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert said == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


# --- builds


def test_a_build_is_stored_with_all_that_is_known_of_it(store: Store, make_config: MakeConfig) -> None:
    record = built(make_config("a", design_space_id="space"))
    write(store, record)
    shown_build = show_build(store, "a")
    assert record.result is not None
    assert shown_build["status"] == "success"
    assert shown_build["simulated"] is True
    assert BuildResult.from_dict(shown_build["attempts"][0]["result"]) == record.result
    assert BuildConfig.from_dict(shown_build["config"]) == record.config
    assert [row["name"] for row in shown_build["metrics"]] == [metric["name"] for metric in record.metrics]
    kinds = [row["kind"] for row in events_of(store, record.id)]
    assert kinds == [event.kind for event in record.events]
    assert kinds[0] == "build_started"
    assert len(kinds) > 3


def test_writing_the_same_twice_is_writing_it_once(store: Store, make_config: MakeConfig) -> None:
    record = built(make_config("a"))
    write(store, BuildRecord(config=record.config))
    write(store, record, record)
    before = [count(store, table) for table in METADATA.sorted_tables]
    write(store, record)
    assert [count(store, table) for table in METADATA.sorted_tables] == before
    assert count(store, attempts) == 1


def test_a_build_says_what_its_latest_attempt_gave(store: Store, make_config: MakeConfig) -> None:
    failed = BuildResult(config_id="a", status=BuildStatus.FAILED, error_message="no \0 licence")
    failed.error = ErrorReport(category="licence", message="x")
    write(store, BuildRecord(config=make_config("a"), result=failed))
    assert (find_build(store, "a")["status"], find_build(store, "a")["message"]) == ("failed", "no \ufffd licence")
    write(store, built(make_config("a")))
    assert [row["status"] for row in show_build(store, "a")["attempts"]] == ["failed", "success"]
    assert list_builds(store)[0]["status"] == "success"
    assert list_builds(store)[0]["attempts"] == 2


def test_steps_are_taken_from_events(store: Store, make_config: MakeConfig) -> None:
    config = make_config("a")
    happened = (
        BuildEvent(kind="phase_started", build_id="a", data={"phase": "backend"}),
        BuildEvent(kind="step_started", build_id="a", data={"step": "one"}),
        BuildEvent(kind="step_finished", build_id="a", data={"step": "one", "seconds": 2}),
        BuildEvent(kind="step_started", build_id="a", data={"step": "two"}),
    )
    write(store, BuildRecord(config=config, result=BuildResult(config_id="a"), events=happened))
    found = show_build(store, "a")["steps"]
    assert [(row["phase"], row["name"], row["seconds"]) for row in found] == [
        ("backend", "one", 2.0),
        ("backend", "two", None),
    ]


def test_a_folder_without_a_whole_result_gives_no_record(
    make_config: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    config = make_config("a")
    assert read_record(Path(config.output_dir)) is None
    record = built(config)
    Path(config.output_dir, "events.jsonl").write_text('{"kind": "x", "build_id": "a"}\n{"kin')
    assert len(complete(attrs.evolve(record, events=())).events) == 1
    Path(config.output_dir, "result.json").write_text("{")
    assert read_record(Path(config.output_dir)) is None
    assert "can't be stored" in caplog.text


def test_figures_are_read_strictly_but_for_those_that_are_just_as_core_writes_them(make_config: MakeConfig) -> None:
    record = built(make_config("a"))
    path = Path(record.config.output_dir, "metrics.json")
    document = json.loads(path.read_text())
    whole = document["metrics"]
    assert [dict(each) for each in record.metrics] == whole

    def read(**changes: object) -> list[Mapping[str, JSONValue]]:
        path.write_text(json.dumps({**document, "metrics": [*whole, {**whole[0], **changes}]}))
        return list(complete(record).metrics)

    assert read(value=1, status="measured")[-1]["value"] == 1
    scope = {key: value for key, value in whole[0].items() if key != "scope"}
    path.write_text(json.dumps({**document, "metrics": [scope]}))
    assert complete(record).metrics[0]["scope"] == {}
    wrong: list[dict[str, object]] = [
        {"stage": "nowhere"},
        {"status": "measured", "value": None},
        {"status": "missing", "value": 1},
        {"name": 1},
        {"scope": "x"},
        {"source": {"fil": "x"}},
        {"value": float("nan"), "status": "measured"},
    ]
    for changes in wrong:
        with pytest.raises(ConfigurationError):
            read(**changes)


def test_many_rows_are_inserted_in_pieces(store: Store) -> None:
    rows = [
        {"id": str(n), "host": "", "pid": n, "process_start": "", "folder": "", "started": 0, "seen": 0}
        for n in range(4500)
    ]
    with store.writing() as connection:
        insert_new(connection, sessions, rows)
        insert_new(connection, sessions, rows[:10])
    assert count(store, sessions) == 4500


# --- looking up


def test_builds_are_filtered(store: Store, make_config: MakeConfig) -> None:
    result = BuildResult(config_id="x", status=BuildStatus.SUCCESS, backend="b", duration_seconds=4)
    write(store, BuildRecord(config=make_config("one_%", design_space_id="s"), result=result))
    write(store, BuildRecord(config=make_config("two")))

    def names(**wanted: Any) -> list[str]:
        return [row["name"] for row in list_builds(store, BuildFilter(**wanted))]

    assert sorted(names()) == ["one_%", "two"]
    assert names(status=("running",)) == ["two"]
    assert names(exploration="s") == ["one_%"]
    assert names(backend="b") == ["one_%"]
    assert names(name="_%") == ["one_%"]
    assert names(since=2e10) == []
    assert len(names(limit=1)) == 1
    assert expected_seconds(store) == {"": 4.0, "one_%": 4.0}


def test_nothing_is_expected_of_an_empty_store(store: Store) -> None:
    assert expected_seconds(store) == {}
    with pytest.raises(ConfigurationError, match="nothing is stored yet"):
        find_build(store, "a")


def test_a_build_is_found_by_id_its_beginning_name_and_folder(
    store: Store, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config("config_1")
    write(store, BuildRecord(config=config))
    key = build_id(config)
    for name in (key, key[:6], "config_1", config.output_dir, f"{config.output_dir}/"):
        assert find_build(store, name)["id"] == key
    with pytest.raises(ConfigurationError, match='did you mean "config_1"'):
        find_build(store, "config_2")
    monkeypatch.setattr("brainsmith_orchestration.store.build_record._digest", lambda *parts: f"abcdef{len(parts[0])}")
    write(store, BuildRecord(config=make_config("x")), BuildRecord(config=make_config("yy")))
    with pytest.raises(ConfigurationError, match="several builds"):
        find_build(store, "abcdef")


def test_metrics_of_builds_stand_side_by_side(store: Store, make_config: MakeConfig) -> None:
    records = [built(make_config(n, config_flags={"target_fps": 1000 * (n + 1)})) for n in range(2)]
    write(store, *records)
    table = metric_table(store, [record.id for record in records])
    assert table
    assert all(set(values) <= {record.id for record in records} for values in table.values())


# --- controllers that die


def test_what_a_dead_controller_left_is_put_right(store: Store, make_config: MakeConfig) -> None:
    finished, unfinished = built(make_config("finished")), make_config("unfinished")
    with store.writing() as connection:
        session = open_session(connection, "/f")
        touch_session(connection, session)
        running = [BuildRecord(config=c, session=session) for c in (finished.config, unfinished)]
        write_records(connection, running)
    assert reconcile(store) == 0  # we live
    with store.writing() as connection:
        connection.execute(sessions.update().values(process_start="another boot"))
    assert reconcile(store) == 2
    assert find_build(store, "finished")["status"] == "success"
    assert find_build(store, "unfinished")["status"] == INTERRUPTED
    assert reconcile(store) == 0
    assert count(store, attempts) == 1


def test_a_controller_elsewhere_lives_while_it_is_seen(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.writing() as connection:
        session = open_session(connection, "/f")
        connection.execute(sessions.update().values(host="elsewhere"))
    with store.reading() as connection:
        assert session_module.dead_sessions(connection) == []
    monkeypatch.setattr(session_module, "PATIENCE_SECONDS", -1.0)
    with store.reading() as connection:
        assert session_module.dead_sessions(connection) == [session]
    with store.writing() as connection:
        close_session(connection, session)
    with store.reading() as connection:
        assert session_module.dead_sessions(connection) == []


def test_a_zombie_and_a_number_that_nobody_has_do_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert session_module._process_start(child.pid) == ""
    child.wait()
    assert session_module._process_start(child.pid) == ""
    assert session_module._process_start(os.getpid())


# --- what can go wrong


def test_a_store_killed_while_it_writes_is_whole(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom brainsmith_orchestration.store.database import Store\n"
        "from brainsmith_orchestration.store.sessions import open_session\n"
        "store = Store(sys.argv[1])\n"
        "while True:\n    with store.writing() as c:\n        open_session(c, 'a')\n        open_session(c, 'b')\n"
        "    print('.', flush=True)\n"
    )
    path = tmp_path / "builds.db"
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        written = sum(bool(process.stdout.readline()) for _ in range(5))
        process.kill()
    with Store(str(path)) as store:
        assert count(store, sessions) >= 2 * written
        assert count(store, sessions) % 2 == 0
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path, make_config: MakeConfig) -> None:
    with Store(str(tmp_path / "builds.db")) as store:
        write(store, BuildRecord(config=make_config("a")))
        big = make_config("b", config_flags={"x": "y" * 2_000_000})
        with store.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 60")
        with pytest.raises(StoreError, match="is full") as caught:
            write(store, BuildRecord(config=big))
        assert caught.value.category == "disk"
        assert [row["name"] for row in list_builds(store)] == ["a"]


@pytest.mark.parametrize(
    ("text", "kind", "match"),
    [
        ("attempt to write a readonly database", ConfigurationError, "can't be written"),
        ("unable to open database file", ConfigurationError, "can't be opened"),
        ("file is not a database", StoreError, "damaged"),
        ("database is locked", StoreError, "locked"),
        ("connection failed: Connection refused\nmore", MissingRequirementError, "start the server"),
        ("something else", StoreError, "refused: something else"),
    ],
)
def test_complaints_of_databases_are_explained(text: str, kind: type[BrainsmithError], match: str) -> None:
    with pytest.raises(kind, match=match), explained("/x.db"):
        raise OperationalError("SELECT", {}, Exception(text))


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "builds.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="no database"):
        Store(str(tmp_path / "builds.db"))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="can't be made"):
        Store(str(tmp_path / "file" / "builds.db"))


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingRequirementError, match="can't be reached"):
        Store(f"postgresql://somebody:secret@/x?host={tmp_path}")


def test_a_missing_driver_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingRequirementError, match="isn't installed"):
        make_engine("postgresql://host/x")


@pytest.mark.parametrize("location", ["mysql://host/x", "://", "sqlite://", "sqlite:///:memory:"])
def test_locations_that_cannot_be_are_refused(location: str) -> None:
    with pytest.raises(ConfigurationError):
        make_engine(location)


def test_a_sqlite_url_is_a_path(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/x.db").close()
    assert (tmp_path / "x.db").exists()


def test_passwords_are_not_shown() -> None:
    assert shown("postgresql://me:secret@host/x") == "postgresql://me:***@host/x"


def test_the_store_is_beside_the_project_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAINSMITH_STORE", raising=False)
    (tmp_path / "brainsmith.toml").touch()
    (tmp_path / "sub").mkdir()
    assert store_location(tmp_path / "sub") == str(tmp_path / ".brainsmith" / "builds.db")
    monkeypatch.setenv("BRAINSMITH_STORE", "postgresql://host/x")
    assert store_location() == "postgresql://host/x"
    monkeypatch.setenv("BRAINSMITH_STORE", "None")
    assert store_location() is None


def test_json_survives_each_database(store: Store, make_config: MakeConfig) -> None:
    odd = {"nul": "\0", "surrogate": "\ud800", "deep": [1.5, {"ä": None}]}
    write(store, BuildRecord(config=make_config("a", config_flags=odd)))
    assert json.loads(json.dumps(find_build(store, "a")["config"]))["config_flags"] == odd


def test_the_tables_of_a_store_are_those_of_the_metadata(store: Store) -> None:
    with store.reading() as connection:
        assert set(inspect(connection).get_table_names()) == set(METADATA.tables)
    assert count(store, builds) == 0
