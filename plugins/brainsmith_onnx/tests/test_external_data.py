"""What core sees of a model's external data, without onnx, is what onnx wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from brainsmith_core.build.external_data import external_files
from brainsmith_core.build.model_file import check_model_file
from brainsmith_core.errors import ConfigurationError

FLOAT = Path(__file__).parents[3] / "examples" / "digits_float" / "model.onnx"


def tensor(name: str, place: str = "") -> onnx.TensorProto:
    made = numpy_helper.from_array(np.arange(4, dtype=np.float32), name)
    if place:
        made.ClearField("raw_data")
        made.data_location = TensorProto.EXTERNAL
        for key, value in (("offset", "0"), ("location", place), ("length", "16")):
            made.external_data.add(key=key, value=value)
    return made


def graph(*nodes: onnx.NodeProto, weights: tuple[onnx.TensorProto, ...] = ()) -> onnx.GraphProto:
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])]
    return helper.make_graph(list(nodes), "g", [], out, list(weights))


def test_weights_constants_and_inner_graphs_are_looked_into(tmp_path: Path) -> None:
    inner = graph(helper.make_node("Constant", [], ["y"], value=tensor("v", "inner.bin")))
    made = graph(
        helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner),
        helper.make_node("Constant", [], ["z"], value=tensor("v", "constant.bin")),
        weights=(tensor("w", "weights.bin"), tensor("w2", "weights.bin"), tensor("plain")),
    )
    path = tmp_path / "model.onnx"
    path.write_bytes(helper.make_model(made).SerializeToString())
    assert external_files(path) == ["constant.bin", "inner.bin", "weights.bin"]
    with pytest.raises(ConfigurationError, match=r"external data\): constant.bin, inner.bin, weights.bin") as caught:
        check_model_file(path)
    assert "onnx.save" in str(caught.value.hint)


def test_many_files_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    weights = tuple(tensor(f"w{index}", f"{index}.bin") for index in range(5))
    path.write_bytes(helper.make_model(graph(weights=weights)).SerializeToString())
    with pytest.raises(ConfigurationError, match=r"0.bin, 1.bin, 2.bin and 2 more"):
        check_model_file(path)


def test_a_whole_model_and_any_beginning_of_one_have_none(tmp_path: Path) -> None:
    data = FLOAT.read_bytes()
    for end in [len(data), *range(1, len(data), 997)]:
        path = tmp_path / "model.onnx"
        path.write_bytes(data[:end])
        assert external_files(path) == []


@pytest.mark.parametrize("data", [b"\x08\xff", b"\x0f\x01", b"\x0d\x00\x00\x00\x00\x09" + bytes(8)])
def test_damaged_files_and_fields_of_fixed_size_are_no_fault(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    assert external_files(path) == []
