"""Whole builds: the same one isn't built again, anything else is."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core import BuildConfig, BuildResult, create_build_runner_factory
from brainsmith_core.build.cache import build_cache, build_key, code_digest
from brainsmith_core.build.runner import BuildRunner
from brainsmith_core.build.workspace import Workspace, config_digest
from brainsmith_core.config import GlobalConfig
from brainsmith_core.events import BuildEvent
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.store import ContentStore

Make = Callable[..., BuildConfig]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ContentStore:
    """A store of its own, which also takes builds that take no time."""
    monkeypatch.setenv("BRAINSMITH_CACHE", str(tmp_path / "store"))
    monkeypatch.delenv("BRAINSMITH_NO_CACHE", raising=False)
    monkeypatch.setattr(build_cache, "SHORTEST_SECONDS", 0.0)
    return ContentStore(str(tmp_path / "store"))


@pytest.fixture
def runner(toy: PluginManager) -> BuildRunner:
    return create_build_runner_factory("toy", toy)()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    model = tmp_path / "model.onnx"
    model.write_bytes(bytes([8, 7, 18, 4]) + b"test")

    def config(folder: str, **changes: Any) -> BuildConfig:
        data: dict[str, Any] = {"config_flags": {"target_fps": 1000}, "model_path": str(model), **changes}
        return BuildConfig(id="a", output_dir=str(tmp_path / folder), **data)

    return config


def contents(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data for name, data in found.items() if name not in {"events.jsonl", "config.json", "build.log"}}


def test_a_build_whose_like_was_built_gets_its_result_in_another_folder(
    store: ContentStore, runner: BuildRunner, make: Make, tmp_path: Path
) -> None:
    first = runner.run(make("first"))
    assert not first.cached
    assert runner.is_stored(make("second"))
    second = runner.run(make("second"))
    assert second.cached
    assert second.simulated
    workspace = Workspace(tmp_path / "second")
    assert workspace.read_result() == second
    assert workspace.read_config() == make("second")
    origin = second.provenance.pop("cached_from")
    assert origin == {"build": "a", "output_dir": first.output_dir, "finished": first.end_time.isoformat()}  # type: ignore[union-attr] # it has ended
    first.output_dir, first.cached = second.output_dir, True
    assert second == first
    there, here = contents(tmp_path / "first"), contents(tmp_path / "second")
    assert there.keys() == here.keys()
    assert {name for name in there if there[name] != here[name]} == {"result.json", "metrics.json"}
    assert workspace.metrics.read_text().count(config_digest(make("second"))) == 1
    assert [entry.kind for entry in store.all_entries()] == ["build"]


def test_events_say_that_nothing_was_run(store: ContentStore, runner: BuildRunner, make: Make) -> None:
    runner.run(make("first"))
    seen: list[BuildEvent] = []
    runner.run(make("second"), on_event=seen.append)
    assert [(event.kind, event.data.get("cached")) for event in seen] == [
        ("build_started", True),
        ("build_finished", True),
    ]
    assert "nothing was run: this is the result of build a" in Path(make("second").output_dir, "build.log").read_text()


def test_whatever_decides_a_result_decides_whether_it_is_reused(
    store: ContentStore,
    runner: BuildRunner,
    make: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = tmp_path / "named"
    named.write_text("1")
    runner.run(make("first", config_flags={"target_fps": 1000, "folding_config_file": str(named)}))
    same = make("other", config_flags={"folding_config_file": str(named), "target_fps": 1000})
    assert runner.is_stored(same)
    for free in (
        attrs.evolve(same, design_space_id="d", combination_index=3, total_combinations=9),
        attrs.evolve(same, global_config=GlobalConfig(log_level="DEBUG", timeout_minutes=5, working_directory="w")),
    ):
        assert runner.is_stored(free)
    for other in (
        attrs.evolve(same, id="b"),
        attrs.evolve(same, config_flags={**same.config_flags, "target_fps": 1001}),
        attrs.evolve(same, global_config=GlobalConfig(save_artifacts=False)),
        attrs.evolve(same, global_config=GlobalConfig(cache_results=False)),
    ):
        assert not runner.is_stored(other)
    named.write_text("2")
    assert not runner.is_stored(same)
    named.write_text("1")
    assert runner.is_stored(same)
    Path(same.model_path).write_bytes(bytes([8, 7, 18, 4]) + b"tesu")
    assert not runner.is_stored(same)
    Path(same.model_path).write_bytes(bytes([8, 7, 18, 4]) + b"test")
    monkeypatch.setattr(build_key, "code_digest", lambda package: f"{package} has changed")
    assert not runner.is_stored(same)
    monkeypatch.setattr(build_key, "code_digest", lambda _: None)
    assert not runner.is_stored(same)
    monkeypatch.undo()


def test_nothing_is_reused_or_stored_where_that_is_asked(
    store: ContentStore, runner: BuildRunner, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.run(make("first", global_config=GlobalConfig(cache_results=False)))
    monkeypatch.setenv("BRAINSMITH_NO_CACHE", "1")
    runner.run(make("second"))
    assert list(store.all_entries()) == []
    monkeypatch.setenv("BRAINSMITH_NO_CACHE", "0")
    assert not runner.run(make("third")).cached
    assert runner.run(make("fourth")).cached


def test_what_is_quick_is_not_stored(
    store: ContentStore, runner: BuildRunner, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_cache, "SHORTEST_SECONDS", 60.0)
    runner.run(make("first"))
    assert list(store.all_entries()) == []


def test_a_failed_build_is_built_again(store: ContentStore, make: Make, runner: BuildRunner) -> None:
    for folder in ("first", "second"):
        result = runner.run(make(folder, config_flags={"fails": True}))
        assert not result.succeeded
        assert not result.cached
    assert list(store.all_entries()) == []


@pytest.mark.parametrize("what", ["entry", "file"])
def test_a_damaged_result_is_dropped_and_built_again(
    store: ContentStore, runner: BuildRunner, make: Make, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    runner.run(make("first"))
    (entry,) = store.all_entries()
    path = Path(entry.path if what == "entry" else store.blob_path(entry.document["files"][-1][1]))
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    result = runner.run(make("second"))
    assert result.succeeded
    assert not result.cached
    assert "is dropped" in caplog.text
    assert runner.run(make("third")).cached


def test_a_result_that_names_its_folder_is_not_reused_elsewhere(
    store: ContentStore, runner: BuildRunner, make: Make, tmp_path: Path
) -> None:
    result = runner.run(make("first"))
    (entry,) = store.all_entries()
    store.drop(entry)
    cache = build_cache.BuildCache(store, "0" * 64, make("first"))
    workspace = Workspace(tmp_path / "first")
    note = workspace.artifacts / "note.json"
    note.write_text(json.dumps({"folder": str(workspace.root)}))
    assert cache.put(workspace, result) == "artifacts/note.json names the folder that it was made in"
    note.write_text("{}")
    assert "names the folder" in cache.put(workspace, result, (Path("{}"),))
    link = workspace.artifacts / "link"
    link.symlink_to(note)
    assert cache.put(workspace, result) == "artifacts/link is a link"
    link.unlink()
    shutil.rmtree(Path(store.root, "tmp"))
    assert cache.put(workspace, result) != ""
    assert list(store.all_entries()) == []


def test_of_two_equal_builds_at_once_one_is_run(store: ContentStore, runner: BuildRunner, make: Make) -> None:
    results: list[BuildResult] = []
    threads = [
        threading.Thread(target=lambda name=name: results.append(runner.run(make(name)))) for name in ("one", "two")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.cached for result in results) == [False, True]


def test_a_store_that_can_t_be_used_harms_no_build(
    make: Make, runner: BuildRunner, tmp_path: Path, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BRAINSMITH_CACHE", str(tmp_path / "file"))
    assert runner.run(make("first")).succeeded


def test_files_and_folders_that_settings_name_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    file = tmp_path / "folder" / "inner" / "file"
    file.write_text("1")
    data = {"a": [str(tmp_path / "folder"), str(file), "no file", "", "a\nb"], "b": 3}
    before = code_digest.named_files(data)  # type: ignore[arg-type] # JSON
    file.write_text("22")
    after = code_digest.named_files(data)  # type: ignore[arg-type] # JSON
    assert before is not None
    assert after is not None
    assert before.keys() == after.keys() == {str(tmp_path / "folder"), str(file)}
    assert all(before[name] != after[name] for name in before)
    monkeypatch.setattr(code_digest, "_MOST_FILES", 0)
    assert code_digest.named_files(data) is None  # type: ignore[arg-type] # JSON


def test_the_code_of_a_package_counts_but_for_what_no_result_depends_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_package"
    (package / "cli").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (tmp_path / "some_module.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    digest = code_digest.code_digest.__wrapped__
    first = digest("some_package")
    (package / "cli" / "command.py").write_text("x")
    assert digest("some_package") == first
    (package / "data.json").write_text("x")
    assert digest("some_package") != first
    assert digest("some_module") is not None
    assert digest("..") is None
