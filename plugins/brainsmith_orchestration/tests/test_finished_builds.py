from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.build.workspace import Workspace
from brainsmith_core.config import BuildConfig, GlobalConfig, OutputStage
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_orchestration.controller import Controller
from brainsmith_stub.backend import FutureBrainsmithBackend

MakeConfig = Callable[..., BuildConfig]
BuildsIn = Callable[[Path], int]
Held = Any


def run(*configs: BuildConfig, parallel: int = 1) -> list[BuildResult]:
    with Controller(create_build_runner_factory("future_brainsmith"), parallel) as controller:
        return list(controller.run(configs))


def cached(config: BuildConfig) -> bool:
    return run(config)[0].cached


def test_a_finished_build_is_not_built_again(make_config: MakeConfig, tmp_path: Path, builds_in: BuildsIn) -> None:
    (first,) = run(make_config())
    (second,) = run(make_config())
    assert (first.cached, second.cached) == (False, True)
    assert attrs.evolve(second, cached=False) == first
    assert builds_in(tmp_path) == 1


def test_a_failed_build_is_finished_too(make_config: MakeConfig) -> None:
    config = make_config(config_flags={"mock_success_rate": 0})
    assert [result.status for result in run(config)] == [BuildStatus.FAILED]
    (again,) = run(config)
    assert (again.status, again.cached) == (BuildStatus.FAILED, True)


def test_without_cache_results_a_build_is_repeated(make_config: MakeConfig) -> None:
    config = make_config(global_config=GlobalConfig(cache_results=False))
    assert not cached(config)
    assert not cached(config)


def rewrite_result(config: BuildConfig, **changes: object) -> None:
    path = Workspace(Path(config.output_dir)).result
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_cancelled_build_is_built_again(make_config: MakeConfig) -> None:
    config = make_config()
    run(config)
    rewrite_result(config, status="cancelled")
    assert not cached(config)


def test_a_build_that_failed_for_a_passing_reason_is_built_again(make_config: MakeConfig) -> None:
    config = make_config()
    run(config)
    rewrite_result(config, status="failed", error={"category": "licence", "message": "none", "retryable": True})
    assert not cached(config)
    rewrite_result(config, status="failed", error={"category": "synthesis", "message": "no", "retryable": False})
    assert cached(config)


@pytest.mark.parametrize("content", ["", "{", '{"config_id": "a"', "[]", '{"config_id": "a", "status": "great"}'])
@pytest.mark.parametrize("name", ["result.json", "config.json"])
def test_a_damaged_or_half_written_build_is_built_again(make_config: MakeConfig, name: str, content: str) -> None:
    config = make_config()
    run(config)
    (Path(config.output_dir) / name).write_text(content)
    assert not cached(config)
    assert cached(config)


def test_a_build_whose_configuration_is_gone_is_built_again(make_config: MakeConfig) -> None:
    config = make_config()
    run(config)
    (Path(config.output_dir) / "config.json").unlink()
    assert not cached(config)


@pytest.mark.parametrize(
    "change",
    [
        {"config_flags": {"target_fps": 2}},
        {"kernels": [("MatMul", ["hls"])]},
        {"build_steps": ["step_a"]},
        {"global_config": GlobalConfig(output_stage=OutputStage.RTL)},
        {"id": "b"},
    ],
)
def test_another_configuration_in_the_same_folder_is_built(make_config: MakeConfig, change: dict[str, object]) -> None:
    run(make_config())
    assert not cached(attrs.evolve(make_config(), **change))  # type: ignore[arg-type]  # a field at a time


@pytest.mark.parametrize(
    "change",
    [
        {"combination_index": 7, "total_combinations": 9, "design_space_id": "d"},
        {"global_config": GlobalConfig(log_level="DEBUG", working_directory="elsewhere", max_combinations=9)},
        {"global_config": GlobalConfig(timeout_minutes=5, memory_gb=3)},
        {"global_config": GlobalConfig(save_artifacts=False)},
    ],
)
def test_what_does_not_change_the_outcome_leaves_a_build_finished(
    make_config: MakeConfig, change: dict[str, object]
) -> None:
    run(make_config())
    assert cached(attrs.evolve(make_config(), **change))  # type: ignore[arg-type]  # a field at a time


def test_a_build_that_kept_no_artefacts_is_built_again_where_they_are_wanted(make_config: MakeConfig) -> None:
    run(make_config(global_config=GlobalConfig(save_artifacts=False)))
    assert not cached(make_config())


def test_a_build_that_ran_out_of_time_is_built_again_with_another_limit(make_config: MakeConfig) -> None:
    def with_limit(minutes: float) -> BuildConfig:
        limits = GlobalConfig(timeout_minutes=minutes)
        return make_config(config_flags={"mock_build_seconds": 0.2}, global_config=limits)

    assert run(with_limit(0.001))[0].status is BuildStatus.TIMEOUT
    assert cached(with_limit(0.001))
    (again,) = run(with_limit(1))
    assert (again.status, again.cached) == (BuildStatus.SUCCESS, False)


def test_another_model_is_built_and_the_same_one_elsewhere_is_not(
    make_config: MakeConfig, model: Path, tmp_path: Path
) -> None:
    run(make_config())
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(model.read_bytes())
    assert cached(make_config(model_path=str(copy)))
    model.write_bytes(model.read_bytes() + b"\x01")
    assert not cached(make_config())


