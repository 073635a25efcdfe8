"""Preprocessing steps: run once for all builds that give them the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core import BuildConfig, BuildResult, create_build_runner_factory
from brainsmith_core.build.cache import build_cache, code_digest
from brainsmith_core.build.cache.step_cache import KIND
from brainsmith_core.build.workspace import Workspace
from brainsmith_core.config import ProcessingStep
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.store import ContentStore

Run = Callable[..., BuildResult]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ContentStore:
    """A store for steps alone: no whole build is kept."""
    monkeypatch.setenv("BRAINSMITH_CACHE", str(tmp_path / "store"))
    monkeypatch.delenv("BRAINSMITH_NO_CACHE", raising=False)
    monkeypatch.setattr(build_cache, "SHORTEST_SECONDS", 1e9)
    return ContentStore(str(tmp_path / "store"))


@pytest.fixture
def run(toy: PluginManager, tmp_path: Path) -> Run:
    model = tmp_path / "model.onnx"
    model.write_bytes(bytes([8, 7, 18, 4]) + b"test")
    runner = create_build_runner_factory("toy", toy)()

    def build(folder: str, flags: dict[str, Any] | None = None, **parameters: Any) -> BuildResult:
        step = ProcessingStep(name="fold", type="preprocessing", parameters=parameters)
        config = BuildConfig(
            id=folder,
            model_path=str(model),
            output_dir=str(tmp_path / folder),
            config_flags=flags or {},
            preprocessing=(step,),
        )
        return runner.run(config)

    return build


def row(result: BuildResult) -> dict[str, Any]:
    rows: Any = result.provenance["preprocessing_step_cache"]
    (found,) = rows
    assert isinstance(found, dict)
    return found


def test_a_step_with_the_same_model_and_parameters_is_run_once(store: ContentStore, run: Run) -> None:
    first, second = run("one", {"a": 1}, adds="x"), run("two", {"a": 2}, adds="x")
    assert row(first)["reasons"] == []
    assert (row(first)["reused"], row(second)["reused"]) == (False, True)
    assert row(first)["stored"]
    assert row(second)["saved_s"] == row(first)["seconds"]
    one, two = Workspace(Path(first.output_dir)), Workspace(Path(second.output_dir))
    assert one.processed_model.read_bytes() == two.processed_model.read_bytes()
    for name in ("fold.json", "01_fold.onnx", "01_fold.log"):
        path = Path("preprocessing_logs", name)
        assert (one.root / path).read_bytes() == (two.root / path).read_bytes()
    assert second.artifacts == first.artifacts
    assert second.plugins == first.plugins
    assert {entry.kind for entry in store.all_entries()} == {KIND}


def test_whatever_a_step_is_given_or_reads_decides(store: ContentStore, run: Run, tmp_path: Path) -> None:
    read = tmp_path / "read"
    read.write_text("1")
    parameters = {"adds": "x", "reads": f"@{read}"}  # no path as it stands: only the step knows that it is one
    assert not row(run("one", **parameters))["reused"]
    assert row(run("two", **parameters))["reused"]
    read.write_text("2")
    assert not row(run("three", **parameters))["reused"]
    read.unlink()
    assert not run("four", **parameters).succeeded
    assert not row(run("five", adds="y"))["reused"]
    (tmp_path / "model.onnx").write_bytes(bytes([8, 7, 18, 4]) + b"tesu")
    assert not row(run("six", adds="y"))["reused"]


def test_the_configuration_decides_for_steps_that_look_at_it(store: ContentStore, run: Run) -> None:
    assert not row(run("one", {"a": 1}, looks=True))["reused"]
    assert row(run("one", {"a": 1}, looks=True))["reused"]
    assert not row(run("one", {"a": 2}, looks=True))["reused"]


def test_the_step_s_code_decides(
    store: ContentStore, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("one")
    code_digest.code_digest.cache_clear()
    source = tmp_path / "packages" / "toy_builder" / "__init__.py"
    source.write_text(source.read_text() + "# changed\n")
    assert not row(run("two"))["reused"]
    monkeypatch.setattr("brainsmith_core.build.cache.step_cache.packages_digest", lambda: "others")
    assert not row(run("three"))["reused"]
    monkeypatch.setattr("brainsmith_core.build.cache.step_cache.plugin_code", lambda *_: None)
    assert "preprocessing_step_cache" not in run("four").provenance


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("process", "it starts a process"),
        ("outside", "it writes to "),
        ("names", "its figures or warnings name the folder"),
        ("gives", "it gives a file outside the build's folder"),
        ("network", "it uses the network"),
    ],
)
def test_what_can_t_be_recorded_is_run_again_and_says_why(
    store: ContentStore, run: Run, does: str, reason: str
) -> None:
    for folder in ("one", "two"):
        found = row(run(folder, does=does))
        assert not found["reused"]
        assert not found["stored"]
        assert any(reason in each for each in found["reasons"])


def test_a_step_that_fails_is_not_kept(store: ContentStore, run: Run) -> None:
    assert not run("one", does="fails").succeeded
    assert list(store.all_entries()) == []


def test_a_damaged_outcome_is_dropped_and_made_again(store: ContentStore, run: Run) -> None:
    run("one")
    (entry,) = store.all_entries()
    path = Path(store.blob_path(entry.blobs[0]))
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    assert not row(run("two"))["reused"]
    assert row(run("three"))["reused"]


def test_without_the_cache_nothing_is_watched(run: Run) -> None:
    assert "preprocessing_step_cache" not in run("one").provenance


def test_a_store_that_can_t_be_used_harms_no_step(
    store: ContentStore, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BRAINSMITH_CACHE", str(tmp_path / "file"))
    assert run("one").succeeded
