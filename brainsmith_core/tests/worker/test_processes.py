"""Any program runs under supervision, and nothing of it is left."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.processes.command import CommandOutcome, run_command


@pytest.fixture
def run(mark: Any, tmp_path: Path) -> Any:
    def run(*argv: str | Path, **options: Any) -> CommandOutcome:
        options["env"] = {**mark.env, **options.get("env", {})}
        outcome = run_command(argv, log=tmp_path / "log", **options)
        assert not mark.processes()
        return outcome

    return run


def test_a_program_leaves_its_output_in_the_log_and_its_exit_code(run: Any, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    script = "pwd; echo $WORD; echo error >&2; cat; exit 3"
    outcome = run("sh", "-c", script, cwd=tmp_path / "here", env={"WORD": "word"})
    assert (outcome.end, outcome.exit_code, outcome.signal, outcome.ok) == ("exited", 3, None, False)
    assert (tmp_path / "log").read_text() == f"{tmp_path / 'here'}\nword\nerror\n"
    assert outcome.seconds > 0
    assert outcome.peak_rss_bytes
    assert run(Path("/bin/true")).ok


def test_a_signal_is_told(run: Any) -> None:
    outcome = run("sh", "-c", "kill -SEGV $$")
    assert (outcome.end, outcome.exit_code, outcome.signal) == ("signalled", None, signal.SIGSEGV)


def test_a_broken_pipe_ends_a_program_as_it_does_in_a_shell(run: Any, tmp_path: Path) -> None:
    assert run("bash", "-o", "pipefail", "-c", "yes | head -1 > /dev/null").exit_code == 128 + signal.SIGPIPE
    assert (tmp_path / "log").read_text() == ""


def test_the_whole_tree_ends_at_the_time_limit(run: Any) -> None:
    outcome = run("sh", "-c", "setsid sleep 600 & sleep 601 & trap '' TERM; wait; wait; sleep 602", timeout_s=0.3)
    assert outcome.end == "timeout"
    assert {process.name for process in outcome.killed} >= {"sleep"}


def test_what_goes_on_in_the_background_ends_with_the_program(run: Any) -> None:
    outcome = run("sh", "-c", "setsid sleep 600 & exit 0")
    assert outcome.ok
    assert [process.name for process in outcome.killed] == ["sleep"]


def test_a_stop_ends_it(run: Any) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    assert run("sleep", "600", stop=stop).end == "stopped"


def test_the_memory_limit_ends_it(run: Any) -> None:
    eater = f"{sys.executable} -c \"x = bytearray(b'1' * 60_000_000); import time; time.sleep(600)\""
    outcome = run("sh", "-c", f"{eater} & {eater} & {eater} & wait", memory_bytes=150_000_000)
    assert outcome.end == "memory"
    assert outcome.peak_rss_bytes > 150_000_000


@pytest.mark.parametrize("program", ["no-such-program", "/no/such/program", "/etc/passwd"])
def test_a_program_that_cannot_be_run_is_a_missing_requirement(run: Any, program: str) -> None:
    with pytest.raises(MissingRequirementError, match=f"{program} can't be run"):
        run(program, "--help")


def test_a_missing_folder_is_a_missing_requirement(run: Any, tmp_path: Path) -> None:
    with pytest.raises(MissingRequirementError, match="No such file or directory"):
        run("true", cwd=tmp_path / "none")
    with pytest.raises(MissingRequirementError, match="can't be started"):
        run_command(["true"], log=tmp_path / "none" / "log")
