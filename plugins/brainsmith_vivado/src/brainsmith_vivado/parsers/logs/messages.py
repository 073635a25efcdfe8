"""How many errors, critical warnings and warnings a tool's log holds: in all, by message, and by step."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

from ...figures import WHOLE, Figures

__all__ = ["read_messages"]

#: At the beginning of a line only: a script that Vivado echoes stands behind `#`. (Patterns begin with the line feed
#: before a line: that is several times faster than `^`.)
_MESSAGE = re.compile(
    r"\n(?:\d\d:\d\d:\d\d )?(?P<level>ERROR|FATAL_ERROR|CRITICAL WARNING|WARNING|@E|@W)(?: ?: ?| (?=\[))"
    r"(?![ \t]*(?:\d+[ \t]*)?\n)(?:\[(?P<id>[A-Za-z][^\]\n]{0,78}?\d)\])?"
)
_NAMES = {
    "ERROR": "msg.errors",
    "FATAL_ERROR": "msg.errors",
    "@E": "msg.errors",
    "CRITICAL WARNING": "msg.critical_warnings",
    "WARNING": "msg.warnings",
    "@W": "msg.warnings",
}
_STEP = re.compile(r"\n(?:Command: (?P<step>\w+)|\*\*\* Running |INFO: \[Common 17-206\] Exiting )")
#: So many ids are named.
_TOP = 10


def read_messages(text: str, figures: Figures) -> None:
    """Add the numbers of messages.

    Args:
        text: the log, with a line feed before its first line and behind its last one.
        figures: where to add them.
    """
    places, steps = _steps(text)
    counts: Counter[str] = Counter(dict.fromkeys(("msg.errors", "msg.critical_warnings", "msg.warnings"), 0))
    by_id: Counter[tuple[str, str]] = Counter()
    by_step: Counter[tuple[str, str]] = Counter()
    for found in _MESSAGE.finditer(text):
        name = _NAMES[found["level"]]
        counts[name] += 1
        if found["id"]:
            by_id[name, found["id"]] += 1
        by_step[name, steps[bisect_right(places, found.start())]] += 1
    for name, count in counts.items():
        figures.put(name, count, _field(name))
    for step in dict.fromkeys(steps):
        for name in counts if step else ():
            figures.put(name, by_step[name, step], _field(name), (("step", step),))
    for (name, id_), count in by_id.items():
        figures.put(name, count, _field(name), (("id", id_),))
    ids: Counter[str] = Counter()
    for (_, id_), count in by_id.items():
        ids[id_] += count
    figures.put("msg.top_ids", [id_ for id_, _ in ids.most_common(_TOP)], "ids", WHOLE)


def _field(name: str) -> str:
    return name.removeprefix("msg.").replace("_", " ").upper()[:-1]


def _steps(text: str) -> tuple[Sequence[int], Sequence[str]]:
    """Return where steps begin or end, and which one runs before each of these places and after the last."""
    places: list[int] = []
    steps = [""]
    for found in _STEP.finditer(text):
        places.append(found.start())
        steps.append(found["step"] or "")
    return places, steps
