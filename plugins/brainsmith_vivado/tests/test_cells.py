"""Cells: numbers, bounds, nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_vivado.tables.cells import exact_number, is_absent, is_bound, leading_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("250.5", 250.5), ("-0.312", -0.312), ("-3", -3), ("0.000", 0.0), ("007", 7)],
)
def test_a_number_is_read_as_it_stands(text: str, number: float) -> None:
    assert exact_number(text) == number
    assert leading_number(text) == number
    assert isinstance(exact_number(text), float if "." in text else int)


@pytest.mark.parametrize(
    "text",
    ["", "NA", "<0.01", "1_000", "1e3", "0x10", "1,000", "١٢", "²", "--1", "1.", ".5", "1 2", "nan", "inf", "9" * 19],
)
def test_whatever_is_not_plainly_a_number_is_none(text: str) -> None:
    assert exact_number(text) is None
    assert leading_number(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("19.293 (Junction temp exceeded!)", 19.293), ("-0.191 (VIOLATED)", -0.191), ("1435(Lost)", 1435), ("1*", 1)],
)
def test_a_remark_may_follow_a_number_where_the_report_has_remarks(text: str, number: float) -> None:
    assert leading_number(text) == number
    assert exact_number(text) is None


def test_bounds_and_absence_are_told_from_numbers() -> None:
    assert is_bound("<0.01")
    assert is_bound("< 0.001")
    assert not is_bound("<x")
    assert is_absent("NA")
    assert is_absent("---")
    assert not is_absent("0")


@given(st.text(max_size=30))
def test_any_text_is_a_number_only_if_it_is_written_as_one(text: str) -> None:
    number = exact_number(text)
    written = re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", text)
    assert (number is not None) == (written is not None)
    if number is not None:
        assert number == float(text)


@given(st.integers(min_value=-(10**17), max_value=10**17))
def test_an_integer_stays_exact(number: int) -> None:
    assert exact_number(str(number)) == number