def test_a_result_of_another_backend_or_version_does_not_count(make_config: MakeConfig) -> None:
    config = make_config()
    run(config)
    data = json.loads(Workspace(Path(config.output_dir)).result.read_text())
    rewrite_result(config, backend="legacy_finn")
    assert not cached(config)
    uses = [{**use, "version": "0.0.1"} for use in data["plugins"]]
    rewrite_result(config, plugins=uses)
    assert not cached(config)


def test_a_result_of_the_same_backend_in_another_shape_does_not_count(make_config: MakeConfig) -> None:
    def run_with(seed: int) -> BuildResult:
        with Controller(lambda: FutureBrainsmithBackend(mock_seed=seed)) as controller:
            (result,) = controller.run([make_config()])
        return result

    assert [run_with(seed).cached for seed in (1, 1, 2, 1)] == [False, True, False, False]


@pytest.mark.parametrize(("error", "told"), [(ZeroDivisionError(), True), (ConfigurationError("no tool"), False)])
def test_a_backend_that_cannot_say_what_it_is_gets_its_build_repeated(
    make_config: MakeConfig, caplog: pytest.LogCaptureFixture, error: Exception, told: bool
) -> None:
    class Shy(FutureBrainsmithBackend):
        def identity(self, config: BuildConfig) -> dict[str, JSONValue]:
            raise error

    built: list[BuildResult] = []
    for _ in range(2):
        with Controller(Shy) as controller:
            built += controller.run([make_config()])
    assert [result.cached for result in built] == [False, False]
    assert ("identity can't be told" in caplog.text) is told


def test_a_result_of_a_runner_that_says_nothing_of_itself_is_taken(
    make_config: MakeConfig, plain: Callable[[Callable[[BuildConfig], Any]], RunnerFactory]
) -> None:
    run(make_config())
    with Controller(plain(lambda _: None)) as controller:
        (result,) = controller.run([make_config()])
    assert result.cached


def test_a_folder_that_was_moved_is_still_finished_and_its_result_says_where_it_lies(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config()
    run(config)
    moved = tmp_path / "moved"
    Path(config.output_dir).rename(moved)
    (result,) = run(attrs.evolve(config, output_dir=str(moved)))
    assert (result.cached, result.output_dir) == (True, str(moved))


def test_the_same_build_twice_in_a_run_is_built_once(
    make_config: MakeConfig, tmp_path: Path, builds_in: BuildsIn
) -> None:
    for parallel in (1, 3):
        folder = tmp_path / f"with {parallel}"
        config = make_config(output_dir=str(folder), config_flags={"mock_build_seconds": 0.02})
        twin = attrs.evolve(config, combination_index=5, total_combinations=6)
        results = run(config, twin, config, parallel=parallel)
        assert sorted(result.cached for result in results) == [False, True, True]
        assert builds_in(folder) == 1


def test_the_same_build_twice_is_built_once_even_without_cache_results(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(global_config=GlobalConfig(cache_results=False))
    results = run(config, config)
    assert [result.cached for result in results] == [False, True]


def test_the_same_build_twice_at_once_takes_two_slots_and_runs_once(make_config: MakeConfig, held: Held) -> None:
    with Controller(held, parallel=2) as controller:
        results = controller.run([make_config("a"), make_config("a"), make_config("b")])
        held.release("a")
        first, second = next(results), next(results)
        assert held.begun == ["a"]
        assert (first.cached, second.cached) == (False, True)
        held.release("b")
        assert next(results).config_id == "b"


def test_two_different_builds_with_one_folder_are_told_apart(make_config: MakeConfig) -> None:
    first = make_config()
    other = attrs.evolve(first, config_flags={"target_fps": 3})
    one, two = run(first, other)
    assert one.succeeded
    assert two.status is BuildStatus.FAILED
    assert "another build of this run has the folder" in (two.error_message or "")


def contents(folder: Path) -> dict[str, bytes]:
    kept = ("artifacts", "backend_specific", "processed_model.onnx")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): path.read_bytes().replace(str(folder).encode(), b"FOLDER")
        for path in files
        if path.relative_to(folder).parts[1] in kept
    }


def test_results_do_not_depend_on_how_many_builds_run_in_parallel(make_config: MakeConfig, tmp_path: Path) -> None:
    def explore(parallel: int) -> tuple[dict[str, object], dict[str, bytes]]:
        folder = tmp_path / f"with {parallel}"
        configs = [
            make_config(
                n,
                output_dir=str(folder / str(n)),
                config_flags={"target_fps": n, "mock_success_rate": 0.7, "mock_build_seconds": 0.001 * (n % 3)},
            )
            for n in range(24)
        ]
        figures: dict[str, object] = {}
        for result in run(*configs, parallel=parallel):
            raw = dict(result.metrics.raw_metrics) if result.metrics else {}
            for name in ("build.wall_s", "prov.config_sha256"):  # times and folders differ
                raw.pop(name, None)
            figures[result.config_id] = (result.status, raw)
        return figures, contents(folder)

    assert explore(1) == explore(4)
