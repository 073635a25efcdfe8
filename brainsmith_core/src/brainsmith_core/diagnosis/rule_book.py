"""All error rules of all plugins, and which of them a text matches."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from ..records import ErrorRule

__all__ = ["RuleBook", "RuleMatch"]

#: No message is longer; a rule's pattern may take long on what is none.
_LONGEST_TEXT = 20_000


@attrs.frozen
class RuleMatch:
    """A rule that matches a text.

    Args:
        rule: the rule.
        found: where and how its pattern matches.
    """

    rule: ErrorRule
    found: re.Match[str]

    @property
    def follow(self) -> str:
        """The path of another log that the text names, or ""."""
        name = self.rule.follow
        path = self.found[name] if name and name in self.found.groupdict() else ""
        return (path or "").strip("'\"`()[]<>,;").rstrip(".:")


class RuleBook:
    """The rules, the most important first.

    Args:
        rules: all of them.

    Example:
        >>> rule = ErrorRule(name="full", pattern="No space left", category="disk", advice="Tidy up.")
        >>> RuleBook([rule]).match("OSError: No  space\\n left on device").rule.category
        'disk'
    """

    def __init__(self, rules: Iterable[ErrorRule]) -> None:
        ordered = sorted(rules, key=lambda rule: -rule.priority)
        self._rules = [(rule, re.compile(rule.pattern)) for rule in ordered if not rule.warning]
        self._warnings = [(rule, re.compile(rule.pattern)) for rule in ordered if rule.warning]

    def match(self, text: str) -> RuleMatch | None:
        """Return the most important rule that matches a text, or None."""
        return _first(self._rules, text)

    def match_warning(self, texts: Iterable[str]) -> RuleMatch | None:
        """Return the first rule for warnings that matches one of the texts, or None."""
        matches = (_first(self._warnings, text) for text in texts)
        return next((match for match in matches if match is not None), None)

    def match_any(self, texts: Iterable[str]) -> RuleMatch | None:
        """Return the rule that matches the first text that any matches.

        A rule of a priority below 0 is vague: it counts only where no other rule matches any of the texts.
        """
        vague: RuleMatch | None = None
        for text in texts:
            match = self.match(text)
            if match is not None and match.rule.priority >= 0:
                return match
            vague = vague or match
        return vague


def _first(rules: Iterable[tuple[ErrorRule, re.Pattern[str]]], text: str) -> RuleMatch | None:
    collapsed = " ".join(text[:_LONGEST_TEXT].split())
    if not collapsed:
        return None
    for rule, pattern in rules:
        found = pattern.search(collapsed)
        if found is not None:
            return RuleMatch(rule, found)
    return None
