"""Models are loaded, run and checked; what is wrong with one is said in one message."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_onnx.models import Runner, compare, describe, expose, load_model, random_inputs, save_model
from brainsmith_onnx.preprocessing.operators import unsupported_nodes

node = onnx.helper.make_node


def external(model: onnx.ModelProto, folder: Path) -> Path:
    """Save a model with its weights in another file."""
    path = folder / "external.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def test_external_weights_are_taken_into_the_model(mlp: onnx.ModelProto, tmp_path: Path) -> None:
    expected = Runner(mlp).run_samples(np.ones((3, 6)))
    path = external(mlp, tmp_path)
    loaded = load_model(path)
    save_model(loaded, tmp_path / "whole.onnx")
    (tmp_path / "weights.bin").unlink()
    assert np.array_equal(Runner(load_model(tmp_path / "whole.onnx")).run_samples(np.ones((3, 6))), expected)


def test_a_step_finds_external_weights_beside_the_model_that_came_in(step: Any, mlp: onnx.ModelProto) -> None:
    path = external(mlp, step.folder)
    assert step("graph_optimization", path, passes=["infer_shapes"]).report["nodes_before"] == 3


@pytest.mark.parametrize(
    ("place", "message"),
    [("gone.bin", "keeps weights in gone.bin, which isn't in"), ("../weights.bin", "outside its folder")],
)
def test_external_weights_elsewhere_are_named(mlp: onnx.ModelProto, tmp_path: Path, place: str, message: str) -> None:
    path = external(mlp, tmp_path)
    model = onnx.load(path, load_external_data=False)
    for weights in model.graph.initializer:
        weights.external_data[0].value = place
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ConfigurationError, match=message):
        load_model(path)


def test_external_weights_that_are_cut_short_are_named(mlp: onnx.ModelProto, tmp_path: Path) -> None:
    path = external(mlp, tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_model(path)


def test_external_weights_without_a_place_are_named(mlp: onnx.ModelProto, tmp_path: Path) -> None:
    path = external(mlp, tmp_path)
    model = onnx.load(path, load_external_data=False)
    del model.graph.initializer[0].external_data[:]
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ConfigurationError, match="doesn't say where"):
        load_model(path)


@pytest.mark.parametrize(("content", "message"), [(b"\x08\x07 no model", "is no ONNX model"), (b"", "without nodes")])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        load_model(tmp_path / "a.onnx")


def test_samples_go_through_in_portions_of_the_batch_size(mlp: onnx.ModelProto) -> None:
    inputs = np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)
    expected = Runner(mlp).run_samples(inputs)
    for tensor in (*mlp.graph.input, *mlp.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_value = 3
    assert np.allclose(Runner(mlp).run_samples(inputs), expected, atol=1e-6)
    for tensor in (*mlp.graph.input, *mlp.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "N"
    assert np.allclose(Runner(mlp).run_samples(inputs), expected, atol=1e-6)
    assert Runner(mlp).run_samples(inputs[:0]).shape == (0,)


def test_samples_of_another_shape_are_refused(mlp: onnx.ModelProto) -> None:
    with pytest.raises(ConfigurationError, match=r"shape \(2, 7\) don't fit the model's input x"):
        Runner(mlp).run_samples(np.ones((2, 7)))


def test_both_engines_say_the_same(mlp: onnx.ModelProto) -> None:
    runners = Runner(mlp), Runner(mlp, engine="qonnx")
    found = compare(*runners, random_inputs(describe(mlp), 3), rtol=1e-5, atol=1e-5)
    assert found.agree
    assert found.sets == 3


def test_models_with_outputs_of_other_shapes_do_not_agree(mlp: onnx.ModelProto, make: Any) -> None:
    other = make([node("Relu", ["x"], ["y"])], {"x": [1, 6]}, {"y": [1, 6]})
    assert not compare(Runner(mlp), Runner(other), random_inputs(describe(mlp), 1), rtol=1, atol=1).agree


def test_a_model_of_a_newer_file_format_is_run(mlp: onnx.ModelProto) -> None:
    mlp.ir_version = 14
    assert Runner(mlp).run_samples(np.ones((1, 6))).shape == (1, 3)
    assert mlp.ir_version == 14


def test_inner_tensors_can_be_seen(mlp: onnx.ModelProto) -> None:
    found = Runner(expose(mlp, ["r", "h", "x", "y"])).run({"x": np.ones((1, 6), np.float32)})
    assert list(found) == ["y", "r", "h"]
    assert np.array_equal(found["r"], np.maximum(found["h"], 0))


@pytest.mark.parametrize("engine", ["onnxruntime", "qonnx"])
def test_a_model_that_can_not_run_says_why(make: Any, engine: Any) -> None:
    model = make([node("NoSuchOperator", ["x"], ["y"], "odd")], {"x": [1, 4]}, {"y": [1, 4]})
    with pytest.raises(ConfigurationError, match=f"can't be run by {engine}|find out"):
        Runner(model, engine=engine).run(random_inputs(describe(model), 1)[0])


def test_dynamic_axes_can_not_be_run_by_qonnx(digits: Path) -> None:
    model = onnx.load(digits)
    del model.graph.value_info[:]
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "N"
    with pytest.raises(ConfigurationError, match="dynamic axes"):
        Runner(model)


def test_inputs_have_names_and_sizes(make: Any) -> None:
    two = make([node("Add", ["a", "b"], ["y"])], {"a": [1, 4], "b": ["N", 4]}, {"y": ["N", 4]})
    info = describe(two)
    with pytest.raises(ConfigurationError, match="must have one input, but has 2: a, b"):
        info.only_input()
    with pytest.raises(ConfigurationError, match='no input "c"'):
        info.input("c")
    with pytest.raises(ConfigurationError, match=r"dynamic axes: b \(N, 4\) float32"):
        random_inputs(info, 1)


def test_random_inputs_are_of_the_type_that_comes_in(make: Any, digits: Path) -> None:
    (feeds,) = random_inputs(describe(onnx.load(digits)), 1)
    assert set(np.unique(feeds["global_in"])) <= set(range(32))
    model = make([node("Relu", ["x"], ["y"])], {"x": [1, 400]}, {"y": [1, 400]})
    tensor = model.graph.input[0].type.tensor_type
    for kind, dtype in (
        (onnx.TensorProto.INT8, "int8"),
        (onnx.TensorProto.BOOL, "bool"),
        (onnx.TensorProto.UINT16, "uint16"),
    ):
        tensor.elem_type = kind
        assert random_inputs(describe(model), 1)[0]["x"].dtype == dtype


@pytest.mark.parametrize(("name", "values"), [("BIPOLAR", {-1, 1}), ("FLOAT32", None), ("INT32", None)])
def test_random_inputs_know_all_types_of_qonnx(make: Any, name: str, values: set[int] | None) -> None:
    from qonnx.core.datatype import DataType
    from qonnx.core.modelwrapper import ModelWrapper

    wrapped = ModelWrapper(make([node("Relu", ["x"], ["y"])], {"x": [1, 400]}, {"y": [1, 400]}))
    wrapped.set_tensor_datatype("x", DataType[name])
    (feeds,) = random_inputs(describe(wrapped.model), 1)
    assert values is None or set(np.unique(feeds["x"])) == values
    assert np.isfinite(feeds["x"]).all()


def test_verification_reports_what_the_model_is(step: Any, digits: Path) -> None:
    ran = step("verify_model", digits)
    assert ran.outcome.model_path == ""
    assert ran.report["operators"] == {"BatchNormalization": 2, "MatMul": 3, "Quant": 6, "Relu": 3}
    assert ran.report["engine"] == "qonnx"
    assert ran.report["unsupported"] == []
    assert step("verify_model", digits, samples="samples.npz").report["runs"] == 8


def test_what_finn_can_not_build_is_named(step: Any, make: Any) -> None:
    nodes = [node("Cos", ["x"], ["a"], "wave"), node("Sin", ["a"], ["b"]), node("QuantizeLinear", ["b", "s"], ["q"])]
    nodes += [node("DequantizeLinear", ["q", "s"], ["y"])]
    model = make(nodes, {"x": [1, 4]}, {"y": [1, 4]}, {"s": np.float32(0.1)})
    with pytest.raises(
        ConfigurationError, match=r"can't build 4 .*: Cos \(wave\): FINN has no hardware for it; Sin \(b\)"
    ):
        step("verify_model", model)
    ran = step("verify_model", model, unsupported="warn", allow=["Cos"])
    assert [each["operator"] for each in ran.report["unsupported"]] == ["Sin", "QuantizeLinear", "DequantizeLinear"]
    assert "import_qcdq" in ran.outcome.warnings[0]
    with pytest.raises(ConfigurationError, match="allow must be a list of operator names"):
        step("verify_model", model, allow=[1])


def test_layers_whose_weights_nothing_quantises_are_named(step: Any, mlp: onnx.ModelProto) -> None:
    with pytest.raises(ConfigurationError, match=r"build 2 .*Gemm \(first\): its weights aren't quantised: "):
        step("verify_model", mlp)
    assert step("verify_model", mlp, allow=["Gemm", "MatMul"]).report["unsupported"] == []


def test_weights_are_followed_to_where_they_are_made(make: Any) -> None:
    def unsupported(made: onnx.NodeProto) -> list[str]:
        turned = node("Transpose", ["v"], ["w"])
        product = node("MatMul", ["x", "w"], ["y"], "product")
        weights = {"f": np.ones((2, 2), np.float32), "k": np.ones((2, 2), np.int8)}
        model = make([made, turned, product], {"x": [1, 2]}, {"y": [1, 2]}, weights)
        return [each.operator for each in unsupported_nodes(model)]

    value = onnx.numpy_helper.from_array(np.ones((2, 2), np.float32))
    assert unsupported(onnx.helper.make_node("Constant", [], ["v"], value=value)) == ["MatMul"]
    assert unsupported(node("Identity", ["f"], ["v"])) == ["MatMul"]
    assert unsupported(node("Cast", ["k"], ["v"])) == []
    assert unsupported(onnx.helper.make_node("BipolarQuant", ["f", "f"], ["v"], domain="qonnx.custom_op.general")) == []


def test_many_nodes_that_finn_can_not_build_are_counted(step: Any, make: Any) -> None:
    nodes = [node("Cos", [f"t{each}"], [f"t{each + 1}"]) for each in range(7)]
    with pytest.raises(ConfigurationError, match=r"7 of the model's nodes: .* and 2 more"):
        step("verify_model", make(nodes, {"t0": [1, 4]}, {"t7": [1, 4]}))


def test_an_invalid_model_is_refused(step: Any, make: Any) -> None:
    with pytest.raises(ConfigurationError, match="is no valid ONNX model"):
        step("verify_model", make([node("Relu", ["nowhere"], ["y"])], {"x": [1, 4]}, {"y": [1, 4]}))


def test_a_model_that_gives_nan_is_refused(step: Any, make: Any) -> None:
    model = make([node("Div", ["x", "z"], ["y"])], {"x": [1, 4]}, {"y": [1, 4]}, {"z": np.float32(0)})
    with pytest.raises(ConfigurationError, match='output "y" is NaN or infinite'):
        step("verify_model", model)


def test_dynamic_axes_are_named(step: Any, mlp: onnx.ModelProto) -> None:
    mlp.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    with pytest.raises(ConfigurationError, match=r"dynamic axes: x \(N, 6\).*\n.*change_batch_size"):
        step("verify_model", mlp, unsupported="warn")


@pytest.mark.filterwarnings("ignore:Some old-style domain attributes", "ignore:Output shapes disagree")
@pytest.mark.parametrize("name", ["TFC_1W1A", "TFC_2W2A", "qkeras_jettagging"])
def test_models_of_others_are_verified_and_cleaned_up(step: Any, name: str) -> None:
    """Exporters differ: these name no version of QONNX's operators, and call its home by older names."""
    shared = Path(os.environ.get("BRAINSMITH_SHARED") or Path(__file__).parents[5] / "shared")
    model = shared / "models" / f"{name}.onnx"
    if not model.is_file():
        pytest.skip(f"the models of others aren't there ({model}); BRAINSMITH_SHARED names their folder's parent")
    assert step("verify_model", model.read_bytes()).report["unsupported"] == []
    assert step("graph_optimization", model.read_bytes()).report["proof"]["runs"] == 8
