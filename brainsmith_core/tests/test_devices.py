"""Looking up an FPGA by board, part or die."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.metrics.devices import Devices, die_of, totals_of
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.records import Device

PYNQ = Device(part="xc7z020clg400-1", boards=("Pynq-Z1", "Pynq-Z2"), lut=53_200, bram_36k=140, source="DS190")
ULTRA = Device(part="xczu3eg-sbva484-1-e", boards=("Ultra96",), lut=70_560, source="DS891")


@pytest.mark.parametrize(
    ("part", "die"),
    [
        ("xc7z020clg400-1", "xc7z020"),
        ("7z020-clg400", "xc7z020"),
        ("xc7z020", "xc7z020"),
        ("xc7z007sclg225-1", "xc7z007s"),
        ("xc7z010iclg225-1L", "xc7z010"),
        ("xc7a35tcpg236-1", "xc7a35t"),
        ("7s50csga324-1", "xc7s50"),
        ("7vx485tffg1761-2", "xc7vx485t"),
        ("xczu3egsbva484-1", "xczu3eg"),
        ("XCZU7EV-FFVC1156-2-E", "xczu7ev"),
        ("xczu28drffvg1517-2", "xczu28dr"),
        ("xcku040ffva1156-2", "xcku040"),
        ("xcku15p-ffva1156-2LV-e", "xcku15p"),
        ("xcvu37pfsvh2892-2L", "xcvu37p"),
        ("xcu50fsvh2104-2", "xcu50"),
        ("xcu55c-fsvh2892-2L-e", "xcu55c"),
        ("xck26-sfvc784-2LV-c", "xck26"),
        ("xcvc1902-vsva2197-2MP-e-S", "xcvc1902"),
        ("xcv80-lsva4737-2MHP-e-s", "xcv80"),
    ],
)
def test_the_die_stands_before_package_and_grades(part: str, die: str) -> None:
    assert die_of(part) == die


@pytest.mark.parametrize(
    "name", ["Pynq-Z1", "pynq-z2", " PYNQ-Z1 ", "xc7z020clg400-1", "XC7Z020CLG484-2", "7z020-clg484"]
)
def test_a_device_is_found_by_board_part_and_die_whatever_the_case(name: str) -> None:
    assert Devices([ULTRA, PYNQ]).find(name) is PYNQ


@pytest.mark.parametrize("name", ["", "Pynq-Z9", "xc7z010clg400-1", "xczu3cg-sbva484-1-e"])
def test_an_unknown_device_is_none(name: str) -> None:
    assert Devices([ULTRA, PYNQ]).find(name) is None


def test_the_first_device_of_a_name_holds() -> None:
    other = Device(part="xc7z020clg400-1", boards=("Pynq-Z1",), lut=1, source="elsewhere")
    assert Devices([PYNQ, other]).find("Pynq-Z1") is PYNQ


def test_totals_leave_out_what_is_not_known() -> None:
    assert totals_of(ULTRA) == {"lut": 70_560}
    assert totals_of(PYNQ) == {"lut": 53_200, "bram_36k": 140, "bram_18k": 280}


def test_devices_come_from_plugins() -> None:
    class Boards:
        @hookimpl
        def brainsmith_devices(self) -> Iterator[Device]:
            yield PYNQ

    plugins = PluginManager()
    plugins.register(Boards(), "boards")
    assert set(Devices.of(plugins).boards) == {"pynq-z1", "pynq-z2"}
