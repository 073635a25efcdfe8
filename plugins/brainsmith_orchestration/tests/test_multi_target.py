from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.cli.app import App
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.result import BuildMetrics, BuildResult, BuildStatus
from brainsmith_orchestration import FPGAPlatformRegistry, MultiTargetBuildManager
from brainsmith_orchestration.multi_target.comparison import OBJECTIVES, CrossPlatformComparison, PlatformRow
from brainsmith_orchestration.platforms_command import command

MakeConfig = Callable[..., BuildConfig]


@pytest.fixture(scope="module")
def plugins() -> PluginManager:
    return PluginManager.discover()


@pytest.fixture
def manager(plugins: PluginManager) -> MultiTargetBuildManager:
    return MultiTargetBuildManager(create_build_runner_factory("future_brainsmith", plugins), plugins=plugins)


def row(name: str, status: BuildStatus = BuildStatus.SUCCESS, simulated: bool = False, **figures: float) -> PlatformRow:
    metrics = BuildMetrics(simulated=simulated, **figures)  # type: ignore[arg-type]  # figures are fields by name
    result = BuildResult(config_id=name, status=status, metrics=metrics, simulated=simulated)
    return PlatformRow(platform=name, clock_ns=None, result=result)


def test_platforms_are_listed_from_the_smallest_on(plugins: PluginManager) -> None:
    found = FPGAPlatformRegistry(plugins).platforms()
    sizes = [each.device.lut or 0 for each in found]
    assert sizes == sorted(sizes)
    assert {"Pynq-Z1", "ZCU104", "U250"} <= {each.name for each in found}


def test_a_platform_is_found_by_board_or_part_in_any_case(plugins: PluginManager) -> None:
    registry = FPGAPlatformRegistry(plugins)
    board, part = registry.find("PYNQ-z1"), registry.find("XC7Z020clg400-1")
    assert (board.name, board.flags(), board.family) == ("Pynq-Z1", {"board": "Pynq-Z1"}, "xc7z020")
    assert (part.name, part.flags()) == ("xc7z020clg400-1", {"fpga_part": "xc7z020clg400-1"})


def test_an_unknown_platform_is_an_error_with_the_nearest_name(plugins: PluginManager) -> None:
    with pytest.raises(ConfigurationError, match="ZCU14") as error:
        FPGAPlatformRegistry(plugins).find("ZCU14")
    assert 'did you mean "ZCU104"?' in str(error.value)


def test_each_platform_is_built_at_each_clock_in_a_folder_of_its_own(
    manager: MultiTargetBuildManager, make_config: MakeConfig, tmp_path: Path
) -> None:
    base = make_config("base", config_flags={"target_fps": 10, "target_device": "U250", "clock_period_ns": 7})
    configs = manager.schedule_multi_platform_build(
        base, ["Pynq-Z1", "xc7z020clg400-1"], clocks_ns=[5, 10], output_dir=tmp_path
    )
    assert [(each.id, each.output_dir) for each in configs] == [
        (name, str(tmp_path / name))
        for name in ("Pynq-Z1-5ns", "Pynq-Z1-10ns", "xc7z020clg400-1-5ns", "xc7z020clg400-1-10ns")
    ]
    assert configs[0].config_flags == {"target_fps": 10, "board": "Pynq-Z1", "synth_clk_period_ns": 5.0}


def test_without_a_clock_that_of_the_configuration_stays(
    manager: MultiTargetBuildManager, make_config: MakeConfig
) -> None:
    base = make_config("base", config_flags={"clock_period_ns": 7, "board": "U250"})
    (config,) = manager.schedule_multi_platform_build(base, ["Pynq-Z1"])
    assert config.id == "Pynq-Z1"
    assert config.config_flags == {"clock_period_ns": 7, "board": "Pynq-Z1"}


