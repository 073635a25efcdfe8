"""The step `accuracy_validation`: exact, compared with the original model, and clear about what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
import onnx
import pytest

from brainsmith_core.config import BuildConfig, ProcessingStep
from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.metric import MetricStatus
from brainsmith_core.testing import StepSuite
from brainsmith_onnx.postprocessing import accuracy
from brainsmith_onnx.postprocessing.accuracy import run

MakeContext = Callable[..., StepContext]
STEP = "accuracy_validation"
TINY = """
<ir_version: 8, opset_import: ["" : 13]>
tiny (float[1, 3] x) => (float[1, 2] y) <float[3, 2] w = {1, 0, 0, 1, 0, 0}> { y = MatMul(x, w) }
"""
DIGITS = Path(__file__).parents[4] / "examples" / "digits"

#: Samples for the tiny model, which answers 0, 1, 1, 0; the label of the last one is wrong.
INPUTS = np.array([[3, 1, 0], [1, 3, 0], [0, 1, 9], [5, 0, 0]], np.float32)
LABELS = np.array([0, 1, 1, 1])


class TestConformance(StepSuite):
    step, kind = STEP, "postprocessing"
    model: ClassVar[bytes] = onnx.parser.parse_model(TINY).SerializeToString()
    parameters: ClassVar[dict[str, Any]] = {"dataset": "replaced"}

    def config(self, folder: Path, **parameters: Any) -> BuildConfig:
        """Put a dataset into the folder."""
        np.savez(folder / "data.npz", inputs=INPUTS, labels=LABELS)
        return super().config(folder, dataset=str(folder / "data.npz"), **parameters)


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A dataset for the tiny model."""
    np.savez(tmp_path / "data.npz", inputs=INPUTS, labels=LABELS)
    return str(tmp_path / "data.npz")


def save(folder: Path, inputs: Any, labels: Any = LABELS, name: str = "other.npz") -> str:
    np.savez(folder / name, inputs=np.asarray(inputs), labels=np.asarray(labels))
    return str(folder / name)


def report(context: StepContext, name: str = STEP) -> Any:
    return json.loads((Path(context.report_dir) / f"{name}.json").read_bytes())


def figures(outcome: StepOutcome) -> dict[str, Any]:
    return {f"{m.name} {' '.join(m.scope.values())}".strip(): m.value for m in outcome.metrics}


def test_the_figure_is_the_share_of_right_samples(make_context: MakeContext, data: str) -> None:
    context = make_context(STEP, dataset=data)
    found = figures(run(context))
    assert found == {"accuracy.top1": 0.75, "accuracy.samples": 4, "accuracy.agreement": 1.0}
    content = report(context)
    assert content["accuracy"] == 0.75
    assert content["graphs"]["processed"]["engine"] == "onnxruntime"
    assert content["graphs"]["processed"]["first_wrong"] == [{"sample": 3, "label": 1, "predicted": 0}]


def test_the_figures_name_the_dataset_and_its_digest(make_context: MakeContext, data: str) -> None:
    outcome = run(make_context(STEP, dataset=data))
    assert {metric.source.file for metric in outcome.metrics} == {data}
    assert {len(metric.source.sha256) for metric in outcome.metrics} == {64}


@pytest.mark.parametrize(
    ("method", "k", "name", "value"), [("topk", 2, "accuracy.topk 2", 1.0), ("top1", 2, "accuracy.top1", 0.75)]
)
def test_other_numbers_of_classes_may_count(
    make_context: MakeContext, data: str, method: str, k: int, name: str, value: float
) -> None:
    assert figures(run(make_context(STEP, dataset=data, method=method, k=k)))[name] == value


def test_a_metric_of_the_users_own_counts(make_context: MakeContext, data: str) -> None:
    name = f"{__name__}:first_score"
    found = figures(run(make_context(STEP, dataset=data, method=name)))
    assert found[f"accuracy.custom {name}"] == INPUTS[:, 0].mean()


def first_score(outputs: Any, labels: Any) -> Any:
    """The score of class 0, whatever the label."""
    del labels
    return outputs[:, 0]


