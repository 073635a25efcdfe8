from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.runner import BuildRunner
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult
from brainsmith_dse.explorer import explore
from brainsmith_dse.hooks import CachingHook, ExplorationHook, LoggingHook
from brainsmith_dse.search import SearchConfig
from brainsmith_dse.space import DesignSpace

MakeSpace = Callable[..., DesignSpace]
FPS = {"target_fps": {"values": [100, 200, 300]}}


class Noting(ExplorationHook):
    """Notes what it is called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def on_exploration_start(self, design_space: Any, exploration_results: Any) -> None:
        self.calls.append(("start", design_space.name, exploration_results.evaluated_count))
        assert exploration_results.run_id.startswith("run_")

    def on_combinations_generated(self, configs: Any) -> None:
        self.calls.append(("combinations", len(configs), configs[0].config_flags["target_fps"]))

    def on_build_complete(self, config: Any, result: Any) -> None:
        assert config.id == result.config_id
        self.calls.append(("build", config.config_flags["target_fps"], result.status.value, result.cached))

    def on_exploration_complete(self, exploration_results: Any) -> None:
        best = exploration_results.best_config
        self.calls.append(("complete", exploration_results.success_count, best.config_flags["target_fps"]))


def test_a_hook_is_called_at_every_turning_point(make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path) -> None:
    hook = Noting()
    explore(make_space(FPS), factory, [hook], output_dir=tmp_path / "out")
    assert hook.calls == [
        ("start", "space", 0),
        ("combinations", 3, 100),
        ("build", 100, "success", False),
        ("build", 200, "success", False),
        ("build", 300, "success", False),
        ("complete", 3, 300),
    ]


def test_a_hook_also_hears_of_what_was_finished_before(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    explore(make_space({"target_fps": 200}), factory, output_dir=tmp_path / "out")
    hook = Noting()
    explore(make_space(FPS), factory, [hook], output_dir=tmp_path / "out")
    assert ("build", 200, "success", True) in hook.calls
    assert sum(call[0] == "build" for call in hook.calls) == 3


def test_a_hook_that_raises_is_left_out_and_the_user_is_told(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Noting):
        def on_build_complete(self, config: Any, result: Any) -> None:
            self.calls.append(("build",))
            raise OSError("disk full")

    broken, good = Broken(), Noting()
    results = explore(make_space(FPS), factory, [broken, good], output_dir=tmp_path / "out")
    assert results.success_count == 3
    assert broken.calls.count(("build",)) == 1
    assert len(good.calls) == 6
    assert results.warnings == ["the hook Broken is left out: on_build_complete raised OSError: disk full"]
    assert "Traceback" in caplog.text


def test_a_plain_hook_does_nothing(make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path) -> None:
    assert explore(make_space(FPS), factory, [ExplorationHook()], output_dir=tmp_path / "out").success_count == 3


def test_the_logging_hook_tells_the_story_in_a_file(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    flags = {"target_fps": {"values": [100, 200]}, "fail": {"values": [True, False]}}
    log = tmp_path / "exploration.log"
    explore(make_space(flags), factory, [LoggingHook(log_file=log)], output_dir=tmp_path / "out")
    text = log.read_text()
    assert "exploring space" in text
    assert "4 configurations selected" in text
    assert text.count("WARNING cfg_") == 2
    assert "as asked for" in text
    assert "4/4 done: 2 succeeded, 2 failed" in text
    assert "4 combinations: 2 succeeded, 2 failed" in text


def test_the_logging_hook_writes_to_stderr_and_keeps_to_its_level(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = make_space(FPS)
    explore(space, factory, [LoggingHook("WARNING")], output_dir=tmp_path / "out")
    assert capsys.readouterr() == ("", "")
    explore(space, factory, [LoggingHook()], output_dir=tmp_path / "out")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("success finished before") == 3


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def test_the_caching_hook_keeps_each_result_once_in_the_explorations_folder(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    runs = [explore(make_space(FPS), factory, [CachingHook()], output_dir=out) for _ in range(3)]
    assert all((results.success_count, results.evaluated_count) == (3, 3) for results in runs)
    assert len(lines(out / "exploration_cache.jsonl")) == 3
    summary = json.loads((out / "exploration_summary.json").read_text())
    assert (summary["succeeded"], summary["cached"], summary["total"]) == (3, 3, 3)
    assert runs[-1].best_config is not None
    assert summary["best"] == runs[-1].best_config.id


def test_a_shared_cache_spares_the_builds_of_another_exploration(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    cache = tmp_path / "cache"
    first = explore(make_space({"target_fps": 200}), factory, [CachingHook(cache)], output_dir=tmp_path / "a")
    results = explore(make_space(FPS), factory, [CachingHook(cache)], output_dir=tmp_path / "b")
    assert (results.success_count, results.cached_count) == (3, 1)
    assert len(backend.built) == 3
    assert first.best_config is not None
    spared = results.get_result(first.best_config.id)
    assert spared is not None
    assert spared.output_dir == str(tmp_path / "a" / "builds" / first.best_config.id)
    assert len(lines(cache / "exploration_cache.jsonl")) == 3
    assert set(CachingHook(cache).load()) == {result.config_id for result in results.evaluations}


def test_failures_and_results_of_another_backend_or_version_spare_nothing(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any, plugins: Any
) -> None:
    cache = tmp_path / "cache"
    explore(make_space({"fail": True}), factory, [CachingHook(cache)], output_dir=tmp_path / "a")
    explore(make_space({"fail": True}), factory, [CachingHook(cache)], output_dir=tmp_path / "b")
    explore(make_space({}), factory, [CachingHook(cache)], output_dir=tmp_path / "c")
    assert len(backend.built) == 3
    plugins.backend("counting").plugin.version = "2.0"
    explore(make_space({}), factory, [CachingHook(cache)], output_dir=tmp_path / "d")
    assert len(backend.built) == 4


def test_without_cache_results_the_cache_spares_nothing(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    from brainsmith_core.config import GlobalConfig

    cache = tmp_path / "cache"
    explore(make_space(FPS), factory, [CachingHook(cache)], output_dir=tmp_path / "a")
    again = make_space(FPS, global_config=GlobalConfig(cache_results=False))
    explore(again, factory, [CachingHook(cache)], output_dir=tmp_path / "a")
    assert len(backend.built) == 6


def test_a_line_that_was_cut_off_is_no_result_and_harms_no_other(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, caplog: pytest.LogCaptureFixture, backend: Any
) -> None:
    cache = tmp_path / "cache"
    explore(make_space(FPS), factory, [CachingHook(cache)], output_dir=tmp_path / "a")
    file = cache / "exploration_cache.jsonl"
    file.write_bytes(file.read_bytes()[:-40])
    results = explore(make_space(FPS), factory, [CachingHook(cache)], output_dir=tmp_path / "b")
    assert "line 3" in caplog.text
    assert results.cached_count == 2
    assert len(backend.built) == 4
    assert len(CachingHook(cache).load()) == 3


def test_a_cancelled_build_isnt_kept(tmp_path: Path, make_space: MakeSpace) -> None:
    from brainsmith_core.config import BuildConfig
    from brainsmith_core.result import BuildStatus

    hook = CachingHook(tmp_path)
    config = BuildConfig(id="a", model_path="m", output_dir="o")
    hook.on_build_complete(config, BuildResult(config_id="a", status=BuildStatus.CANCELLED))
    assert hook.load() == {}


def test_a_hook_may_give_what_is_no_result(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    class Odd(ExplorationHook):
        def find_result(self, config: Any) -> Any:
            return {"status": "success"}

    explore(make_space(FPS), factory, [Odd()], output_dir=tmp_path / "out")
    assert len(backend.built) == 3


def test_a_search_with_budget_tells_hooks_only_of_what_it_builds(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    hook = Noting()
    search = SearchConfig(max_evaluations=2)
    explore(make_space(FPS, search_config=search), factory, [hook], output_dir=tmp_path / "out")
    assert ("combinations", 2, 100) in hook.calls
    assert isinstance(factory(), BuildRunner)
