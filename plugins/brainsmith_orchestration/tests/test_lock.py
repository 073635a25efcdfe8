from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_orchestration.lock import FolderLock, leftover_processes

HOLD = "import sys; from pathlib import Path; from brainsmith_orchestration.lock import FolderLock\n"
HOLD += "with FolderLock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_second_controller_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConfigurationError) as caught, FolderLock(tmp_path):
            pass
        assert f"process {holder.pid} on {socket.gethostname()}" in caught.value.message
        assert f"kill {holder.pid}" in (caught.value.hint or "")
        holder.kill()
    with FolderLock(tmp_path):
        pass


def test_a_lock_whose_holder_has_not_signed_yet_is_refused_too(tmp_path: Path) -> None:
    with FolderLock(tmp_path) as lock:
        os.truncate(lock.path, 0)
        with pytest.raises(ConfigurationError, match="another process builds in it"), FolderLock(tmp_path):
            pass


def test_a_lock_can_be_taken_again_after_it_was_let_go(tmp_path: Path) -> None:
    for _ in range(2):
        with FolderLock(tmp_path) as lock:
            assert json.loads(lock.path.read_text())["pid"] == os.getpid()
        assert lock.path.read_text() == ""


def test_the_folder_is_made(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="can't be written"), FolderLock(tmp_path / "file" / "x"):
        pass


@pytest.mark.parametrize("text", ["no json", "[]", '{"pid": "seven"}'])
def test_a_lock_file_with_something_else_in_it_is_taken(tmp_path: Path, text: str) -> None:
    (tmp_path / ".brainsmith-lock").write_text(text)
    with FolderLock(tmp_path):
        pass


def test_processes_of_a_killed_controller_are_waited_for(tmp_path: Path) -> None:
    pid = dead_process()
    (tmp_path / ".brainsmith-lock").write_text(json.dumps({"pid": pid, "host": socket.gethostname()}))
    program = "import time; time.sleep(0.4)"
    worker = subprocess.Popen([sys.executable, "-c", program, "--controller", str(pid), "end"])
    try:
        while not leftover_processes(pid):
            time.sleep(0.01)
        with FolderLock(tmp_path):
            assert worker.poll() is not None or leftover_processes(pid) == []
    finally:
        worker.wait()


def test_processes_of_a_killed_controller_that_do_not_end_are_named(tmp_path: Path) -> None:
    pid = dead_process()
    (tmp_path / ".brainsmith-lock").write_text(json.dumps({"pid": pid, "host": socket.gethostname()}))
    program = "import time; time.sleep(60)"
    worker = subprocess.Popen([sys.executable, "-c", program, "--controller", str(pid), "end"])
    try:
        while not leftover_processes(pid):
            time.sleep(0.01)
        with pytest.raises(ConfigurationError, match="still at work") as caught, FolderLock(tmp_path, patience=0.1):
            pass
        assert str(worker.pid) in caught.value.message
    finally:
        worker.kill()
        worker.wait()


def test_processes_on_another_machine_cannot_be_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".brainsmith-lock").write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    with FolderLock(tmp_path):
        pass
