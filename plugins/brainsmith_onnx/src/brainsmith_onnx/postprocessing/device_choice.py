"""Which other device a design fits: the next smaller one, and the smallest of all that are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.devices import Devices, die_of, totals_of
from brainsmith_core.plugins.manager import default_plugins
from brainsmith_core.records import Device

from .figures import Figure, derived

__all__ = ["DeviceChoice", "KnownDevices", "known_devices"]


@attrs.frozen
class KnownDevices:
    """All devices that plugins know, one for each die, smallest first.

    Args:
        devices: the devices.
    """

    devices: tuple[Device, ...]

    def device_of(self, config: BuildConfig, metrics: Iterable[Metric]) -> Device | None:
        """Return the device of a build: the one that its configuration names, else the one in its reports."""
        lookup = Devices(self.devices)
        named = [config.flag(flag) for flag in ("fpga_part", "board", "target_device")]
        named += [metric.value for metric in metrics if metric.name in ("prov.part", "prov.board")]
        found = (lookup.find(name) for name in named if isinstance(name, str))
        return next((device for device in found if device is not None), None)

    def by_size(self) -> list[Device]:
        """Return one device of each die whose LUTs are known, those with fewest LUTs first."""
        dies: dict[str, Device] = {}
        for device in self.devices:
            if device.lut is not None:
                dies.setdefault(die_of(device.part), device)
        return sorted(dies.values(), key=lambda device: (device.lut or 0, device.part))


def known_devices() -> KnownDevices:
    """Return the devices of this environment's plugins."""
    return KnownDevices(tuple(offer.record for offer in default_plugins().offers("brainsmith_devices")))


@attrs.frozen(kw_only=True)
class DeviceChoice:
    """What a design would need on other devices.

    Args:
        used: what it needs, by resource.
        device: what it was built for.
        smaller: the device with the next fewer LUTs, if one is known.
        fits: the smallest device that has room for it, if one is known.
        limit: how much of a device's total may be used.
    """

    used: dict[str, Figure]
    device: Device | None
    smaller: Device | None
    fits: Device | None
    limit: float

    @classmethod
    def of(cls, used: Mapping[str, Figure], device: Device | None, devices: KnownDevices, limit: float) -> DeviceChoice:
        """Find the devices for a design.

        Args:
            used: what it needs, by resource.
            device: what it was built for.
            devices: all that there are.
            limit: how much of a device's total may be used, 0..1.
        """
        known = {name: figure for name, figure in used.items() if figure.value is not None}
        order = devices.by_size()
        have = (device.lut if device else None) or 0
        return cls(
            used=known,
            device=device,
            smaller=next((each for each in reversed(order) if (each.lut or 0) < have), None),
            fits=next((each for each in order if known and _all_fit(known, each, limit)), None),
            limit=limit,
        )

    def next_smaller(self) -> JSONValue:
        """Return what fits on the next smaller device, and what doesn't."""
        if self.smaller is None:
            return Figure.missing(self._no_smaller()).to_data()
        rows = {name: self._row(name) for name in self.used}
        return {
            "part": self.smaller.part,
            "boards": list(self.smaller.boards),
            "resources": dict[str, JSONValue](rows),
            "does_not_fit": [name for name in self.used if self._verdict(name) is False],
            "not_known": [name for name in self.used if self._verdict(name) is None],
        }

    def smallest(self) -> JSONValue:
        """Return the smallest known device that has room for the design."""
        if self.fits is None:
            reason = "no known device has room for it" if self.used else "it isn't known what the design needs"
            return Figure.missing(reason).to_data()
        return {"part": self.fits.part, "boards": list(self.fits.boards)}

    def metrics(self) -> list[Metric]:
        """Return whether the design would fit on the next smaller device, and the smallest one."""
        inputs = list(self.used.values())
        verdicts = [self._verdict(name) for name in self.used]
        known = None if None in verdicts and False not in verdicts else False not in verdicts
        smaller = Figure.missing(self._no_smaller(), "bool")
        if self.smaller is not None and inputs:
            formula = f"all resources <= {self.limit:g} x those of {self.smaller.part}"
            reason = f"not all totals of {self.smaller.part} are known"
            smaller = derived(known, "bool", formula, *inputs, reason=reason)
        part = Figure.missing("no known device has room for it", "string")
        if self.fits is not None:
            part = derived(self.fits.part, "string", "fewest LUTs of all devices that have room for it", *inputs)
        return [
            smaller.to_metric("device.next_smaller_fits", stage=Stage.ESTIMATE),
            part.to_metric("device.smallest_fit", stage=Stage.ESTIMATE),
        ]

    def warnings(self) -> list[str]:
        """Return what the design needs more of than its own device has."""
        if self.device is None:
            return []
        totals = totals_of(self.device)
        over = [
            f"{name} ({figure.value:g} of {totals[name]:g})"
            for name, figure in self.used.items()
            if name in totals and isinstance(figure.value, int | float) and figure.value > totals[name]
        ]
        return [f"the design doesn't fit on {self.device.part}: {', '.join(over)}"] if over else []

    def _no_smaller(self) -> str:
        if self.device is None:
            return "the device isn't known: set the flag board or fpga_part"
        return f"no device with fewer LUTs than {self.device.part} is known"

    def _row(self, name: str) -> JSONValue:
        assert self.smaller is not None
        return {
            "needed": self.used[name].to_data(),
            "available": totals_of(self.smaller).get(name),
            "fits": self._verdict(name),
        }

    def _verdict(self, name: str) -> bool | None:
        return None if self.smaller is None else _fits(self.used[name], name, self.smaller, self.limit)


def _fits(figure: Figure, name: str, device: Device, limit: float) -> bool | None:
    """Whether a device has enough of a resource; None if it isn't known how much it has."""
    total, needed = totals_of(device).get(name), figure.number
    if needed == 0:
        return True
    return None if total is None or needed is None else needed <= limit * total


def _all_fit(used: Mapping[str, Figure], device: Device, limit: float) -> bool:
    return all(_fits(figure, name, device, limit) is True for name, figure in used.items())
