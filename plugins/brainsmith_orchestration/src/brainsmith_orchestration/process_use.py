"""What the process trees below this process use, by the build's folder that they work in."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

import attrs

from brainsmith_core.processes.worker import tree

__all__ = ["Use", "use_by_folder"]

_SUPERVISOR = "bs-supervisor"


@attrs.frozen
class Use:
    """What a process tree uses.

    Args:
        cpu_seconds: so far, of ended processes, too.
        memory_bytes: now; shared pages are divided among their users.
        written_bytes: what was sent to disk so far, of ended processes, too.
        processes: how many live.
    """

    cpu_seconds: float
    memory_bytes: int
    written_bytes: int
    processes: int


def use_by_folder(folders: Collection[Path]) -> dict[Path, dict[tuple[int, int], Use]]:
    """Return the use of each tree that works in one of the folders, by its root: process id and start.

    A tree's root is the supervisor that core's worker gives each task: to it falls what processes used that have ended.

    Args:
        folders: absolute, links resolved.
    """
    found = tree.descendants([os.getpid()]) if folders else []
    roots: dict[int, tuple[Path, int]] = {}
    # Twice, for a supervisor is known by its task only, and orphans by their supervisor.
    for process in found * 2:
        if process.parent in roots:
            roots.setdefault(process.pid, roots[process.parent])
        elif process.pid not in roots:
            folder = _folder_of(process.pid, folders)
            if folder is not None:
                _join(roots, process, folder, found)
    trees: dict[Path, dict[int, list[tree.Process]]] = {}
    for process in found:
        if process.pid in roots:
            folder, root = roots[process.pid]
            trees.setdefault(folder, {}).setdefault(root, []).append(process)
    return {folder: dict(map(_use, each.values())) for folder, each in trees.items()}


def _join(
    roots: dict[int, tuple[Path, int]], process: tree.Process, folder: Path, found: Iterable[tree.Process]
) -> None:
    parent = next((each for each in found if each.pid == process.parent), None)
    root = parent.pid if parent is not None and parent.name == _SUPERVISOR else process.pid
    roots[process.pid] = roots[root] = (folder, root)


def _folder_of(pid: int, folders: Collection[Path]) -> Path | None:
    try:
        place = Path(f"/proc/{pid}/cwd").readlink()
    except OSError:  # it is gone, or somebody else's
        return None
    return next((each for each in (place, *place.parents) if each in folders), None)


def _use(processes: list[tree.Process]) -> tuple[tuple[int, int], Use]:
    import psutil  # only where something runs

    seconds, written = 0.0, 0
    for process in processes:
        try:
            one = psutil.Process(process.pid)
            seconds += sum(one.cpu_times()[:4])  # its own, and that of its ended children
            written += one.io_counters().write_bytes
        except psutil.Error:  # it ended meanwhile; its parent gets what it used
            continue
    root = processes[0]
    return (root.pid, root.start), Use(seconds, tree.proportional_bytes(processes), written, len(processes))
