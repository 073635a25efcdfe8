"""What is seen of one step: the files that it opens, the environment, and what can't be recorded at all."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Set, Tuple

from .own import Own
from .reads import Place, Reads, listing_of, state_of
from .values import file_digest

__all__ = ["PATH_EVENTS", "Observation", "note_paths"]

#: Operations on paths: which of their arguments are read, and which are written.
PATH_EVENTS: Dict[str, Tuple[Tuple[int, ...], Tuple[int, ...]]] = {
    "os.mkdir": ((), (0,)),
    "os.rename": ((0,), (0, 1)),
    "os.remove": ((), (0,)),
    "os.rmdir": ((), (0,)),
    "os.link": ((0,), (1,)),
    "os.symlink": ((), (1,)),
    "os.truncate": ((0,), (0,)),
    "os.chmod": ((), (0,)),
    "os.utime": ((), (0,)),
}


class Observation:
    """What is seen of one step.

    Args:
        place: the build.
        reads: gets the reads of files and of the environment.
        own: what the environment's identity stands for.

    Attributes:
        problems: sentences that say why the step can't be reused.
        written: paths that it has written, below the output folder.
        outside: paths that it has written elsewhere.
        made_outside: those of them that weren't there before.
    """

    def __init__(self, place: Place, reads: Reads, own: Own) -> None:
        self.place = place
        self.reads = reads
        self.problems: List[str] = []
        self.written: Set[str] = set()
        self.outside: Set[str] = set()
        self.made_outside: Set[str] = set()
        self._own = own

    def problem(self, text: str) -> None:
        """Record why the step can't be reused."""
        if text not in self.problems:
            self.problems.append(text)

    def opened(self, path: Any, flags: int) -> None:
        """Record that a file is being opened."""
        name = _name(path)
        if name is None:
            return
        access = flags & os.O_ACCMODE
        writes = access != os.O_RDONLY or bool(flags & (os.O_CREAT | os.O_TRUNC))
        keeps = not flags & os.O_TRUNC and not (flags & os.O_CREAT and flags & os.O_EXCL)
        if not writes or keeps:
            self.read(name)
        if writes:
            self.wrote(name)

    def read(self, name: str) -> None:
        """Record that a file's content is read."""
        inside = self.place.below_output(name)
        if inside is not None:
            if inside not in self.written:
                self.reads.note("output", inside, lambda: file_digest(self.place.in_output(inside)))
            return
        name = _source(name)
        if self._own.has_file(name) or os.path.abspath(name) in self.outside:
            return
        state = state_of(name)
        if state == "other" and not name.startswith("/dev/null"):
            self.problem(f"it reads the device {name}")
        elif state != "folder":
            self.reads.note("file", name, lambda: file_digest(name))

    def wrote(self, name: str) -> None:
        """Record that something is written at a path."""
        inside = self.place.below_output(name)
        if inside is not None:
            self.written.add(inside)
        elif not name.startswith(("/dev/", "/proc/")):
            absolute = os.path.abspath(name)
            if absolute not in self.outside and not os.path.lexists(absolute):
                self.made_outside.add(absolute)
            self.outside.add(absolute)

    def looked_at(self, path: Any) -> None:
        """Record that somebody asks what is at a path."""
        name = _name(path)
        if name is None or self._own.is_below(name):
            return
        inside = self.place.below_output(name)
        if inside is None:
            self.reads.note("stat", name, lambda: state_of(name))
        elif not self._touched(inside):
            self.reads.note("output-stat", inside, lambda: state_of(name))

    def listed(self, path: Any) -> None:
        """Record that a folder's names are read."""
        name = "." if path is None else _name(path)
        if name is None or self._own.is_below(name):
            return
        inside = self.place.below_output(name)
        if inside is None:
            self.reads.note("listing", name, lambda: listing_of(name))
        elif not any(os.path.dirname(each) == inside.replace(".", "", 1) for each in self.written):
            self.reads.note("output-listing", inside, lambda: listing_of(self.place.in_output(inside)))
        elif ("output-listing", inside) not in self.reads.values:
            self.problem(f"it lists {inside} after it has written there")

    def asked_for(self, variable: str) -> None:
        """Record that a variable of the environment is read."""
        self.reads.note("env", variable, lambda: self.place.variable(variable))

    def left_outside(self) -> List[str]:
        """Return what was written outside the output folder and is still there."""
        return sorted(path for path in self.outside if os.path.lexists(path))

    def _touched(self, inside: str) -> bool:
        return inside in self.written or any(each.startswith(inside + os.sep) for each in self.written)


def note_paths(seen: Observation, event: str, args: Tuple[Any, ...]) -> None:
    """Record an audit event about paths."""
    read, written = PATH_EVENTS[event]
    for index in read:
        name = _name(args[index])
        if name is not None:
            seen.read(name)
    for index in written:
        name = _name(args[index])
        if name is not None:
            seen.wrote(name)
    if event in ("os.remove", "os.rmdir") and _removes_what_was_there(seen, args[0]):
        seen.problem("it removes what was there, outside the output folder")


def _removes_what_was_there(seen: Observation, path: Any) -> bool:
    name = _name(path)
    if name is None or seen.place.below_output(name) is not None:
        return False
    return os.path.lexists(name) and os.path.abspath(name) not in seen.made_outside


def _name(path: Any) -> Optional[str]:
    """Return a path as text; None for a descriptor."""
    if isinstance(path, int) or path is None:
        return None
    try:
        return os.fsdecode(path)
    except TypeError:
        return None


def _source(name: str) -> str:
    """Return the source of a compiled module, whose content says more than that of the compiled one."""
    folder, base = os.path.split(name)
    if base.endswith(".pyc") and os.path.basename(folder) == "__pycache__":
        return os.path.join(os.path.dirname(folder), base.partition(".")[0] + ".py")
    return name