def test_disagreeing_samples_are_written_out(make_context: MakeContext, tiny: onnx.ModelProto, data: str) -> None:
    other = onnx.ModelProto()
    other.CopyFrom(tiny)
    weights = onnx.numpy_helper.to_array(tiny.graph.initializer[0]).copy()
    weights[2, 0] = 1  # the third sample becomes a 0
    other.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weights, "w"))
    context = make_context(STEP, model=other, original=tiny, dataset=data)
    outcome = run(context)
    assert figures(outcome)["accuracy.agreement"] == 0.75
    content = report(context)
    expected = [{"sample": 2, "label": 1, "predicted": 0, "original_predicted": 1}]
    assert content["agreement"]["processed"]["first_disagreeing"] == expected
    assert content["agreement"]["processed"]["largest_output_difference"] == 9
    assert content["graphs"]["original"]["accuracy"] == 0.75
    assert content["graphs"]["processed"]["accuracy"] == 0.5
    with np.load(outcome.artifacts["accuracy_validation_processed_disagreements"]) as arrays:
        assert arrays["samples"].tolist() == [2]
        assert np.array_equal(arrays["inputs"], INPUTS[2:3])
        assert arrays["original_outputs"].shape == arrays["outputs"].shape == (1, 2)


def test_no_more_disagreeing_samples_are_kept_than_asked_for(
    make_context: MakeContext, tiny: onnx.ModelProto, parse: Callable[[str], onnx.ModelProto], data: str
) -> None:
    swapped = parse(TINY.replace("{1, 0, 0, 1, 0, 0}", "{0, 1, 1, 0, 0, 0}"))
    context = make_context(STEP, model=swapped, original=tiny, dataset=data, keep=2)
    run(context)
    content = report(context)
    assert content["agreement"]["processed"]["disagreeing"] == 4
    assert len(content["agreement"]["processed"]["first_disagreeing"]) == 2
    assert len(content["graphs"]["processed"]["first_wrong"]) == 2


def test_the_original_model_may_have_a_dataset_of_its_own(
    make_context: MakeContext, tiny: onnx.ModelProto, parse: Callable[[str], onnx.ModelProto], data: str, tmp_path: Path
) -> None:
    halved = parse(TINY.replace("{1, 0, 0, 1, 0, 0}", "{0.5, 0, 0, 0.5, 0, 0}"))
    double = save(tmp_path, INPUTS * 2)
    outcome = run(make_context(STEP, model=halved, original=tiny, dataset=double, original_dataset=data))
    assert figures(outcome)["accuracy.agreement"] == 1
    short = save(tmp_path, INPUTS[:2], LABELS[:2], "short.npz")
    context = make_context(STEP, model=halved, original=tiny, dataset=double, original_dataset=short)
    run(context)
    assert "original_dataset has 2 samples, the dataset 4" in report(context)["agreement"]["reason"]


def test_an_original_model_that_takes_other_inputs_is_no_fault(
    make_context: MakeContext, tiny: onnx.ModelProto, parse: Callable[[str], onnx.ModelProto], data: str
) -> None:
    wider = parse(
        TINY.replace("float[1, 3] x", "float[1, 4] x").replace("[3, 2] w", "[4, 2] w").replace("0, 0}", "0, 0, 0, 0}")
    )
    context = make_context(STEP, model=tiny, original=wider, dataset=data)
    assert "accuracy.agreement" not in figures(run(context))
    assert "needs (4,)" in report(context)["agreement"]["reason"]


def test_a_model_of_raw_input_is_not_compared_on_samples_that_the_original_does_not_take(
    make_context: MakeContext, data: str
) -> None:
    context = make_context(STEP, dataset=data)
    steps = (ProcessingStep(name="input_normalization", type="preprocessing"),)
    outcome = run(attrs.evolve(context, config=attrs.evolve(context.config, preprocessing=steps)))
    assert "accuracy.agreement" not in {metric.name for metric in outcome.metrics}
    report = json.loads(Path(outcome.artifacts["accuracy_validation"]).read_text())
    assert "give original_dataset" in report["agreement"]["reason"]


