"""Nodes and attributes of ONNX files, read without the onnx package."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_finn_legacy.analysis.onnx_nodes import read_nodes

from .conftest import LAYERS, attribute, encode_model, field, varint

INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES = st.one_of(
    INT64,
    st.text(max_size=20),
    st.floats(width=32, allow_nan=False),
    st.lists(INT64, min_size=1, max_size=5),
    st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=5),
    st.lists(st.text(max_size=8), min_size=1, max_size=5),
)


def read(tmp_path: Path, data: bytes) -> Any:
    (tmp_path / "m.onnx").write_bytes(data)
    return read_nodes(tmp_path / "m.onnx")


def test_names_operators_tensors_and_attributes_come_out(tmp_path: Path) -> None:
    nodes = read(tmp_path, encode_model(LAYERS))
    assert [node.name for node in nodes] == [*LAYERS]
    first = nodes[1]
    assert (first.op_type, first.domain) == ("MVAU_hls", "finn.custom_op.fpgadataflow.hls")
    assert (first.inputs, first.outputs) == (("t1",), ("t2",))
    assert first.attributes["numInputVectors"] == (1,)
    assert {key: value for key, value in first.attributes.items() if key != "numInputVectors"} == {
        key: value for key, value in LAYERS["MVAU_hls_0"].items() if key != "numInputVectors"
    }


@given(value=VALUES, packed=st.booleans())
def test_every_value_reads_back(tmp_path_factory: pytest.TempPathFactory, value: Any, packed: bool) -> None:
    folder = tmp_path_factory.mktemp("models")
    (node,) = read(folder, encode_model({"a": {"x": value}}, packed=packed))
    assert node.attributes == {"x": tuple(value) if isinstance(value, list) else value}


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    with contextlib.suppress(ValueError):
        read(folder, data)


@given(end=st.integers(1, len(encode_model(LAYERS)) - 1))
def test_a_model_that_is_cut_off_is_refused_or_lacks_nodes(tmp_path_factory: pytest.TempPathFactory, end: int) -> None:
    folder = tmp_path_factory.mktemp("cut")
    nodes = None
    with contextlib.suppress(ValueError):
        nodes = read(folder, encode_model(LAYERS)[:end])
    assert nodes is None or len(nodes) in (0, len(LAYERS))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (field(7, field(1, field(5, field(1, 3)))), "number stands where a message"),
        (field(7, field(1, field(5, field(1, "x") + field(3, "text")))), "integer is none"),
        (b"\xff" * 12, "number has no end"),
        (varint(7 << 3 | 3), "wire type 3"),
        (field(7, field(1, field(3, b"\xff\xfe"))), "no whole ONNX model"),
    ],
)
def test_what_is_no_model_is_refused_with_the_reason(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, data)


def test_attributes_that_are_tensors_or_graphs_are_left_out(tmp_path: Path) -> None:
    tensor = field(1, "t") + field(5, b"\x08\x01")
    node = field(3, "n") + field(5, tensor) + field(5, attribute("k", 3))
    (found,) = read(tmp_path, field(7, field(1, node)))
    assert found.attributes == {"k": 3}


def test_the_onnx_package_reads_the_same(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    helper = importlib.import_module("onnx.helper")
    values = {"i": -3, "f": 0.5, "s": "text", "ints": [1, -2], "floats": [1.5, 2.0], "strings": ["a", "b"]}
    node = helper.make_node("Op", ["a", "b"], ["c"], name="n", domain="d", **values)
    model = helper.make_model(helper.make_graph([node], "g", [], []))
    (found,) = read(tmp_path, model.SerializeToString())
    assert (found.name, found.op_type, found.domain, found.inputs) == ("n", "Op", "d", ("a", "b"))
    assert found.attributes == {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
