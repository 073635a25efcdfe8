"""The boards and parts that builds can be for, with what each of them holds."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metrics.devices import Devices, die_of
from brainsmith_core.plugins.manager import PluginManager, default_plugins
from brainsmith_core.records import Device

__all__ = ["FPGAPlatform", "FPGAPlatformRegistry"]


@attrs.frozen(kw_only=True)
class FPGAPlatform:
    """A board, or a part without one.

    Args:
        name: the board as FINN spells it, or the part.
        board: the board, or None where the name is a part.
        device: the totals of its FPGA.
    """

    name: str
    board: str | None
    device: Device

    def flags(self) -> dict[str, JSONValue]:
        """Return the flags of a build that stand for this platform."""
        return {"board": self.board} if self.board is not None else {"fpga_part": self.name}

    @property
    def family(self) -> str:
        """The die that its part is made of, such as `xc7z020`."""
        return die_of(self.device.part)


class FPGAPlatformRegistry:
    """All platforms that plugins know, through the hook `brainsmith_devices`.

    Args:
        plugins: where devices are registered; else the plugins of this environment.

    Example:
        >>> registry = FPGAPlatformRegistry()
        >>> registry.find("pynq-z1").device.lut
        53200
    """

    def __init__(self, plugins: PluginManager | None = None) -> None:
        self._plugins = plugins or default_plugins()
        self._devices = Devices.of(self._plugins)

    def platforms(self) -> list[FPGAPlatform]:
        """Return the boards, the smallest FPGA first."""
        records: Iterable[Device] = (offer.record for offer in self._plugins.offers("brainsmith_devices"))
        found: dict[str, FPGAPlatform] = {}
        for device in records:
            for board in device.boards:
                found.setdefault(board, FPGAPlatform(name=board, board=board, device=device))
        return sorted(found.values(), key=lambda each: (each.device.lut or 0, each.name))

    def find(self, name: str) -> FPGAPlatform:
        """Return the platform that a board's or a part's name stands for, whatever its case.

        Args:
            name: such as `Pynq-Z1` or `xc7z020clg400-1`.

        Raises:
            ConfigurationError: if no plugin knows it, with the nearest name.
        """
        device = self._devices.find(name)
        if device is None:
            known = [board for platform in self.platforms() for board in (platform.name, platform.device.part)]
            hint = did_you_mean(name, known) or "brainsmith platforms list shows all boards"
            raise ConfigurationError(f'no plugin knows the board or part "{name}"', hint=hint)
        board = next((each for each in device.boards if each.lower() == name.strip().lower()), None)
        return FPGAPlatform(name=board or name.strip().lower(), board=board, device=device)
