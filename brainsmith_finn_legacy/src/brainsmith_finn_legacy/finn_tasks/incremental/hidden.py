"""Folders and file names that a step has put into what it made: then they count by their very value.

Where a build keeps its files mustn't matter, so reads of the output folder count only as a place. But a step may write
that place into a model or report, and then its trace is good for this place only.
"""

from __future__ import annotations

import json
import os
from typing import Any, Iterator, List, Optional, Tuple

from .reads import Place, Reads
from .values import named_file

__all__ = ["note_hidden"]

_SHORTEST = 3  # a shorter part of a path stands in too many files by chance


def note_hidden(place: Place, reads: Reads, contents: List[bytes], given: Optional[bytes]) -> None:
    """Let what stands in `contents` count by value, and let files that fields name count by their content only.

    Args:
        place: the build.
        reads: what the step read; changed.
        contents: all that it made.
        given: the model that a step of the user's own was given, else None. FINN's steps don't look at the parts of
            a path, those of others may: so their parts are looked for as well, unless they stood in that model.
    """
    output = [str(place.config.output_dir), place.output, os.path.realpath(place.output)]
    curious = given is not None and ("field", "output_dir") in reads.values
    if _found(output, contents) or (curious and _found(_parts(place.output, given or b""), contents)):
        reads.note("exact", "output_dir", lambda: place.exact("output_dir"))
    if place.build_dir and _found([place.build_dir], contents):
        reads.note("exact", "build_dir", lambda: place.exact("build_dir"))
    for name, path in _file_fields(place, reads):
        reads.drop("file", path)
        reads.drop("stat", path)
        names = [path, *([os.path.basename(path)] if given is not None else [])]
        if _found(names, contents):
            reads.note("exact", name, lambda name=name: place.exact(name))  # type: ignore[misc] # a loop's variable


def _found(names: List[str], contents: List[bytes]) -> bool:
    wanted = {text for name in names if len(name) >= _SHORTEST for text in (os.fsencode(name), _in_json(name))}
    return any(text in content for text in wanted for content in contents)


def _in_json(name: str) -> bytes:
    """Return a name as it stands in a report that is JSON."""
    return json.dumps(name)[1:-1].encode()


def _parts(path: str, given: bytes) -> List[str]:
    """Return the parts of a path that aren't in a model already, by chance or from earlier steps."""
    return [part for part in path.split(os.sep) if len(part) >= _SHORTEST and os.fsencode(part) not in given]


def _file_fields(place: Place, reads: Reads) -> Iterator[Tuple[str, str]]:
    """Yield the fields that were read and whose value names files, with each file."""
    for kind, name in list(reads.values):
        if kind != "field" or name == "output_dir":
            continue
        value: Any = vars(place.config).get(name)
        for item in value if type(value) is list else [value]:
            path = named_file(item)
            if path is not None:
                yield name, path
