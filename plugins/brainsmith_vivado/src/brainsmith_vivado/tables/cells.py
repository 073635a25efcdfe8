"""What a cell of a report says: a number, a bound such as `<0.01`, that there is nothing, or something unreadable."""

from __future__ import annotations

import re

__all__ = ["ABSENT", "exact_number", "is_absent", "is_bound", "leading_number"]

#: How the tools say that there is no figure; an infinite slack is that of a path without a constraint.
ABSENT = frozenset({"", "NA", "N/A", "n/a", "na", "-", "--", "---", "_", "Unspecified", "Unspecified*", "inf"})

#: So many digits are far beyond anything that a report counts, and take no time to convert.
_DIGITS = 18
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_BOUND = re.compile(r"<\s*[0-9]{1,18}(?:\.[0-9]{1,18})?")
_LEADING = re.compile(r"(-?[0-9]{1,18}(?:\.[0-9]{1,18})?)(?:\s*\(.*\)|\s*\*+)?")


def exact_number(text: str) -> int | float | None:
    """Return the number that a cell holds and nothing else; None for anything else.

    Example:
        >>> exact_number("17"), exact_number("-0.312"), exact_number("<0.01"), exact_number("0x1"), exact_number("1_0")
        (17, -0.312, None, None, None)
    """
    if text.isdigit() and text.isascii():
        return int(text) if len(text) <= _DIGITS else None
    if _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return None


def leading_number(text: str) -> int | float | None:
    """Return a number that a remark in brackets may follow; None for anything else.

    Example:
        >>> leading_number("19.293 (Junction temp exceeded!)"), leading_number("55.198 (MET)"), leading_number("5 of 6")
        (19.293, 55.198, None)
    """
    value = exact_number(text)
    if value is not None:
        return value
    found = _LEADING.fullmatch(text)
    return exact_number(found[1]) if found else None


def is_bound(text: str) -> bool:
    """Return whether a cell holds only an upper bound, which isn't a figure.

    Example:
        >>> is_bound("<0.01"), is_bound("0.01")
        (True, False)
    """
    return text[:1] == "<" and _BOUND.fullmatch(text) is not None


def is_absent(text: str) -> bool:
    """Return whether a cell says that there is no figure."""
    return text in ABSENT
