"""Builds whose steps are restored are like builds whose steps ran: results, warnings, records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.config import BuildConfig
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_core.store import ContentStore

MakeConfig = Callable[..., BuildConfig]
MakeLayer = Callable[..., dict[str, Any]]
RunBuild = Callable[..., BuildResult]
WriteModel = Callable[..., Path]
Build = Callable[..., BuildResult]


@pytest.fixture
def build(run_build: RunBuild, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Build with a store of this test's own; `flags` are those that no step of the stand-in reads."""
    monkeypatch.setenv("BRAINSMITH_CACHE", str(tmp_path / "store"))
    monkeypatch.delenv("BRAINSMITH_NO_CACHE", raising=False)

    def run(place: str, *, flags: dict[str, Any] | None = None, **changes: Any) -> BuildResult:
        config_flags = {"board": "Pynq-Z1", **(flags or {})}
        return run_build(make_config(output_dir=str(tmp_path / place), config_flags=config_flags, **changes))

    return run


def steps_of(result: BuildResult) -> list[dict[str, Any]]:
    """Return how the steps came about."""
    assert result.status is BuildStatus.SUCCESS, result
    records: Any = result.provenance["finn_step_cache"]
    return list(records)


def products(folder: Path) -> dict[str, bytes]:
    """Return what FINN made, but for its log."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".log"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_steps_that_don_t_read_what_differs_are_restored_with_all_that_they_made(build: Build, tmp_path: Path) -> None:
    first = build("one", flags={"target_fps": 10})
    second = build("two", flags={"target_fps": 20})
    assert [record["reused"] for record in steps_of(first)] == [False] * 7
    assert [record["reused"] for record in steps_of(second)] == [True] * 7
    assert products(tmp_path / "one" / "artifacts") == products(tmp_path / "two" / "artifacts") != {}
    finals = [(tmp_path / place / "final_model.onnx").read_bytes() for place in ("one", "two")]
    assert finals[0] == finals[1]
    assert first.provenance["finn_layers"] == second.provenance["finn_layers"] == {"Thresholding_hls": 1, "MVAU_hls": 1}


def test_what_users_are_told_of_a_step_is_told_again(
    build: Build, write_model: WriteModel, hardware: MakeLayer
) -> None:
    outside = {"op_type": "Softmax", "name": "soft", "input": ["x"]}
    model = write_model(hardware("MVAU", MW=4, MH=4, PE=1, SIMD=1), outside)
    kernels = [("MVAU", ("rtl",))]
    first = build("one", flags={"target_fps": 10}, model_path=str(model), kernels=kernels)
    second = build("two", flags={"target_fps": 20}, model_path=str(model), kernels=kernels)
    assert all(record["reused"] for record in steps_of(second))
    told = [[text for text in result.warnings if "store" not in text] for result in (first, second)]
    assert told[0] == told[1]
    assert any("outside the accelerator" in text for text in told[0])
    assert len(told[0]) >= 2


def test_without_the_cache_every_step_runs_and_nothing_is_kept(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build("one", flags={"target_fps": 10})
    monkeypatch.setenv("BRAINSMITH_NO_CACHE", "1")
    result = build("two", flags={"target_fps": 20})
    assert not any(record["reused"] or record["stored"] for record in steps_of(result))
    assert products(tmp_path / "one" / "artifacts") == products(tmp_path / "two" / "artifacts")


def test_a_build_with_a_damaged_store_makes_again_what_is_gone(build: Build, tmp_path: Path) -> None:
    build("one", flags={"target_fps": 10})
    store = ContentStore(str(tmp_path / "store"))
    for path in [path for path in Path(store.blobs).rglob("*") if path.is_file()]:
        path.chmod(0o644)
        path.write_bytes(b"damaged")
    result = build("two", flags={"target_fps": 20})
    assert result.status is BuildStatus.SUCCESS
    assert products(tmp_path / "one" / "artifacts") == products(tmp_path / "two" / "artifacts")


def test_a_user_s_step_is_restored_until_its_code_changes(build: Build, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    text = "import os\n\ndef mine(model, cfg):\n    with open(os.path.join(cfg.output_dir, 'mine.txt'), 'w') as file:\n"
    text += "        file.write({})\n    return model\n"
    steps = ["tidy_up", "mine.py:mine", "streamline"]
    found: list[list[bool]] = []
    for place, written in (("one", "'a'"), ("two", "'a'"), ("three", "'b'")):
        file.write_text(text.format(written))
        flags = {"target_fps": 10 + len(found)}
        records = steps_of(build(place, flags=flags, build_steps=steps))
        found.append([record["reused"] for record in records])
        assert (tmp_path / place / "artifacts" / "mine.txt").read_text() == written.strip("'")
    assert found == [[False, False, False], [True, True, True], [True, False, True]]
