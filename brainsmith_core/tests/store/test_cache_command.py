"""`brainsmith cache`: what it shows, explains, verifies and removes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from brainsmith_core import BuildResult
from brainsmith_core.build.cache import build_cache
from brainsmith_core.build.cache.verify import verify_builds
from brainsmith_core.build.workspace import Workspace, write_json
from brainsmith_core.cli.cache_command import command, step_rows
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.store import ContentStore

STEPS: list[Any] = [
    {"step": "first", "reused": True, "seconds": 0.001, "saved_s": 2.5, "stored": False, "reasons": [], "differs": []},
    {"step": "second", "reused": False, "seconds": 0.5, "saved_s": None, "stored": True, "reasons": [],
     "differs": [{"read": "field target_fps", "now": 2000, "then": "x" * 70}]},
    {"step": "third", "reused": False, "seconds": 0.1, "stored": False, "reasons": ["it asks for the time"]},
    {"step": "fourth", "reused": False, "seconds": 0.1},
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ContentStore:
    monkeypatch.setenv("BRAINSMITH_CACHE", str(tmp_path / "store"))
    monkeypatch.delenv("BRAINSMITH_CACHE_SIZE", raising=False)
    return ContentStore(str(tmp_path / "store"))


def call(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False, obj=None)


def build(folder: Path, provenance: dict[str, Any]) -> str:
    folder.mkdir()
    result = BuildResult(config_id="a", provenance=provenance, backend="toy")
    write_json(Workspace(folder).result, result.to_dict())
    return str(folder)


def test_stats_show_how_much_is_kept(store: ContentStore) -> None:
    store.write_entry("step", "g", "n", {}, [store.put_bytes(bytes(5000))])
    shown = call("stats").stdout
    assert "5 kB of at most 20 GB" in shown
    assert "entries: step" in shown
    document = json.loads(call("stats", "--json").stdout)
    assert document["entries"] == {"step": 1}
    assert document["root"] == store.root
    assert document["bytes"] > 5000


def test_explain_says_of_each_step_whether_it_ran_and_why(tmp_path: Path) -> None:
    folder = build(tmp_path / "build", {"finn_step_cache": STEPS})
    shown = " ".join(call("explain", folder).stdout.split())
    assert "it took 2.5 s then" in shown
    assert "field target_fps: 2000, nearest had" in shown
    assert "it isn't kept: it asks for the time" in shown
    assert "nothing like it was there" in shown
    document = json.loads(call("explain", folder, "--json").stdout)
    assert [step["outcome"] for step in document["steps"]] == ["reused", "ran", "ran", "ran"]
    assert document["steps"][1]["differs"][0]["read"] == "field target_fps"


def test_explain_says_where_a_whole_result_is_from(tmp_path: Path) -> None:
    origin = {"build": "b", "output_dir": "elsewhere", "finished": "2026-01-01"}
    shown = call("explain", build(tmp_path / "build", {"cached_from": origin})).stdout
    assert "a wasn't built: its result is that of b in elsewhere" in shown
    assert "no step is recorded" in shown


def test_explain_needs_a_finished_build(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        error = call("explain", str(folder)).exception
        assert "holds no finished build" in str(error)


def test_what_is_no_list_of_steps_is_left_out() -> None:
    assert (
        step_rows(BuildResult(config_id="a", provenance={"x_step_cache": "no", "steps": [], "y_step_cache": [1]})) == []
    )


def test_gc_removes_what_is_asked_and_tells_beforehand(store: ContentStore) -> None:
    digest = store.put_bytes(bytes(5000))
    entry = store.write_entry("step", "g", "n", {}, [digest])
    for path in (entry.path, store.blob_path(digest)):
        os.utime(path, (time.time() - 5 * 86400,) * 2)
    shown = call("gc", "--dry-run", "--max-age", "4").stdout
    assert "1 entries and 1 files would be removed: 5 kB" in shown
    assert json.loads(call("gc", "--max-size", "2M", "--json").stdout)["entries"] == 0
    assert "were removed" in call("gc", "--max-size", "2k").stdout
    assert store.stats().blobs == 0
    assert "is no size" in str(call("gc", "--max-size", "lots").exception)


def test_a_wrong_limit_or_store_is_said(store: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSMITH_CACHE_SIZE", "lots")
    assert "BRAINSMITH_CACHE_SIZE" in str(call("stats").exception)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BRAINSMITH_CACHE", str(tmp_path / "file"))
    assert "can't be used" in str(call("stats").exception)


def test_verify_drops_what_is_damaged(store: ContentStore) -> None:
    Path(store.write_entry("step", "g", "n", {}).path).write_bytes(b"damaged")
    done = call("verify", "--json")
    document = json.loads(done.stdout)
    assert len(document["damaged"]) == 1
    assert document["builds"] == []
    assert "0 builds compared, 0 differ; 0 damaged" in call("verify").stdout


def test_verify_builds_again_and_finds_what_differs(
    store: ContentStore, toy: PluginManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from brainsmith_core import BuildConfig, create_build_runner_factory

    monkeypatch.delenv("BRAINSMITH_NO_CACHE", raising=False)
    monkeypatch.setattr(build_cache, "SHORTEST_SECONDS", 0.0)
    model = tmp_path / "model.onnx"
    model.write_bytes(bytes([8, 7, 18, 4]) + b"test")
    runner = create_build_runner_factory("toy", toy)()
    for name in ("one", "two"):
        flags: dict[str, Any] = {"target_fps": name, **({"random": True} if name == "two" else {})}
        runner.run(BuildConfig(id=name, model_path=str(model), output_dir=str(tmp_path / name), config_flags=flags))
    found = {each.build: each for each in verify_builds(store, toy, 5, seed=1)}
    assert found["one"].state == "same"
    assert found["one"].files > 2
    assert found["two"].state == "different"
    assert found["two"].differs == ("artifacts/random.json",)
    assert len(list(verify_builds(store, toy, 1))) == 1
    monkeypatch.setenv("TOY_FAILS", "1")
    assert "it fails now" in next(iter(verify_builds(store, toy, 1))).message
    monkeypatch.setattr("brainsmith_core.build.cache.verify.build_key", lambda *_: "other")
    assert {each.state for each in verify_builds(store, toy, 5)} == {"skipped"}
    for entry in store.all_entries("build"):
        Path(store.blob_path(entry.document["model"])).chmod(0o644)
        Path(store.blob_path(entry.document["model"])).write_bytes(b"damaged")
    assert "is damaged" in next(iter(verify_builds(store, toy, 5))).message
