"""Targets: the boards or parts and the clocks that a design is built for, and the flags that say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue

__all__ = [
    "BOARD_FLAGS",
    "CLOCK_FLAGS",
    "PART_FLAGS",
    "TARGET_FLAGS",
    "Target",
    "check_flags",
    "parse_targets",
    "target_of",
]

#: Flags that name the board; the first is the one that targets set.
BOARD_FLAGS: Final = ("board", "target_device")
#: Flags that name the part; the first is the one that targets set.
PART_FLAGS: Final = ("fpga_part",)
#: Flags that give the clock's period in ns; the first is the one that targets set.
CLOCK_FLAGS: Final = ("synth_clk_period_ns", "target_clock_ns", "clock_period_ns")
#: All of them: what is shown as the target isn't shown as a flag once more.
TARGET_FLAGS: Final = (*BOARD_FLAGS, *PART_FLAGS, *CLOCK_FLAGS)

_KEYS = ("board", "part", "clock_ns", "clock_mhz")


@attrs.frozen(kw_only=True)
class Target:
    """What a design is built for.

    Args:
        board: the board's name, or None.
        part: the part's name, or None.
        clock_ns: the clock's period in ns, or None for the backend's default.

    Example:
        >>> Target(board="Pynq-Z1", clock_ns=10).flags()
        {'board': 'Pynq-Z1', 'synth_clk_period_ns': 10.0}
    """

    board: str | None = None
    part: str | None = None
    clock_ns: float | None = None

    def __attrs_post_init__(self) -> None:
        if (self.board is None) == (self.part is None):
            raise ConfigurationError("a target needs either a board or a part")

    def flags(self) -> dict[str, JSONValue]:
        """Return the flags that stand for this target."""
        found: dict[str, JSONValue] = {}
        if self.board is not None:
            found[BOARD_FLAGS[0]] = self.board
        if self.part is not None:
            found[PART_FLAGS[0]] = self.part
        if self.clock_ns is not None:
            found[CLOCK_FLAGS[0]] = float(self.clock_ns)
        return found

    def __str__(self) -> str:
        device = str(self.board or self.part)
        return device if self.clock_ns is None else f"{device} at {self.clock_ns:g} ns"


def parse_targets(items: Iterable[Any]) -> tuple[Target, ...]:
    """Return the targets that the entries of `targets` stand for: in each entry, every device with every clock.

    Args:
        items: mappings with `board` or `part`, and `clock_ns` or `clock_mhz`; each a value or a list.

    Raises:
        ConfigurationError: for a wrong entry, or a target that is given twice.

    Example:
        >>> [str(target) for target in parse_targets([{"board": ["A", "B"], "clock_mhz": [100, 200]}])]
        ['A at 10 ns', 'A at 5 ns', 'B at 10 ns', 'B at 5 ns']
    """
    found: dict[Target, None] = {}
    for item in items:
        for target in [item] if isinstance(item, Target) else _product(item):
            if target in found:
                raise ConfigurationError(f"the target {target} is given twice", hint="give each target once")
            found[target] = None
    return tuple(found)


def _product(item: object) -> list[Target]:
    if not isinstance(item, Mapping):
        raise ConfigurationError(f"a target must be a mapping, but is {item!r}", hint="{board: Pynq-Z1, clock_ns: 10}")
    for key in item:
        if key not in _KEYS:
            raise ConfigurationError(f'a target has no key "{key}"', hint=did_you_mean(str(key), _KEYS))
    if ("board" in item) == ("part" in item):
        raise ConfigurationError("a target needs either board or part", hint="give one of them")
    if "clock_ns" in item and "clock_mhz" in item:
        raise ConfigurationError("clock_ns and clock_mhz say the same thing twice", hint="give one of them")
    device = "board" if "board" in item else "part"
    clock = next((key for key in ("clock_ns", "clock_mhz") if key in item), None)
    periods = [_period(clock, value) for value in _listed(clock, item[clock])] if clock else [None]
    names = [_text(device, value) for value in _listed(device, item[device])]
    return [Target(**{device: name, "clock_ns": period}) for name in names for period in periods]  # type: ignore[arg-type]  # keys differ


def _listed(key: str, value: object) -> list[Any]:
    items = list(value) if isinstance(value, list | tuple) else [value]
    if not items:
        raise ConfigurationError(f"{key} is an empty list: an empty design space", hint="give at least one")
    return items


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{key} must be a text, but is {value!r}")
    return value


def _period(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ConfigurationError(f"{key} must be a number greater than 0, but is {value!r}")
    return float(value) if key == "clock_ns" else float(f"{1000 / value:.12g}")


def check_flags(flags: Iterable[str], targets: Iterable[Target]) -> None:
    """Check that nothing is said in two places: once in `targets` and in a flag, or in two flags.

    Raises:
        ConfigurationError: naming both places.
    """
    given = list(flags)
    from_targets = {name for target in targets for name in target.flags()}
    for names, what in (((*BOARD_FLAGS, *PART_FLAGS), "device"), (CLOCK_FLAGS, "clock")):
        mine = [name for name in names if name in given]
        if mine and from_targets & set(names):
            text = f"the {what} is given twice: in targets and as the flag {mine[0]}"
            raise ConfigurationError(text, hint="give it in one of them")
        twice = [name for name in mine if name not in PART_FLAGS]
        if len(twice) > 1:
            text = f"the {what} is given twice: as the flag {twice[0]} and as the flag {twice[1]}"
            raise ConfigurationError(text, hint="give one of them")


def target_of(config: BuildConfig) -> dict[str, JSONValue]:
    """Return what a configuration is built for: `board`, `part`, `clock_ns`, each where its flags say so.

    Raises:
        ConfigurationError: if two flags contradict each other.
    """
    found = {
        "board": config.flag(*BOARD_FLAGS),
        "part": config.flag(*PART_FLAGS),
        "clock_ns": config.flag(*CLOCK_FLAGS),
    }
    return {key: value for key, value in found.items() if value is not None}
