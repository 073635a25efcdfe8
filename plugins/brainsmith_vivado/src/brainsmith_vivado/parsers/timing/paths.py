"""The paths that timing reports describe: where they start and end, and what their delay is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import attrs

from ...tables.cells import exact_number

__all__ = ["Entry", "Group", "Path", "Worst", "read_groups", "read_timing_paths", "worst_path"]

_SETUP, _HOLD, _PULSE = "setup", "hold", "pw"
_NS = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)ns")
_SLACK = re.compile(r"Slack(?: \((?:MET|VIOLATED)\))?\s*:\s+(inf|-?[0-9]+(?:\.[0-9]+)?ns)(?=\s|$)")
_DELAY = re.compile(r"(-?[0-9.]+)ns\s+\(logic (-?[0-9.]+)ns \(-?[0-9.]+%\)\s+route (-?[0-9.]+)ns \(-?[0-9.]+%\)\)")
_CLOCKED = re.compile(r"clocked by ([^{]+)\{")
_FANOUT = re.compile(r"net \(fo=([0-9]{1,9})")
_WORST = re.compile(r"(Setup|Hold|PW)\s*:\s+([0-9]*)\s+Failing Endpoints?,\s+Worst Slack\s+(-?[0-9.]+)ns,")
_KINDS = {"Setup": _SETUP, "Hold": _HOLD, "PW": _PULSE}
_MARKS = ("\nPath Group:", "\nFrom Clock:", "\n  To Clock:", "\nSlack")
_TYPE = "\n  Path Type:"
#: Lines of dashes around the parts of a path: before the clock's way to the start, after it, and after the data's way.
_RULE = "\n  ------"


@attrs.frozen(kw_only=True)
class Path:
    """One path.

    Args:
        kind: `setup` (also recovery) or `hold` (also removal).
        path_type: what the report calls it, such as `Setup (Max at Slow Process Corner)`.
        path_group: the group that it belongs to.
        from_clock: clock of its start; "" for none.
        to_clock: clock of its end; "" for none.
        slack_ns: its slack; None for a path without a constraint.
        startpoint: the pin or port where it starts.
        endpoint: the pin or port where it ends.
        requirement_ns: time that it may take.
        data_delay_ns: time that the data take.
        logic_delay_ns: part of that in cells.
        net_delay_ns: part of that in wires.
        logic_levels: cells on the way.
        clock_skew_ns: difference of the clock's ways to both ends.
        clock_uncertainty_ns: uncertainty of the clock.
        exception: the timing exception that holds for it, or "".
        listing: its cells and nets one by one, as the report lists them.
    """

    kind: str
    path_type: str = ""
    path_group: str = ""
    from_clock: str = ""
    to_clock: str = ""
    slack_ns: float | None = None
    startpoint: str = ""
    endpoint: str = ""
    requirement_ns: float | None = None
    data_delay_ns: float | None = None
    logic_delay_ns: float | None = None
    net_delay_ns: float | None = None
    logic_levels: int | None = None
    clock_skew_ns: float | None = None
    clock_uncertainty_ns: float | None = None
    exception: str = ""
    listing: str = attrs.field(default="", repr=False)

    @property
    def fanout_max(self) -> int | None:
        """Greatest fan-out of the nets on the way; None where the report doesn't list them.

        The data's way stands between the second and the third rule of the listing.
        """
        parts = self.listing.split(_RULE, 3)
        return max(map(int, _FANOUT.findall(parts[2])), default=None) if len(parts) == 4 else None


@attrs.frozen
class Worst:
    """The worst slack that stands above the paths of a group, for comparison.

    Args:
        kind: `setup`, `hold` or `pw`.
        slack_ns: the slack.
        failing: endpoints that fail.
    """

    kind: str
    slack_ns: float
    failing: int | None


@attrs.frozen
class Entry:
    """A path that a report lists, before it is read: reports list hundreds, and the worst ones are wanted.

    Args:
        kind: `setup` or `hold`.
        slack_ns: its slack; None for a path without a constraint.
        text: the text that holds it.
        begin: where it begins.
        stop: where its description ends and the listing of its cells begins.
        end: where the next one begins.
    """

    kind: str
    slack_ns: float | None
    text: str = attrs.field(repr=False)
    begin: int
    stop: int
    end: int

    def read(self) -> Path:
        """Return the path."""
        fields, clocks = _fields(self.text[self.begin : self.stop].split("\n")[1:])
        delay = _DELAY.match(fields.get("Data Path Delay", ""))
        levels = fields.get("Logic Levels", "").split(" ", 1)[0]
        return Path(
            kind=self.kind,
            path_type=fields.get("Path Type", ""),
            path_group=fields.get("Path Group", ""),
            from_clock=clocks.get("Source", ""),
            to_clock=clocks.get("Destination", ""),
            slack_ns=self.slack_ns,
            startpoint=fields.get("Source", ""),
            endpoint=fields.get("Destination", ""),
            requirement_ns=_ns(fields.get("Requirement", "")),
            data_delay_ns=_ns(fields.get("Data Path Delay", "")),
            logic_delay_ns=_number(delay[2]) if delay else None,
            net_delay_ns=_number(delay[3]) if delay else None,
            logic_levels=int(levels) if levels.isascii() and levels.isdigit() and len(levels) < 9 else None,
            clock_skew_ns=_ns(fields.get("Clock Path Skew", "")),
            clock_uncertainty_ns=_ns(fields.get("Clock Uncertainty", "")),
            exception=fields.get("Timing Exception", ""),
            listing=self.text[self.stop : self.end],
        )


@attrs.define
class Group:
    """The paths from one clock to another, or of a named group.

    Args:
        path_group: the group's name, or "" for the paths between two clocks.
        from_clock: clock of their starts. to_clock: clock of their ends.
        worst: the worst slacks.
        entries: the paths.
        whole: whether all lines that name it are there; a list of paths alone has no names.
    """

    path_group: str = ""
    from_clock: str = ""
    to_clock: str = ""
    worst: list[Worst] = attrs.field(factory=list)
    entries: list[Entry] = attrs.field(factory=list)
    whole: bool = False


def read_timing_paths(text: str) -> list[Path]:
    """Return all paths that a timing report describes, in their order.

    Args:
        text: the report of `report_timing` or `report_timing_summary`.
    """
    return [entry.read() for group in read_groups(text) for entry in group.entries]


def worst_path(groups: Iterable[Group], kind: str) -> Path | None:
    """Return the path of a kind with the least slack; of several, the first one.

    Args:
        groups: where to look.
        kind: `setup` or `hold`.
    """
    found = [
        (entry.slack_ns, entry)
        for group in groups
        for entry in group.entries
        if entry.kind == kind and entry.slack_ns is not None
    ]
    return min(found, key=lambda pair: pair[0])[1].read() if found else None


def read_groups(details: str) -> list[Group]:
    """Return the groups of paths.

    Args:
        details: the part of a report that lists paths.
    """
    text = details if details[:1] == "\n" else f"\n{details}"
    groups = [Group()]
    group_name, below = "", -1
    for place, mark, end in _places(text):
        if mark == "\nSlack":
            groups[-1].entries += _entries(text, place + 1, end)
            continue
        value = _rest(text, place + len(mark))
        if mark == "\nPath Group:":
            group_name = value
        elif mark == "\nFrom Clock:":
            groups.append(Group(group_name, value))
            group_name, below = "", text.find("\n", place + 1)
        else:
            if place != below:  # the line above it is missing
                groups.append(Group())
            groups[-1].to_clock, groups[-1].whole = value, place == below
            groups[-1].worst = _worst(text[place:end])
    return [group for group in groups if group.entries or group.worst]


def _places(text: str) -> Iterator[tuple[int, str, int]]:
    """Yield the places of all marks in their order, each with the place of the next one."""
    found: list[tuple[int, str]] = []
    for mark in _MARKS:
        place = text.find(mark)
        while place >= 0:
            found.append((place, mark))
            place = text.find(mark, place + 1)
    found.sort()
    ends = [*(place for place, _ in found), len(text)]
    for (place, mark), end in zip(found, ends[1:], strict=True):
        yield place, mark, end


def _rest(text: str, place: int) -> str:
    end = text.find("\n", place)
    return text[place : end if end >= 0 else len(text)].strip()


def _worst(text: str) -> list[Worst]:
    return [
        Worst(_KINDS[found[1]], float(slack), int(found[2]) if found[2] else None)
        for found in _WORST.finditer(text, 0, 2000)
        if (slack := exact_number(found[3])) is not None
    ]


def _entries(text: str, begin: int, end: int) -> Iterator[Entry]:
    """Yield the path that stands at a place; nothing if it is cut off."""
    stop = text.find("\n\n", begin, end)
    slack = _SLACK.match(text, begin)
    if stop < 0 or slack is None:
        return
    place = text.find(_TYPE, begin, stop)
    kind = text[place + len(_TYPE) : place + len(_TYPE) + 40].lstrip() if place >= 0 else ""
    yield Entry(
        _HOLD if kind.startswith(("Hold", "Removal", "Min")) else _SETUP,
        _number(slack[1].removesuffix("ns")),
        text,
        begin,
        stop,
        end,
    )


def _fields(lines: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what stands behind the names, and the clocks of both ends, which stand in the lines below them."""
    fields: dict[str, str] = {}
    clocks: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[2:3] not in ("", " "):
            name, _, value = line.partition(":")
            name = name.strip()
            fields.setdefault(name, value.strip())
        elif name not in clocks:
            clocked = _CLOCKED.search(line)
            if clocked:
                clocks[name] = clocked[1].strip()
    return fields, clocks


def _number(text: str) -> float | None:
    value = exact_number(text)
    return None if value is None else float(value)


def _ns(text: str) -> float | None:
    found = _NS.match(text)
    return _number(found[1]) if found else None
