"""Totals of the FPGAs that reports are about, by die; the numbers and where they stand are in `devices.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources

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
    text = resources.files(__package__).joinpath("devices.toml").read_text("utf-8")
    for family in tomllib.loads(text)["families"]:
        for values in family["dies"]:
            fields = dict(zip(family["columns"], values, strict=True))
            seen = '; "Available" of report_utilization says the same' if fields["part"] in family["reports"] else ""
            yield Device(**fields, source=f"{family['source']}{seen}")
