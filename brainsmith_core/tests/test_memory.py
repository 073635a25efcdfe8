"""What is remembered between starts is true as long as the file is the same, and may be lost at any time."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.formats import memory as subject
from brainsmith_core.formats.memory import CACHE_VARIABLE, Memory, cache_folder, checked_pattern, read_toml
from brainsmith_core.plugins.manager import PluginManager


def test_what_is_kept_is_there_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "new" / "memory.json"
    first = Memory(file)
    first.keep("kind", "key", [1, "ä", None])
    assert not file.exists()
    first.save()
    assert Memory(file).recall("kind", "key") == [1, "ä", None]
    assert Memory(file).recall("other", "key") is None
    first.drop("kind", "key")
    first.drop("kind", "key")
    first.save()
    assert Memory(file).recall("kind", "key") is None


def test_a_file_that_changed_is_looked_at_again(tmp_path: Path) -> None:
    file, asked = tmp_path / "data", []

    def make(path: str) -> str:
        asked.append(path)
        return Path(path).read_text()

    kept = Memory(tmp_path / "memory.json")
    file.write_text("one")
    assert [kept.of_file("text", str(file), make) for _ in range(2)] == ["one", "one"]
    assert len(asked) == 1
    kept.save()
    assert Memory(tmp_path / "memory.json").of_file("text", str(file), make) == "one"
    assert len(asked) == 1
    file.write_text("two")
    os.utime(file, ns=(1, 1))
    assert kept.of_file("text", str(file), make) == "two"
    file.unlink()
    kept.keep("other", "new", 1)
    kept.save()
    assert Memory(tmp_path / "memory.json").recall("text", str(file)) is None
    with pytest.raises(FileNotFoundError):
        kept.of_file("text", str(file), make)


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b"{", b'{"format": 0, "facts": {}}', b'{"format": 2, "facts": {"kind": 3}}']
)
def test_a_damaged_memory_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "memory.json"
    file.write_bytes(content)
    assert Memory(file).recall("kind", "key") is None


def test_a_memory_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = Memory(tmp_path / "file" / "memory.json")
    kept.keep("kind", "key", 1)
    kept.save()
    assert kept.recall("kind", "key") == 1
    Memory(None).save()


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, "/there")
    assert cache_folder() == Path("/there")
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert cache_folder() == Path("/cache/brainsmith")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_folder() == Path("/home/me/.cache/brainsmith")
    monkeypatch.setattr(subject, "_home", lambda: "~")
    assert cache_folder() is None


def test_a_wrong_pattern_is_refused_each_time() -> None:
    for _ in range(2):
        assert checked_pattern("a+b") == "a+b"
        with pytest.raises(re.error):
            checked_pattern("a(b")


@given(st.dictionaries(st.text("abc", min_size=1), st.integers() | st.text("xyz") | st.booleans()))
def test_a_toml_file_reads_the_same_from_memory(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("toml") / "data.toml"
    shown = {key: str(value).lower() if isinstance(value, bool) else repr(value) for key, value in data.items()}
    file.write_text("".join(f"{key} = {value}\n" for key, value in shown.items()))
    assert read_toml(str(file)) == read_toml(str(file)) == data


def test_plugins_are_the_same_with_and_without_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        kept = Memory(tmp_path / "memory.json")
        monkeypatch.setattr(subject, "memory", lambda kept=kept: kept)
        found.append([(each.name, each.state, each.provides) for each in PluginManager.discover().check_all()])
        kept.save()
    assert found[0] == found[1]
