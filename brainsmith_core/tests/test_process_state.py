"""What foreign code changes of the process is put back, and named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brainsmith_core.plugins.containment import call_contained, describe, one_line
from brainsmith_core.plugins.process_state import process_kept

CHANGES = {
    "the working folder": "import os; os.chdir('/')",
    "environment variables": "import os; os.environ.clear()",
    "sys.path": "import sys; sys.path.insert(0, '/nowhere')",
    "sys.meta_path": "import sys; sys.meta_path.clear()",
    "sys.modules": "import sys; sys.modules.clear()",
    "signal handlers": "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "the recursion limit": "import sys; sys.setrecursionlimit(70)",
    "the mask of file rights": "import os; os.umask(0o777)",
    "streams or functions of sys": "import sys; sys.stdout = sys.stderr = sys.excepthook = None",
}

REPORT = """
import json, os, signal, sys
from brainsmith_core.plugins.containment import call_contained
def state():
    mask = os.umask(0)
    os.umask(mask)
    handler = signal.getsignal(signal.SIGTERM)
    return [os.getcwd(), dict(os.environ), len(sys.meta_path), set(sys.modules) >= {"os", "sys", "json"},
            str(handler), mask, sys.getrecursionlimit(), sys.path[0], str(sys.stderr), str(sys.excepthook)]
before = state()
code = sys.argv[1]
changed = call_contained(lambda: exec(code)).changed
print(json.dumps([changed, state() == before]))
"""


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_put_back_and_named(what: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", REPORT, CHANGES[what]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == [[what], True]


def test_tracers_are_put_back() -> None:
    with process_kept() as changed:
        before = sys.gettrace(), sys.getprofile()
        sys.settrace(None if before[0] else lambda *_: None)
        sys.setprofile(lambda *_: None)
    assert (sys.gettrace(), sys.getprofile()) == before
    assert changed == ["streams or functions of sys"]


def test_what_is_added_stays_at_the_end() -> None:
    before = list(sys.path)
    try:
        with process_kept():
            sys.path.insert(0, "/nowhere/at/all")
        assert sys.path == [*before, "/nowhere/at/all"]
    finally:
        sys.path[:] = before


def test_nothing_is_said_where_nothing_changed() -> None:
    assert call_contained(lambda: signal.getsignal(signal.SIGTERM)).changed == ()


def test_a_folder_that_is_gone_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert call_contained(lambda: 5).changed == ()
    os.chdir(tmp_path)


def test_a_copy_of_the_program_ends_and_does_nothing_twice() -> None:
    code = (
        "import os\nfrom brainsmith_core.plugins.containment import call_contained\n"
        "child = call_contained(os.fork).value\nos.waitpid(child, 0)\nprint('once')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "once\n"


@pytest.mark.parametrize("stream", ["sys.stdout", "sys.__stdout__"])
def test_a_closed_stdout_is_the_plugins_own_loss(stream: str) -> None:
    code = (
        "import sys\nfrom brainsmith_core.processes.own_stdout import own_stdout\n"
        "from brainsmith_core.plugins.containment import call_contained\n"
        f"with own_stdout():\n    for _ in range(2): call_contained(lambda: {stream}.close())\n    print('ours')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "ours\n"


def test_an_error_that_cannot_be_told_is_told_by_its_type() -> None:
    class UnspeakableError(Exception):
        def __str__(self) -> str:
            raise OSError("not even this")

    assert describe(UnspeakableError()) == "UnspeakableError: (its message can't be made: OSError)"


def test_a_message_obeys_no_terminal_and_can_be_written() -> None:
    shown = one_line("bad \udcff \x1b[31m \x00 \u202e grün")
    assert shown == "bad \\udcff \\x1b[31m \\x00 \\u202e grün"
    assert shown.encode() != b""
