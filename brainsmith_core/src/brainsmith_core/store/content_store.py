"""The store itself."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence

from . import locks, upkeep
from .entries import Entry, check_digest, check_name, decode, encode
from .errors import DamagedEntry, StoreError
from .files import copy_checked, digest_of_file, write_atomically, written_atomically
from .location import default_root

__all__ = ["ContentStore"]

#: Files last used longer ago than this many seconds are marked as used again when they are used.
_USE_RESOLUTION = 60.0


def _warn(text: str) -> None:
    logging.getLogger("brainsmith").warning("%s", text)


class ContentStore:
    """Files by digest (blobs) and entries that name them, in one folder.

    Blobs never change. Everything is written whole or not at all, and checked when it is read: what is damaged is
    dropped with a warning, and so made again. Any number of processes and threads may use a store at once, and each
    may be killed at any moment. Blobs and entries are only ever removed by `gc` or for being damaged.

    Args:
        root: its folder, made if it isn't there; by default the user's (see `default_root`).
        warn: takes one sentence for each damaged thing that was dropped; by default the log `brainsmith`.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = ContentStore(folder.name)
        >>> digest = store.put_bytes(b"content")
        >>> store.write_entry("step", "group", "first", {"seconds": 2.5}, [digest]).name
        'first'
        >>> [(entry.document, store.read(entry.blobs[0])) for entry in store.entries("step", "group")]
        [({'seconds': 2.5}, b'content')]
        >>> folder.cleanup()
    """

    def __init__(self, root: Optional[str] = None, warn: Callable[[str], None] = _warn) -> None:
        self.root = os.path.abspath(os.fspath(root) if root is not None else default_root())
        self.warn = warn
        self.blobs, self.entries_root = os.path.join(self.root, "blobs"), os.path.join(self.root, "entries")
        self.temporary, self._locks = os.path.join(self.root, "tmp"), os.path.join(self.root, "locks")
        self.gc_lock = os.path.join(self.root, "gc.lock")
        for folder in (
            () if os.path.isdir(self._locks) else (self.blobs, self.entries_root, self.temporary, self._locks)
        ):
            try:
                os.makedirs(folder, exist_ok=True)
            except OSError as error:
                raise StoreError(f"the store {self.root} can't be used: {error.strerror}: {folder}") from error

    # Blobs

    def put_bytes(self, data: bytes) -> str:
        """Put content and return its SHA-256; content that is there already isn't written again."""
        digest = hashlib.sha256(data).hexdigest()
        with locks.shared(self.gc_lock):
            if not self._is_there(digest, len(data)):
                write_atomically(self._place_for(digest), data, self.temporary)
        return digest

    def put_file(self, path: str) -> str:
        """Put a file's content and return its SHA-256; the file may change afterwards, the content here won't.

        Raises:
            StoreError: if the file changes while it is being read.
        """
        digest, size = digest_of_file(path)
        with locks.shared(self.gc_lock):
            if not self._is_there(digest, size):
                with open(path, "rb") as source, written_atomically(
                    self._place_for(digest), self.temporary, 0o444
                ) as target:
                    if copy_checked(source, target) != digest:
                        raise StoreError(f"{path} changed while it was being read")
        return digest

    def has(self, digest: str) -> bool:
        """Whether a blob is there (not whether it is whole)."""
        return os.path.exists(self.blob_path(digest))

    def read(self, digest: str) -> bytes:
        """Return a blob's content.

        Raises:
            DamagedEntry: if it is gone or damaged; then it is no longer there.
        """
        try:
            with open(self.blob_path(digest), "rb") as file:
                data = file.read()
        except OSError as error:
            raise self._gone(digest) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise self._damaged(digest)
        return data

    def restore(self, digest: str, destination: str, mode: int = 0o644) -> None:
        """Write a blob's content to a file, which is the caller's own: it may be changed.

        Args:
            digest: the blob.
            destination: the file, replaced if it is there; its folder must exist.
            mode: its permissions.

        Raises:
            DamagedEntry: if the blob is gone or damaged; then it is no longer there, and nothing was written.
        """
        try:
            source = open(self.blob_path(digest), "rb")  # noqa: SIM115 - another failure than those of the copy
        except OSError as error:
            raise self._gone(digest) from error
        folder = os.path.dirname(os.path.abspath(destination))
        with source, written_atomically(destination, folder, mode) as target:
            if copy_checked(source, target) != digest:
                raise self._damaged(digest)

    def blob_path(self, digest: str) -> str:
        """Return where a blob is, or would be; don't write there."""
        return os.path.join(self.blobs, check_digest(digest)[:2], digest)

    # Entries

    def write_entry(
        self, kind: str, group: str, name: str, document: Dict[str, Any], blobs: Sequence[str] = ()
    ) -> Entry:
        """Write an entry; one of the same name is replaced.

        Args:
            kind: what sort of thing it is about, such as `step`.
            group: entries of one group are looked at together.
            name: its name within the group.
            document: JSON data.
            blobs: what belongs to it; it must have been put.

        Raises:
            DamagedEntry: if a blob isn't there.
            StoreError: for a name that can't be one.
        """
        path = os.path.join(self._group_folder(kind, group), check_name(name, "name") + ".json")
        entry = Entry(kind, group, name, document, tuple(check_digest(each) for each in blobs), path)
        data = encode(entry)
        with locks.shared(self.gc_lock):
            for digest in entry.blobs:
                if not self.has(digest):
                    raise self._gone(digest)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            write_atomically(path, data, self.temporary, 0o644)
        return entry

    def entries(self, kind: str, group: str) -> List[Entry]:
        """Return all whole entries of a group, by name; damaged ones are dropped with a warning."""
        try:
            names = os.listdir(self._group_folder(kind, group))
        except FileNotFoundError:
            return []
        found = (self.entry(kind, group, name[:-5]) for name in sorted(names) if name.endswith(".json"))
        return [entry for entry in found if entry is not None]

    def entry(self, kind: str, group: str, name: str) -> Optional[Entry]:
        """Return an entry, or None if it isn't there or was damaged."""
        path = os.path.join(self._group_folder(kind, group), check_name(name, "name") + ".json")
        try:
            with open(path, "rb") as file:
                entry = decode(file.read(), kind, group, name, path)
            for digest in entry.blobs:
                if not self.has(digest):
                    raise DamagedEntry(f"its file {digest} is gone")
        except FileNotFoundError:
            return None
        except (DamagedEntry, OSError, ValueError, KeyError, TypeError) as error:
            self.warn(f"the store's entry {path} is damaged ({error}): it is dropped")
            _remove(path)
            return None
        return entry

    def drop(self, entry: Entry) -> None:
        """Remove an entry; its blobs go with the next `gc`, if nothing else names them."""
        _remove(entry.path)

    def touch(self, entry: Entry) -> None:
        """Note that an entry was used: `gc` removes those first whose last use is longest ago."""
        _use(entry.path)

    def groups(self, kind: str) -> List[str]:
        """Return the groups of a kind, in order."""
        folder = os.path.join(self.entries_root, check_name(kind, "kind"))
        found = (group for part in _names(folder) for group in _names(os.path.join(folder, part)))
        return sorted(found)

    def kinds(self) -> List[str]:
        """Return the kinds of entries that there are, in order."""
        return _names(self.entries_root)

    def all_entries(self, kind: Optional[str] = None) -> Iterator[Entry]:
        """Give all whole entries, of one kind or of all."""
        for each in [kind] if kind is not None else self.kinds():
            for group in self.groups(each):
                yield from self.entries(each, group)

    # One at a time

    @contextlib.contextmanager
    def single_flight(self, key: str, give_up: Optional[Callable[[], bool]] = None) -> Iterator[Optional[bool]]:
        """Be the only one within this block for a key; others wait, in this process and in all others.

        Gives True if somebody else was there before: then look again, what you were about to make may be there. When
        a holder is killed, the next one goes on.

        Args:
            key: any text.
            give_up: asked while waiting whether to wait no longer; then the block gets None and holds nothing.
        """
        with locks.flight(self._locks, key, give_up) as waited:
            yield waited

    # Upkeep

    def stats(self) -> upkeep.Stats:
        """Return how much there is of what."""
        return upkeep.stats(self)

    def gc(
        self,
        max_bytes: Optional[int] = None,
        max_age: Optional[float] = None,
        dry_run: bool = False,
        grace: float = upkeep.GRACE_SECONDS,
    ) -> upkeep.Collected:
        """Remove entries that were not used for longest, then what no entry names.

        Args:
            max_bytes: entries go until the rest has at most so many bytes; None for no limit.
            max_age: entries not used for so many seconds go; None for no limit.
            dry_run: say what would go, and remove nothing.
            grace: nothing that was made or used within so many seconds is removed: somebody may be at it.
        """
        return upkeep.collect(self, max_bytes, max_age, dry_run, grace)

    def due_for_gc(self, seconds: float = 600.0) -> bool:
        """Whether nobody has asked this for so many seconds: then it is your turn to collect."""
        stamp = os.path.join(self.root, "gc.stamp")
        try:
            due = time.time() - os.stat(stamp).st_mtime > seconds
        except FileNotFoundError:
            due = False
        if due or not os.path.exists(stamp):
            with open(stamp, "wb"):
                os.utime(stamp)
        return due

    def check(self) -> List[str]:
        """Read and check everything; return one sentence for each damaged thing, which was dropped."""
        return upkeep.check(self)

    def _group_folder(self, kind: str, group: str) -> str:
        name = check_name(group, "group")
        return os.path.join(self.entries_root, check_name(kind, "kind"), name[:2], name)

    def _place_for(self, digest: str) -> str:
        path = self.blob_path(digest)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def _is_there(self, digest: str, size: int) -> bool:
        """Whether a blob is there already; its use is noted, so that no collection takes it."""
        path = self.blob_path(digest)
        try:
            if os.stat(path).st_size != size:
                return False
        except FileNotFoundError:
            return False
        _use(path)
        return True

    def _gone(self, digest: str) -> DamagedEntry:
        return DamagedEntry(f"the store {self.root} has no file {digest}")

    def _damaged(self, digest: str) -> DamagedEntry:
        text = f"the store's file {self.blob_path(digest)} is damaged: it is dropped"
        self.warn(text)
        _remove(self.blob_path(digest))
        return DamagedEntry(text)


def _use(path: str) -> None:
    with contextlib.suppress(FileNotFoundError, PermissionError):  # removed meanwhile, or another user's
        if time.time() - os.stat(path).st_mtime > _USE_RESOLUTION:
            os.utime(path)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _names(folder: str) -> List[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
