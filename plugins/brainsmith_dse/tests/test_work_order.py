"""Builds that others wait for are started first."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core import BuildConfig
from brainsmith_dse.work_order import family, work_order


def config(**changes: Any) -> BuildConfig:
    return BuildConfig(id="a", model_path="m", output_dir="o", **changes)


@given(st.lists(st.sampled_from("abc")))
def test_each_is_built_once_and_no_two_of_a_family_before_one_of_each(families: list[str]) -> None:
    order = work_order(families)
    assert sorted(order) == list(range(len(families)))
    count = len(set(families))
    assert {families[place] for place in order[:count]} == set(families)
    assert order[:count] == sorted(order[:count])
    assert order[count:] == sorted(order[count:])


def test_configurations_that_differ_in_numbers_are_one_family() -> None:
    one = config(config_flags={"target_fps": 1000, "clock": 5.0, "board": "A"})
    assert family(one) == family(config(config_flags={"target_fps": 2000, "clock": 2.5, "board": "A"}))


def test_configurations_that_differ_in_anything_else_are_not() -> None:
    one = config(config_flags={"board": "A", "switch": True})
    others = [
        config(config_flags={"board": "B", "switch": True}),
        config(config_flags={"board": "A", "switch": False}),
        config(config_flags={"board": "A", "switch": True}, transforms={"cleanup": ["Fold"]}),
        config(config_flags={"board": "A", "switch": True}, build_steps=["step"]),
    ]
    assert len({family(each) for each in [one, *others]}) == 5
