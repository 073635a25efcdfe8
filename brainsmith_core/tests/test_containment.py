"""Foreign code is called so that nothing it does gets any further; Ctrl-C still stops the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from brainsmith_core.plugins.containment import call_contained, describe


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
