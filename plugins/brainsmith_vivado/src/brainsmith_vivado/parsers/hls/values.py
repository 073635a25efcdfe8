"""What cells and elements of HLS reports say: cycles, times, spans, counts with a share, and that there is nothing."""

from __future__ import annotations

import re

from ...figures import Figures, Scope

__all__ = ["ends_of", "put_count", "put_cycles", "put_number", "put_span", "put_text", "put_time", "time_ns"]

#: How HLS says that it can't know a figure, or that there is none.
_ABSENT = frozenset({"", "-", "--", "?", "undef", "undefined", "inf", "NA", "N/A", "na", "none", "4294967295"})
_INTEGER = re.compile(r"[0-9]{1,18}")
_NEGATIVE = re.compile(r"-[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,3})?)\s*(s|sec|ms|us|ns|ps)?")
_SPAN = re.compile(r"(\S+)\s*~\s*(\S+)")
_SHARE = re.compile(r"([0-9]{1,18})(?:\s*\((~?)([0-9]{1,6})%\))?")
_NANOSECONDS = {"s": 1e9, "sec": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0, "ps": 1e-3, "": 1.0}


def put_cycles(figures: Figures, name: str, text: str, field: str, scope: Scope) -> None:
    """Add a number of cycles or of anything else that is whole; below 0, HLS means that it can't know it."""
    if _INTEGER.fullmatch(text):
        figures.put(name, int(text), field, scope)
    elif text in _ABSENT or _NEGATIVE.fullmatch(text):
        figures.miss(name, field, scope)
    else:
        figures.spoil(name, text, field, scope)


def put_span(figures: Figures, names: tuple[str, str], text: str, field: str, scope: Scope) -> None:
    """Add least and greatest number of cycles, given as `2 ~ 5` or, where they are the same, as one number.

    Args:
        figures: where to add them.
        names: of the least and of the greatest.
        text: what the report says.
        field: the report's own name.
        scope: what they are about.
    """
    for name, part in zip(names, ends_of(text) or (text, text), strict=True):
        put_cycles(figures, name, part, field, scope)


def ends_of(text: str) -> tuple[str, str] | None:
    """Return both ends of a span, or None for a single figure.

    Example:
        >>> ends_of("2 ~ 20"), ends_of("19~?"), ends_of("7")
        (('2', '20'), ('19', '?'), None)
    """
    span = _SPAN.fullmatch(text)
    return (span[1], span[2]) if span else None


def put_number(figures: Figures, name: str, text: str, field: str, scope: Scope) -> None:
    """Add a number that may have a fraction and a sign, and may be followed by its unit."""
    number = text.removesuffix(" ns")
    if _DECIMAL.fullmatch(number):
        figures.put(name, float(number), field, scope)
    elif text in _ABSENT:
        figures.miss(name, field, scope)
    else:
        figures.spoil(name, text, field, scope)


def put_time(figures: Figures, name: str, text: str, field: str, scope: Scope) -> None:
    """Add a time, given with its unit or in ns, as ns."""
    value = time_ns(text)
    if value is not None:
        figures.put(name, value, field, scope)
    elif text in _ABSENT or _NEGATIVE.fullmatch(text):
        figures.miss(name, field, scope)
    else:
        figures.spoil(name, text, field, scope)


def time_ns(text: str) -> float | None:
    """Return a time in ns; None for anything else.

    Example:
        >>> time_ns("9.410 us"), time_ns("7.300 ns"), time_ns("1.027e+04"), time_ns("?")
        (9410.0, 7.3, 10270.0, None)
    """
    found = _TIME.fullmatch(text)
    return round(float(found[1]) * _NANOSECONDS[found[2] or ""], 6) if found else None


def put_count(figures: Figures, name: str, text: str, field: str, scope: Scope) -> tuple[int, int] | None:
    """Add a count that a share in per cent may follow, as in `184241 (39%)`.

    Returns:
        The count and its share, rounded down to whole per cent, if there is one that isn't just `~0`.
    """
    found = _SHARE.fullmatch(text)
    if found:
        count = int(found[1])
        figures.put(name, count, field, scope)
        return (count, int(found[3])) if found[3] and not found[2] else None
    if text in _ABSENT:
        figures.miss(name, field, scope)
    else:
        figures.spoil(name, text, field, scope)
    return None


def put_text(figures: Figures, name: str, text: str, field: str, scope: Scope) -> None:
    """Add a text; where there is none, nothing."""
    if text and text not in ("-", "N/A"):
        figures.put(name, text, field, scope)
