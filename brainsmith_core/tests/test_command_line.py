"""The command line: exit codes, JSON on stdout, messages on stderr."""

from __future__ import annotations

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

from brainsmith_core.cli import main as shell
from brainsmith_core.cli.output import Column, number, print_table
from brainsmith_core.config import OutputStage
from brainsmith_core.context import BackendOutcome, BuildContext, BuildFailure, Finding
from brainsmith_core.errors import BuildCancelledError, MissingRequirementError
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import BackendSpec, CommandSpec, ValidatorSpec
from brainsmith_core.result import BuildStatus

MODEL_BYTES = b"\x08\x0a\x12\x07pytorch:\x00\x00"
HERE = __name__


class Backend:
    """Builds what the flag `outcome` says."""

    def validate(self, config: Any) -> None:
        if config.config_flags.get("outcome") == "missing":
            raise MissingRequirementError("vivado is not on PATH", hint="source settings64.sh")

    def check(self) -> list[Finding]:
        return [Finding(name="tool", state="missing", message="no vivado", fix="source settings64.sh")]

    def build(self, context: BuildContext) -> BackendOutcome:
        context.emit("step_started", step="step_a", index=1, total=1)
        match context.config.config_flags.get("outcome"):
            case "fail":
                failure = BuildFailure(message="timing constraints are not met", step="step_a")
                return BackendOutcome(status=BuildStatus.FAILED, failure=failure, warnings=("odd",))
            case "cancel":
                raise BuildCancelledError("stopped")
        metric = Metric(name="perf.throughput_fps", value=1234.0, unit="frames/s", stage=Stage.ESTIMATE)
        return BackendOutcome(metrics=(metric,))


def validate_special(path: Path, factory: Callable[[], Any]) -> dict[str, Any]:
    return {"kind": "special", "runner": factory().get_backend_name()}


