from __future__ import annotations

import io
import re
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from brainsmith_core.events import BuildEvent
from brainsmith_core.result import BuildResult, BuildStatus
from brainsmith_orchestration.progress import Progress
from brainsmith_orchestration.progress_state import ProgressState


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def event(kind: str, build: str = "a", **data: Any) -> BuildEvent:
    return BuildEvent(kind=kind, build_id=build, data=data)


def result(name: str = "a", status: BuildStatus = BuildStatus.SUCCESS, **changes: Any) -> BuildResult:
    return BuildResult(config_id=name, status=status, duration_seconds=1.5, **changes)


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_results_are_counted_by_what_became_of_them() -> None:
    state = ProgressState(total=9)
    state.finish(result())
    state.finish(result(cached=True))
    for status in (BuildStatus.FAILED, BuildStatus.TIMEOUT, BuildStatus.SKIPPED, BuildStatus.CANCELLED):
        state.finish(result(status=status))
    expected = "6/9 done: 2 succeeded, 2 failed, 1 skipped, 1 cancelled (1 of them cached)"
    assert state.counts() == expected


def test_a_running_build_shows_its_step_and_ends_with_its_result() -> None:
    state = ProgressState()
    state.note(event("build_started"))
    state.note(event("phase_started", phase="preprocessing"))
    assert state.running["a"].describe() == "preprocessing"
    state.note(event("step_started", step="cut", index=1, total=2))
    assert state.running["a"].describe() == "cut (1/2)"
    state.note(event("phase_started", phase="backend"))
    assert state.running["a"].describe() == "backend"
    state.note(event("step_started", step="step_x"))
    assert state.running["a"].describe() == "step_x"
    state.note(event("build_finished"))
    assert state.running == {}
    state.note(event("sample"))
    assert state.running == {}


def test_the_time_left_follows_from_what_was_really_built() -> None:
    state = ProgressState(total=10, started=time.monotonic() - 20)
    assert state.seconds_left is None
    state.finish(result(cached=True))
    assert state.seconds_left is None
    state.finish(result())
    state.finish(result(status=BuildStatus.FAILED))
    assert state.seconds_left == pytest.approx(70, rel=0.1)
    assert ProgressState(succeeded=1).seconds_left is None


def test_on_a_pipe_each_result_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(total=3, best=lambda: "a with 100 fps") as progress:
        progress.finish(result("a"))
        progress.finish(result("b", BuildStatus.FAILED, error_message="it broke"))
        progress.finish(result("c", BuildStatus.SKIPPED, error_message="not started: no time"))
    captured = capsys.readouterr()
    assert captured.out == ""
    *first, last = captured.err.splitlines()
    assert first == [
        "[1/3] a: success in 1.5 s",
        "[2/3] b: failed in 1.5 s: it broke",
        "[3/3] c: skipped: not started: no time",
    ]
    assert re.fullmatch(r"3/3 done: 1 succeeded, 1 failed, 1 skipped; best: a with 100 fps; [\d.]+ s", last)


def test_many_quick_successes_share_a_line_and_no_failure_is_lost() -> None:
    stream = io.StringIO()
    with Progress(stream=stream) as progress:
        for number in range(500):
            progress.finish(result(str(number), BuildStatus.FAILED if number == 400 else BuildStatus.SUCCESS))
    text = stream.getvalue()
    assert "[1] 0: success" in text
    assert "... 399 more, 401 done: 400 succeeded, 1 failed" in text
    assert "[401] 400: failed" in text
    assert lines(stream)[-1].startswith("500 done: 499 succeeded, 1 failed; ")
    assert len(lines(stream)) < 100


def test_a_cached_result_says_so() -> None:
    stream = io.StringIO()
    with Progress(stream=stream) as progress:
        progress.finish(result(cached=True))
    assert lines(stream)[0] == "[1] a: success (cached)"


def test_a_stop_is_announced_with_its_reason() -> None:
    stream = io.StringIO()
    with Progress(total=4, stream=stream) as progress:
        progress.note(event("build_started"))
        progress.note(event("run_stopping", "", reason="interrupted by SIGINT", running=2))
        progress.finish(result("a", BuildStatus.CANCELLED, error_message="interrupted by SIGINT"))
    assert lines(stream)[0] == "stopping: interrupted by SIGINT; waiting for 2 running builds to end"
    assert "stopping (interrupted by SIGINT)" in lines(stream)[-1]


def test_draining_is_announced_with_what_stops_it() -> None:
    stream = io.StringIO()
    with Progress(total=4, stream=stream) as progress:
        progress.note(event("build_started"))
        progress.note(event("run_draining", "", reason="interrupted by SIGINT", running=2))
    shown = lines(stream)
    text = "nothing more starts: interrupted by SIGINT; 2 running builds go on to their end; Ctrl-C again stops them"
    assert shown[0] == text
    assert "draining (interrupted by SIGINT): running builds go on, Ctrl-C again stops them" in shown[-1]
    with Progress(total=4, stream=stream) as progress:
        progress.note(event("run_draining", "", reason="interrupted by SIGINT", running=0))
    assert len(lines(stream)) == len(shown) + 1


def test_a_terminal_shows_a_bar_what_runs_and_the_best() -> None:
    stream = Terminal()
    with Progress(total=20, best=lambda: "b with 100 fps", stream=stream) as progress:
        for number in range(15):
            progress.note(event("build_started", f"build{number}"))
        progress.note(event("step_started", "build0", step="step_hls", index=3, total=9))
        progress.finish(result("bad", BuildStatus.FAILED, error_message="it [broke]"))
    text = stream.getvalue()
    assert "1/20 done: 0 succeeded, 1 failed" in text
    assert "step_hls (3/9)" in text
    assert "and 3 more" in text
    assert "best so far: b with 100 fps" in text
    assert "bad: failed in 1.5 s: it [broke]" in text


def test_a_terminal_without_a_known_total_and_best_works_too() -> None:
    stream = Terminal()
    with Progress(stream=stream) as progress:
        progress.note(event("build_started"))
        progress.finish(result())
    assert "1 done: 1 succeeded" in stream.getvalue()


@pytest.mark.parametrize(("variable", "value"), [("CI", "true"), ("TERM", "dumb")])
def test_in_ci_and_on_a_dumb_terminal_lines_are_written(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    stream = Terminal()
    with Progress(stream=stream) as progress:
        progress.finish(result())
    assert lines(stream)[0] == "[1] a: success in 1.5 s"


def test_events_from_many_threads_are_taken_in() -> None:
    stream = io.StringIO()
    with Progress(stream=stream) as progress:

        def build(number: int) -> None:
            for step in range(50):
                progress.note(event("build_started", f"{number}"))
                progress.note(event("step_started", f"{number}", step=f"s{step}"))
            progress.finish(result(str(number)))

        threads = [threading.Thread(target=build, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert progress.state.done == 8
        assert progress.state.running == {}


def test_outside_of_its_context_nothing_is_shown() -> None:
    stream = io.StringIO()
    progress = Progress(stream=stream)
    progress.note(event("build_started"))
    progress.finish(result())
    progress.__exit__(None, None, None)
    assert stream.getvalue() == ""
    assert progress.state.done == 1


def test_rich_is_not_imported_on_a_pipe() -> None:
    program = (
        "import sys; from brainsmith_orchestration.progress import Progress\n"
        "with Progress(): pass\n"
        "assert 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
