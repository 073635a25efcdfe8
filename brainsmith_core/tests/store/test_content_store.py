"""The store: what is put comes back, what is damaged doesn't, and what is in use stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import brainsmith_core.store
from brainsmith_core.store import ContentStore, DamagedEntry, StoreError, default_root, size_limit
from brainsmith_core.store import files as store_files
from brainsmith_core.store.location import DEFAULT_LIMIT, parse_size

FOLDER = Path(brainsmith_core.store.__file__).parent


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, warnings: list[str]) -> ContentStore:
    return ContentStore(str(tmp_path / "store"), warnings.append)


def age(path: str | Path, seconds: float = 100_000) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def damage(path: str | Path) -> None:
    path = Path(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))


def all_files(store: ContentStore) -> list[Path]:
    return [path for path in Path(store.root).rglob("*") if path.is_file() and path.name != "gc.lock"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=5000))
def test_content_comes_back_as_it_was_put(store: ContentStore, tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "source"
    source.write_bytes(data)
    digest = store.put_bytes(data)
    assert store.put_file(str(source)) == digest
    assert store.has(digest)
    assert store.read(digest) == data
    store.restore(digest, str(tmp_path / "restored"))
    assert (tmp_path / "restored").read_bytes() == data


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=st.dictionaries(st.text(), st.one_of(st.none(), st.integers(), st.text(), st.lists(st.booleans()))),
    contents=st.lists(st.binary(max_size=50), max_size=4),
)
def test_entries_come_back_as_they_were_written(
    store: ContentStore, document: dict[str, object], contents: list[bytes]
) -> None:
    blobs = [store.put_bytes(each) for each in contents]
    written = store.write_entry("step", "g", "n", document, blobs)
    assert store.entries("step", "g") == [written]
    assert written.document == document
    assert list(written.blobs) == blobs


def test_large_files_come_back_whole_where_blocks_can_be_shared_and_where_not(
    store: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "large"
    source.write_bytes(os.urandom(3 << 20))
    digest = store.put_file(str(source))

    def cloned(source: object, target: object) -> bool:
        os.pwrite(target.fileno(), os.pread(source.fileno(), 1 << 30, 0), 0)  # type: ignore[attr-defined] # files
        return True

    store.restore(digest, str(tmp_path / "copied"))
    monkeypatch.setattr(store_files, "_cloned", cloned)
    store.restore(digest, str(tmp_path / "cloned"))
    assert (tmp_path / "copied").read_bytes() == (tmp_path / "cloned").read_bytes() == source.read_bytes()


def test_a_restored_file_is_the_caller_s_own(store: ContentStore, tmp_path: Path) -> None:
    digest = store.put_bytes(b"content")
    target = tmp_path / "target"
    store.restore(digest, str(target), 0o755)
    assert target.stat().st_mode & 0o777 == 0o755
    target.write_bytes(b"changed")
    assert store.read(digest) == b"content"
    assert Path(store.blob_path(digest)).stat().st_mode & 0o222 == 0


def test_equal_content_is_kept_once(store: ContentStore) -> None:
    store.put_bytes(b"content")
    store.put_bytes(b"content")
    assert store.stats().blobs == 1


def test_a_damaged_file_is_dropped_with_a_warning_and_can_be_put_again(
    store: ContentStore, tmp_path: Path, warnings: list[str]
) -> None:
    for use in (lambda digest: store.read(digest), lambda digest: store.restore(digest, str(tmp_path / "target"))):
        digest = store.put_bytes(b"content")
        damage(store.blob_path(digest))
        with pytest.raises(DamagedEntry):
            use(digest)
        assert not store.has(digest)
        with pytest.raises(DamagedEntry, match="has no file"):
            use(digest)
        assert warnings.pop().endswith("is damaged: it is dropped")
    assert not warnings
    assert list(tmp_path.iterdir()) == [Path(store.root)]


def test_a_cut_off_file_is_put_again(store: ContentStore) -> None:
    digest = store.put_bytes(b"content")
    path = Path(store.blob_path(digest))
    path.chmod(0o644)
    path.write_bytes(b"con")
    assert store.put_bytes(b"content") == digest
    assert store.read(digest) == b"content"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.booleans())
def test_an_entry_with_any_damage_is_dropped_with_a_warning(
    store: ContentStore, warnings: list[str], at: int, bit: int, cut: bool
) -> None:
    path = Path(store.write_entry("step", "g", "n", {"key": [1, 2, 3]}).path)
    data = bytearray(path.read_bytes())
    at %= len(data)
    if cut:
        del data[at:]
    else:
        data[at] ^= 1 << bit
    path.write_bytes(bytes(data))
    warnings.clear()
    assert store.entries("step", "g") == []
    assert not path.exists()
    assert len(warnings) == 1
    assert "it is dropped" in warnings[0]


def test_an_entry_is_dropped_when_its_files_are_gone_or_it_is_another_one(
    store: ContentStore, warnings: list[str]
) -> None:
    digest = store.put_bytes(b"content")
    entry = store.write_entry("step", "g", "n", {}, [digest])
    Path(entry.path).rename(f"{entry.path[:-6]}m.json")
    assert store.entries("step", "g") == []
    store.write_entry("step", "g", "n", {}, [digest])
    Path(store.blob_path(digest)).unlink()
    assert store.entry("step", "g", "n") is None
    assert [("another entry" in text, "is gone" in text) for text in warnings] == [(True, False), (False, True)]


def test_an_entry_can_t_name_a_file_that_isn_t_there(store: ContentStore) -> None:
    with pytest.raises(DamagedEntry, match="has no file"):
        store.write_entry("step", "g", "n", {}, ["0" * 64])


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "..", "x" * 201, "a\0b"])
def test_names_that_could_lead_elsewhere_are_refused(store: ContentStore, name: str) -> None:
    for kind, group, entry in ((name, "g", "n"), ("k", name, "n"), ("k", "g", name)):
        with pytest.raises(StoreError, match="can't be the"):
            store.write_entry(kind, group, entry, {})
    with pytest.raises(StoreError, match="is no SHA-256"):
        store.read(name)


def test_a_group_that_isn_t_there_has_no_entries(store: ContentStore) -> None:
    assert store.entries("step", "none") == []
    assert store.entry("step", "none", "n") is None
    assert store.groups("step") == []


def test_an_entry_can_be_dropped(store: ContentStore) -> None:
    entry = store.write_entry("step", "g", "n", {})
    store.drop(entry)
    store.drop(entry)
    store.touch(entry)
    assert store.entries("step", "g") == []


def test_a_file_that_changes_while_it_is_put_is_refused(
    store: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"after")
    monkeypatch.setattr("brainsmith_core.store.content_store.digest_of_file", lambda _: ("1" * 64, 6))
    with pytest.raises(StoreError, match="changed while"):
        store.put_file(str(path))
    assert all_files(store) == []


def test_a_folder_that_can_t_be_a_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be used"):
        ContentStore(str(tmp_path / "file"))


def test_the_user_s_store_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BRAINSMITH_CACHE", str(tmp_path / "own"))
    assert default_root() == str(tmp_path / "own")
    monkeypatch.delenv("BRAINSMITH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_root() == str(tmp_path / "brainsmith" / "store")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_root() == str(tmp_path / ".cache" / "brainsmith" / "store")


def test_the_size_limit_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAINSMITH_CACHE_SIZE", raising=False)
    assert size_limit() == DEFAULT_LIMIT
    monkeypatch.setenv("BRAINSMITH_CACHE_SIZE", "5G")
    assert size_limit() == 5 * 1000**3
    with pytest.raises(StoreError, match="is no size"):
        parse_size("much")


def test_a_collection_removes_what_was_not_used_for_longest_until_the_rest_fits(store: ContentStore) -> None:
    entries = []
    for index in range(4):
        digest = store.put_bytes(bytes([index]) * 1000)
        age(store.blob_path(digest))
        entries.append(store.write_entry("step", "g", f"n{index}", {}, [digest]))
        age(entries[-1].path, 50_000 - 1000 * index)
    store.touch(entries[0])
    before = store.stats().total_bytes
    would = store.gc(max_bytes=before - 1500, dry_run=True)
    assert would.dry_run
    assert store.stats().total_bytes == before
    done = store.gc(max_bytes=before - 1500)
    assert done == would._replace(dry_run=False)
    assert (done.entries, done.blobs) == (2, 2)
    assert [entry.name for entry in store.entries("step", "g")] == ["n0", "n3"]
    assert store.stats().total_bytes == done.kept_bytes == before - done.freed_bytes


def test_a_collection_removes_what_is_too_old_and_what_nobody_names(store: ContentStore) -> None:
    shared = store.put_bytes(b"shared")
    old = store.write_entry("step", "old", "n", {}, [shared])
    store.write_entry("step", "new", "n", {}, [shared])
    nobody_s = store.put_bytes(b"nobody's")
    leftover = Path(store.temporary, ".new-killed")
    leftover.write_bytes(b"half")
    for path in (old.path, store.blob_path(shared), store.blob_path(nobody_s), leftover):
        age(path)
    done = store.gc(max_age=90_000)
    assert (done.entries, done.blobs) == (1, 1)
    assert store.groups("step") == ["new"]
    assert store.read(shared) == b"shared"
    assert not leftover.exists()


def test_a_collection_removes_nothing_young(store: ContentStore) -> None:
    digest = store.put_bytes(b"content")
    store.write_entry("step", "g", "n", {}, [digest])
    assert store.gc(max_bytes=0, max_age=0)[:3] == (0, 0, 0)
    assert store.gc(max_bytes=0, grace=-1)[:2] == (1, 1)


def test_putting_what_is_there_keeps_it_from_the_collection(store: ContentStore) -> None:
    digest = store.put_bytes(b"content")
    age(store.blob_path(digest))
    store.put_bytes(b"content")
    assert store.gc().blobs == 0


def test_a_check_finds_and_drops_all_damage(store: ContentStore) -> None:
    good, bad = store.put_bytes(b"good"), store.put_bytes(b"bad")
    store.write_entry("step", "good", "n", {}, [good])
    store.write_entry("step", "bad", "n", {}, [bad])
    damage(store.write_entry("step", "worse", "n", {}).path)
    damage(store.blob_path(bad))
    assert len(store.check()) == 3
    assert store.check() == []
    assert [entry.group for entry in store.all_entries()] == ["good"]


def test_only_one_is_in_a_flight_at_a_time(store: ContentStore) -> None:
    inside: list[int] = []
    most: list[int] = []

    def fly() -> None:
        with store.single_flight("key"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()

    threads = [threading.Thread(target=fly) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
    assert all_files(store) == []


def test_the_second_of_a_flight_is_told_that_it_has_waited(store: ContentStore) -> None:
    waiting, told = threading.Event(), []

    def second() -> None:
        def give_up() -> bool:
            waiting.set()
            return False

        with store.single_flight("key", give_up) as waited:
            told.append(waited)

    thread = threading.Thread(target=second)
    with store.single_flight("key") as waited:
        thread.start()
        waiting.wait()
    thread.join()
    assert (waited, told) == (False, [True])


def test_a_wait_can_be_given_up(store: ContentStore) -> None:
    with store.single_flight("key"), store.single_flight("key", lambda: True) as waited:
        assert waited is None
    with store.single_flight("key", lambda: True) as waited:
        assert waited is False


def test_a_flight_that_fails_lets_the_next_one_go(store: ContentStore) -> None:
    with pytest.raises(RuntimeError), store.single_flight("key"):
        raise RuntimeError
    with store.single_flight("key") as waited:
        assert waited is False


def test_the_store_loads_by_path_and_imports_the_standard_library_only(tmp_path: Path) -> None:
    program = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("foreign", sys.argv[1] + "/__init__.py")
module = sys.modules["foreign"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
store = module.ContentStore(sys.argv[2])
store.write_entry("step", "g", "n", {"a": 1}, [store.put_bytes(b"x")])
print(json.dumps([name for name in sys.modules if name.startswith("brainsmith")]))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(FOLDER), str(tmp_path / "store")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []
    assert len(ContentStore(str(tmp_path / "store")).entries("step", "g")) == 1