@pytest.mark.parametrize(
    ("platforms", "clocks", "message"),
    [
        ([], [], "no platform"),
        (["Pynq-Z1", "pynq-z1"], [], "given twice"),
        (["Pynq-Z1"], [5, 5.0], "given twice"),
        (["Pynq-Z1"], [0], "greater than 0"),
        (["Pynq-Z1"], [float("inf")], "greater than 0"),
        (["Pynq-Z1"], [True], "greater than 0"),
    ],
)
def test_what_cannot_be_built_is_not_scheduled(
    manager: MultiTargetBuildManager, platforms: list[str], clocks: list[float], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        manager.schedule_multi_platform_build("model.onnx", platforms, clocks_ns=clocks)
    assert manager.schedule_multi_platform_build("model.onnx", ["Pynq-Z1"], clocks_ns=[5])


def test_all_scheduled_builds_are_built_and_compared_in_their_order(
    manager: MultiTargetBuildManager, make_config: MakeConfig, tmp_path: Path
) -> None:
    manager.schedule_multi_platform_build(make_config("base"), ["ZCU104", "Pynq-Z1"], output_dir=tmp_path)
    results = list(manager.execute())
    comparison = manager.aggregate_cross_platform_results(reversed(results))
    assert [each.platform for each in comparison.rows] == ["ZCU104", "Pynq-Z1"]
    assert all(each.result.succeeded for each in comparison.rows)
    assert comparison.simulated
    best = comparison.best("throughput")
    assert best is not None
    assert best.value("throughput") == max(each.value("throughput") or 0 for each in comparison.rows)


def test_foreign_and_doubled_results_are_refused(manager: MultiTargetBuildManager) -> None:
    manager.schedule_multi_platform_build("model.onnx", ["Pynq-Z1"])
    result = BuildResult(config_id="Pynq-Z1")
    with pytest.raises(ConfigurationError, match="not scheduled"):
        manager.aggregate_cross_platform_results([BuildResult(config_id="other")])
    with pytest.raises(ConfigurationError, match="two results"):
        manager.aggregate_cross_platform_results([result, result])


@given(st.lists(st.none() | st.floats(min_value=0, max_value=1e6)))
def test_the_longest_expected_go_first_and_unknown_ones_before_all(seconds: list[float | None]) -> None:
    configs = [BuildConfig(id=str(n), model_path="m", output_dir="o") for n in range(len(seconds))]
    manager = MultiTargetBuildManager()
    ordered = manager.optimize_build_order(configs, lambda config: seconds[int(config.id)])
    found = [seconds[int(config.id)] for config in ordered]
    known = [each for each in found if each is not None]
    assert found == [None] * (len(found) - len(known)) + sorted(known, reverse=True)
    assert sorted(config.id for config in ordered) == sorted(config.id for config in configs)


def test_how_long_a_build_takes_is_known_from_its_folder(
    manager: MultiTargetBuildManager, make_config: MakeConfig, tmp_path: Path
) -> None:
    base = make_config("base", config_flags={"mock_build_seconds": 0.01})
    configs = manager.schedule_multi_platform_build(base, ["ZCU104", "Pynq-Z1", "U250"], output_dir=tmp_path)
    list(manager.execute())
    (tmp_path / "U250" / "result.json").write_text("no json")
    assert manager.optimize_build_order(configs)[0].id == "U250"


def test_what_does_not_fit_or_failed_is_never_the_best() -> None:
    rows = [
        row("too big", throughput=100, lut_utilization=1.2, dsp_utilization=0.1),
        row("failed", BuildStatus.FAILED, throughput=90),
        row("good", throughput=50, lut_utilization=0.3),
        row("as good", throughput=50),
    ]
    comparison = CrossPlatformComparison(rows=rows)
    best = comparison.best("throughput")
    assert best is not None
    assert best.platform == "good"
    assert [each.fits for each in rows] == [False, None, True, None]
    assert [each.tightest for each in rows] == ["lut", "", "lut", ""]
    assert comparison.best("total_power") is None


def test_simulated_figures_never_win_over_measured_ones() -> None:
    rows = [row("simulated", simulated=True, latency=1), row("measured", latency=9)]
    best = CrossPlatformComparison(rows=rows).best("latency")
    assert best is not None
    assert best.platform == "measured"


def test_an_unknown_objective_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match='did you mean "latency"'):
        CrossPlatformComparison(rows=[]).best("latencies")


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, arguments, obj=App(), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value or 0, done.stdout


def test_the_command_lists_boards() -> None:
    code, text = run("list", "--json")
    boards = {each["name"]: each for each in json.loads(text)["platforms"]}
    assert code == 0
    assert boards["Pynq-Z1"]["lut"] == 53200
    assert "ZCU104" in run("list")[1]


def test_the_command_builds_and_compares(make_config: MakeConfig, tmp_path: Path) -> None:
    model = make_config("base").model_path
    arguments = ["build", model, "--on", "Pynq-Z1", "--on", "ZCU104", "--clock", "5"]
    arguments += ["--backend", "future_brainsmith", "--output", str(tmp_path / "out")]
    code, text = run(*arguments, "--json")
    document = json.loads(text)
    assert code == 0
    assert [each["config_id"] for each in document["rows"]] == ["Pynq-Z1-5ns", "ZCU104-5ns"]
    assert document["simulated"]
    assert set(document["best"]) == set(OBJECTIVES)
    again = run(*arguments)[1]
    assert "simulated" in again
    assert "best throughput" in again


def test_the_command_fails_if_a_build_does(make_config: MakeConfig, tmp_path: Path) -> None:
    file = tmp_path / "build.yaml"
    flags = {"mock_success_rate": 0.0}
    file.write_text(json.dumps({"model_path": make_config("base").model_path, "config_flags": flags}))
    code, text = run("build", str(file), "--on", "Pynq-Z1", "--backend", "future_brainsmith")
    assert code == 1
    assert "failed" in text
