"""The parts of the worker, each by itself."""

from __future__ import annotations

import ast
import ctypes
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.processes import worker
from brainsmith_core.processes.worker import child, lines, program, system, task_log, tree
from brainsmith_core.processes.worker.limits import Limits

SOURCES = sorted(Path(worker.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_worker_is_python_3_8(path: Path) -> None:
    # What the parser of 3.8 takes; annotations may be newer, since they are never evaluated.
    parsed = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    imports = [node for node in parsed.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert imports or path.name == "__init__.py"


# --- lines


@given(st.lists(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)), st.randoms())
def test_messages_arrive_whole_however_they_are_cut(messages: list[object], dice: random.Random) -> None:
    data = b"".join(lines.encode(message) for message in messages)
    read_end, write_end = os.pipe()
    reader = lines.LineReader(read_end)
    found: list[bytes] = []
    while data:
        size = dice.randint(1, len(data))
        os.write(write_end, data[:size])
        data = data[size:]
        found += reader.read()
    os.close(write_end)
    found += reader.read()
    assert reader.at_end
    reader.close()
    assert [line + b"\n" for line in found] == [lines.encode(message) for message in messages]


def test_a_line_beyond_the_limit_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_MAX_LINE_BYTES", 10)
    read_end, write_end = os.pipe()
    reader = lines.LineReader(read_end)
    for piece in (b"123456", b"789012", b"345\nshort\nlong", b"er\n"):
        os.write(write_end, piece)
        reader.read()
    os.write(write_end, b"next\n")
    assert reader.read() == [b"next"]
    os.close(write_end)
    reader.close()


def test_a_writer_keeps_what_does_not_fit_and_sees_that_nobody_reads() -> None:
    read_end, write_end = os.pipe()
    reader, writer = lines.LineReader(read_end), lines.LineWriter(write_end)
    line = b"x" * 1_000_000 + b"\n"
    writer.send(line)
    assert 0 < writer.pending < len(line)
    found: list[bytes] = []
    while not found:
        found += reader.read()
        writer.flush()
    assert found == [line[:-1]]
    assert writer.pending == 0
    writer.send(line)
    reader.close()
    writer.flush()
    assert writer.broken
    writer.send(line)
    writer.flush_all()
    assert writer.pending == 0
    os.close(write_end)


# --- the log


@given(st.lists(st.binary(min_size=1, max_size=300)), st.integers(0, 2000))
def test_a_log_holds_its_head_and_its_end(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], limit: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "task.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task_log, "TAIL_BYTES", 500)
        log = task_log.TaskLog(str(path), limit)
        for piece in pieces:
            log.write(piece)
        log.close()
    data, text = b"".join(pieces), path.read_bytes()
    assert text.startswith(data[:limit])
    assert text.endswith(data[limit:][-500:])
    if len(data) <= limit:
        assert text == data
    assert not log.truncated or len(data) > limit + 500
    assert log.truncated == (b"left out here" in text)


def test_a_disk_that_is_full_for_a_while_costs_what_the_end_cannot_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = task_log.TaskLog(str(tmp_path / "task.log"), 1000)
    log.write(b"first")
    with monkeypatch.context() as patch:

        def full(fd: int, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "write", full)
        log.write(b"second")
        for _ in range(3):
            log.write(b"x" * task_log.TAIL_BYTES)
    log.write(b"last")
    log.close()
    text = (tmp_path / "task.log").read_bytes()
    assert log.truncated
    assert text.startswith(b"first\n[brainsmith] ")
    assert b"No space left on device" in text
    assert text.endswith(b"xlast")


# --- processes


def test_a_process_is_read_whatever_its_name(tmp_path: Path) -> None:
    odd = tmp_path / "a) S 1 (b"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "60"]) as process:
        found = tree.read(process.pid)
        while found is not None and found.name != odd.name:
            found = tree.read(process.pid)
        assert found is not None
        assert (found.pid, found.parent, found.threads) == (process.pid, os.getpid(), 1)
        assert not found.is_zombie
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        dead = tree.read(process.pid)
        assert dead is not None
        assert dead.is_zombie
        assert tree.living([process.pid]) == []
    assert tree.read(process.pid) is None
    assert tree.children(process.pid) == []
    assert tree.resident_bytes([found]) == tree.proportional_bytes([found]) == 0