def test_comparing_can_be_left_out(make_context: MakeContext, data: str) -> None:
    context = make_context(STEP, dataset=data, compare=False)
    assert "accuracy.agreement" not in figures(run(context))
    assert report(context)["agreement"] == {"status": "missing", "reason": "compare is false"}


@pytest.mark.parametrize("size", [1, 3, 4, 64])
def test_the_figure_does_not_depend_on_the_batch(make_context: MakeContext, data: str, size: int) -> None:
    assert figures(run(make_context(STEP, dataset=data, batch_size=size)))["accuracy.top1"] == 0.75


def test_a_model_of_a_larger_batch_gets_whole_batches(
    make_context: MakeContext, parse: Callable[[str], onnx.ModelProto], data: str
) -> None:
    model = parse(TINY.replace("float[1, ", "float[3, "))
    assert figures(run(make_context(STEP, model=model, dataset=data)))["accuracy.top1"] == 0.75


def test_an_open_batch_size_is_fine_and_other_open_sizes_are_not(
    make_context: MakeContext, parse: Callable[[str], onnx.ModelProto], data: str
) -> None:
    model = parse(TINY.replace("float[1, ", "float[N, "))
    assert figures(run(make_context(STEP, model=model, dataset=data)))["accuracy.top1"] == 0.75
    model = parse(TINY.replace("float[1, 3] x", "float[1, M] x"))
    with pytest.raises(ConfigurationError, match=r"the model's input has dynamic axes: x \(1, M\)"):
        run(make_context(STEP, model=model, dataset=data))


