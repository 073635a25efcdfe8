"""What becomes of one task: its result, its errors, its output, its environment."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest


def test_a_task_gives_its_result_and_its_events_in_order(bench: Any) -> None:
    outcome = bench.run("echo", {"events": 3, "text": "\u00fc \U0001f600", "list": [1, None, 2.5]})
    assert outcome.ok
    assert outcome.outcome == "ok"
    assert outcome.result == {"events": 3, "text": "\u00fc \U0001f600", "list": [1, None, 2.5]}
    assert outcome.error is None
    assert (outcome.exit_code, outcome.signal) == (0, None)
    assert outcome.killed == outcome.left == ()
    assert not outcome.log_truncated
    assert outcome.seconds > 0
    assert outcome.peak_rss_bytes > 1_000_000
    assert bench.events == [{"number": number} for number in range(3)]
    assert bench.text() == "echo speaks\n"


def test_a_task_may_return_nothing_and_nobody_need_listen(bench: Any) -> None:
    outcome = bench.worker.run("echo", {"events": 1}, log=bench.log)
    assert outcome.ok
    outcome = bench.run("nothing")
    assert (outcome.outcome, outcome.result, outcome.error) == ("ok", None, None)


def test_an_exception_is_an_error_with_its_whole_traceback_there_and_in_the_log(bench: Any) -> None:
    outcome = bench.run("fail")
    assert outcome.outcome == "error"
    assert outcome.error.type == "hostile_tasks.HostileError"
    assert outcome.error.message == "outer"
    assert "KeyError: 'inner'" in outcome.error.traceback
    assert "direct cause" in outcome.error.traceback
    assert "child.py" not in outcome.error.traceback
    assert bench.text() == outcome.error.traceback
    assert outcome.exit_code == 0


@pytest.mark.parametrize(("task", "kind"), [("leave", "SystemExit"), ("interrupt", "KeyboardInterrupt")])
def test_what_would_end_an_interpreter_is_an_error(bench: Any, task: str, kind: str) -> None:
    outcome = bench.run(task, {"code": 5})
    assert (outcome.outcome, outcome.error.type) == ("error", kind)


def test_leaving_without_a_result_is_a_crash_with_the_exit_code(bench: Any) -> None:
    outcome = bench.run("leave_at_once", {"code": 7})
    assert (outcome.outcome, outcome.exit_code, outcome.signal) == ("crash", 7, None)
    assert outcome.error.message == "it left with exit code 7 and without a result"
    assert bench.text() == "last words\n"


def test_a_signal_is_a_crash_and_leaves_the_python_stack_in_the_log(bench: Any) -> None:
    outcome = bench.run("die", {"signal": signal.SIGSEGV})
    assert (outcome.outcome, outcome.exit_code, outcome.signal) == ("crash", None, signal.SIGSEGV)
    assert "SIGSEGV" in outcome.error.message
    assert "Segmentation fault" in bench.text()
    assert "in die" in bench.text()


def test_a_kill_from_outside_is_a_crash_that_names_the_usual_suspect(bench: Any) -> None:
    outcome = bench.run("die", {"signal": signal.SIGKILL})
    assert (outcome.outcome, outcome.signal) == ("crash", signal.SIGKILL)
    assert "out of memory" in outcome.error.message


def test_a_task_that_asks_for_input_gets_an_end_of_file(bench: Any) -> None:
    outcome = bench.run("ask")
    assert (outcome.outcome, outcome.error.type) == ("error", "EOFError")


def test_an_unknown_task_is_an_error_that_names_the_module(bench: Any) -> None:
    outcome = bench.run("no_such_task")
    assert outcome.error.type == "LookupError"
    assert "'no_such_task'" in outcome.error.message
    assert "hostile_tasks.py" in outcome.error.message


@pytest.mark.parametrize("task", ["return_object", "emit_object"])
def test_what_json_cannot_hold_is_an_error(bench: Any, task: str) -> None:
    outcome = bench.run(task)
    assert (outcome.outcome, outcome.error.type) == ("error", "TypeError")
    assert "not JSON serializable" in outcome.error.message


def test_environment_and_folder_are_the_tasks_own(bench: Any, tmp_path: Path) -> None:
    names = ["NEW", bench.mark.name, "HOME"]
    outcome = bench.run("where", {"names": names}, cwd=tmp_path, env={"NEW": "1", "HOME": None})
    assert outcome.result["cwd"] == str(tmp_path)
    assert outcome.result["env"] == {"NEW": "1", bench.mark.name: bench.mark.value, "HOME": None}
    outcome = bench.run("where", {"names": names})
    assert outcome.result["cwd"] == str(Path.cwd())
    assert outcome.result["env"] == {"NEW": None, bench.mark.name: bench.mark.value, "HOME": os.environ.get("HOME")}


def test_a_missing_folder_to_run_in_is_an_error(bench: Any, tmp_path: Path) -> None:
    outcome = bench.run("nothing", cwd=tmp_path / "missing")
    assert (outcome.outcome, outcome.error.type) == ("error", "FileNotFoundError")


def test_signals_session_and_descriptors_are_those_of_a_fresh_process(bench: Any) -> None:
    shown = bench.run("show_signals").result
    assert not shown["blocked"]
    assert shown["sigint"]
    assert shown["session"]
    assert shown["descriptors"] <= 6  # stdin, stdout, stderr, the messages, and the listing itself


# --- output


def test_a_missing_log_folder_is_an_error(bench: Any, tmp_path: Path) -> None:
    outcome = bench.run("nothing", log=tmp_path / "missing" / "task.log")
    assert (outcome.outcome, outcome.error.type) == ("error", "FileNotFoundError")
    assert "task.log" in outcome.error.message
    assert outcome.exit_code is None
    assert outcome.peak_rss_bytes is None


def test_a_full_disk_does_not_stop_the_task(bench: Any) -> None:
    outcome = bench.run("echo", {"events": 1}, log=Path("/dev/full"))
    assert outcome.ok
    assert outcome.log_truncated


def test_a_flood_is_cut_down_to_its_head_and_its_end(bench: Any) -> None:
    outcome = bench.run("flood", {"kib": 50 * 1024}, log_bytes=1024 * 1024)
    assert outcome.ok
    assert outcome.log_truncated
    text = bench.text()
    assert len(text) < 2 * 1024 * 1024
    assert text.startswith("xxx")
    assert "[brainsmith] the limit of 1048576 bytes was reached" in text
    assert "bytes are left out here" in text
    assert text.endswith("x\nthe last line\n")


def test_logs_are_appended_to(bench: Any) -> None:
    bench.log.write_text("before\n")
    bench.run("echo")
    assert bench.text() == "before\necho speaks\n"


def test_text_that_no_encoding_holds_does_not_stop_the_task(bench: Any) -> None:
    outcome = bench.run("write_odd_text")
    assert outcome.result == "\udc80\u00fc"
    assert "surrogate \\udc80, umlaut" in bench.text()


# --- messages


def test_results_arguments_and_events_of_many_megabytes_arrive(bench: Any) -> None:
    outcome = bench.run("big_result", {"bytes": 20_000_000})
    assert len(outcome.result) == 20_000_000
    text = "a" * 10_000_000
    assert bench.run("echo", {"text": text}).result == {"text": text}
    bench.run("event_flood", {"count": 3, "bytes": 5_000_000})
    assert [(event["number"], len(event["text"])) for event in bench.events] == [(n, 5_000_000) for n in range(3)]


def test_a_flood_of_events_loses_none(bench: Any) -> None:
    outcome = bench.run("event_flood", {"count": 20_000, "bytes": 100})
    assert outcome.ok
    assert [event["number"] for event in bench.events] == list(range(20_000))


def test_threads_of_a_task_may_all_emit(bench: Any) -> None:
    assert bench.run("use_threads", {"count": 50}).ok
    numbers = [[event["number"] for event in bench.events if event["thread"] == name] for name in range(4)]
    assert numbers == [list(range(50))] * 4


def test_garbage_among_the_messages_is_dropped(bench: Any) -> None:
    outcome = bench.run("write_garbage")
    assert outcome.result == "through"
    assert bench.events == [{"number": 1}, {"number": 2}]
    assert bench.run("echo").ok


def test_a_result_never_goes_into_a_file_that_has_taken_the_place_of_the_pipe(bench: Any, tmp_path: Path) -> None:
    outcome = bench.run("replace_message_pipe", {"file": str(tmp_path / "precious")})
    assert outcome.outcome == "crash"
    assert (tmp_path / "precious").read_bytes() == b""


def test_a_task_that_closes_all_its_descriptors_has_no_result(bench: Any) -> None:
    outcome = bench.run("close_all_descriptors", {"seconds": 0})
    assert outcome.outcome == "crash"
    assert outcome.exit_code == 70


def test_a_copy_of_the_task_that_comes_back_has_no_say(bench: Any) -> None:
    assert bench.run("come_back_twice").result == "the original"
    assert bench.run("fail_in_copy").result == "the original"


def test_using_up_descriptors_harms_only_the_task(bench: Any) -> None:
    outcome = bench.run("use_up_descriptors")
    assert outcome.outcome == "error"
    assert "Too many open files" in outcome.error.message
    assert bench.run("echo").ok
