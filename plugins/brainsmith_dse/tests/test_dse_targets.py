from __future__ import annotations

from typing import Any

import pytest

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_dse.targets import Target, check_flags, parse_targets, target_of


def test_each_entry_is_a_product_and_entries_add_up() -> None:
    found = parse_targets(
        [
            {"board": ["A", "B"], "clock_ns": [5, 10]},
            {"part": "xc7z020clg400-1", "clock_mhz": 150},
            {"board": "C"},
        ]
    )
    assert [str(target) for target in found] == [
        "A at 5 ns",
        "A at 10 ns",
        "B at 5 ns",
        "B at 10 ns",
        "xc7z020clg400-1 at 6.66667 ns",
        "C",
    ]


def test_a_clock_is_the_same_in_ns_and_mhz() -> None:
    assert parse_targets([{"board": "A", "clock_mhz": 200}]) == parse_targets([{"board": "A", "clock_ns": 5}])


def test_a_target_sets_finns_own_flags() -> None:
    assert Target(part="xc7", clock_ns=4).flags() == {"fpga_part": "xc7", "synth_clk_period_ns": 4.0}
    assert Target(board="A").flags() == {"board": "A"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("Pynq-Z1", "must be a mapping"),
        ({"clock_ns": 5}, "either board or part"),
        ({"board": "A", "part": "B"}, "either board or part"),
        ({"bord": "A"}, 'no key "bord"'),
        ({"board": "A", "clock_ns": 5, "clock_mhz": 200}, "say the same thing twice"),
        ({"board": []}, "empty list"),
        ({"board": "A", "clock_ns": []}, "empty list"),
        ({"board": 7}, "board must be a text"),
        ({"board": "A", "clock_ns": 0}, "greater than 0"),
        ({"board": "A", "clock_mhz": "fast"}, "greater than 0"),
        ({"board": "A", "clock_mhz": True}, "greater than 0"),
        ({"board": ["A", "A"]}, "the target A is given twice"),
    ],
)
def test_a_wrong_target_is_refused_with_the_reason(entry: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_targets([entry])


def test_a_target_needs_a_device() -> None:
    with pytest.raises(ConfigurationError, match="either a board or a part"):
        Target()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["board"], "device is given twice: in targets and as the flag board"),
        (["target_device"], "as the flag target_device"),
        (["fpga_part"], "as the flag fpga_part"),
        (["target_clock_ns"], "clock is given twice: in targets and as the flag target_clock_ns"),
        (["synth_clk_period_ns"], "as the flag synth_clk_period_ns"),
    ],
)
def test_what_targets_say_cant_be_said_in_a_flag_again(flags: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        check_flags(flags, [Target(board="A", clock_ns=5)])


@pytest.mark.parametrize("flags", [["board", "target_device"], ["clock_period_ns", "target_clock_ns"]])
def test_two_flags_cant_say_the_same(flags: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=f"as the flag {flags[0]} and as the flag {flags[1]}|given twice"):
        check_flags(flags, [])


def test_a_clock_flag_goes_with_targets_that_have_no_clock() -> None:
    check_flags(["target_clock_ns"], [Target(board="A")])
    check_flags(["board", "fpga_part", "target_clock_ns"], [])


def test_the_target_of_a_configuration_is_read_from_its_flags_by_any_name() -> None:
    config = BuildConfig(
        id="a", model_path="m", output_dir="o", config_flags={"target_device": "A", "clock_period_ns": 5}
    )
    assert target_of(config) == {"board": "A", "clock_ns": 5}