def test_long_runs_say_how_far_they_are(
    make_context: MakeContext, data: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(accuracy, "_PROGRESS_S", -1.0)
    monkeypatch.setattr(accuracy, "_READ_MOST", 2)
    run(make_context(STEP, dataset=data))
    assert capsys.readouterr().out.splitlines() == [
        "2/4 samples (50%), top1: processed 1.0000",
        "4/4 samples (100%), top1: processed 0.7500",
        "4/4 samples (100%), top1: processed 0.7500",
    ]


def test_only_the_first_samples_count_if_asked(make_context: MakeContext, data: str) -> None:
    found = figures(run(make_context(STEP, dataset=data, max_samples=3)))
    assert (found["accuracy.top1"], found["accuracy.samples"]) == (1.0, 3)


def test_two_steps_of_the_kind_write_two_reports(make_context: MakeContext, data: str) -> None:
    context = make_context(STEP, dataset=data, times=2)
    assert run(context).artifacts.keys() == {"01_accuracy_validation"}
    assert report(context, "01_accuracy_validation")["accuracy"] == 0.75


def test_the_digits_have_the_accuracy_that_was_measured_when_they_were_trained(
    make_context: MakeContext, digits: Path
) -> None:
    model = onnx.load(digits / "model.onnx")
    context = make_context(STEP, model=model, dataset=str(digits / "samples.npz"))
    expected = json.loads((digits / "accuracy.json").read_bytes())["top1"]["qonnx"]
    assert figures(run(context))["accuracy.top1"] == expected
    assert report(context)["graphs"]["processed"]["engine_because"] == "QONNX operators written in standard ones"


@pytest.mark.parametrize("more", [{"engine": "qonnx"}, {"batch_size": 32}, {"engine": "onnxruntime", "threads": 2}])
def test_the_digits_have_the_same_accuracy_however_they_are_run(
    make_context: MakeContext, digits: Path, more: dict[str, Any]
) -> None:
    model, data = onnx.load(digits / "model.onnx"), str(digits / "samples.npz")
    found = [figures(run(make_context(STEP, model=model, dataset=data, max_samples=60, **each))) for each in ({}, more)]
    assert found[0] == found[1]


def test_a_stage_that_was_not_saved_is_missing_with_the_reason(make_context: MakeContext, data: str) -> None:
    outcome = run(make_context(STEP, dataset=data, graphs=["processed", "streamlined", "artifacts/x.onnx"]))
    missing = {m.scope["graph"] for m in outcome.metrics if m.status is MetricStatus.MISSING}
    assert missing == {"streamlined", "artifacts/x.onnx"}
    assert "set the flag save_intermediate_models" in outcome.warnings[0]
    assert "the build made no artifacts/x.onnx" in outcome.warnings[1]


def test_a_saved_stage_is_measured_beside_the_model(
    make_context: MakeContext, tiny: onnx.ModelProto, data: str
) -> None:
    context = make_context(STEP, dataset=data, graphs=["streamlined", "hardware"])
    folder = context.workspace.artifacts / "intermediate_models"
    folder.mkdir()
    onnx.save(tiny, folder / "step_streamline.onnx")
    outcome = run(context)
    found = figures(outcome)
    assert (found["accuracy.top1 streamlined"], found["accuracy.top1 hardware"]) == (0.75, None)
    assert outcome.warnings == (
        "accuracy of the hardware graph is missing: the build saved no model after step_convert_to_hw",
    )
    assert report(context)["accuracy"] is None


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (np.zeros((2, 4)), [0, 1], r"have the shape \(4,\), but the model's input x \(1, 3\) float32 needs \(3,\)"),
        (np.zeros((2, 4)), [0, 1], "a dataset of another model"),
        (np.zeros((2, 1, 3)), [0, 1], "set reshape to true"),
        (INPUTS, [0, 1, 2, 1], "label 2 is 2, but the model knows the classes 0 to 1"),
        (INPUTS, [0, 1, 1], "has 4 samples, but 3 labels"),
        (INPUTS[:0], LABELS[:0], "is empty"),
        (np.where(INPUTS == 9, np.nan, INPUTS), LABELS, "sample 2 of .* holds NaN"),
    ],
)
def test_a_dataset_that_does_not_fit_is_refused(
    make_context: MakeContext, tmp_path: Path, inputs: Any, labels: Any, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        run(make_context(STEP, dataset=save(tmp_path, inputs, labels)))


def test_samples_of_another_shape_are_taken_row_by_row_if_asked(make_context: MakeContext, tmp_path: Path) -> None:
    data = save(tmp_path, INPUTS.reshape(4, 1, 3))
    assert figures(run(make_context(STEP, dataset=data, reshape=True)))["accuracy.top1"] == 0.75


def test_directions_in_another_order_are_said(
    make_context: MakeContext, parse: Callable[[str], onnx.ModelProto], tmp_path: Path
) -> None:
    text = """<ir_version: 8, opset_import: ["" : 13]>
    flat (float[1, 1, 2, 3] x) => (float[1, 6] y) { y = Flatten(x) }"""
    with pytest.raises(ConfigurationError, match="transpose the samples"):
        run(make_context(STEP, model=parse(text), dataset=save(tmp_path, np.zeros((4, 2, 3, 1)))))


@pytest.mark.parametrize(("value", "kind"), [(255, "255"), (0.5, "0.5"), (-1, "-1")])
def test_values_that_the_models_input_cannot_hold_are_those_of_another_model(
    make_context: MakeContext, digits: Path, tmp_path: Path, value: float, kind: str
) -> None:
    inputs = np.zeros((4, 64), np.float32)
    inputs[1, 5] = value
    message = rf"sample 1 of .* holds {kind}, but the input global_in is UINT5 \(0 to 31, whole numbers\)"
    with pytest.raises(ConfigurationError, match=message):
        run(make_context(STEP, model=onnx.load(digits / "model.onnx"), dataset=save(tmp_path, inputs)))


def test_a_model_of_whole_numbers_takes_only_whole_numbers(
    make_context: MakeContext, parse: Callable[[str], onnx.ModelProto], tmp_path: Path
) -> None:
    text = """<ir_version: 8, opset_import: ["" : 13]>
    whole (int32[1, 2] x) => (int32[1, 2] y) { y = Abs(x) }"""
    model = parse(text)
    whole = save(tmp_path, [[1.0, 2.0], [2.0, 1.0]], [1, 0])
    assert figures(run(make_context(STEP, model=model, dataset=whole)))["accuracy.top1"] == 1
    with pytest.raises(ConfigurationError, match=r"sample 0 of .* holds 1\.5, but the input x is int32"):
        run(make_context(STEP, model=model, dataset=save(tmp_path, [[1.5, 2.0]], [1], "half.npz")))


def test_a_model_that_gives_no_numbers_is_said(
    make_context: MakeContext, parse: Callable[[str], onnx.ModelProto], data: str
) -> None:
    text = """<ir_version: 8, opset_import: ["" : 13]>
    root (float[1, 3] x) => (float[1, 3] y) { less = Neg(x) y = Sqrt(less) }"""
    with pytest.raises(ConfigurationError, match="the processed graph gives NaN or infinity for sample 0"):
        run(make_context(STEP, model=parse(text), dataset=data))


def test_a_model_with_several_outputs_needs_one_named(
    make_context: MakeContext, parse: Callable[[str], onnx.ModelProto], data: str
) -> None:
    text = """<ir_version: 8, opset_import: ["" : 13]>
    two (float[1, 3] x) => (float[1, 3] y, float[1, 3] z) { y = Relu(x) z = Neg(x) }"""
    model = parse(text)
    with pytest.raises(ConfigurationError, match="has 2 outputs\nset output to one of y, z"):
        run(make_context(STEP, model=model, dataset=data))
    with pytest.raises(ConfigurationError, match='has no output "w"'):
        run(make_context(STEP, model=model, dataset=data, output="w"))
    assert figures(run(make_context(STEP, model=model, dataset=data, output="y")))["accuracy.top1"] == 0.5


def test_a_model_whose_weights_lie_elsewhere_is_found_or_said(
    make_context: MakeContext, tiny: onnx.ModelProto, data: str, tmp_path: Path
) -> None:
    from onnx.external_data_helper import convert_model_to_external_data

    outside = onnx.ModelProto()
    outside.CopyFrom(tiny)
    weights = onnx.numpy_helper.to_array(tiny.graph.initializer[0])
    outside.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weights, "w"))
    convert_model_to_external_data(outside, location="weights.bin", size_threshold=0)
    onnx.save(outside, tmp_path / "outside.onnx")
    outside = onnx.load(tmp_path / "outside.onnx", load_external_data=False)
    assert figures(run(make_context(STEP, model=outside, dataset=data)))["accuracy.top1"] == 0.75
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(ConfigurationError, match=r"keeps weights in weights\.bin, which isn't in"):
        run(make_context(STEP, model=outside, dataset=data))


