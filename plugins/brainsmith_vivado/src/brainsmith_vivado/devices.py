"""Totals of the FPGAs that reports are about, by die; the numbers and where they stand are in `devices.toml`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from brainsmith_core.formats.memory import read_toml
from brainsmith_core.records import Device

__all__ = ["load_devices"]


@cache
def load_devices() -> tuple[Device, ...]:
    """Return all dies with their totals.

    Example:
        >>> die = next(each for each in load_devices() if each.part == "xc7a35t")
        >>> die.lut, die.bram_36k, die.source
        (20800, 50, 'AMD DS180, 7 series FPGAs overview; "Available" of report_utilization says the same')
    """
    return tuple(_read())


def _read() -> Iterator[Device]:
    for family in read_toml(str(Path(__file__).with_name("devices.toml")))["families"]:
        for values in family["dies"]:
            fields = dict(zip(family["columns"], values, strict=True))
            seen = '; "Available" of report_utilization says the same' if fields["part"] in family["reports"] else ""
            yield Device(**fields, source=f"{family['source']}{seen}")
