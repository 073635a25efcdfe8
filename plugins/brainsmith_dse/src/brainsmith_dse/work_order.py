"""Which builds to start first: those that most others wait for."""

from __future__ import annotations

from collections.abc import Iterable

from brainsmith_core.config import BuildConfig

from .sweep import canonical

__all__ = ["family", "work_order"]


def family(config: BuildConfig) -> str:
    """Return what a configuration shares with those that most likely have their first steps in common with it.

    Numbers, such as frame rates and clocks, are read late in a flow; what is switched on, named or replaced is read
    early. It is a guess that costs nothing where it is wrong: which steps are shared is found when they run.
    """
    data = config.to_dict()
    flags = data["config_flags"]
    assert isinstance(flags, dict)
    shared = {key: data[key] for key in ("kernels", "transforms", "build_steps", "preprocessing")}
    early = {name: value for name, value in flags.items() if isinstance(value, bool) or not _is_number(value)}
    return canonical({**shared, "flags": early})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def work_order(families: Iterable[str]) -> list[int]:
    """Return the places of configurations in the order to build them: one of each family, then all others.

    Of builds that share a long step, one runs it and the others wait. So at first no two of one family are started:
    the cores that would wait do the long steps of other families.

    Args:
        families: the family of each.

    Example:
        >>> work_order(["a", "a", "a", "b", "b"])
        [0, 3, 1, 2, 4]
    """
    first: list[int] = []
    others: list[int] = []
    seen: set[str] = set()
    for place, each in enumerate(families):
        (others if each in seen else first).append(place)
        seen.add(each)
    return first + others