def test_a_batch_that_the_model_cannot_take_is_refused(
    make_context: MakeContext, parse: Callable[[str], onnx.ModelProto], data: str
) -> None:
    text = """<ir_version: 8, opset_import: ["" : 13]>
    fixed (float[1, 3] x) => (float[1, 3] y) <int64[2] shape = {1, 3}> { y = Reshape(x, shape) }"""
    with pytest.raises(ConfigurationError, match="can't be run with a batch of 4"):
        run(make_context(STEP, model=parse(text), dataset=data, batch_size=4))
    text = """<ir_version: 8, opset_import: ["" : 13]>
    mixed (float[1, 3] x) => (float[1, 3] y) { y = Softmax <axis = 0> (x) }"""
    with pytest.raises(ConfigurationError, match="gives other outputs with a batch of 2 than sample by sample"):
        run(make_context(STEP, model=parse(text), dataset=data, batch_size=2))


def test_wrong_names_are_refused(make_context: MakeContext, data: str) -> None:
    with pytest.raises(ConfigurationError, match='there is no graph "procesed"\ndid you mean "processed"'):
        run(make_context(STEP, dataset=data, graphs=["procesed"]))
    with pytest.raises(ConfigurationError, match="graphs is empty"):
        run(make_context(STEP, dataset=data, graphs=[]))
    with pytest.raises(ConfigurationError, match="graphs must be a list of names"):
        run(make_context(STEP, dataset=data, graphs=[3]))
    with pytest.raises(MissingRequirementError, match="there is no dataset"):
        run(make_context(STEP, dataset="no_such.npz"))
