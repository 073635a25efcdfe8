"""Which files are read, in which order, and which can't be."""

from __future__ import annotations

import os
import socket
import tracemalloc
from pathlib import Path

import pytest

from brainsmith_core.metrics import report_files
from brainsmith_core.metrics.report import ReportError
from brainsmith_core.metrics.report_files import find_files, open_regular, read_rest


def names(paths: list[Path], root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in find_files(paths)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.json", "a/2.json", "a/1.json", "a/c/x.rpt", "Z.log"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_files_come_by_name_folder_by_folder(tree: Path) -> None:
    assert names([tree], tree) == ["Z.log", "a/1.json", "a/2.json", "a/c/x.rpt", "b.json"]


def test_a_file_that_is_named_twice_comes_once(tree: Path) -> None:
    link = tree / "a" / "link.json"
    link.symlink_to(tree / "b.json")
    assert names([tree / "b.json", tree], tree) == ["b.json", "Z.log", "a/1.json", "a/2.json", "a/c/x.rpt"]


def test_links_to_folders_are_followed_only_where_they_are_named(tree: Path) -> None:
    (tree / "a" / "round").symlink_to(tree, target_is_directory=True)
    inside = tree / "inside"
    inside.symlink_to(tree / "a" / "c", target_is_directory=True)
    assert names([tree], tree) == ["Z.log", "a/1.json", "a/2.json", "a/c/x.rpt", "b.json"]
    assert names([inside], tree) == ["inside/x.rpt"]


def test_a_folder_that_cannot_be_listed_is_named_itself(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: Path) -> object:
        if str(path).endswith("/c"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert "a/c" in names([tree], tree)
    with pytest.raises(ReportError, match="folder can't be read"):
        open_regular(tree / "a" / "c")


@pytest.mark.parametrize("kind", ["pipe", "socket", "broken link", "nothing"])
def test_what_is_no_file_is_not_opened(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        monkeypatch.chdir(tmp_path)  # a socket's name must be short
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind("x")
    elif kind == "broken link":
        path.symlink_to("gone")
    with pytest.raises(ReportError, match=r"no regular file|can't be read"):
        open_regular(path)


def test_a_file_is_read_whole_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.rpt"
    path.write_bytes(b"0123456789")
    with open_regular(path) as file:
        assert read_rest(file, file.read(4)) == b"0123456789"
    monkeypatch.setattr(report_files, "MAX_BYTES", 9)
    with open_regular(path) as file, pytest.raises(ReportError, match="10 bytes"):
        read_rest(file, file.read(4))


def test_an_error_while_reading_says_why(tmp_path: Path) -> None:
    path = tmp_path / "x.rpt"
    path.write_bytes(b"0123456789")

    class Faulty:
        def __init__(self) -> None:
            self._file = path.open("rb")

        def fileno(self) -> int:
            return self._file.fileno()

        def read(self, _: int) -> bytes:
            self._file.close()
            raise OSError(5, "Input/output error")

    with pytest.raises(ReportError, match="Input/output error"):
        read_rest(Faulty(), b"")  # type: ignore[arg-type]  # a file that fails while it is read


def test_reading_takes_about_as_much_memory_as_the_file_has_bytes(tmp_path: Path) -> None:
    path = tmp_path / "small.rpt"
    path.write_bytes(b"x" * 100_000)
    with open_regular(path) as file:
        head = file.read(1000)
        tracemalloc.start()
        try:
            assert len(read_rest(file, head)) == 100_000
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()