def test_the_tree_is_found_with_and_without_the_kernels_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import subprocess, sys, threading\nthreading.Thread(target=lambda: subprocess.run(['sleep', '60'])).start()"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        while len(tree.descendants([process.pid])) != 1:
            time.sleep(0.01)
        (grandchild,) = tree.descendants([process.pid])
        assert process.pid in tree.children(os.getpid())
        monkeypatch.setattr(tree, "_CHILDREN_LISTS", Path("/proc/no-such-file"))
        assert [found.pid for found in tree.descendants([process.pid])] == [grandchild.pid]
        tree.send(grandchild, signal.SIGKILL)


def test_memory_is_counted_shared_or_not() -> None:
    me = tree.read(os.getpid())
    assert me is not None
    assert 1_000_000 < tree.proportional_bytes([me]) <= tree.resident_bytes([me]) * 1.1


@pytest.mark.parametrize("pidfd", [True, False])
def test_a_signal_reaches_the_process_but_never_another_one_with_its_id(
    pidfd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not pidfd:
        monkeypatch.delattr(os, "pidfd_open")
    with subprocess.Popen(["sleep", "60"]) as process:
        found = tree.read(process.pid)
        assert found is not None
        assert not tree.send(found._replace(start=found.start + 1), signal.SIGKILL)
        assert process.poll() is None
        assert tree.send(found, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not tree.send(found, signal.SIGKILL)


def test_a_process_of_another_user_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError

    me = tree.read(os.getpid())
    assert me is not None
    monkeypatch.setattr(signal, "pidfd_send_signal", refuse)
    assert not tree.send(me, signal.SIGTERM)


def test_an_ending_asks_once_then_insists(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(tree, "send", lambda process, signum: sent.append((process.pid, signum)))
    one, two = (tree.Process(pid, 0, 1, "S", 1, "x") for pid in (1, 2))
    ending = tree.Ending(settle_s=1, grace_s=2)
    assert ending.step([one]) == 1
    assert not sent
    assert ending.signalled == []
    clock[0] += 1
    assert ending.step([one]) == 2
    assert ending.step([one, two]) == 2
    assert sent == [(1, signal.SIGTERM), (1, signal.SIGCONT), (2, signal.SIGTERM), (2, signal.SIGCONT)]
    clock[0] += 2
    del sent[:]
    for _ in range(2):
        assert 0 < ending.step([two]) < 0.1
    assert sent[0] == sent[2] == (2, signal.SIGKILL)
    assert ending.signalled == [one, two]
    assert ending.seconds() == 3


def test_the_next_look_is_due_at_the_time_limit_at_the_latest() -> None:
    assert Limits(None, None).due_s() > 0.1
    assert Limits(0.01, None).due_s() <= 0.01
    assert Limits(0, None).exceeded() == "timeout"


# --- the system


def test_a_process_whose_parent_is_gone_already_leaves() -> None:
    script = "from brainsmith_core.processes.worker import system; system.die_with_parent(9, 1 << 22)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 70


def test_a_request_that_the_kernel_refuses_is_an_error() -> None:
    with pytest.raises(OSError, match=r"prctl.*Invalid argument"):
        system._prctl(-1, ctypes.c_ulong(0))


# --- the program


def test_a_file_that_is_no_python_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "tasks.txt").touch()
    with pytest.raises(ImportError, match="not a Python file"):
        program.load_tasks(str(tmp_path / "tasks.txt"))


def test_errors_are_described_with_their_qualified_names() -> None:
    assert child.describe_error(ValueError("x"))["type"] == "ValueError"
    assert child.describe_error(subprocess.TimeoutExpired("x", 1))["type"] == "subprocess.TimeoutExpired"
