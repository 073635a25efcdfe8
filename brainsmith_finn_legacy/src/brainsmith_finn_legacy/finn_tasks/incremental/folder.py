"""What a step wrote below the output folder."""

from __future__ import annotations

import os
import stat
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Set, Tuple

__all__ = ["Changes", "changes", "mode_of", "read_files", "restore_files", "snapshot"]

#: FINN's log is written while steps run; what a step adds to it is printed again.
_LOG = "build_dataflow.log"

Snapshot = Dict[str, Tuple[int, ...]]


class Changes(NamedTuple):
    """The difference that a step made.

    Args:
        files: created or changed, relative to the output folder.
        folders: created.
        removed: files and folders that are gone, the deepest first.
        links: symbolic links and other special files.
    """

    files: List[str]
    folders: List[str]
    removed: List[str]
    links: List[str]


def snapshot(output: str) -> Snapshot:
    """Return what is below a folder: for each path what `lstat` says of its identity and content."""
    return dict(_entries(output, ""))


def changes(before: Snapshot, after: Snapshot, written: Set[str]) -> Changes:
    """Return what has changed between two snapshots; files in `written` count as changed in any case."""
    files, folders, links = [], [], []
    for path, state in sorted(after.items()):
        same = before.get(path) == state
        if stat.S_ISDIR(state[0]):
            if path not in before or before[path][0] != state[0]:
                folders.append(path)
        elif stat.S_ISREG(state[0]):
            if not same or path in written:
                files.append(path)
        elif not same:
            links.append(path)
    gone = [path for path in before if path not in after]
    return Changes(files, folders, sorted(gone, key=lambda path: (-path.count(os.sep), path)), links)


def read_files(output: str, names: List[str]) -> List[bytes]:
    """Return the contents of files below a folder."""
    contents = []
    for name in names:
        with open(os.path.join(output, name), "rb") as file:
            contents.append(file.read())
    return contents


def mode_of(output: str, name: str) -> int:
    """Return a file's permissions."""
    return stat.S_IMODE(os.lstat(os.path.join(output, name)).st_mode)


def restore_files(read: Callable[[str], bytes], trace: Dict[str, Any], output: str) -> None:
    """Do to a folder what a step did, as its trace tells; `read` gives a file's content by its digest."""
    for name in trace["removed"]:
        path = os.path.join(output, name)
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        elif os.path.lexists(path):
            os.unlink(path)
    for name in trace["folders"]:
        os.makedirs(os.path.join(output, name), exist_ok=True)
    for name, digest, mode in trace["files"]:
        path = os.path.join(output, name)
        content = read(digest)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, mode)


def _entries(output: str, below: str) -> Iterator[Tuple[str, Tuple[int, ...]]]:
    try:
        found: Any = list(os.scandir(os.path.join(output, below)))
    except FileNotFoundError:
        return
    for entry in found:
        path = os.path.join(below, entry.name)
        if path == _LOG:
            continue
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            yield path, (status.st_mode,)
            yield from _entries(output, path)
        else:
            yield path, (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)
