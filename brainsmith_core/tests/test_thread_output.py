from __future__ import annotations

import contextlib
import io
import sys
import threading

import pytest

from brainsmith_core.plugins.manager import load_target
from brainsmith_core.processes.thread_output import captured_stdout


def test_only_this_threads_output_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    entered, printed = threading.Event(), threading.Event()
    caught: list[str] = []

    def capture() -> None:
        with captured_stdout() as output:
            entered.set()
            assert printed.wait(30)
            print("theirs")
            caught.append(output.getvalue())

    thread = threading.Thread(target=capture)
    thread.start()
    assert entered.wait(30)
    print("ours")
    printed.set()
    thread.join()
    assert caught == ["theirs\n"]
    assert capsys.readouterr().out == "ours\n"


def test_threads_that_overlap_leave_stdout_as_it_was() -> None:
    before = sys.stdout
    first, second = captured_stdout(), captured_stdout()
    turns = [threading.Event() for _ in range(3)]

    def overlap() -> None:
        with second:
            turns[0].set()
            assert turns[1].wait(30)
        turns[2].set()

    thread = threading.Thread(target=overlap)
    with first:
        thread.start()
        assert turns[0].wait(30)
    turns[1].set()
    assert turns[2].wait(30)
    thread.join()
    assert sys.stdout is before


def test_captures_nest_within_a_thread() -> None:
    with captured_stdout() as outer:
        print("one")
        with captured_stdout() as inner:
            print("two")
        print("three")
    assert (outer.getvalue(), inner.getvalue()) == ("one\nthree\n", "two\n")


def test_stdout_that_somebody_else_replaces_meanwhile_stays_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # put back at the end, whatever is left in its place
    theirs = io.StringIO()
    with captured_stdout() as output:
        with contextlib.redirect_stdout(theirs):
            print("theirs")
        print("ours")
    assert (theirs.getvalue(), output.getvalue()) == ("theirs\n", "ours\n")
    replaced = contextlib.redirect_stdout(theirs)
    with captured_stdout():
        replaced.__enter__()
    assert sys.stdout is theirs
    replaced.__exit__(None, None, None)
    print("behind a router that catches nothing any more")


def test_what_a_program_prints_while_a_build_loads_a_plugins_code_is_not_lost(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "waits_at_its_import.py").write_text("import sys\nsys.reached.set()\nsys.go.wait(30)\nvalue = 7\n")
    monkeypatch.syspath_prepend(str(folder))
    reached, go = threading.Event(), threading.Event()
    monkeypatch.setattr(sys, "reached", reached, raising=False)
    monkeypatch.setattr(sys, "go", go, raising=False)
    thread = threading.Thread(target=load_target, args=("waits_at_its_import:value", "the test"))
    thread.start()
    assert reached.wait(30)
    print("a result")
    go.set()
    thread.join()
    assert capsys.readouterr().out == "a result\n"
