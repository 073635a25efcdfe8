"""What the command behind a report says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .figures import WHOLE, Scope

__all__ = ["scope_of_command"]

#: Options that limit a report to cells or blocks.
_LIMITED = re.compile(r"\s-(cell|pblock)s?\s+")
_BRACKETS = {"[": "]", "{": "}"}


def scope_of_command(header: Mapping[str, str]) -> Scope:
    """Return what a report is about, if its command limited it to cells or blocks.

    Args:
        header: the report's header.

    Example:
        >>> scope_of_command({"Command": "report_utilization -cells top_i/inst -file x.rpt"})
        (('instance', 'top_i/inst'),)
        >>> scope_of_command({"Command": "report_utilization -pblocks [get_pblocks {pb_1}]"}), scope_of_command({})
        ((('pblock', 'pb_1'),), ())
    """
    command = header.get("Command", "")
    found = _LIMITED.search(command)
    if not found:
        return WHOLE
    value = _value(command[found.end() :])
    # Of a Tcl call the last word is what it looks for.
    name = (value.split()[-1] if value.startswith("get_") else value).strip("{} ")
    return (("instance" if found[1] == "cell" else "pblock", name),) if name else WHOLE


def _value(text: str) -> str:
    """Return the first word of a Tcl command, or what stands in the brackets that it begins with."""
    closing = _BRACKETS.get(text[:1])
    if closing is None:
        return text.partition(" ")[0]
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == text[0]) - (letter == closing)
        if depth == 0:
            return text[1:place].strip()
    return text[1:].strip()