class Extras:
    @hookimpl
    def brainsmith_backends(self) -> list[BackendSpec]:
        stages = (OutputStage.DATAFLOW_GRAPH,)
        return [BackendSpec(name="real", summary="s", target="cli_backend_of_tests:Backend", output_stages=stages)]

    @hookimpl
    def brainsmith_validators(self) -> list[ValidatorSpec]:
        return [
            ValidatorSpec(name="special", summary="s", target="cli_backend_of_tests:validate_special", key="special")
        ]

    @hookimpl
    def brainsmith_commands(self) -> list[CommandSpec]:
        return [CommandSpec(name="broken", summary="s", target="no_such_package_anywhere:command")]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process with core and a backend of the tests."""
    monkeypatch.setitem(sys.modules, "cli_backend_of_tests", sys.modules[HERE])

    def discover(disabled: Any = ()) -> PluginManager:
        manager = PluginManager(disabled)
        manager.register(Extras(), "extras", "extras-dist", "0.1")
        return manager

    monkeypatch.setattr(PluginManager, "discover", discover)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            shell.run([str(each) for each in arguments])
        out, err = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, out, err

    return run


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def build_file(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(MODEL_BYTES)
    path = tmp_path / "point.yaml"
    path.write_text("model_path: model.onnx\noutput_dir: out\n")
    return path


def test_help_lists_commands_without_importing_them(call: Call) -> None:
    code, out, _ = call("--help")
    assert code == 0
    assert "broken" in out
    assert "Exit codes" in out


def test_a_command_that_cannot_be_imported_says_why(call: Call) -> None:
    code, _, err = call("broken")
    assert code == 3
    assert "no_such_package_anywhere" in err
    assert "pip install no-such-package-anywhere" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rnu"], 'did you mean "run"?'),
        (["plugins", "lst"], 'did you mean "list"?'),
        (["run"], "Missing argument"),
        (["run", "x", "--bakend", "y"], "--backend"),
    ],
)
def test_wrong_usage_has_exit_code_2_and_a_suggestion(call: Call, arguments: list[str], message: str) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_the_version_is_told(call: Call) -> None:
    code, out, _ = call("--version")
    assert code == 0
    assert out.startswith("brainsmith-core ")


def test_run_prints_the_figures_and_where_it_wrote(call: Call, build_file: Path) -> None:
    code, out, err = call("run", build_file)
    assert code == 0
    assert "point: success" in out
    assert "1,234" in out
    assert str(build_file.parent / "out") in out
    assert "step 1/1 step_a" in err


def test_run_as_json_is_one_document(call: Call, build_file: Path) -> None:
    code, out, _ = call("run", build_file, "--json", "--output", build_file.parent / "other")
    data = json.loads(out)
    assert (code, data["status"], data["backend"]) == (0, "success", "real")
    assert Path(data["output_dir"]) == build_file.parent / "other"


@pytest.mark.parametrize(("outcome", "expected"), [("fail", 1), ("cancel", 130), ("missing", 3)])
def test_the_exit_code_says_how_the_build_ended(call: Call, build_file: Path, outcome: str, expected: int) -> None:
    code, out, err = call("run", build_file, "--set", f"outcome={outcome}")
    assert code == expected
    if outcome == "fail":
        assert "timing: timing constraints are not met" in out
        assert "warning: odd" in out
    if outcome == "missing":
        assert "source settings64.sh" in err


def test_an_error_as_json_is_a_document_too(call: Call, build_file: Path) -> None:
    code, out, _ = call("run", build_file, "--backend", "rael", "--json")
    assert code == 2
    assert json.loads(out)["error"]["hint"] == 'did you mean "real"?'


@pytest.mark.parametrize(
    ("content", "expected", "message"),
    [
        ("model_path: nowhere.onnx", 3, "doesn't exist"),
        ("model_pth: model.onnx", 2, 'did you mean "model_path"?'),
        ("[1, 2", 2, "no YAML"),
        ("- 1", 2, "is a mapping, but this is a list"),
        ("model_path: text.onnx", 2, "is no ONNX model"),
        ("model_path: empty.onnx", 2, "is empty"),
    ],
)
def test_a_wrong_file_is_one_clear_message(
    call: Call, build_file: Path, content: str, expected: int, message: str
) -> None:
    (build_file.parent / "text.onnx").write_text("version https://git-lfs.github.com/spec/v1\n")
    (build_file.parent / "empty.onnx").write_bytes(b"")
    build_file.write_text(content)
    code, out, err = call("run", build_file)
    assert (code, out) == (expected, "")
    assert message in err
    assert sorted(path.name for path in build_file.parent.iterdir()) == [
        "empty.onnx", "model.onnx", "point.yaml", "text.onnx",
    ]  # fmt: skip


def test_a_file_that_is_not_there_has_exit_code_3(call: Call, tmp_path: Path) -> None:
    assert call("run", tmp_path / "none.yaml")[0] == 3
    assert call("validate", tmp_path)[0] == 2


def test_a_flag_is_set_as_name_and_value(call: Call, build_file: Path) -> None:
    code, _, err = call("run", build_file, "--set", "target_fps")
    assert code == 2
    assert "NAME=VALUE" in err
    assert call("run", build_file, "--set", "a=[1")[0] == 2


def test_validate_builds_nothing(call: Call, build_file: Path) -> None:
    code, out, _ = call("validate", build_file)
    assert code == 0
    assert "is valid" in out
    assert not (build_file.parent / "out").exists()
    data = json.loads(call("validate", build_file, "--json")[1])
    assert data == {"file": str(build_file), "valid": True, "kind": "build", "id": "point", "builds": 1}


def test_validate_asks_the_plugin_that_knows_the_kind_of_file(call: Call, build_file: Path) -> None:
    build_file.write_text("special: 1\n")
    data = json.loads(call("validate", build_file, "--json")[1])
    assert (data["kind"], data["runner"]) == ("special", "real")


def test_plugins_are_listed_shown_and_checked(call: Call) -> None:
    code, out, _ = call("plugins", "list", "--json")
    names = [plugin["name"] for plugin in json.loads(out)["plugins"]]
    assert (code, names) == (0, ["core", "extras"])
    assert "extras" in call("plugins", "list")[1]
    shown = call("plugins", "show", "extras")[1]
    assert "brainsmith_backends" in shown
    assert "    real: s" in shown
    assert json.loads(call("plugins", "show", "core", "--json")[1])["state"] == "active"
    assert 'did you mean "extras"?' in call("plugins", "show", "extra")[2]
    code, out, _ = call("plugins", "check")
    assert code == 1
    assert "pip install no-such-package-anywhere" in out
    assert json.loads(call("plugins", "check", "--json")[1])["inactive"] == 1


def test_a_plugin_with_a_fault_is_listed_with_reason_and_fix(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        @hookimpl
        def brainsmith_devices(self) -> list[Any]:
            raise OSError("half a plugin")

    def discover(disabled: Any = ()) -> PluginManager:
        manager = PluginManager(disabled)
        manager.register(Broken(), "broken", "broken-dist", "0.1")
        return manager

    monkeypatch.setattr(PluginManager, "discover", discover)
    assert "OSError: half a plugin" in call("plugins", "list")[1]
    code, out, _ = call("plugins", "check")
    assert code == 1
    assert "broken-dist" in out
    assert "Traceback" in call("plugins", "show", "broken")[1]
    assert "half a plugin" in call("doctor")[1]


def test_the_doctor_asks_each_backend(call: Call) -> None:
    code, out, _ = call("doctor")
    assert code == 3
    assert "source settings64.sh" in out
    data = json.loads(call("doctor", "--json")[1])
    assert {
        "name": "tool",
        "state": "missing",
        "message": "no vivado",
        "fix": "source settings64.sh",
    } in data["findings"]


def test_diagnose_reads_logs_and_folders(call: Call, tmp_path: Path) -> None:
    log = tmp_path / "vivado.log"
    log.write_text("Starting\nERROR: [Common 17-345] A valid license was not found\n")
    code, out, _ = call("diagnose", tmp_path)
    assert code == 0
    assert "licence" in out
    data = json.loads(call("diagnose", log, "--json")[1])
    assert data["files"][0]["category"] == "licence"
    assert data["files"][0]["first_error"] == {
        "id": "Common 17-345",
        "text": "ERROR: [Common 17-345] A valid license was not found",
        "line": 2,
    }
    assert call("diagnose", tmp_path / "none.log")[0] == 3


def test_diagnose_of_a_folder_counts_the_logs_that_tell_of_no_failure(call: Call, tmp_path: Path) -> None:
    logs = {
        "good.log": "# Vivado v2022.2\nINFO: [Common 17-206] Exiting Vivado at Mon Jan  1 00:00:00 2024...\n",
        "silent.log": "nothing a tool would say\n",
        "mute.log": "nothing either\n",
        "bad.log": "ERROR: [Synth 8-439] module 'top' not found\n",
    }
    for name, text in logs.items():
        (tmp_path / name).write_text(text)
    out = call("diagnose", tmp_path)[1]
    assert "bad.log: failed" in out
    assert "line 1: ERROR: [Synth 8-439] module 'top' not found" in out
    assert "1 error, 0 critical warnings" in out
    assert "1 more log tells of no failure" in out
    assert "2 more logs don't say how it went" in out
    assert "good.log" not in out
    assert "good.log: ok" in call("diagnose", tmp_path / "good.log")[1]


def test_diagnose_says_in_which_log_the_error_of_a_followed_one_is(call: Call, tmp_path: Path) -> None:
    inner, outer = tmp_path / "runme.log", tmp_path / "outer.log"
    inner.write_text("# Vivado v2022.2\nERROR: [Synth 8-439] module 'top' not found\n")
    outer.write_text(f"ERROR: the tool failed, see log under {inner}\n")
    out = call("diagnose", outer)[1]
    assert f"{inner}, line 2: ERROR: [Synth 8-439]" in out


def test_diagnose_of_a_folder_without_logs_says_so(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("diagnose", tmp_path)
    assert code == 0
    assert "there are no logs" in out


def test_a_table_keeps_its_cells() -> None:
    print_table((Column("a"), Column("b", right=True)), [["x", number(0.5)]])


def test_a_reader_that_goes_away_is_no_failure(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*arguments: Any, **options: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(shell.main, "main", gone)
    stdout = sys.stdout
    try:
        assert shell._call(["run"]) == 0
    finally:
        sys.stdout = stdout


@pytest.mark.parametrize("error", [KeyboardInterrupt()])
def test_an_interrupt_has_exit_code_130(call: Call, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def stopped(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(shell.main, "main", stopped)
    assert call("run") == (130, "", "interrupted\n")


def test_what_the_system_refuses_is_one_message(call: Call, build_file: Path) -> None:
    code, out, err = call("run", build_file, "--output", build_file.parent / ("x" * 300))
    assert (code, out) == (2, "")
    assert "File name too long" in err


SLEEPER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.cli.main import run
from sleeper_extras import Extras
discover = lambda disabled=(): (lambda m: (m.register(Extras(), "extras"), m)[1])(PluginManager(disabled))
PluginManager.discover = discover
run(sys.argv[2:])
"""
SLEEPER_EXTRAS = """
import time
from brainsmith_core.config import OutputStage
from brainsmith_core.context import BackendOutcome
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import BackendSpec

class Sleeper:
    def build(self, context):
        while True:
            context.check_stop()
            time.sleep(0.02)

class Extras:
    @hookimpl
    def brainsmith_backends(self):
        stages = (OutputStage.DATAFLOW_GRAPH,)
        yield BackendSpec(name="sleeper", summary="s", target="sleeper_extras:Sleeper", output_stages=stages)
"""


@pytest.mark.parametrize("number_of_signal", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_build_in_order(build_file: Path, number_of_signal: int) -> None:
    folder = build_file.parent
    (folder / "sleeper_extras.py").write_text(SLEEPER_EXTRAS)
    argv = [
        sys.executable,
        "-c",
        SLEEPER,
        str(folder),
        "run",
        str(build_file),
        "--backend",
        "sleeper",
        "--json",
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        log = folder / "out" / "build.log"
        for _ in range(1000):
            if log.exists() and "phase backend" in log.read_text():
                break
            time.sleep(0.02)
        os.kill(process.pid, number_of_signal)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads(out)["status"] == "cancelled"
    assert json.loads((folder / "out" / "result.json").read_text())["status"] == "cancelled"
