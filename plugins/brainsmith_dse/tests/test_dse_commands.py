from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.build.runner import create_build_runner_factory, default_plugins
from brainsmith_core.cli.main import run
from brainsmith_dse.validation import validate_blueprint

TEXT = """\
name: small
targets:
  - {board: [Pynq-Z1, Ultra96], clock_mhz: [100, 200]}
hw_compiler:
  kernels: [[Gemm, [rtl, hls]]]
  config_flags:
    target_fps: {values: [1000, 2000000]}
search:
  objectives: [throughput, lut_utilization]
  parallel_builds: 2
"""


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run the command line in an empty working directory; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            run(arguments)
        out, err = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, out, err

    return invoke


@pytest.fixture
def blueprint(write_blueprint: Callable[..., Path]) -> Path:
    return write_blueprint(TEXT)


STUB = ("--backend", "future_brainsmith")


def test_explore_prints_the_front_and_where_everything_was_written(call: Any, blueprint: Path, tmp_path: Path) -> None:
    code, out, err = call("explore", str(blueprint), *STUB, "--output", "out")
    assert code == 0
    assert "Pareto front (throughput up, lut_utilization down): " in out
    assert "16 simulated designs" in out
    assert "16 combinations: 16 succeeded" in out
    assert f"written to {tmp_path / 'out'}: results.csv, results.json, pareto.json, builds/<id>/" in out
    assert all(len(line) <= 120 for line in out.splitlines() if "written to" not in line)
    assert "16/16 done: 16 succeeded" in err
    heading = next(line for line in out.splitlines() if "frames/s" in line)
    for title in ("configuration", "device", "MHz", "target_fps", "kernel 1", "lat. µs", "LUT", "BRAM18", "DSP"):
        assert title in heading


def test_explore_as_json_prints_one_document_of_the_documented_form(call: Any, blueprint: Path, tmp_path: Path) -> None:
    code, out, _ = call("explore", str(blueprint), *STUB, "--output", "out", "--json")
    document = json.loads(out)
    assert code == 0
    assert set(document) == {"run", "output_dir", "counts", "best", "pareto", "results", "seconds"}
    assert document["counts"] == {"total": 16, "succeeded": 16, "failed": 0, "skipped": 0, "cached": 0}
    assert document["output_dir"] == str(tmp_path / "out")
    assert len(document["results"]) == 16
    keys = {"config_id", "flags", "target", "status", "metrics", "cached", "output_dir", "error"}
    assert all(set(result) == keys for result in document["results"])
    first = document["results"][0]
    assert first["flags"] == {"board": "Pynq-Z1", "synth_clk_period_ns": 10.0, "target_fps": 1000}
    assert first["target"] == {"board": "Pynq-Z1", "clock_ns": 10.0}
    assert (first["status"], first["cached"], first["error"]) == ("success", False, None)
    assert first["metrics"]["simulated"] is True
    assert document["best"] == document["pareto"][0]
    assert {*document["pareto"]} <= {result["config_id"] for result in document["results"]}


def test_a_failed_build_gives_exit_code_1_and_its_reason(call: Any, write_blueprint: Callable[..., Path]) -> None:
    path = write_blueprint("hw_compiler: {config_flags: {mock_success_rate: 0.0, mock_seed: {values: [1, 2]}}}\n")
    code, out, _ = call("explore", str(path), *STUB)
    assert code == 1
    assert "2 combinations: 0 succeeded, 2 failed" in out
    assert "failed: 2 unknown" in out
    assert "mock failure" in out
    assert "Pareto front: empty" in out
    code, out, _ = call("explore", str(path), *STUB, "--json")
    results = json.loads(out)["results"]
    assert (code, results[0]["error"]["category"], results[0]["cached"]) == (1, "unknown", True)
    assert results[0]["metrics"] == {}


def test_warnings_are_shown(call: Any, write_blueprint: Callable[..., Path]) -> None:
    path = write_blueprint(TEXT + "  constraints: [{metric: latency, operator: <, value: 0}]\n")
    code, out, _ = call("explore", str(path), *STUB)
    assert code == 0
    assert "warning: no successful build meets all constraints" in out
    assert "constraints not met by 16 successful builds" in out


