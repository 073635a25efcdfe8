"""What a metric parser is given: text, JSON and figures of one file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.metric import MetricSource, MetricStatus, Stage
from brainsmith_core.metrics.report import ParsedFile, Report, ReportError, read_number


def report(data: bytes | str, name: str = "area.json") -> Report:
    content = data.encode() if isinstance(data, str) else data
    return Report(path=Path("folder") / name, data=content, source=MetricSource(file=name, sha256="ab", parser="p"))


def test_a_report_has_a_name_and_text_with_plain_line_ends() -> None:
    found = report(b"\xef\xbb\xbfone\r\ntwo\xff\n")
    assert found.name == "area.json"
    assert found.text == "one\ntwo\ufffd\n"


def test_json_is_read_with_a_byte_order_mark() -> None:
    assert report(b'\xef\xbb\xbf{"a": [1]}').json() == {"a": [1]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b'{"a": 1', "isn't JSON"),
        (b"\x00\xff\xfe", "isn't JSON"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', 'the key "c" stands twice'),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 100 + b"]" * 100, "nested too deeply"),
        (b"1" * 10_000, "isn't JSON"),
    ],
)
def test_what_is_no_sound_json_is_a_report_error(data: bytes, reason: str) -> None:
    with pytest.raises(ReportError, match=reason):
        report(data).json()


def test_a_metric_comes_from_the_report() -> None:
    figure = report("").metric("util.lut", 3, "count", Stage.HLS, {"layer": "a"}, field="LUT", formula="1 + 2")
    assert (figure.value, figure.scope, figure.status) == (3, {"layer": "a"}, MetricStatus.MEASURED)
    assert figure.source == MetricSource(file="area.json", sha256="ab", parser="p", field="LUT", formula="1 + 2")


def test_no_value_is_missing_and_never_zero() -> None:
    found = report("")
    assert found.metric("util.lut", None, "count", Stage.HLS).status is MetricStatus.MISSING
    assert found.figure("util.lut", None, "count", Stage.HLS).status is MetricStatus.MISSING
    assert found.figure("util.lut", 0, "count", Stage.HLS).value == 0
    assert found.notes == []


@pytest.mark.parametrize("raw", [True, "", "undef", "1_000", "0x10", "nan", "-", math.nan, math.inf, 10**400, [1], {}])
def test_what_is_no_number_is_unparsable_and_noted(raw: Any) -> None:
    found = report("")
    figure = found.figure("util.lut", raw, "count", Stage.HLS, {"layer": "a"}, field="LUT")
    assert (figure.value, figure.status) == (None, MetricStatus.UNPARSABLE)
    assert len(found.notes) == 1
    assert found.notes[0].startswith("a.LUT: ")
    assert len(found.notes[0]) < 100


def test_a_figure_below_zero_is_unparsable_unless_it_may_be() -> None:
    found = report("")
    assert found.figure("util.lut", -1, "count", Stage.HLS).status is MetricStatus.UNPARSABLE
    assert found.figure("timing.setup.wns_ns", -0.5, "ns", Stage.OOC, signed=True).value == -0.5


def test_a_value_that_json_cannot_hold_is_unparsable() -> None:
    found = report('{"a": [NaN]}')
    data = found.json()
    assert isinstance(data, dict)
    assert found.metric("util.alternatives", data["a"], "record", Stage.HLS).status is MetricStatus.UNPARSABLE


@given(st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, min_value=-1e299, max_value=1e299))
def test_every_number_is_read_as_it_is_and_from_its_text(value: float) -> None:
    assert read_number(value) == value
    assert read_number(str(value)) == value
    assert read_number(json.loads(json.dumps(value))) == value


@given(st.text())
def test_text_is_a_number_only_if_python_agrees(text: str) -> None:
    value = read_number(text)
    if value is not None:
        assert float(value) == float(text)


@pytest.mark.parametrize(
    ("status", "message", "warning"),
    [
        ("parsed", "", ""),
        ("parsed", "a note", ""),
        ("parsed", "a note\nrefused: no such name", "a.rpt: refused: no such name"),
        ("unknown", "", ""),
        ("unparsable", "it is empty", "a.rpt: it is empty"),
        ("failed", "Traceback\nValueError: no", "a.rpt: its parser p failed: ValueError: no"),
    ],
)
def test_a_file_says_in_one_line_what_went_wrong(status: Any, message: str, warning: str) -> None:
    file = ParsedFile(file="a.rpt", parser="p", status=status, message=message)
    assert file.warning == warning
    assert file.to_dict() == {"file": "a.rpt", "parser": "p", "status": status, "message": message}
