"""Steps that change a model's graph, but not what it computes, prove it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from brainsmith_core.errors import ConfigurationError, StepError
from brainsmith_onnx.models import Runner, describe, load_model
from brainsmith_onnx.preprocessing import passes, qonnx_transformation
from brainsmith_onnx.preprocessing.passes import PASSES

node = onnx.helper.make_node


# qonnx warns of things that are as they should be; steps run in processes of their own, where warnings are no errors.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", [name for name in PASSES if name != "onnxruntime_basic"])
def test_no_pass_changes_what_the_quantised_digits_compute(step: Any, digits: Path, name: str) -> None:
    ran = step("graph_optimization", digits, passes=[name])
    assert ran.report["proof"]["largest_difference"] <= 1e-4
    quants = sum(each.op_type == "Quant" for each in ran.model.graph.node)
    assert quants == 6


@pytest.mark.parametrize("name", list(PASSES))
def test_no_pass_changes_what_a_float_network_computes(step: Any, convnet: onnx.ModelProto, name: str) -> None:
    step("graph_optimization", convnet, passes=[name])


def test_onnxruntime_folds_batch_normalisation(step: Any, convnet: onnx.ModelProto) -> None:
    ran = step("graph_optimization", convnet, passes=["onnxruntime_basic"])
    assert "BatchNormalization" not in [each.op_type for each in ran.model.graph.node]


def test_onnxruntime_is_kept_from_quantised_models(step: Any, digits: Path) -> None:
    with pytest.raises(ConfigurationError, match="for float models"):
        step("graph_optimization", digits, passes=["onnxruntime_basic"])


def test_the_report_counts_nodes_after_each_pass(step: Any, convnet: onnx.ModelProto) -> None:
    convnet.graph.node.append(node("Relu", ["p"], ["unused"], "unused"))
    ran = step("graph_optimization", convnet, passes=["infer_shapes", "remove_unused_nodes"])
    assert ran.report["nodes_before"] == 7
    assert list(ran.report["nodes_after_pass"].items()) == [("01_infer_shapes", 7), ("02_remove_unused_nodes", 6)]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["clenup"], 'no pass "clenup"\ndid you mean "cleanup"'),
        ([], "no passes to run"),
        ([1], "must be a list of names"),
    ],
)
def test_unknown_passes_are_named(step: Any, mlp: onnx.ModelProto, names: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        step("graph_optimization", mlp, passes=names)


def test_a_pass_that_changes_the_outputs_fails_the_step(
    step: Any, mlp: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(wrapped: Any) -> Any:
        wrapped.set_initializer("w1", 1.01 * wrapped.get_initializer("w1"))
        return wrapped

    monkeypatch.setitem(passes._OWN, "cleanup", spoil)
    with pytest.raises(StepError, match="computes something else than before: its outputs differ by up to"):
        step("graph_optimization", mlp, passes=["cleanup"])
    step("graph_optimization", mlp, passes=["cleanup"], rtol=0.1)


def test_a_pass_that_fails_says_on_what(step: Any, mlp: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        PASSES, "sort_graph", passes.Pass("fails", "change_batchsize:ChangeBatchSize", {"bsize": 2**70})
    )
    with pytest.raises(ConfigurationError, match='the pass "sort_graph" fails on this model: ValueError'):
        step("graph_optimization", mlp, passes=["sort_graph"])


def test_every_pass_names_a_transformation_that_there_is() -> None:
    known = {f"{each.__module__}:{name}" for name, each in qonnx_transformation.known_transformations().items()}
    targets = {f"qonnx.transformation.{each.target}" for each in PASSES.values() if each.target}
    assert targets <= known
    assert all(name in passes._OWN for name, each in PASSES.items() if not each.target)


@pytest.mark.parametrize("size", [1, 3, 16])
def test_the_batch_size_changes_and_the_samples_do_not(step: Any, digits: Path, size: int) -> None:
    ran = step("change_batch_size", digits, size=size)
    assert ran.report["inputs"] == [f"global_in ({size}, 64) float32 UINT5"]
    assert ran.report["outputs"][0].startswith(f"global_out ({size}, 10)")


def test_an_open_batch_size_is_fixed(step: Any, mlp: onnx.ModelProto, digits: Path) -> None:
    open_batch = [onnx.load(digits), mlp]
    for model in open_batch:
        for tensor in (*model.graph.input, *model.graph.output):
            tensor.type.tensor_type.shape.dim[0].dim_param = "N"
        ran = step("change_batch_size", model, size=2)
        assert describe(ran.model).only_input().batch == 2


def test_a_graph_with_the_batch_size_built_in_is_refused(step: Any, make: Any) -> None:
    model = make([node("Reshape", ["x", "s"], ["y"], "flat")], {"x": [2, 4]}, {"y": [8, 1]}, {"s": np.array([8, 1])})
    with pytest.raises((ConfigurationError, StepError)):
        step("change_batch_size", model, size=3)


def test_other_shapes_of_models_have_no_batch_to_change(step: Any, make: Any, mlp: onnx.ModelProto) -> None:
    two = make([node("Relu", ["x"], ["y"]), node("Relu", ["y"], ["z"])], {"x": [1, 4]}, {"y": [1, 4], "z": [1, 4]})
    with pytest.raises(ConfigurationError, match="must have one output, but has 2: y, z"):
        step("change_batch_size", two, size=2)
    flat = make([node("Relu", ["x"], ["y"])], {"x": [4]}, {"y": [4]})
    with pytest.raises(ConfigurationError, match="has no batch direction"):
        step("change_batch_size", flat, size=2)
    mlp.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "K"
    with pytest.raises(ConfigurationError, match=r"dynamic axes beside the batch: x \(1, K\)"):
        step("change_batch_size", mlp, size=2)
    with pytest.raises(ConfigurationError, match="size"):
        step("change_batch_size", mlp, size=0)


def test_the_datatype_of_the_input_is_noted(step: Any, mlp: onnx.ModelProto) -> None:
    ran = step("set_input_datatype", mlp, datatype="INT4", samples=step.samples([[-8, 7, 0, 0, 0, 1]]))
    assert ran.report["inputs"] == ["x (1, 6) float32 INT4"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"datatype": "UNT8"}, 'no datatype "UNT8"\ndid you mean "UINT8"'),
        ({"datatype": "whatever"}, "give INT2 to INT32"),
        ({"datatype": "UINT8", "input": "z"}, 'no input "z"'),
        ({"datatype": "UINT2"}, "aren't UINT2: they hold values from 0 to 5"),
        ({"datatype": "UINT4", "values": 0.5}, "aren't UINT4: they hold fractions"),
    ],
)
def test_a_wrong_datatype_is_refused(step: Any, mlp: onnx.ModelProto, parameters: Any, message: str) -> None:
    name = step.samples(np.arange(6.0)[None] + parameters.pop("values", 0))
    with pytest.raises(ConfigurationError, match=message):
        step("set_input_datatype", mlp, samples=name, **parameters)


def test_a_part_is_cut_out_with_what_is_known_of_its_values(step: Any, digits: Path) -> None:
    ran = step("cut", digits, inputs=["Quant_3_out0"], outputs=["Quant_4_out0"])
    info = describe(ran.model)
    assert [each.name for each in info.inputs] == ["Quant_3_out0"]
    assert [each.name for each in info.outputs] == ["Quant_4_out0"]
    assert len(ran.model.graph.node) == 5
    first = step("cut", digits, outputs=["Quant_4_out0"])
    assert first.report["inputs"] == ["global_in (1, 64) float32 UINT5"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"outputs": ["hh"]}, 'no tensor "hh"\n'),
        ({"inputs": ["h"], "outputs": []}, "must be a list of tensor names"),
        ({"inputs": ["w0"]}, 'no tensor "w0"'),
        ({"inputs": ["r"], "outputs": ["h"]}, '"x" too|computed from|output "h"'),
        ({"inputs": ["h"], "outputs": ["h"]}, 'output "h" isn\'t computed'),
    ],
)
def test_a_wrong_cut_is_refused(step: Any, mlp: onnx.ModelProto, parameters: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        step("cut", mlp, **parameters)


def test_a_transformation_is_applied_by_name(step: Any, digits: Path) -> None:
    for name in (
        "GiveUniqueNodeNames",
        "general.GiveUniqueNodeNames",
        "qonnx.transformation.general.GiveUniqueNodeNames",
    ):
        ran = step("qonnx_transformation", digits, transformation=name, parameters={"prefix": "p_"})
        assert ran.model.graph.node[0].name == "p_Relu_0"


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("GiveUniqeNodeNames", {}, 'no transformation "GiveUniqeNodeNames"\ndid you mean "GiveUniqueNodeNames"'),
        ("remove.GiveUniqueNodeNames", {}, "no transformation"),
        ("GiveUniqueNodeNames", {"prefx": "a"}, 'no parameter "prefx"\ndid you mean "prefix"'),
        ("InferShapes", {"a": 1}, 'no parameter "a"\nit takes none'),
        ("ChangeBatchSize", {}, "needs the parameter bsize"),
        ("ChangeBatchSize", {"bsize": "many"}, "refuses its parameters"),
        ("MergeONNXModels", {"pre_model": "none"}, "fails on this model"),
    ],
)
def test_a_wrong_transformation_is_refused(step: Any, digits: Path, name: str, parameters: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        step("qonnx_transformation", digits, transformation=name, parameters=parameters)


def test_a_transformation_may_change_the_outputs_only_where_that_is_said(step: Any, digits: Path) -> None:
    how = {"transformation": "InsertTopK", "parameters": {"k": 1}}
    with pytest.raises(StepError, match="another shape"):
        step("qonnx_transformation", digits, **how)
    ran = step("qonnx_transformation", digits, **how, prove=False)
    assert ran.model.graph.node[-1].op_type == "TopK"
    assert "proof" not in ran.report


def test_qcdq_becomes_quant_and_back(step: Any, digits: Path) -> None:
    there = step("qonnx_transformation", digits, transformation="QuantToQCDQ", prove=True)
    assert {each.op_type for each in there.model.graph.node} >= {"QuantizeLinear", "DequantizeLinear"}
    back = step("import_qcdq", there.model)
    kinds = {each.op_type for each in back.model.graph.node}
    assert "Quant" in kinds
    assert not kinds & {"QuantizeLinear", "DequantizeLinear"}
    with np.load(digits.parent / "samples.npz") as archive:
        inputs = archive["inputs"][:40]
    first, second = Runner(load_model(digits)), Runner(back.model)
    assert np.array_equal(first.run_samples(inputs), second.run_samples(inputs))


def qdq(make: Any, zero: Any = 0, other_scale: float = 0.5, *, with_zero: bool = True) -> onnx.ModelProto:
    point = ["z"] if with_zero else []
    nodes = [
        node("QuantizeLinear", ["x", "s", *point], ["q"], "quantize"),
        node("DequantizeLinear", ["q", "t", *point], ["y"], "dequantize"),
    ]
    weights = {"s": np.float32(0.5), "t": np.float32(other_scale), "z": np.uint8(zero)}
    return make(nodes, {"x": [1, 4]}, {"y": [1, 4]}, weights)  # type: ignore[no-any-return] # a fixture's function


def test_zero_points_may_be_left_out(step: Any, make: Any) -> None:
    assert step("import_qcdq", qdq(make, with_zero=False)).report["quantizers"] == 1


def test_zero_points_that_finn_can_not_build_are_named(step: Any, make: Any) -> None:
    ran = step("import_qcdq", qdq(make, zero=3))
    assert any("zero point 0 only" in text for text in ran.outcome.warnings)
    assert not step("import_qcdq", qdq(make)).outcome.warnings


def test_quantisers_that_qonnx_can_not_take_are_named(step: Any, make: Any, mlp: onnx.ModelProto) -> None:
    with pytest.raises(ConfigurationError, match=r"can't take QuantizeLinear \(quantize\), DequantizeLinear"):
        step("import_qcdq", qdq(make, other_scale=0.25))
    with pytest.raises(ConfigurationError, match="nothing to import"):
        step("import_qcdq", mlp)


def test_normalisation_is_what_the_method_says(step: Any, convnet: onnx.ModelProto) -> None:
    raw = np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8)).astype(np.float32)
    name = step.samples(raw)
    mean, std = [10.0, 20.0, 30.0], [1.5, 2.5, 3.5]
    ran = step("input_normalization", convnet, method="mean_std", mean=mean, std=std, samples=name)
    ready = (raw - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    expected = Runner(convnet).run_samples(ready.astype(np.float32))
    assert np.allclose(Runner(ran.model).run_samples(raw), expected, rtol=1e-3, atol=1e-3)
    names = [each.name for each in ran.model.graph.node]
    assert names == ["normalize_mul", "normalize_add", "conv", "norm", "relu", "pool", "flat", "last"]


def test_normalisation_takes_values_from_files_and_needs_no_node_for_nothing(step: Any, mlp: onnx.ModelProto) -> None:
    np.save(step.folder / "high.npy", np.full(6, 4.0))
    (step.folder / "low.json").write_text(json.dumps(0))
    ran = step("input_normalization", mlp, method="min_max", minimum="low.json", maximum="high.npy")
    assert ran.report["scale"] == [0.25] * 6
    assert [each.name for each in ran.model.graph.node][:2] == ["normalize_mul", "first"]
    again = step("input_normalization", ran.model, method="scale_offset", scale=1, offset=2)
    assert again.model.graph.node[0].name == "normalize_add"
    third = step("input_normalization", again.model, method="scale_offset", scale=2, offset=2)
    assert len({each.name for each in third.model.graph.node}) == len(third.model.graph.node)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "mean_std", "mean": 1}, 'needs the parameter "std"'),
        ({"method": "mean_std", "mean": 1, "std": 0}, "std must be above 0"),
        ({"method": "min_max", "minimum": [0, 5], "maximum": 5}, "maximum must be above minimum"),
        ({"method": "mean_std", "mean": 1, "std": 1, "scale": 1}, "scale has no meaning for method mean_std"),
        ({"method": "mean_std", "mean": [1, 2], "std": [1, 2, 3]}, "mean has 2 values, but std has 3"),
        ({"method": "mean_std", "mean": [1, 2], "std": 1}, "there are 2 values, and no direction"),
        ({"method": "mean_std", "mean": [1, 2], "std": 1, "layout": "NCHW"}, "2 values, but .* 3 channels in NCHW"),
        ({"method": "mean_std", "mean": 1, "std": 1, "layout": "NC"}, "layout NC has 2 directions"),
        ({"method": "mean_std", "mean": "a.npy", "std": 1}, "file of mean .*a.npy doesn't exist"),
        ({"method": "mean_std", "mean": "bad.json", "std": 1}, "can't be read"),
        ({"method": "mean_std", "mean": {"a": 1}, "std": 1}, "must be a number, a list"),
        ({"method": "mean_std", "mean": [[1]], "std": 1}, "one number or a plain list"),
        ({"method": "nothing"}, "can't be 'nothing'"),
    ],
)
def test_a_wrong_normalisation_is_refused(step: Any, convnet: onnx.ModelProto, parameters: Any, message: str) -> None:
    (step.folder / "bad.json").write_text("{")
    with pytest.raises(ConfigurationError, match=message):
        step("input_normalization", convnet, **parameters)


def test_several_directions_that_could_be_the_channels_need_the_layout(step: Any, make: Any) -> None:
    model = make([node("Relu", ["x"], ["y"])], {"x": [1, 3, 5, 3]}, {"y": [1, 3, 5, 3]})
    how = {"method": "scale_offset", "scale": [1.0, 2.0, 3.0], "offset": 0}
    with pytest.raises(ConfigurationError, match=r"several directions .*\ngive the layout"):
        step("input_normalization", model, **how)
    ran = step("input_normalization", model, **how, layout="NHWC")
    found = Runner(ran.model).run({"x": np.ones((1, 3, 5, 3), np.float32)})["y"]
    assert np.array_equal(found[0, 0, 0], [1, 2, 3])


def test_input_that_is_raw_already_is_not_normalised(step: Any, digits: Path) -> None:
    with pytest.raises(ConfigurationError, match="is UINT5 already"):
        step("input_normalization", digits, method="scale_offset", scale=1, offset=2)
