"""A float model is quantised so that FINN can build it, and what that costs is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainsmith_core.errors import ConfigurationError
from brainsmith_onnx.models import Runner, TensorInfo, load_model
from brainsmith_onnx.preprocessing.calibration import calibrate
from brainsmith_onnx.preprocessing.samples import load_samples
from brainsmith_onnx.preprocessing.weight_scales import weight_scale

EXAMPLES = Path(__file__).parents[4] / "examples"
TRAINING, HELD_OUT = str(EXAMPLES / "digits_float" / "training.npz"), str(EXAMPLES / "digits" / "samples.npz")


def quantizers(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["tensor"]: each for each in report["quantizers"]}


def test_the_float_digits_keep_their_accuracy_with_four_bits(step: Any, digits_float: Path) -> None:
    ran = step("model_quantization", digits_float, samples=TRAINING, evaluate=HELD_OUT, max_accuracy_loss=0.01)
    assert (ran.report["correct_before"], ran.report["evaluated_samples"]) == (441, 450)
    assert ran.report["correct_after"] >= 437
    figures = {metric.name: metric.value for metric in ran.outcome.metrics}
    assert figures["quantization.accuracy_before"] == 441 / 450
    assert figures["quantization.accuracy_loss"] == ran.report["accuracy_loss"]


def test_the_accuracy_is_the_one_of_running_the_result_sample_by_sample(step: Any, digits_float: Path) -> None:
    ran = step("model_quantization", digits_float, samples=TRAINING, evaluate=HELD_OUT, weight_bits=3)
    with np.load(HELD_OUT) as archive:
        inputs, labels = archive["inputs"], archive["labels"]
    scores = Runner(ran.model).run_samples(inputs)
    assert int((scores.argmax(axis=1) == labels).sum()) == ran.report["correct_after"]


def test_more_loss_than_allowed_fails(step: Any, digits_float: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"quantisation lost 0\.\d+ of accuracy .* at most 0.01"):
        step(
            "model_quantization",
            digits_float,
            samples=TRAINING,
            evaluate=HELD_OUT,
            max_accuracy_loss=0.01,
            weight_bits=2,
            activation_bits=2,
        )


def test_a_limit_of_loss_needs_labels(step: Any, mlp: onnx.ModelProto) -> None:
    name = step.samples(np.ones((4, 6), np.float32))
    with pytest.raises(ConfigurationError, match="have no labels"):
        step("model_quantization", mlp, samples=name, max_accuracy_loss=0.1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 102], "label of sample 1 is 102, but the model knows the classes 0 to "),
        ([0, -1], "label of sample 1 is -1"),
        ([0.0, 0.5], "the labels aren't whole numbers"),
    ],
)
def test_labels_that_are_no_class_of_the_model_are_refused(
    step: Any, mlp: onnx.ModelProto, labels: list[float], message: str
) -> None:
    samples = step.samples(np.zeros((2, 6), np.float32) + 0.5, labels)
    with pytest.raises(ConfigurationError, match=message):
        step("model_quantization", mlp, samples=samples)


def test_weights_are_signed_and_narrow_and_activations_behind_relu_have_no_sign(
    step: Any, mlp: onnx.ModelProto
) -> None:
    ran = step("model_quantization", mlp, samples=step.samples(np.random.default_rng(0).normal(size=(20, 6))))
    found = quantizers(ran.report)
    assert set(found) == {"w0", "w1", "x", "r"}
    assert found["w0"]["signed"]
    assert found["w0"]["narrow"]
    assert not found["r"]["signed"]
    assert found["x"] | {"bits": 8, "signed": True, "narrow": False} == found["x"]
    quants = [node for node in ran.model.graph.node if node.op_type == "Quant"]
    weights = {each.name: onnx.numpy_helper.to_array(each) for each in ran.model.graph.initializer}
    assert all(weights[node.input[2]] == 0 for node in quants)
    assert all(node.domain == "qonnx.custom_op.general" for node in quants)


def test_whole_numbers_that_come_in_need_no_quantiser(step: Any, mlp: onnx.ModelProto) -> None:
    ran = step("model_quantization", mlp, samples=step.samples(np.arange(24.0).reshape(4, 6)))
    assert "x" not in quantizers(ran.report)
    assert ran.report["inputs"] == ["x (1, 6) float32 UINT5"]


@pytest.mark.parametrize(("wanted", "shown"), [("UINT8", "UINT8"), ("auto", "INT4")])
def test_the_type_of_the_input_can_be_said(step: Any, mlp: onnx.ModelProto, wanted: str, shown: str) -> None:
    values = np.array([[0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 0, -8 if shown == "INT4" else 8]])
    ran = step("model_quantization", mlp, samples=step.samples(values), input_type=wanted)
    assert ran.report["inputs"] == [f"x (1, 6) float32 {shown}"]


def test_float_input_is_quantised_where_it_is_wanted(step: Any, mlp: onnx.ModelProto) -> None:
    ran = step("model_quantization", mlp, samples=step.samples(np.ones((4, 6))), input_type="float", input_bits=5)
    assert quantizers(ran.report)["x"]["bits"] == 5


def test_samples_that_do_not_fit_the_type_are_refused(step: Any, mlp: onnx.ModelProto) -> None:
    with pytest.raises(ConfigurationError, match=r"input_type is UINT2, but .* whole numbers from 7 to 7"):
        step("model_quantization", mlp, samples=step.samples(np.full((4, 6), 7.0)), input_type="UINT2")
    with pytest.raises(ConfigurationError, match='no datatype "UNIT8"\ndid you mean "UINT8"'):
        step("model_quantization", mlp, samples=step.samples(np.full((4, 6), 7.0)), input_type="UNIT8")


def test_layers_may_have_widths_of_their_own(step: Any, mlp: onnx.ModelProto) -> None:
    name = step.samples(np.random.default_rng(0).normal(size=(20, 6)))
    layers = {"second": {"weight_bits": 8}, "relu": {"activation_bits": 3}}
    found = quantizers(step("model_quantization", mlp, samples=name, layers=layers).report)
    assert (found["w0"]["bits"], found["w1"]["bits"], found["r"]["bits"]) == (4, 8, 3)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"secnd": {"weight_bits": 4}}, 'no node "secnd" .*weights.*\ndid you mean "second"'),
        ({"relu": {"weight_bits": 4}}, 'no node "relu" of the model has weights'),
        ({"second": {"weight_bits": 1}}, 'weight_bits of "second" is 1, but must be 2 to 8'),
        ({"second": {"weight_bits": 9}}, "must be 2 to 8"),
        ({"second": {"weight_bits": True}}, "must be 2 to 8"),
        ({"second": {"weight_bit": 4}}, 'no setting "weight_bit"\ndid you mean "weight_bits"'),
        ({"second": 4}, "must be a mapping"),
    ],
)
def test_a_wrong_override_is_named(step: Any, mlp: onnx.ModelProto, layers: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        step("model_quantization", mlp, samples=step.samples(np.ones((4, 6))), layers=layers)


@pytest.mark.parametrize("bits", [{"weight_bits": 1}, {"activation_bits": 9}, {"input_bits": 0}])
def test_a_width_out_of_range_is_refused_before_anything_runs(step: Any, mlp: onnx.ModelProto, bits: Any) -> None:
    with pytest.raises(ConfigurationError, match="but must be 2 to 8"):
        step("model_quantization", mlp, samples="samples.npz", **bits)


def test_convolutions_get_one_step_width_for_each_channel(step: Any, convnet: onnx.ModelProto) -> None:
    name = step.samples(np.random.default_rng(0).normal(size=(10, 3, 8, 8)))
    ran = step(
        "model_quantization", convnet, samples=name, weight_scale="per_channel", weight_bits=8, activation_bits=8
    )
    found = quantizers(ran.report)
    assert (found["k"]["scales"], found["w"]["scales"]) == (5, 4)
    # Pooling and reshaping pass integers on: there is one quantiser behind the ReLU, and none behind them.
    assert set(found) == {"k", "w", "x", "r"}
    inputs = np.random.default_rng(3).normal(size=(6, 3, 8, 8)).astype(np.float32)
    expected, got = Runner(convnet).run_samples(inputs), Runner(ran.model).run_samples(inputs)
    assert np.abs(expected - got).max() < 0.1 * np.abs(expected).max()


def test_normalised_input_has_the_width_of_the_input_and_raw_input_its_type(step: Any, mlp: onnx.ModelProto) -> None:
    normal = step("input_normalization", mlp, method="min_max", minimum=0, maximum=255).model
    name = step.samples(np.arange(24.0).reshape(4, 6))
    ran = step("model_quantization", normal, samples=name, input_bits=7)
    found = quantizers(ran.report)["normalize_mul_out"]
    assert (found["bits"], found["signed"]) == (7, False)
    assert ran.report["inputs"] == ["x (1, 6) float32 UINT5"]


def test_what_exporters_leave_out_is_spelled_out(step: Any, convnet: onnx.ModelProto) -> None:
    ran = step("model_quantization", convnet, samples=step.samples(np.random.default_rng(0).normal(size=(4, 3, 8, 8))))
    nodes = {each.name: {a.name: list(a.ints) or a.i for a in each.attribute} for each in ran.model.graph.node}
    assert nodes["conv"] == {
        "kernel_shape": [3, 3],
        "strides": [1, 1],
        "dilations": [1, 1],
        "group": 1,
        "pads": [0, 0, 0, 0],
    }
    assert nodes["pool"] == {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0]}


def test_a_fork_shares_one_quantiser(step: Any, make: Any) -> None:
    node = onnx.helper.make_node
    nodes = [
        node("Relu", ["x"], ["r"], "relu"),
        node("MatMul", ["r", "a"], ["p"], "left"),
        node("MatMul", ["r", "b"], ["q"], "right"),
        node("Add", ["p", "q"], ["y"], "sum"),
    ]
    weights = {"a": np.eye(4, dtype=np.float32), "b": np.eye(4, dtype=np.float32)}
    model = make(nodes, {"x": [1, 4]}, {"y": [1, 4]}, weights)
    ran = step("model_quantization", model, samples=step.samples(np.random.default_rng(0).normal(size=(9, 4))))
    assert len(ran.report["quantizers"]) == 3


def test_a_layer_of_zeros_and_an_activation_of_zeros_are_no_fault(step: Any, mlp: onnx.ModelProto) -> None:
    for weights in mlp.graph.initializer:
        weights.CopyFrom(onnx.numpy_helper.from_array(np.zeros(weights.dims, np.float32), weights.name))
    ran = step("model_quantization", mlp, samples=step.samples(np.ones((4, 6)) / 2), weight_scale="per_channel")
    assert np.array_equal(Runner(ran.model).run_samples(np.ones((2, 6))), np.zeros((2, 3)))


def test_weights_that_are_computed_are_refused_and_shared_ones_are_no_fault(step: Any, make: Any) -> None:
    node = onnx.helper.make_node
    square = {"x": [4, 4]}, {"y": [4, 4]}
    computed = make([node("MatMul", ["x", "x"], ["y"], "product")], *square)
    with pytest.raises(ConfigurationError, match=r'the node "product" .* has no constant weights'):
        step("model_quantization", computed, samples=step.samples(np.ones((4, 4))))
    eye = {"w": np.eye(4, dtype=np.float32)}
    shared = make([node("MatMul", ["x", "w"], ["h"], "a"), node("MatMul", ["h", "w"], ["y"], "b")], *square, eye)
    assert len(step("model_quantization", shared, samples=step.samples(np.ones((4, 4)))).report["quantizers"]) == 3
    without = make([node("Relu", ["x"], ["y"])], *square)
    with pytest.raises(ConfigurationError, match="nothing to quantise"):
        step("model_quantization", without, samples=step.samples(np.ones((4, 4))))


def test_nodes_without_names_get_some(step: Any, mlp: onnx.ModelProto) -> None:
    for node in mlp.graph.node:
        node.name = "Relu_1" if node.op_type == "MatMul" else ""
    name = step.samples(np.random.default_rng(0).normal(size=(5, 6)))
    found = step("model_quantization", mlp, samples=name).report["quantizers"]
    assert [each["node"] for each in found] == ["Gemm_0", "Relu_1", "x", "Relu_1_r"]


def test_a_quantised_model_is_refused(step: Any, digits: Path) -> None:
    with pytest.raises(ConfigurationError, match="quantised already"):
        step("model_quantization", digits, samples=HELD_OUT)


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (np.ones((4, 7)), None, r"samples of shape \(7,\), but the model's input is x \(1, 6\)"),
        (np.ones((4, 6, 1)), None, "samples of shape"),
        (np.ones((0, 6)), None, "holds no samples"),
        (np.full((4, 6), np.nan), None, "sample 0 holds NaN or infinity"),
        (np.full((4, 6), "a"), None, "which are no numbers"),
        (np.ones((4, 6)), np.zeros(3), "4 samples, but labels of shape"),
    ],
)
def test_samples_that_can_not_be_used_are_refused(
    step: Any, mlp: onnx.ModelProto, inputs: Any, labels: Any, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        step("model_quantization", mlp, samples=step.samples(inputs, labels))


def test_samples_that_are_not_there_or_no_samples_are_refused(step: Any, mlp: onnx.ModelProto) -> None:
    with pytest.raises(ConfigurationError, match=r"calibration samples .*nothing.npz doesn't exist"):
        step("model_quantization", mlp, samples="nothing.npz")
    (step.folder / "text.npz").write_text("no samples")
    with pytest.raises(ConfigurationError, match="can't be read"):
        step("model_quantization", mlp, samples="text.npz")
    np.savez(step.folder / "other.npz", input=np.ones((4, 6)))
    with pytest.raises(ConfigurationError, match='no array "inputs"\ndid you mean "input"'):
        step("model_quantization", mlp, samples="other.npz")


def test_samples_may_be_a_plain_array_of_which_some_are_used(step: Any, mlp: onnx.ModelProto) -> None:
    np.save(step.folder / "many.npy", np.random.default_rng(0).normal(size=(50, 6)))
    assert step("model_quantization", mlp, samples="many.npy", max_samples=7).report["calibration_samples"] == 7


def test_some_samples_of_many_are_taken_evenly(tmp_path: Path) -> None:
    inputs = np.arange(1000.0)[:, None]
    np.savez(tmp_path / "many.npz", inputs=inputs, labels=np.arange(1000))
    found = load_samples(tmp_path / "many.npz", TensorInfo("x", "float32", (1, 1)), most=11)
    assert found.labels is not None
    assert np.array_equal(found.inputs[:, 0], found.labels)
    assert found.labels.tolist() == [0, 100, 200, 300, 400, 500, 599, 699, 799, 899, 999]


def test_scores_that_are_no_row_for_each_sample_can_not_be_judged(step: Any, make: Any) -> None:
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "w"], ["h"], "layer"),
        onnx.helper.make_node("ReduceSum", ["h"], ["y"], "sum", keepdims=0),
    ]
    model = make(nodes, {"x": [1, 4]}, {"y": []}, {"w": np.eye(4, dtype=np.float32)})
    with pytest.raises(ConfigurationError, match="not one row for each"):
        step("model_quantization", model, samples=step.samples(np.random.default_rng(0).normal(size=(5, 4))))


def test_a_percentile_leaves_out_what_is_rare(mlp: onnx.ModelProto) -> None:
    values = np.concatenate([np.linspace(-1, 1, 2000), [100.0, -100.0]])
    feeds = [{"x": np.full((1, 6), each, np.float32)} for each in values]
    (whole,) = calibrate(mlp, ["x"], feeds, "minmax", 99.0).values()
    (most,) = calibrate(mlp, ["x"], feeds, "percentile", 99.0).values()
    assert (whole.low, whole.high) == (-100, 100)
    assert -1.2 < most.low < -0.9
    assert 0.9 < most.high < 1.2


def test_a_model_that_gives_nan_can_not_be_calibrated(step: Any, make: Any) -> None:
    nodes = [
        onnx.helper.make_node("Log", ["x"], ["h"], "log"),
        onnx.helper.make_node("MatMul", ["h", "w"], ["y"], "layer"),
    ]
    model = make(nodes, {"x": [1, 4]}, {"y": [1, 4]}, {"w": np.eye(4, dtype=np.float32)})
    with pytest.raises(ConfigurationError, match='tensor "h" is NaN or infinite'):
        step("model_quantization", model, samples=step.samples(-np.ones((5, 4))))


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=20), st.integers(2, 8))
def test_the_best_step_width_loses_no_more_than_the_greatest_one(values: list[float], bits: int) -> None:
    weights = np.array(values)
    steps = 2 ** (bits - 1) - 1

    def lost(method: str) -> float:
        scale = float(weight_scale(weights, bits, None, method))
        return float(((np.clip(np.round(weights / scale), -steps, steps) * scale - weights) ** 2).sum())

    assert lost("mse") <= lost("max") * (1 + 1e-4) + 1e-9


def test_the_example_is_what_its_script_makes(tmp_path: Path) -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("train_digits_float", EXAMPLES / "digits_float" / "train.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(["--output", str(tmp_path)])
    # Other versions of NumPy may add in another order: the weights are alike, and what they say is the same.
    made, kept = (load_model(each / "model.onnx") for each in (tmp_path, EXAMPLES / "digits_float"))
    with np.load(HELD_OUT) as archive:
        inputs = archive["inputs"]
    assert np.allclose(Runner(made).run_samples(inputs), Runner(kept).run_samples(inputs), atol=1e-2)
