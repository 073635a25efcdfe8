from __future__ import annotations

import threading
from pathlib import Path

import pytest

from brainsmith_core.errors import MissingRequirementError
from brainsmith_finn_legacy.environments.homes import exclusive, finn_home


def test_the_home_is_brainsmith_s_then_xdg_s_then_the_user_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("BRAINSMITH_HOME", "~/mine")
    assert finn_home() == tmp_path / "mine" / "finn"
    monkeypatch.delenv("BRAINSMITH_HOME")
    assert finn_home() == Path("/data/brainsmith/finn")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert finn_home() == tmp_path / ".local" / "share" / "brainsmith" / "finn"


def test_a_lock_that_is_held_is_waited_for(tmp_path: Path) -> None:
    waiting, done = threading.Event(), threading.Event()

    def second() -> None:
        with exclusive(tmp_path / "a" / "lock", waiting.set):
            done.set()

    with exclusive(tmp_path / "a" / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(30)
        assert not done.is_set()
    thread.join(30)
    assert done.is_set()


def test_a_lock_that_is_held_is_an_error_where_nobody_waits(tmp_path: Path) -> None:
    with exclusive(tmp_path / "lock"), pytest.raises(BlockingIOError), exclusive(tmp_path / "lock"):
        pytest.fail("both hold it")


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(MissingRequirementError, match="can't be written to") as raised,
        exclusive(tmp_path / "file" / "lock"),
    ):
        pytest.fail("there is no such folder")
    assert "BRAINSMITH_HOME" in str(raised.value.hint)
