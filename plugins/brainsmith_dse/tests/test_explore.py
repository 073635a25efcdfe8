from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.runner import BuildRunnerInterface, create_build_runner_factory
from brainsmith_core.config import BuildConfig, GlobalConfig, OutputStage, ProcessingStep
from brainsmith_core.errors import BuildCancelledError, ConfigurationError
from brainsmith_core.executor import RunnerFactory
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_dse import explore
from brainsmith_dse.exploration_folder import default_output_dir
from brainsmith_dse.hooks import ExplorationHook
from brainsmith_dse.report import csv_rows
from brainsmith_dse.results import ExplorationResults
from brainsmith_dse.search import Objective, SearchConfig, SearchStrategy
from brainsmith_dse.space import DesignSpace, HWCompilerSpace

MakeSpace = Callable[..., DesignSpace]
FPS = {"target_fps": {"values": [100, 200, 300, 400]}}


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def front_fps(results: ExplorationResults) -> list[Any]:
    return [config.config_flags["target_fps"] for config in results.pareto_optimal]


def test_an_exploration_builds_everything_and_writes_it_down(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    space = make_space({**FPS, "fail": {"values": [False, True]}}, description="all there is")
    results = explore(space, factory, output_dir=out)
    assert (results.total_combinations, results.success_count, results.failure_count) == (8, 4, 4)
    assert results.end_time is not None
    assert results.end_time >= results.start_time
    record = json.loads((out / "exploration.json").read_text())
    assert record["run"] == results.run_id
    assert record["backend"] == {
        "name": "counting",
        "distribution": "counting",
        "version": "1.0",
        "simulated": False,
    }
    assert (record["selected"], record["total_combinations"], record["runs"]) == (8, 8, 1)
    assert record["axes"] == {"target_fps": [100, 200, 300, 400], "fail": [False, True]}
    written = json.loads((out / "results.json").read_text())
    assert written["counts"] == {"total": 8, "succeeded": 4, "failed": 4, "skipped": 0, "cached": 0}
    assert written["best"] == written["pareto"][0]
    assert written["metrics_summary"]["util.lut"]["max"] == 40
    pareto = json.loads((out / "pareto.json").read_text())
    assert pareto["simulated"] is False
    assert [point["objectives"] for point in pareto["points"]] == [
        {"throughput": fps, "util.lut": fps // 10} for fps in (400.0, 300.0, 200.0, 100.0)
    ]
    for point in pareto["points"]:
        assert Path(point["output_dir"], "result.json").is_file()


def test_the_csv_has_a_row_for_each_build_and_an_empty_cell_for_what_is_missing(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    flags = {"target_fps": 100, "no_lut": {"values": [False, True]}, "fail": {"values": [False, True]}}
    hardware = HWCompilerSpace(config_flags=flags, kernels=["A"], transforms={"s": ["t", "u"]})
    explore(
        make_space(hw_compiler_space=hardware, targets=[{"board": "X", "clock_ns": 4}]),
        factory,
        output_dir=tmp_path / "out",
    )
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    good, failed, without, _ = rows
    assert (good["status"], good["util.lut"], good["flag.no_lut"]) == ("success", "10.0", "false")
    assert (good["target.board"], good["target.clock_ns"], good["kernels"]) == ("X", "4.0", "A(*)")
    assert (good["transforms.s"], good["pareto"], good["best"]) == ("t u", "true", "true")
    assert (without["util.lut"], without["throughput"], without["pareto"]) == ("", "100.0", "false")
    assert (failed["status"], failed["throughput"], failed["error"]) == ("failed", "", "as asked for")


def test_what_is_finished_is_never_built_again_and_never_counted_twice(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    out = tmp_path / "out"
    first = explore(make_space({**FPS, "fail": {"values": [False, True]}}), factory, output_dir=out)
    again = explore(make_space({**FPS, "fail": {"values": [False, True]}}), factory, output_dir=out)
    assert len(backend.built) == 8
    assert (again.success_count, again.failure_count, again.cached_count) == (4, 4, 8)
    assert again.run_id == first.run_id
    assert [each.config_id for each in again.evaluations] == [each.config_id for each in first.evaluations]
    assert all(each.cached for each in again.evaluations)


def test_a_space_with_more_points_builds_only_those(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    out = tmp_path / "out"
    explore(make_space({"target_fps": {"values": [100, 300]}}), factory, output_dir=out)
    results = explore(make_space(FPS), factory, output_dir=out)
    assert len(backend.built) == 4
    assert results.cached_count == 2
    assert [c.config_flags["target_fps"] for c in map(results.get_config, backend.built[2:]) if c] == [200, 400]


def test_a_half_built_point_is_built_again(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    out = tmp_path / "out"
    first = explore(make_space(FPS), factory, output_dir=out)
    (out / "builds" / first.evaluations[1].config_id / "result.json").write_text('{"config_id": ')
    (out / "builds" / first.evaluations[2].config_id / "result.json").unlink()
    again = explore(make_space(FPS), factory, output_dir=out)
    assert (again.success_count, again.cached_count, len(backend.built)) == (4, 2, 6)


def test_failed_builds_are_tried_again_if_asked_for(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    space = make_space({"target_fps": 100, "fail": {"values": [False, True]}})
    explore(space, factory, output_dir=tmp_path / "out")
    explore(space, factory, output_dir=tmp_path / "out", retry_failed=True)
    assert len(backend.built) == 3
    assert backend.built[1] == backend.built[2]


def test_without_cache_results_everything_is_built_again(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    space = make_space(FPS, global_config=GlobalConfig(cache_results=False))
    for _ in range(2):
        assert explore(space, factory, output_dir=tmp_path / "out").cached_count == 0
    assert len(backend.built) == 8


def test_one_wrong_configuration_stops_everything_before_anything_is_written(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    def check(config: BuildConfig) -> None:
        if config.config_flags["target_fps"] == 400:
            raise ConfigurationError("too fast")

    backend.validate = check
    with pytest.raises(ConfigurationError, match="too fast"):
        explore(make_space(FPS), factory, output_dir=tmp_path / "out")
    assert backend.built == []
    assert not (tmp_path / "out").exists()


def test_an_unknown_flag_or_stage_stops_everything_before_anything_is_written(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match='there is no flag "target_fsp"'):
        explore(make_space({"target_fsp": 1}), factory, output_dir=tmp_path / "out")
    bitfile = GlobalConfig(output_stage=OutputStage.BITFILE)
    with pytest.raises(ConfigurationError, match="can't reach the stage bitfile"):
        explore(make_space(FPS, global_config=bitfile), factory, output_dir=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_finished_isnt_checked_again(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    explore(make_space({"target_fps": {"values": [100, 200]}}), factory, output_dir=tmp_path / "out")
    backend.checked.clear()
    explore(make_space({"target_fps": {"values": [100, 200]}}), factory, output_dir=tmp_path / "out")
    assert backend.checked == []


def test_two_files_of_the_same_content_are_one_design_given_twice(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    backend.flags = ("a_file",)
    for name in "xy":
        (tmp_path / name).write_text("same")
    space = make_space({"a_file": {"values": [str(tmp_path / name) for name in "xy"]}})
    with pytest.raises(ConfigurationError, match=r"the same design: a_file: .*/x and .*/y"):
        explore(space, factory, output_dir=tmp_path / "out")


def test_too_many_combinations_are_refused(make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path) -> None:
    space = make_space(FPS, global_config=GlobalConfig(max_combinations=3))
    with pytest.raises(ConfigurationError, match="4 combinations are more than the 3 allowed"):
        explore(space, factory, output_dir=tmp_path / "out")


def test_results_dont_depend_on_how_many_builds_run_at_once(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    def figures(parallel: int) -> list[Any]:
        space = make_space(FPS, search_config=SearchConfig(parallel_builds=parallel))
        results = explore(space, factory, output_dir=tmp_path / f"out{parallel}")
        fps = [result.metrics.throughput for result in results.evaluations if result.metrics]
        return [fps, front_fps(results), [result.config_id for result in results.evaluations]]

    assert figures(1) == figures(4)


def test_a_random_search_goes_on_in_its_order(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    flags = {"target_fps": {"range": {"from": 1, "to": 1000, "step": 1}}}

    def run(count: int) -> ExplorationResults:
        search = SearchConfig(strategy=SearchStrategy.RANDOM, max_evaluations=count, seed=3)
        return explore(make_space(flags, search_config=search), factory, output_dir=tmp_path / "out")

    assert (run(3).evaluated_count, run(3).cached_count, len(backend.built)) == (3, 3, 3)
    results = run(5)
    assert (results.evaluated_count, results.cached_count, results.skipped_count) == (5, 3, 995)
    assert len(set(backend.built)) == len(backend.built) == 5


def test_when_the_time_is_over_the_rest_isnt_built_and_the_next_run_goes_on(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    def take_long(context: Any) -> None:
        if len(backend.built) == 2:
            deadline = time.monotonic() + 30
            while not context.stop.is_set() and time.monotonic() < deadline:
                time.sleep(0.01)
            context.check_stop()

    backend.on_build = take_long
    limited = make_space(FPS, search_config=SearchConfig(timeout_minutes=0.4 / 60))
    results = explore(limited, factory, output_dir=tmp_path / "out")
    assert (results.success_count, results.failure_count, results.skipped_count) == (1, 0, 3)
    assert [each.status for each in results.evaluations] == [BuildStatus.SUCCESS, BuildStatus.CANCELLED]
    assert "2 configurations weren't built" in results.warnings[0]
    results = explore(make_space(FPS), factory, output_dir=tmp_path / "out")
    assert (results.success_count, results.cached_count, len(backend.built)) == (4, 1, 5)


def test_a_folder_of_another_backend_or_of_something_else_isnt_touched(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    explore(make_space(FPS), factory, output_dir=tmp_path / "out")
    before = tree(tmp_path / "out")
    stub = create_build_runner_factory("future_brainsmith")
    with pytest.raises(ConfigurationError, match="by the backend counting, not future_brainsmith"):
        explore(make_space(FPS), stub, output_dir=tmp_path / "out")
    assert tree(tmp_path / "out") == before
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("x")
    with pytest.raises(ConfigurationError, match=r"holds thesis\.txt, which is no part of an exploration"):
        explore(make_space(FPS), factory, output_dir=tmp_path / "home")
    with pytest.raises(ConfigurationError, match="is a file"):
        explore(make_space(FPS), factory, output_dir=tmp_path / "home" / "thesis.txt")
    assert tree(tmp_path / "home") == ["thesis.txt"]


def test_a_folder_that_cant_be_written_is_refused(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="can't be written"):
        explore(make_space(FPS), factory, output_dir=tmp_path / "file" / "out")
    assert backend.built == []


def test_a_folder_that_goes_bad_during_the_exploration_is_an_error_without_a_traceback(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    backend.on_build = lambda context: (tmp_path / "out" / "results.json").mkdir(exist_ok=True)
    with pytest.raises(ConfigurationError, match=r"out can't be written: .*irectory") as caught:
        explore(make_space(FPS), factory, output_dir=tmp_path / "out")
    assert caught.value.category == "disk"
    assert len(backend.built) == 4


def test_a_row_of_the_csv_tells_the_processing_steps_too() -> None:
    steps = [
        ProcessingStep(name="cut", type="preprocessing", parameters={"bits": 4}),
        ProcessingStep(name="fold", type="preprocessing", enabled=False),
    ]
    results = ExplorationResults(design_space_id="d", total_combinations=2)
    results.add_config(BuildConfig(id="a", model_path="m", output_dir="o", preprocessing=steps))
    results.add_result(BuildResult(config_id="a", status=BuildStatus.SUCCESS))
    results.add_result(BuildResult(config_id="unknown", status=BuildStatus.SUCCESS))
    known, unknown = csv_rows(results)
    assert (known["preprocessing.cut"], known["preprocessing.fold"]) == ('{"bits":4}', "off")
    assert (unknown["config_id"], unknown["preprocessing.cut"]) == ("unknown", "")


def test_two_explorations_cant_work_in_one_folder(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    refused: list[str] = []

    def explore_inside(context: Any) -> None:
        backend.on_build = lambda _: None
        try:
            explore(make_space({"target_fps": 999}), factory, output_dir=tmp_path / "out")
        except ConfigurationError as error:
            refused.append(error.message)

    backend.on_build = explore_inside
    assert explore(make_space(FPS), factory, output_dir=tmp_path / "out").success_count == 4
    assert "is in use" in refused[0]


def test_an_exploration_goes_on_from_its_folder(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    explore(make_space({"target_fps": {"values": [100, 300]}}), factory, output_dir=tmp_path / "out")
    results = explore(make_space(FPS), factory, resume_from=tmp_path / "out")
    assert (results.output_dir, results.cached_count) == (str(tmp_path / "out"), 2)
    with pytest.raises(ConfigurationError, match="no exploration to go on with"):
        explore(make_space(FPS), factory, resume_from=tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="but output_dir is"):
        explore(make_space(FPS), factory, resume_from=tmp_path / "out", output_dir=tmp_path / "other")


def test_an_exploration_goes_on_after_a_configuration(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path, backend: Any
) -> None:
    out = tmp_path / "out"
    ids = [each.config_id for each in explore(make_space(FPS), factory, output_dir=tmp_path / "all").evaluations]
    backend.built.clear()
    explore(make_space({"target_fps": 100}), factory, output_dir=out)
    results = explore(make_space(FPS), factory, resume_from=ids[1], output_dir=out)
    assert backend.built == [ids[0], ids[2], ids[3]]
    assert (results.success_count, results.cached_count, results.skipped_count) == (3, 1, 1)


def test_a_runner_with_nothing_but_the_interface_will_do(make_space: MakeSpace, tmp_path: Path) -> None:
    class Plain(BuildRunnerInterface):
        def run(self, config: BuildConfig) -> BuildResult:
            return BuildResult(config_id=config.id, status=BuildStatus.SUCCESS)

        def get_backend_name(self) -> str:
            return "plain"

        def get_supported_output_stages(self) -> list[OutputStage]:
            return list(OutputStage)

    results = explore(make_space(FPS), Plain, output_dir=tmp_path / "out")
    assert results.success_count == 4
    assert json.loads((tmp_path / "out" / "exploration.json").read_text())["backend"]["name"] == "Plain"


def test_the_default_folder_stays_the_same_when_points_are_inserted(make_space: MakeSpace, tmp_path: Path) -> None:
    settings = GlobalConfig(working_directory=str(tmp_path))
    folder = default_output_dir(make_space(FPS, name="my net/v 1", global_config=settings))
    assert folder == tmp_path / "my-net-v-1"
    assert default_output_dir(make_space({"a": 1}, name="my net/v 1", global_config=settings)) == folder
    assert default_output_dir(make_space(name="..", global_config=settings)) == tmp_path / "exploration"


def test_a_damaged_record_is_an_error_with_its_path(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    explore(make_space(FPS), factory, output_dir=tmp_path / "out")
    (tmp_path / "out" / "exploration.json").write_text('{"run": 7}')
    with pytest.raises(ConfigurationError, match=r"exploration\.json"):
        explore(make_space(FPS), factory, output_dir=tmp_path / "out")


def test_the_program_of_the_design_document_runs(model: Path, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    from brainsmith_core import create_build_runner_factory
    from brainsmith_dse import CachingHook, LoggingHook, explore, forge

    monkeypatch.chdir(tmp_path)
    Path("blueprint.yaml").write_text(
        'version: "3.0"\nname: seed\nhw_compiler: {config_flags: {target_fps: {values: [1, 2]}}}\n'
    )
    design_space = forge("model.onnx", "blueprint.yaml")
    build_runner_factory = create_build_runner_factory("future_brainsmith")
    results = explore(design_space, build_runner_factory, hooks=[LoggingHook(), CachingHook()])
    print(f"Completed {results.evaluated_count} builds")
    print(f"Success rate: {results.success_count / results.evaluated_count:.1%}")
    assert results.best_config is not None
    print(f"Best config: {results.best_config.id}")
    assert "Completed 2 builds\nSuccess rate: 100.0%\nBest config: cfg_" in capsys.readouterr().out
    assert (tmp_path / "builds" / "seed" / "exploration_cache.jsonl").is_file()


def test_other_objectives_have_another_front(make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path) -> None:
    search = SearchConfig(objectives=[Objective("latency", "minimize")])
    results = explore(make_space(FPS, search_config=search), factory, output_dir=tmp_path / "out")
    assert front_fps(results) == [400]


SCRIPT = """
import sys, time
from pathlib import Path
from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_dse import forge, explore, ExplorationHook

class Say(ExplorationHook):
    def on_build_complete(self, config, result):
        print(result.status.value, flush=True)

space = forge(None, "blueprint.yaml")
explore(space, create_build_runner_factory("future_brainsmith"), [Say()], output_dir="out")
"""

SLOW = """\
name: slow
search: {objectives: [throughput]}
hw_compiler:
  config_flags:
    n: {range: {from: 1, to: 30, step: 1}}
    mock_build_seconds: 0.2
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_exploration_that_is_ended_from_outside_goes_on_where_it_stopped(
    write_blueprint: Callable[..., Path], tmp_path: Path, number: int
) -> None:
    write_blueprint(SLOW)
    argv = [sys.executable, "-c", SCRIPT]
    process = subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    done = [process.stdout.readline().strip() for _ in range(3)]
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert process.returncode != 0
    done += [line for line in out.split() if line == "success"]
    finished = list((tmp_path / "out" / "builds").glob("*/result.json"))
    succeeded = sum(json.loads(path.read_text())["status"] == "success" for path in finished)
    assert succeeded >= len(done) >= 3
    if number != signal.SIGKILL:
        assert BuildCancelledError.__name__ in err
        counts = json.loads((tmp_path / "out" / "results.json").read_text())["counts"]
        assert counts == {"total": 30, "succeeded": len(done), "failed": 0, "skipped": 30 - len(done), "cached": 0}
    write_blueprint(SLOW.replace("to: 30", "to: 5"))
    subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    counts = json.loads((tmp_path / "out" / "results.json").read_text())["counts"]
    assert counts == {"total": 5, "succeeded": 5, "failed": 0, "skipped": 0, "cached": min(5, succeeded)}


def test_a_model_that_changes_during_the_exploration_ends_it(
    make_space: MakeSpace, factory: RunnerFactory, tmp_path: Path
) -> None:
    space = make_space(FPS)

    class Meddler(ExplorationHook):
        def on_build_complete(self, config: BuildConfig, result: BuildResult) -> None:
            model = Path(space.model_path)
            model.write_bytes(model.read_bytes() + b"changed")

    results = explore(space, factory, [Meddler()], output_dir=tmp_path / "out")
    statuses = [result.status for result in results.evaluations]
    assert statuses == [BuildStatus.SUCCESS, BuildStatus.FAILED]
    failed = results.evaluations[1]
    assert failed.error is not None
    assert failed.error.category == "configuration"
    assert "was changed during the exploration" in failed.error.message
    assert failed.metrics is None
