"""What a plugin's distribution requires, and what of that isn't there: read before the plugin is imported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from .installed import CORE_DISTRIBUTION, normalised

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["is_met", "missing_requirements", "unmet_core_requirement"]

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_PLAIN_VERSION = re.compile(r"\d+(\.\d+)*\Z")
_PLAIN_CLAUSE = re.compile(r"\s*(>=|<=|>|<|==|!=)\s*(\d+(?:\.\d+)*)\s*\Z")
_COMPARISONS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def unmet_core_requirement(requires: Iterable[str], version: str) -> str:
    """Return the requirement on core that a version of core doesn't meet, or "".

    Args:
        requires: the requirements of a plugin's distribution.
        version: the version of the core that is installed.

    Raises:
        ValueError: for a requirement on core that nobody can read.

    Example:
        >>> unmet_core_requirement(["attrs", "brainsmith-core>=0.2"], "0.1.0")
        'brainsmith-core>=0.2'
    """
    ours = [text for text in requires if _name(text) == CORE_DISTRIBUTION]
    return next((text for text in ours if not is_met(text, version)), "")


def is_met(requirement: str, version: str) -> bool:
    """Return whether a version is what a requirement asks for; one whose marker doesn't hold asks for nothing.

    Most requirements are plain (`a>=1,<2`) and are read here: `packaging` costs more than all else of a listing.

    Raises:
        ValueError: for a requirement that nobody can read.
    """
    matched = _NAME.match(requirement)
    rest = requirement[matched.end() :].strip() if matched else ""
    clauses = [_PLAIN_CLAUSE.match(text) for text in rest.strip("() ").split(",")] if rest else []
    if not matched or not _PLAIN_VERSION.match(version) or not all(clauses):
        return _is_met(_parsed(requirement), version)
    return all(_COMPARISONS[clause[1]](*_padded(version, clause[2])) for clause in clauses if clause is not None)


def missing_requirements(requires: Iterable[str], present: Mapping[str, object]) -> list[str]:
    """Return the requirements whose distribution isn't installed, without markers, as pip takes them.

    Args:
        requires: the requirements of a plugin's distribution.
        present: the installed distributions by normalised name.

    Example:
        >>> missing_requirements(["attrs>=23", "onnx>=1.16 ; python_version > '3'", "x; extra == 'y'"], {"attrs": 1})
        ['onnx>=1.16']
    """
    absent = [text for text in requires if _name(text) and _name(text) not in present]
    return [text.partition(";")[0].strip() for text in absent if _applies(text)]


def _name(requirement: str) -> str:
    matched = _NAME.match(requirement)
    return normalised(matched[1]) if matched else ""


def _applies(requirement: str) -> bool:
    """Return whether the marker of a requirement holds here."""
    if ";" not in requirement:
        return True
    try:
        marker = _parsed(requirement).marker
    except ValueError:
        return False
    return marker is None or marker.evaluate({"extra": ""})


def _is_met(requirement: Requirement, version: str) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return True
    return requirement.specifier.contains(version, prereleases=True)


def _parsed(requirement: str) -> Requirement:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(requirement)
    except InvalidRequirement as error:
        text = str(error).splitlines()[0]
        raise ValueError(f'the requirement "{requirement}" can\'t be read: {text}') from None


def _padded(first: str, second: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return two versions as tuples of one length, so that 1.0 and 1 are equal."""
    numbers = [tuple(int(part) for part in text.split(".")) for text in (first, second)]
    length = max(map(len, numbers))
    left, right = (each + (0,) * (length - len(each)) for each in numbers)
    return left, right
