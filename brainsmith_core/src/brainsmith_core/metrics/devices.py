"""Look up the totals of an FPGA by board, by part, or by the die that a part is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..plugins.manager import PluginManager
from ..records import Device

__all__ = ["Devices", "die_of", "totals_of"]

#: Dies whose parts have no dash behind them, always (series 7: `xc7z020clg400-1`, `xc7a35tcpg236-1`) or in the reports
#: of older tools (UltraScale: `xczu3egsbva484-1`, `xcku040ffva1156-2`, `xcvu37pfsvh2892-2L`, `xcu50fsvh2104-2`).
_DIE = re.compile(
    r"xc(?:7(?:z\d{3}s?|[aks]\d+t?|v[xh]?\d+t)|zu\d+(?:cg|eg|ev|dr)|[kv]u\d+p?|au\d+p|u\d+[cn]?|k\d+)(?=i?[a-z]{3,4}\d|-|$)"
)

#: What stands before the die: commercial, automotive, defence and space grades have the same dies.
_GRADE = re.compile(r"^x(?:c|a|qr?)")


def die_of(part: str) -> str:
    """Return the die of a part: what stands before package, speed and temperature grade.

    Args:
        part: a part or the beginning of one; older tools leave its `xc` out, other grades are called `xa` or `xq`.

    Example:
        >>> die_of("xc7z020clg400-1"), die_of("7z020clg400-1"), die_of("xczu3eg-sbva484-1-e"), die_of("xcu55c")
        ('xc7z020', 'xc7z020', 'xczu3eg', 'xcu55c')
    """
    text = f"xc{_GRADE.sub('', part.strip().lower())}"
    die = _DIE.match(text)
    return die.group() if die else text.partition("-")[0]


def totals_of(device: Device) -> dict[str, int | float]:
    """Return what a device has, by resource of the metric vocabulary; what isn't known is left out.

    Example:
        >>> totals_of(Device(part="xc7z020clg400-1", lut=53200, bram_36k=140, source="DS190"))
        {'lut': 53200, 'bram_36k': 140, 'bram_18k': 280}
    """
    counts: dict[str, int | float | None] = {
        "lut": device.lut,
        "ff": device.ff,
        "bram_36k": device.bram_36k,
        "bram_18k": None if device.bram_36k is None else 2 * device.bram_36k,
        "uram": device.uram,
        "dsp": device.dsp,
    }
    return {resource: count for resource, count in counts.items() if count is not None}


class Devices:
    """All devices that plugins know.

    Args:
        devices: the devices; of two for one board, part or die the first holds.

    Example:
        >>> devices = Devices([Device(part="xc7z020clg400-1", boards=("Pynq-Z1",), lut=53200, source="DS190")])
        >>> devices.find("pynq-z1").part, devices.find("xc7z020clg484-2").lut, devices.find("ZCU104")
        ('xc7z020clg400-1', 53200, None)
    """

    def __init__(self, devices: Iterable[Device]) -> None:
        self._boards: dict[str, Device] = {}
        self._parts: dict[str, Device] = {}
        self._dies: dict[str, Device] = {}
        for device in devices:
            for board in device.boards:
                self._boards.setdefault(board.lower(), device)
            self._parts.setdefault(device.part.lower(), device)
            self._dies.setdefault(die_of(device.part), device)

    @staticmethod
    def of(plugins: PluginManager) -> Devices:
        """Return the devices of all active plugins."""
        return plugins.derived(_of_plugins)

    @property
    def boards(self) -> Mapping[str, Device]:
        """The devices by board, in lower case."""
        return self._boards

    def find(self, name: str) -> Device | None:
        """Return the device that a board, a part or a die names, whatever its case; None if it isn't known.

        A part that isn't listed has the totals of its die: package and grades don't change them.
        """
        key = name.strip().lower()
        return self._boards.get(key) or self._parts.get(key) or self._dies.get(die_of(key))


def _of_plugins(plugins: PluginManager) -> Devices:
    return Devices(offer.record for offer in plugins.offers("brainsmith_devices"))
