"""What the command behind a report says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .figures import WHOLE, Scope

__all__ = ["scope_of_command"]

#: Cells or blocks that limit a report: a name, a list in braces, or a Tcl call whose last word is the name.
_LIMITED = re.compile(r"\s-(cells?|pblocks?)\s+(?:\[([^\]]*)\]|\{([^}]*)\}|(\S+))")


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
    found = _LIMITED.search(header.get("Command", ""))
    if not found:
        return WHOLE
    call, *names = found.groups()[1:]
    name = call.split()[-1] if call and call.split() else next(filter(None, names), "")
    return (("instance" if found[1].startswith("cell") else "pblock", name.strip("{} ")),)
