"""Tell which parser a file belongs to, by its name and the beginning of its content."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from functools import cached_property
from typing import Any

from ..plugins.manager import Offer, Plugin, load_target
from ..records import MetricParserSpec

__all__ = ["Recogniser", "recognise"]


class Recogniser:
    """One parser with the rule by which its files are recognised.

    Args:
        offer: the parser's record with its plugin.
    """

    def __init__(self, offer: Offer[MetricParserSpec]) -> None:
        self.spec: MetricParserSpec = offer.record
        self.plugin: Plugin = offer.plugin
        self._name = _any_of(self.spec.patterns)
        self._telling_name = _any_of(pattern for pattern in self.spec.patterns if _is_telling(pattern))
        self._sniff = re.compile(self.spec.sniff) if self.spec.sniff else None

    @cached_property
    def parse(self) -> Callable[[Any], Any]:
        """The parser itself, imported when it is first used; raises PluginError if that fails."""
        target: Callable[[Any], Any] = load_target(self.spec.target, f"metric parser {self.spec.name}")
        return target

    def fits_name(self, name: str) -> bool:
        """Return whether a file's name is one of this parser's."""
        return self._name is None or self._name.match(name) is not None

    def fits_content(self, head: str) -> bool:
        """Return whether the beginning of a file's content is that of this parser's files."""
        return self._sniff is None or self._sniff.search(head) is not None

    def claims(self, name: str) -> bool:
        """Return whether a file's name says that it is one of this parser's, so that other content is a fault."""
        return self._telling_name is not None and self._telling_name.match(name) is not None


def recognise(recognisers: Sequence[Recogniser], name: str, head: bytes) -> tuple[Recogniser | None, bool]:
    """Return the first parser that a file belongs to, or None, and whether its content fits too.

    Args:
        recognisers: the parsers, highest priority first.
        name: the file's name.
        head: the beginning of its content.
    """
    named = [each for each in recognisers if each.fits_name(name)]
    if named:
        text = head.decode("utf-8", errors="replace")
        for each in named:
            if each.fits_content(text):
                return each, True
    return next((each for each in named if each.claims(name)), None), False


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(translate(pattern) for pattern in patterns)
    return re.compile(joined) if joined else None


def _is_telling(pattern: str) -> bool:
    """Whether a pattern says more than a file's extension."""
    stem = pattern.rpartition(".")[0] or pattern
    return len(re.sub(r"\[.*?\]|[*?]", "", stem)) >= 4
