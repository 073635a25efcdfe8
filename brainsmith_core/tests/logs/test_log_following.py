"""What logs mean: rules, and the log of the tool that a message names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brainsmith_core.build.workspace import Workspace, write_json
from brainsmith_core.config import BuildConfig
from brainsmith_core.context import BuildFailure
from brainsmith_core.diagnosis.file_diagnosis import FileDiagnosis, diagnose_build, logs_in
from brainsmith_core.diagnosis.handler import BuildErrorHandler
from brainsmith_core.diagnosis.log_diagnosis import LogDiagnoser, tool_logs
from brainsmith_core.diagnosis.rule_book import RuleBook
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import ErrorRule
from brainsmith_core.result import BuildResult, BuildStatus, ErrorReport, LogLine

HLS = ErrorRule(
    name="hls", pattern=r"failed\. Check log under (?P<log>\S+)", category="synthesis", advice="HLS.", follow="log"
)
UNDECLARED = ErrorRule(name="undeclared", pattern="undeclared identifier", category="kernel", advice="Declare it.")
VAGUE = ErrorRule(name="vague", pattern=r"\[Common 17-39\]", category="crash", advice="Look before it.", priority=-1)
SLOW = ErrorRule(name="slow", pattern=r"\[Timing 38-282\]", category="timing", advice="Slower.", warning=True)


@pytest.fixture
def diagnoser() -> LogDiagnoser:
    return LogDiagnoser(RuleBook([HLS, UNDECLARED, VAGUE, SLOW]))


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def finn_log(tmp_path: Path, folder: Path | str) -> Path:
    return written(tmp_path / "build_dataflow.log", f"AssertionError: a failed. Check log under {folder}\n")


def test_the_log_that_a_message_names_is_followed(diagnoser: LogDiagnoser, tmp_path: Path) -> None:
    folder = tmp_path / "code_gen_ipgen_MVAU_0"
    log = written(folder / "project" / "vitis_hls.log", "ERROR: [HLS 207-3777] use of undeclared identifier 'a'\n")
    found = diagnoser.diagnose(finn_log(tmp_path, folder))
    assert found.first_error == LogLine(
        text="ERROR: [HLS 207-3777] use of undeclared identifier 'a'", id="HLS 207-3777", line=1, file=str(log)
    )
    assert found.match is not None
    assert found.match.rule is UNDECLARED
    assert found.pointer is not None
    assert found.pointer.line == 1
    assert found.notes == [f"The first error stands in {log}, line 1; line 1 of this log leads there."]


def test_a_path_that_a_console_broke_in_two_is_put_together(diagnoser: LogDiagnoser, tmp_path: Path) -> None:
    folder = tmp_path / "code_gen_ipgen_MVAU_0"
    written(folder / "vitis_hls.log", "ERROR: [HLS 207-3777] use of undeclared identifier 'a'\n")
    name = str(folder)
    log = finn_log(tmp_path, f"{name[:-9]}\n{name[-9:]}")
    found = diagnoser.diagnose(log)
    assert found.first_error is not None
    assert found.first_error.id == "HLS 207-3777"


def test_a_name_relative_to_the_log_is_found(diagnoser: LogDiagnoser, tmp_path: Path) -> None:
    written(tmp_path / "hls" / "vivado.log", "ERROR: [Synth 8-1] bad\n")
    found = diagnoser.diagnose(finn_log(tmp_path, "hls."))
    assert found.first_error is not None
    assert found.first_error.id == "Synth 8-1"
    assert found.match is not None
    assert found.match.rule is HLS


@pytest.mark.parametrize("name", ["/nowhere/at/all", "\0bad", "x" * 5000])
def test_a_log_that_is_gone_leaves_the_message(diagnoser: LogDiagnoser, tmp_path: Path, name: str) -> None:
    found = diagnoser.diagnose(finn_log(tmp_path, name))
    assert found.first_error is not None
    assert found.first_error.line == 1
    assert found.pointer is None
    assert tool_logs(tmp_path / name) == []


def test_a_log_that_names_itself_ends(diagnoser: LogDiagnoser, tmp_path: Path) -> None:
    found = diagnoser.diagnose(finn_log(tmp_path, tmp_path))
    assert found.first_error is not None
    assert found.first_error.file == str(tmp_path / "build_dataflow.log")


def test_logs_that_name_each_other_end(diagnoser: LogDiagnoser, tmp_path: Path) -> None:
    for number in range(6):
        text = f"AssertionError: a failed. Check log under {tmp_path}/{(number + 1) % 6}.log\n"
        written(tmp_path / f"{number}.log", text)
    assert diagnoser.diagnose(tmp_path / "0.log").first_error is not None


SESSION = """\
# Start of session at: Mon Jan  1 00:00:00 2024
launch_runs impl_1 -jobs 4
[Mon Jan  1 00:00:01 2024] Launched synth_1...
{where}
wait_on_run impl_1
ERROR: [Common 17-39] 'wait_on_run' failed due to earlier errors.
INFO: [Common 17-206] Exiting Vivado at Mon Jan  1 00:00:09 2024...
"""
RUN = "*** Running vivado\nERROR: [Synth 8-1031] use of undeclared identifier 'a' [/x/top.v:3]\n"


@pytest.mark.parametrize(
    "where",
    [
        "Run output will be captured here: {folder}/p.runs/synth_1/runme.log",
        "Run output will be captured here:\nip_0: {folder}/p.runs/ip_0/runme.log\ns: {folder}/p.runs/synth_1/runme.log",
        "Run output will be captured here: /another/machine/p.runs/synth_1/runme.log",
        r"Run output will be captured here: C:\another machine\p.runs\synth_1\runme.log",
    ],
)
def test_a_session_leads_to_the_log_of_the_run_that_failed(diagnoser: LogDiagnoser, tmp_path: Path, where: str) -> None:
    run = written(tmp_path / "p.runs" / "synth_1" / "runme.log", RUN)
    written(tmp_path / "p.runs" / "ip_0" / "runme.log", "*** Running vivado\nsynth_design completed successfully\n")
    session = written(tmp_path / "vivado.log", SESSION.format(where=where.format(folder=tmp_path)))
    found = diagnoser.diagnose(session)
    assert found.first_error is not None
    assert (found.first_error.file, found.first_error.line) == (str(run), 2)
    assert found.match is not None
    assert found.match.rule is UNDECLARED
    assert found.pointer is not None
    assert found.pointer.id == "Common 17-39"


def test_a_session_whose_own_error_says_enough_is_not_left(diagnoser: LogDiagnoser, tmp_path: Path) -> None:
    written(tmp_path / "p.runs" / "synth_1" / "runme.log", "ERROR: [Synth 8-1] another\n")
    where = "Run output will be captured here: p.runs/synth_1/runme.log\nERROR: undeclared identifier 'b'"
    found = diagnoser.diagnose(written(tmp_path / "vivado.log", SESSION.format(where=where)))
    assert found.first_error is not None
    assert found.first_error.file == str(tmp_path / "vivado.log")


def test_a_session_whose_runs_are_gone_keeps_its_own_error(diagnoser: LogDiagnoser, tmp_path: Path) -> None:
    where = f"Run output will be captured here: /nowhere/{'x' * 300}/p.runs/synth_1/runme.log"
    found = diagnoser.diagnose(written(tmp_path / "vivado.log", SESSION.format(where=where)))
    assert found.first_error is not None
    assert found.first_error.id == "Common 17-39"


def test_tools_logs_come_in_the_order_of_a_build(tmp_path: Path) -> None:
    for name in ("impl_1/runme.log", "synth_1/runme.log", "vivado.log", "a/vitis_hls.log", "x/other.log", "a.txt"):
        written(tmp_path / name, "x")
    names = [str(path.relative_to(tmp_path)) for path in tool_logs(tmp_path)]
    assert names == ["a/vitis_hls.log", "synth_1/runme.log", "impl_1/runme.log", "vivado.log", "x/other.log"]


def test_a_log_that_is_fine_is_passed_over(diagnoser: LogDiagnoser, tmp_path: Path) -> None:
    written(tmp_path / "p" / "vitis_hls.log", "INFO: [HLS 200-10] fine\n")
    written(tmp_path / "p" / "vivado.log", "ERROR: [Synth 8-1] bad\n")
    found = diagnoser.diagnose(finn_log(tmp_path, tmp_path / "p"))
    assert found.first_error is not None
    assert found.first_error.id == "Synth 8-1"


def test_the_first_failed_log_with_a_known_error_is_taken(diagnoser: LogDiagnoser, tmp_path: Path) -> None:
    fine = written(tmp_path / "1.log", "INFO: [HLS 200-10] fine\n")
    strange = written(tmp_path / "2.log", "ERROR: [Foo 1-2] strange\n")
    known = written(tmp_path / "3.log", "ERROR: undeclared identifier\n")
    found = diagnoser.first_failed([fine, strange, known])
    assert found is not None
    assert found.match is not None
    found = diagnoser.first_failed([fine, strange])
    assert found is not None
    assert found.match is None
    assert diagnoser.first_failed([fine]) is None


def test_a_vague_rule_counts_only_alone() -> None:
    book = RuleBook([VAGUE, UNDECLARED])
    match = book.match_any(["[Common 17-39] 'x' failed", "undeclared identifier"])
    assert match is not None
    assert match.rule is UNDECLARED
    match = book.match_any(["[Common 17-39] 'x' failed", "something"])
    assert match is not None
    assert match.rule is VAGUE
    assert book.match_any(["", "something"]) is None
    assert not match.follow


def test_a_log_says_what_one_should_know_about_it(diagnoser: LogDiagnoser, tmp_path: Path) -> None:
    run = "*** Running vivado\n"
    text = f"{run}ERROR: [Synth 8-1] bad\n{run}CRITICAL WARNING: [Timing 38-282] failed to meet timing\n"
    found = diagnoser.diagnose(written(tmp_path / "runme.log", text))
    assert found.match is not None
    assert found.match.rule is SLOW
    assert found.notes == [
        "The log holds 2 runs; this is said of the last, which begins in line 3.",
        "An earlier run failed, see line 2: ERROR: [Synth 8-1] bad",
        "The log has no closing line of the tool: the run was killed, or it isn't over.",
        "There are critical warnings, such as: [Timing 38-282] failed to meet timing",
    ]
    text = "a.cpp:1:2: error: bad\nERROR: [SIM 211-100] 'csim_design' failed\n"
    assert diagnoser.diagnose(written(tmp_path / "csim.log", text)).notes == [
        "Line 1 says what is behind it: a.cpp:1:2: error: bad"
    ]
    found = diagnoser.diagnose(written(tmp_path / "finn.log", "Running step: step_a [3/7]\n"))
    assert found.notes == [
        "The log ends in step_a [3/7]: it isn't over, was stopped there, or its error went elsewhere."
    ]


@pytest.fixture
def handler() -> BuildErrorHandler:
    return BuildErrorHandler(PluginManager())


def test_a_builds_failure_is_explained_by_the_log_that_it_names(handler: BuildErrorHandler, tmp_path: Path) -> None:
    log = written(tmp_path / "x" / "vivado.log", "ERROR: [Common 17-345] A valid license was not found\n")
    message = f"Synthesis failed, see {log} for more"
    report = handler.report(BuildFailure(message=message), BuildStatus.FAILED, "backend", {})
    assert (report.category, report.retryable) == ("licence", True)
    assert report.first_error is not None
    assert report.first_error.file == str(log)


def test_what_the_build_has_seen_itself_is_certain(handler: BuildErrorHandler, tmp_path: Path) -> None:
    log = written(tmp_path / "vivado.log", "ERROR: [Common 17-345] A valid license was not found\n")
    failure = BuildFailure(message="the time limit of 5 minutes was reached")
    report = handler.report(failure, BuildStatus.TIMEOUT, "backend", {"vivado": str(log)})
    assert (report.category, report.retryable) == ("timeout", False)
    assert report.first_error is not None


def test_a_traceback_helps_where_the_message_says_nothing(handler: BuildErrorHandler) -> None:
    failure = BuildFailure(message="it failed", traceback="Traceback ...\nOSError: [Errno 28] No space left on device")
    assert handler.report(failure, BuildStatus.FAILED, "backend", {}).category == "disk"


def test_an_error_report_is_complete(handler: BuildErrorHandler, tmp_path: Path) -> None:
    log = written(tmp_path / "vivado.log", "ERROR: [Common 17-345] A valid license was not found\n")
    config = BuildConfig(id="a", model_path="m.onnx", output_dir="o", config_flags={"board": "Pynq-Z1"})
    text = handler.generate_error_report(config, "exit code 1", {"vivado": str(log)})
    for part in (
        "a",
        "m.onnx",
        "board=Pynq-Z1",
        "licence: No licence",
        f"{log}:1: ERROR: [Common",
        "may help",
        str(log),
    ):
        assert part in text
    text = handler.generate_error_report(config, "exit code 1", {})
    assert "unknown: Cause not recognised" in text
    assert "something must change first" in text


def test_a_build_folder_speaks_for_itself(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert diagnose_build(tmp_path).outcome == "unknown"
    error = ErrorReport(
        category="disk", message="full", first_error=LogLine(text="ERROR: full", line=7, file="a.log"), advice=["Tidy."]
    )
    result = BuildResult(config_id="a", error=error)
    result.complete(BuildStatus.FAILED, "full")
    write_json(workspace.result, result.to_dict())
    found = diagnose_build(tmp_path)
    assert found.to_dict() == {
        "file": str(tmp_path),
        "outcome": "failed",
        "category": "disk",
        "first_error": {"id": "", "text": "ERROR: full", "line": 7},
        "errors": 1,
        "critical_warnings": 0,
        "advice": ["Tidy."],
    }


@pytest.mark.parametrize(
    ("status", "message", "outcome", "advice"),
    [
        (BuildStatus.SUCCESS, None, "ok", ("slow",)),
        (BuildStatus.RUNNING, None, "unknown", ()),
        (BuildStatus.FAILED, "full", "failed", ("full",)),
    ],
)
def test_a_builds_status_is_its_outcome(
    tmp_path: Path, status: BuildStatus, message: str | None, outcome: str, advice: tuple[str, ...]
) -> None:
    result = BuildResult(config_id="a", warnings=["slow"])
    result.complete(status, message)
    write_json(Workspace(tmp_path).result, result.to_dict())
    found = diagnose_build(tmp_path)
    assert (found.outcome, found.advice) == (outcome, advice)


def test_a_result_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(json.dumps({"nothing": "of ours"}))
    found = diagnose_build(tmp_path)
    assert found.outcome == "unknown"
    assert "can't be read" in found.advice[0]


def test_a_folder_is_diagnosed_with_the_logs_in_it(handler: BuildErrorHandler, tmp_path: Path) -> None:
    write_json(Workspace(tmp_path).result, BuildResult(config_id="a", status=BuildStatus.SUCCESS).to_dict())
    written(tmp_path / "sub" / "a.log", "ERROR: bad\n")
    written(tmp_path / "sub" / "a.txt", "ERROR: bad\n")
    found = handler.diagnose([tmp_path])
    assert [(each.file, each.outcome) for each in found] == [
        (str(tmp_path), "ok"),
        (str(tmp_path / "sub" / "a.log"), "failed"),
    ]
    assert found[1].category == "unknown"
    assert logs_in(tmp_path) == [tmp_path / "sub" / "a.log"]


def test_no_error_is_null_in_json() -> None:
    data = FileDiagnosis(file="a", outcome="ok").to_dict()
    assert (data["category"], data["first_error"], data["advice"]) == (None, None, [])
