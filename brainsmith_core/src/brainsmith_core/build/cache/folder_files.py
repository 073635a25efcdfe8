"""Files of a folder, in the store and back."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ...formats.json_values import JSONValue
from ...store import ContentStore

__all__ = ["NotReusableError", "put_files", "restore_files"]

#: Files larger than this aren't searched for paths, so what has one isn't reused elsewhere.
_LARGEST = 256 * 1024 * 1024


class NotReusableError(Exception):
    """What was made can't be used in another folder, and why."""


def put_files(
    store: ContentStore, root: Path, files: Iterable[Path], places: Iterable[Path], logs: Iterable[Path] = ()
) -> list[JSONValue]:
    """Put files into the store and return what `restore_files` needs, with each file's digest in second place.

    Args:
        store: the store.
        root: the folder that they are in.
        files: which of its files.
        places: folders that none of the files may name: elsewhere it would lead to the wrong place.
        logs: files that may, since they tell what happened.

    Raises:
        NotReusableError: for a file that names one of the places, a link, or one that is too large.
    """
    told, needles = set(logs), [os.fsencode(place) for place in places]
    put: list[JSONValue] = []
    for path in files:
        name, state = str(path.relative_to(root)), path.lstat()
        if path.is_symlink():
            raise NotReusableError(f"{name} is a link")
        if state.st_size > _LARGEST:
            raise NotReusableError(f"{name} has more than {_LARGEST >> 20} MiB")
        data = path.read_bytes()
        if path not in told and any(needle in data for needle in needles):
            raise NotReusableError(f"{name} names the folder that it was made in")
        put.append([name, store.put_bytes(data), state.st_mode & 0o777])
    return put


def restore_files(store: ContentStore, root: Path, files: Iterable[JSONValue]) -> None:
    """Write files that `put_files` has put into another folder.

    Raises:
        DamagedEntry: if one of them is gone or damaged.
    """
    for item in files:
        assert isinstance(item, list)
        name, digest, mode = item
        assert isinstance(name, str)
        assert isinstance(digest, str)
        assert isinstance(mode, int)
        target = root / name
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True)
        store.restore(digest, str(target), mode)
