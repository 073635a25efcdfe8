"""Count, check and clean a store."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Dict, Iterator, List, NamedTuple, Optional, Set

from . import locks
from .entries import Entry

if TYPE_CHECKING:
    from .content_store import ContentStore

__all__ = ["GRACE_SECONDS", "Collected", "Stats", "check", "collect", "stats"]

#: Nothing younger is removed: its maker may not have named it yet, or its user may still be at it.
GRACE_SECONDS = 3600.0


class Stats(NamedTuple):
    """How much a store has.

    Args:
        entries: number of entries by kind.
        blobs: number of files.
        blob_bytes: their bytes.
        entry_bytes: bytes of the entries themselves.
        temporary_bytes: bytes of files that are being written, or were when their writer was killed.
    """

    entries: Dict[str, int]
    blobs: int
    blob_bytes: int
    entry_bytes: int
    temporary_bytes: int

    @property
    def total_bytes(self) -> int:
        """All bytes."""
        return self.blob_bytes + self.entry_bytes + self.temporary_bytes


class Collected(NamedTuple):
    """What a collection has removed, or would.

    Args:
        entries: number of entries.
        blobs: number of files.
        freed_bytes: bytes of both and of what killed writers had left.
        kept_bytes: bytes that are left.
        dry_run: whether nothing was removed in truth.
    """

    entries: int
    blobs: int
    freed_bytes: int
    kept_bytes: int
    dry_run: bool


class _File(NamedTuple):
    path: str
    size: int
    used: float


def stats(store: "ContentStore") -> Stats:
    """Return how much there is of what; the files are counted, not read."""
    kinds = {kind: list(_files(os.path.join(store.entries_root, kind))) for kind in store.kinds()}
    blobs = list(_files(store.blobs))
    return Stats(
        entries={kind: len(files) for kind, files in kinds.items()},
        blobs=len(blobs),
        blob_bytes=sum(file.size for file in blobs),
        entry_bytes=sum(file.size for files in kinds.values() for file in files),
        temporary_bytes=sum(file.size for file in _files(store.temporary)),
    )


def check(store: "ContentStore") -> List[str]:
    """Read and check all blobs and entries; return what was damaged and dropped."""
    problems: List[str] = []
    warn, store.warn = store.warn, problems.append
    try:
        for file in _files(store.blobs):
            _check_blob(store, os.path.basename(file.path), problems)
        for _ in store.all_entries():
            pass
    finally:
        store.warn = warn
    return problems


def _check_blob(store: "ContentStore", digest: str, problems: List[str]) -> None:
    from .files import digest_of_file

    path = os.path.join(store.blobs, digest[:2], digest)
    try:
        whole = digest_of_file(path)[0] == digest
    except FileNotFoundError:  # collected meanwhile
        return
    if not whole:
        problems.append(f"the store's file {path} is damaged: it is dropped")
        os.unlink(path)


def collect(
    store: "ContentStore", max_bytes: Optional[int], max_age: Optional[float], dry_run: bool, grace: float
) -> Collected:
    """Remove what is too old or too much; see `ContentStore.gc`.

    Whoever puts or names a blob shares the lock that this holds alone, so nobody can name one while it goes.
    """
    with locks.held(store.gc_lock):
        plan = _Plan(store, time.time(), grace)
        plan.drop(max_bytes, max_age)
        removed = Collected(len(plan.entries), len(plan.blobs), plan.freed, plan.total - plan.freed, dry_run)
        if not dry_run:
            plan.execute()
    return removed


class _Plan:
    """What goes: entries first, so that a collection that is killed leaves no entry without its files."""

    def __init__(self, store: "ContentStore", now: float, grace: float) -> None:
        self._now, self._grace = now, grace
        self._entries = [(entry, file) for entry, file in _all_entries(store)]
        self._blobs = {os.path.basename(file.path): file for file in _files(store.blobs)}
        self._leftovers = list(_files(store.temporary))
        sizes = [file.size for _, file in self._entries]
        self.total = sum(sizes) + sum(file.size for file in [*self._blobs.values(), *self._leftovers])
        self.entries: List[_File] = []
        self.blobs: List[_File] = []
        self.freed = 0

    def drop(self, max_bytes: Optional[int], max_age: Optional[float]) -> None:
        self._leftovers = [file for file in self._leftovers if self._may_go(file)]
        self.freed = sum(file.size for file in self._leftovers)
        users: Dict[str, int] = {}
        for entry, _ in self._entries:
            for digest in set(entry.blobs):
                users[digest] = users.get(digest, 0) + 1
        for digest, file in self._blobs.items():
            if digest not in users and self._may_go(file):
                self._drop_blob(file)
        for entry, file in sorted(self._entries, key=lambda pair: pair[1].used):
            too_old = max_age is not None and self._now - file.used > max_age
            too_much = max_bytes is not None and self.total - self.freed > max_bytes
            if self._may_go(file) and (too_old or too_much):
                self._drop_entry(file, set(entry.blobs), users)

    def execute(self) -> None:
        for file in [*self.entries, *self.blobs, *self._leftovers]:
            try:
                os.unlink(file.path)
            except FileNotFoundError:  # dropped meanwhile, as damaged
                continue
        for folder in {os.path.dirname(file.path) for file in self.entries}:
            try:
                os.rmdir(folder)
            except OSError:  # other entries are there
                continue

    def _may_go(self, file: _File) -> bool:
        return self._now - file.used > self._grace

    def _drop_entry(self, file: _File, blobs: Set[str], users: Dict[str, int]) -> None:
        self.entries.append(file)
        self.freed += file.size
        for digest in blobs:
            users[digest] -= 1
            if not users[digest] and digest in self._blobs and self._may_go(self._blobs[digest]):
                self._drop_blob(self._blobs[digest])

    def _drop_blob(self, file: _File) -> None:
        self.blobs.append(file)
        self.freed += file.size


def _all_entries(store: "ContentStore") -> Iterator["tuple[Entry, _File]"]:
    for entry in store.all_entries():
        try:
            state = os.stat(entry.path)
        except FileNotFoundError:
            continue
        yield entry, _File(entry.path, state.st_size, state.st_mtime)


def _files(folder: str) -> Iterator[_File]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            try:
                state = os.stat(path)
            except FileNotFoundError:
                continue
            yield _File(path, state.st_size, state.st_mtime)