def test_many_builds_are_worth_a_warning(call: Any, write_blueprint: Callable[..., Path]) -> None:
    text = "hw_compiler: {config_flags: {a: {range: {from: 1, to: 1001, step: 1}}}}\n"
    code, out, err = call("plan", str(write_blueprint(text)))
    assert (code, "warning: 1,001 combinations will be built" in out) == (0, True)
    assert "..., 1001" in out
    code, out, err = call("explore", str(write_blueprint(text)), *STUB, "--limit", "1")
    assert "will be built" not in err
    assert "1 succeeded, 1,000 not built" in out


def test_explore_warns_of_many_builds_before_it_starts(
    call: Any, blueprint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brainsmith_dse.forge_api._MANY", 10)
    _, _, err = call("explore", str(blueprint), *STUB)
    assert err.startswith("warning: 16 combinations will be built")


def test_an_interrupted_exploration_ends_with_exit_code_130_and_says_what_to_do(
    write_blueprint: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_blueprint(
        "hw_compiler: {config_flags: {mock_build_seconds: 0.2, n: {range: {from: 1, to: 99, step: 1}}}}\n"
    )
    program = "from brainsmith_core.cli.main import run; run()"
    argv = [sys.executable, "-c", program, "explore", str(path), *STUB, "--output", "out"]
    process = subprocess.Popen(argv, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "success" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted by SIGINT" in err
    assert "start it again to go on" in err
    assert json.loads((tmp_path / "out" / "results.json").read_text())["counts"]["succeeded"] >= 1


def test_the_budgets_of_the_command_line_go_before_the_blueprints(call: Any, blueprint: Path) -> None:
    arguments = ("--limit", "3", "--parallel", "1", "--timeout", "5")
    code, _, _ = call("explore", str(blueprint), *STUB, *arguments, "--output", "out")
    search = json.loads(Path("out/exploration.json").read_text())["search"]
    assert code == 0
    assert (search["max_evaluations"], search["parallel_builds"], search["timeout_minutes"]) == (3, 1, 5)
    code, out, _ = call("explore", str(blueprint), *STUB, "--limit", "5", "--output", "out", "--retry-failed", "--json")
    assert json.loads(out)["counts"] == {"total": 16, "succeeded": 5, "failed": 0, "skipped": 11, "cached": 3}


def test_another_model_can_be_given(call: Any, blueprint: Path, model: Path) -> None:
    model.rename("elsewhere.onnx")
    assert call("plan", str(blueprint))[0] == 3
    code, out, _ = call("plan", str(blueprint), "--model", "elsewhere.onnx", "--json")
    assert code == 0
    assert json.loads(out)["model"] == str(Path("elsewhere.onnx").absolute())


def test_the_default_folder_is_named_after_the_blueprint(call: Any, blueprint: Path, tmp_path: Path) -> None:
    assert call("explore", str(blueprint), *STUB, "--limit", "1")[0] == 0
    assert (tmp_path / "builds" / "small" / "results.json").is_file()


def test_plan_shows_what_would_be_built_and_writes_nothing(call: Any, blueprint: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    code, out, _ = call("plan", str(blueprint), "--output", "out")
    assert code == 0
    assert "16 combinations, 16 selected (exhaustive)" in out
    assert "0 succeeded, 0 failed, 16 to build" in out
    assert "Pynq-Z1 at 10 ns, Pynq-Z1 at 5 ns" in out
    assert "Gemm (rtl), Gemm (hls)" in out
    assert sorted(tmp_path.rglob("*")) == before


def test_plan_knows_what_is_finished(call: Any, blueprint: Path) -> None:
    call("explore", str(blueprint), *STUB, "--limit", "5", "--output", "out")
    document = json.loads(call("plan", str(blueprint), "--output", "out", "--list", "--json")[1])
    assert document["counts"] == {"total": 16, "selected": 16, "succeeded": 5, "failed": 0, "to_build": 11}
    states = [config["state"] for config in document["configurations"]]
    assert states == ["success"] * 5 + ["to build"] * 11
    assert Path(document["configurations"][0]["output_dir"], "result.json").is_file()
    out = call("plan", str(blueprint), "--output", "out", "--list")[1]
    assert out.count("to build") == 12
    assert "Ultra96 200 MHz kernel 1=Gemm (hls) target_fps=2000000" in out


def test_plan_of_a_single_configuration_has_no_axes(call: Any, write_blueprint: Callable[..., Path]) -> None:
    code, out, _ = call("plan", str(write_blueprint()))
    assert code == 0
    assert "1 combinations, 1 selected" in out
    assert "axis" not in out


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("serach: {}\n", 2, 'line 3: serach: there is no key "serach" here'),
        ("hw_compiler: {config_flags: {a: {values: []}}}\n", 2, "empty design space"),
        ("hw_compiler: {config_flags: {mock_sede: 1}}\n", 2, 'no parameter "mock_sede"'),
        ("global: {output_stage: bitfile}\n", 2, "can't reach the stage bitfile"),
        ("processing: {preprocessing: [nothing_known]}\n", 2, "nothing_known"),
        ("global: {max_combinations: 1}\nhw_compiler: {config_flags: {a: {values: [1, 2]}}}\n", 2, "the 1 allowed"),
        ('version: "3.0"\nmodel: gone.onnx\n', 3, "gone.onnx doesn't exist"),
    ],
)
def test_bad_input_has_one_clear_message_and_writes_nothing(
    call: Any, write_blueprint: Callable[..., Path], tmp_path: Path, text: str, code: int, message: str
) -> None:
    path = write_blueprint(text)
    before = sorted(tmp_path.rglob("*"))
    for command in ("explore", "validate"):
        found, out, err = call(command, str(path), *STUB)
        assert (found, out) == (code, "")
        assert message in err
        assert "Traceback" not in err
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unknown_backend_is_refused_before_anything_else(call: Any, blueprint: Path) -> None:
    code, _, err = call("explore", str(blueprint), "--backend", "future_brainsmit")
    assert code == 2
    assert 'did you mean "future_brainsmith"?' in err


def test_validate_checks_a_blueprint(call: Any, blueprint: Path) -> None:
    code, out, _ = call("validate", str(blueprint), *STUB, "--json")
    document = json.loads(out)
    assert code == 0
    assert (document["kind"], document["name"], document["builds"]) == ("blueprint", "small", 16)


def test_a_blueprint_can_be_checked_for_a_runner_that_cant_check(blueprint: Path) -> None:
    factory: Any = object
    assert validate_blueprint(blueprint, factory)["combinations"] == 16
    assert validate_blueprint(blueprint, create_build_runner_factory("future_brainsmith"))["builds"] == 16


@pytest.mark.parametrize(
    ("width", "shown", "hidden"),
    [
        (120, ["configuration", "kernel 1", "target_fps", "frames/s"], []),
        (100, ["kernel 1", "target_fps", "frames/s"], ["configuration"]),
        (80, ["build", "frames/s", "LUT"], ["configuration", "kernel 1", "target_fps"]),
    ],
)
def test_the_table_fits_its_terminal(
    call: Any, blueprint: Path, monkeypatch: pytest.MonkeyPatch, width: int, shown: list[str], hidden: list[str]
) -> None:
    from rich.console import Console

    monkeypatch.setattr("brainsmith_dse.terminal.console", lambda: Console(width=width))
    _, out, _ = call("explore", str(blueprint), *STUB)
    table = out.partition("16 combinations:")[0].splitlines()[1:]
    assert all(title in table[0] for title in shown)
    assert not any(title in table[0] for title in hidden)
    assert all(len(line.rstrip()) <= width for line in table)


def test_without_a_target_the_table_has_no_column_for_it(call: Any, write_blueprint: Callable[..., Path]) -> None:
    text = "hw_compiler: {config_flags: {a: {values: [1, 2]}}}\nsearch: {objectives: [accuracy, total_power]}\n"
    _, out, _ = call("explore", str(write_blueprint(text)), *STUB)
    heading = next(line for line in out.splitlines() if "frames/s" in line).split()
    assert "device" not in heading
    assert heading[:2] == ["configuration", "a"]
    assert heading[-2:] == ["accuracy", "total_power"]


def test_the_package_shows_its_names_and_no_others() -> None:
    import brainsmith_dse

    for name in brainsmith_dse.__all__:
        assert getattr(brainsmith_dse, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = brainsmith_dse.nothing


def test_the_plugin_is_active_and_offers_its_commands() -> None:
    plugins = {plugin.name: plugin for plugin in default_plugins().plugins}
    assert plugins["dse"].state.value == "active"
    commands = {offer.record.name for offer in default_plugins().offers("brainsmith_commands")}
    assert {"explore", "plan"} <= commands


def test_explore_appends_all_events_to_a_file(call: Any, blueprint: Path, tmp_path: Path) -> None:
    code, _, _ = call("explore", str(blueprint), *STUB, "--output", "out", "--events", "events.jsonl")
    assert code == 0
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert kinds.count("build_finished") == 16
    assert "can't be written" in call("explore", str(blueprint), *STUB, "--output", "out2", "--events", "no/e.jsonl")[2]
