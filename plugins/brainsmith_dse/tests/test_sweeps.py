from __future__ import annotations

import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.errors import ConfigurationError
from brainsmith_dse.sweep import Sweep, canonical, parse_flag, parse_range


@pytest.mark.parametrize(
    ("entry", "values"),
    [
        (True, [True]),
        (None, [None]),
        ("Pynq-Z1", ["Pynq-Z1"]),
        ({"values": [1, 2.5, "x"]}, [1, 2.5, "x"]),
        ({"value": [1, 2]}, [[1, 2]]),
        ({"value": {"a": 1}}, [{"a": 1}]),
        ({"values": [[1], [2]]}, [[1], [2]]),
        ({"range": {"from": 1, "to": 10, "step": 3}}, [1, 4, 7, 10]),
        ({"range": {"from": 1, "to": 10, "step": 4}}, [1, 5, 9]),
        ({"range": {"from": 0.1, "to": 0.5, "step": 0.1}}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"range": {"from": 2.5, "to": 10, "count": 4}}, [2.5, 5.0, 7.5, 10.0]),
        ({"range": {"from": 1, "to": 10, "count": 3}}, [1, 6, 10]),
        ({"range": {"from": 5, "to": 5, "count": 1}}, [5]),
        ({"range": {"from": 10, "to": 10000, "count": 4, "scale": "log"}}, [10, 100, 1000, 10000]),
        ({"range": {"from": 1, "to": 4, "count": 2, "scale": "linear"}}, [1, 4]),
    ],
)
def test_a_flag_stands_for_its_values(entry: Any, values: list[Any]) -> None:
    assert list(parse_flag(entry).values) == values


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ([1, 2], "a bare list is ambiguous"),
        ({"valeus": [1]}, "neither a value nor a sweep"),
        ({}, "neither a value nor a sweep"),
        ({"values": [1], "range": {}}, "neither a value nor a sweep"),
        ({"values": 3}, "values must be a list"),
        ({"values": []}, "empty design space"),
        ({"values": [1, 2, 1]}, "the value 1 is given twice"),
        ({"values": [10, 10.0]}, "the value 10 is given twice"),
        ({"range": [1, 2]}, "must be a mapping"),
        ({"range": {"from": 1, "to": 2}}, "either step or count"),
        ({"range": {"from": 1, "to": 2, "step": 1, "count": 2}}, "either step or count"),
        ({"range": {"from": 1, "count": 2}}, '"to" is missing'),
        ({"range": {"frm": 1, "to": 2, "count": 2}}, 'no key "frm"'),
        ({"range": {"from": 9, "to": 2, "count": 2}}, "from 9 down to 2"),
        ({"range": {"from": 1, "to": 2, "count": 0}}, "at least 1"),
        ({"range": {"from": 1, "to": 2, "count": 2.5}}, "at least 1"),
        ({"range": {"from": 1, "to": 2, "count": True}}, "at least 1"),
        ({"range": {"from": 1, "to": 2, "count": 1}}, "one value can't go from 1 to 2"),
        ({"range": {"from": 1, "to": 2, "step": 0}}, "step must be greater than 0"),
        ({"range": {"from": 1, "to": 2, "step": -1}}, "step must be greater than 0"),
        ({"range": {"from": "1", "to": 2, "count": 2}}, "from must be a number"),
        ({"range": {"from": True, "to": 2, "count": 2}}, "from must be a number"),
        ({"range": {"from": 0, "to": 2, "count": 2.0}}, "at least 1"),
        ({"range": {"from": 0, "to": 2, "count": 3, "scale": "log"}}, "must begin above 0"),
        ({"range": {"from": 1, "to": 2, "step": 1, "scale": "log"}}, "goes with a linear scale"),
        ({"range": {"from": 1, "to": 2, "count": 2, "scale": "lgo"}}, '"lgo" is no scale'),
        ({"range": {"from": 1, "to": 3, "count": 9}}, "gives the value 1 twice"),
        ({"range": {"from": 1.0, "to": 1.0, "count": 2}}, "gives the value 1.0 twice"),
        ({"range": {"from": 1, "to": 10**9, "step": 1}}, "1,000,000,000 values, the most is"),
        ({"range": {"from": 1, "to": 10**9, "count": 10**8}}, "100,000,000 values, the most is"),
    ],
)
def test_a_sweep_that_contradicts_itself_is_refused(entry: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_flag(entry)


def test_a_misspelt_key_gets_a_suggestion() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_flag({"valeus": [1]})
    assert str(caught.value.hint).startswith('did you mean "values"?')


@given(low=st.integers(-1000, 1000), width=st.integers(1, 10**6), count=st.integers(2, 50))
def test_a_linear_range_of_whole_numbers_has_both_ends_and_even_steps(low: int, width: int, count: int) -> None:
    high = low + width * count
    values: Any = parse_range({"from": low, "to": high, "count": count}).values
    assert (values[0], values[-1], len(values)) == (low, high, count)
    steps = [b - a for a, b in itertools.pairwise(values)]
    assert max(steps) - min(steps) <= 1


@given(low=st.floats(1e-3, 1e3), factor=st.floats(1.5, 1e6), count=st.integers(2, 50))
def test_a_logarithmic_range_has_both_ends_and_even_ratios(low: float, factor: float, count: int) -> None:
    high = low * factor
    values: Any = parse_range({"from": low, "to": high, "count": count, "scale": "log"}).values
    assert len(values) == count
    assert values[0] == pytest.approx(low)
    assert values[-1] == pytest.approx(high)
    for a, b in itertools.pairwise(values):
        assert math.log(b / a) == pytest.approx(math.log(factor) / (count - 1), rel=1e-6)


@given(low=st.floats(-100, 100), width=st.floats(0, 100), step=st.floats(0.01, 10))
def test_a_range_with_a_step_never_goes_beyond_its_end(low: float, width: float, step: float) -> None:
    values: Any = parse_range({"from": low, "to": low + width, "step": step}).values
    assert all(low - 1e-9 <= value <= low + width + 1e-9 for value in values)
    assert low + width - values[-1] < step + 1e-9


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_canonical_json_reads_back_to_an_equal_value(value: Any) -> None:
    assert json.loads(canonical(value)) == value


def test_canonical_json_doesnt_depend_on_the_way_a_value_is_written() -> None:
    assert canonical({"b": [1.0], "a": "é"}) == canonical({"a": "é", "b": [1]}) == '{"a":"é","b":[1]}'
    assert canonical(True) != canonical(1)


def test_a_value_that_json_cant_hold_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="JSON can't hold"):
        Sweep((object(),))
