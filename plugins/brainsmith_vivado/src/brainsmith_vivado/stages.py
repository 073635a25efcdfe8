"""At which point of the flow a report was written, from what it says itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from brainsmith_core.metric import Stage

__all__ = ["stage_of_name", "stage_of_nets", "stage_of_state"]

#: The beginnings of Vivado's `Design State`, in lower case. A design that is routed only in part is none that is
#: routed, and one that is placed only in part none that is placed.
_STATES = {
    "fully routed": Stage.ROUTE,
    "routed": Stage.ROUTE,
    "physopt postroute": Stage.ROUTE,
    "partially routed": Stage.PLACE,
    "fully placed": Stage.PLACE,
    "placed": Stage.PLACE,
    "physopt postplace": Stage.PLACE,
    "partially placed": Stage.SYNTH,
    "synthesized": Stage.SYNTH,
    "optimized": Stage.SYNTH,
    "unplaced": Stage.SYNTH,
    "linked": Stage.SYNTH,
    "out-of-context": Stage.OOC,
    "out of context": Stage.OOC,
    "ooc": Stage.OOC,
}
#: How the nets of a timing path are marked.
_NETS = {", routed)": Stage.ROUTE, ", estimated)": Stage.PLACE, ", unplaced)": Stage.SYNTH}
_FILE = re.compile(r"-file\s+(?:\{([^}]*)\}|(\S+))")
_WORDS = (
    (re.compile(r"rout", re.IGNORECASE), Stage.ROUTE),
    (re.compile(r"plac(?:e|ed|ement)(?![a-z])", re.IGNORECASE), Stage.PLACE),
    (re.compile(r"synth|(?<![a-z])opt(?:ed|_design|imi[sz]ed)?(?![a-z])", re.IGNORECASE), Stage.SYNTH),
)


def stage_of_state(state: str) -> Stage | None:
    """Return the stage that a report's `Design State` means, or None for an unknown one.

    Example:
        >>> stage_of_state("Fully Placed").value, stage_of_state("Physopt postRoute").value, stage_of_state("?")
        ('place', 'route', None)
    """
    text = state.strip().lower()
    return next((stage for beginning, stage in _STATES.items() if text.startswith(beginning)), None)


def stage_of_nets(details: str) -> Stage | None:
    """Return the stage that the nets of timing paths show: most are routed, estimated or unplaced; None for no nets.

    Args:
        details: the part of a timing report that lists paths.
    """
    counts = {stage: details.count(mark) for mark, stage in _NETS.items()}
    best = max(counts, key=lambda stage: counts[stage])
    return best if counts[best] else None


def stage_of_name(header: Mapping[str, str], name: str) -> Stage | None:
    """Return the stage that the name of the report's file hints at, or None.

    Args:
        header: the report's header; the command in it names the file that was written.
        name: what the file is called now.

    Example:
        >>> stage_of_name({"Command": "report_drc -file top_drc_opted.rpt"}, "x.rpt").value
        'synth'
    """
    found = _FILE.search(header.get("Command", ""))
    written = (found[1] or found[2]) if found else ""
    for text in (written.rpartition("/")[2], name):
        for word, stage in _WORDS:
            if word.search(text):
                return stage
    return None
