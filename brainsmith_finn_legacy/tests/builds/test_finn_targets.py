from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_finn_legacy.environments.records import FINNEnvironment
from brainsmith_finn_legacy.targets import Target, resolve_target

Z1 = Target(board="Pynq-Z1", part="xc7z020clg400-1")


@pytest.mark.parametrize(
    ("flags", "target"),
    [
        ({}, Target()),
        ({"board": "Pynq-Z1"}, Z1),
        ({"target_device": "Pynq-Z1"}, Z1),
        ({"board": "Pynq-Z1", "fpga_part": "xc7z020clg400-1"}, Z1),
        ({"board": "Pynq-Z1", "target_device": "Pynq-Z1"}, Z1),
        ({"fpga_part": "xczu7ev-ffvc1156-2-e"}, Target(part="xczu7ev-ffvc1156-2-e")),
        ({"target_device": "xczu7ev-ffvc1156-2-e"}, Target(part="xczu7ev-ffvc1156-2-e")),
    ],
)
def test_board_part_and_device_name_the_target(
    environment: FINNEnvironment, make_config: Callable[..., Any], flags: dict[str, Any], target: Target
) -> None:
    assert resolve_target(make_config(config_flags=flags), environment) == target


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"board": "Pynq-Z3"}, 'did you mean "Pynq-Z'),
        ({"target_device": "pynq-z1"}, 'did you mean "Pynq-Z1"'),
        ({"board": 3}, "knows no board 3"),
        ({"fpga_part": "zynq7020"}, "is no FPGA part"),
        ({"board": "Pynq-Z1", "fpga_part": "xczu7ev-ffvc1156-2-e"}, "carries the part xc7z020clg400-1"),
        ({"board": "Pynq-Z1", "target_device": "ZCU104"}, "contradict each other"),
        ({"fpga_part": "xc7z020clg400-1", "target_device": "xczu7ev-ffvc1156-2-e"}, "contradict each other"),
    ],
)
def test_unknown_and_contradictory_targets_are_refused(
    environment: FINNEnvironment, make_config: Callable[..., Any], flags: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve_target(make_config(config_flags=flags), environment)
    assert message in str(caught.value)


@pytest.mark.parametrize("part", ["xck26-sfvc784-2LV-i", "xc7a35ticsg324-1L", "xcvu9p-flga2104-2-i"])
def test_a_part_without_a_board_is_taken_with_a_warning(
    environment: FINNEnvironment, make_config: Callable[..., Any], part: str
) -> None:
    target = resolve_target(make_config(config_flags={"fpga_part": part}), environment)
    assert target.part == part
    assert "has no board with the part" in target.warning
