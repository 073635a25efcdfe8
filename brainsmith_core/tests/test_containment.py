"""Foreign code is called so that nothing it does gets any further; Ctrl-C still stops the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from brainsmith_core.plugins.containment import call_contained, containment, describe


def exit_now() -> None:
    raise SystemExit("bye")


def interrupt_oneself() -> None:
    raise KeyboardInterrupt


def test_what_is_raised_is_in_the_outcome() -> None:
    assert describe(call_contained(exit_now).error) == "SystemExit: bye"
    assert describe(call_contained(interrupt_oneself).error) == "KeyboardInterrupt"
    outcome = call_contained(lambda: 5)
    assert (outcome.value, outcome.error) == (5, None)


def test_a_real_interrupt_gets_through_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        call_contained(lambda: os.kill(os.getpid(), signal.SIGINT))
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_can_call_too() -> None:
    found = []
    thread = threading.Thread(target=lambda: found.append(call_contained(exit_now).error))
    thread.start()
    thread.join()
    assert isinstance(found[0], SystemExit)


PRINTING = """
import os, subprocess, sys
from brainsmith_core.plugins.containment import call_contained
def noisy():
    print("printed")
    os.write(1, b"written\\n")
    subprocess.run(["echo", "spoken"])
outcome = call_contained(noisy)
print([outcome.output])
"""


def test_nothing_that_is_printed_reaches_stdout() -> None:
    done = subprocess.run([sys.executable, "-c", PRINTING], capture_output=True, text=True, check=True)
    assert done.stdout == "['printed\\n']\n"
    assert sorted(done.stderr.split()) == ["spoken", "written"]


@pytest.mark.parametrize("closed", [1, 2])
def test_closed_streams_do_not_matter(closed: int) -> None:
    code = f"import os; os.close({closed})\n" + PRINTING.replace("noisy)", "exit)").replace(
        "print([outcome", "len([outcome"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_long_reason_is_cut() -> None:
    assert len(describe(ValueError("x" * 1000))) == 300
    assert describe(ValueError("two\nlines")) == "ValueError: two lines"


THREADED = """
import os, sys, threading
from brainsmith_core.plugins.containment import call_contained
go, said, done = threading.Event(), threading.Event(), threading.Event()
def later():
    print("printed at once", flush=False)
    said.set()
    go.wait(30)
    print("printed later")
    done.set()
def starts_a_thread():
    writer = threading.Thread(target=lambda: os.write(1, b"written\\n"))
    writer.start()
    writer.join()
    threading.Thread(target=later, daemon=True).start()
    said.wait(30)
call_contained(starts_a_thread)
go.set()
done.wait(30)
print("ours")
"""


def test_threads_that_foreign_code_starts_print_on_stderr_then_and_later() -> None:
    done = subprocess.run([sys.executable, "-c", THREADED], capture_output=True, text=True, check=True)
    assert done.stdout == "ours\n"
    assert sorted(done.stderr.splitlines()) == ["printed at once", "printed later", "written"]


OWN = """
import os, subprocess, sys, threading
from brainsmith_core.processes.own_stdout import own_stdout
with own_stdout():
    print("ours")
    os.write(1, b"written\\n")
    subprocess.run(["echo", "spoken"])
    thread = threading.Thread(target=lambda: os.write(1, b"in a thread\\n"))
    thread.start()
    thread.join()
print("after")
"""


def test_stdout_is_the_programs_own() -> None:
    done = subprocess.run([sys.executable, "-c", OWN], capture_output=True, text=True, check=True)
    assert done.stdout == "ours\nafter\n"
    assert sorted(done.stderr.splitlines()) == ["in a thread", "spoken", "written"]


LEFT = """
import os, threading
from brainsmith_core.processes.own_stdout import own_stdout
go = threading.Event()
def late():
    go.wait(30)
    print("printed late")
    os.write(1, b"written late\\n")
with own_stdout():
    threading.Thread(target=late).start()
    print("ours")
go.set()
"""


def test_a_thread_that_outlives_the_program_does_not_spoil_stdout() -> None:
    done = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, check=True)
    assert done.stdout == "ours\n"
    assert sorted(done.stderr.splitlines()) == ["printed late", "written late"]


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_nobodys_own(closed: int) -> None:
    body = "from brainsmith_core.processes.own_stdout import own_stdout\nwith own_stdout(): pass\n"
    done = subprocess.run([sys.executable, "-c", f"import os; os.close({closed})\n{body}"], check=False)
    assert done.returncode == 0


def test_within_a_containment_each_call_has_its_own_output() -> None:
    with containment() as pressed:
        outcomes = [call_contained(lambda text=text: print(text)) for text in ("one", "two")]  # type: ignore[misc]  # mypy can't see a lambda's default
        failed = call_contained(exit_now)
    assert [each.output for each in outcomes] == ["one\n", "two\n"]
    assert isinstance(failed.error, SystemExit)
    assert not pressed.is_set()
