"""The postprocessing steps and the names of their figures, as plugins' records."""

from __future__ import annotations

from brainsmith_core import Stage
from brainsmith_core.records import MetricDefinition, MetricKind, Parameter, StepSpec

__all__ = ["DEFINITIONS", "STEPS"]

_HOME = "brainsmith_onnx.postprocessing"

_PERFORMANCE = StepSpec(
    name="performance_analysis",
    summary="Throughput against target, latency by layer, bottlenecks, what limits the clock, headroom.",
    target=f"{_HOME}.performance:run",
    parameters=(
        Parameter(
            name="target_fps", type="float", summary="frames per second to reach; by default the flag target_fps"
        ),
        Parameter(
            name="bottleneck_fraction",
            type="float",
            summary="layers with at least this share of the most cycles limit the throughput",
            default=0.95,
            minimum=0.01,
            maximum=1,
        ),
    ),
    inputs=("metrics",),
    outputs=("metrics", "report"),
)

_RESOURCES = StepSpec(
    name="resource_analysis",
    summary="What each layer and the whole need of the device, what it gives for it, and which device would do.",
    target=f"{_HOME}.resources:run",
    parameters=(
        Parameter(
            name="max_fraction",
            type="float",
            summary="share of another device's resources that may be used for the design to fit",
            default=1.0,
            minimum=0.01,
            maximum=1,
        ),
    ),
    inputs=("metrics",),
    outputs=("metrics", "report"),
)

_VERIFICATION = StepSpec(
    name="verification",
    summary="What came of FINN's verification steps, sample by sample, and how far off the outputs were.",
    target=f"{_HOME}.verification:run",
    parameters=(
        Parameter(name="steps", type="list", summary="steps that must have a result; by default the flag verify_steps"),
        Parameter(name="input_npy", type="str", summary="the input; by default the flag verify_input_npy"),
        Parameter(
            name="expected_output_npy",
            type="str",
            summary="the expected output; by default the flag verify_expected_output_npy",
        ),
        Parameter(
            name="tolerance",
            type="float",
            summary="how far the expected output may be from what the model gives, in units of the output",
            default=0.001,
            minimum=0,
        ),
        Parameter(name="must_pass", type="bool", summary="whether the step fails if a verification did", default=False),
    ),
    inputs=("model", "artifacts", "dataset"),
    outputs=("metrics", "report"),
)

_ACCURACY = StepSpec(
    name="accuracy_validation",
    summary="Run the model, and FINN's stages of it, over a dataset and compare with the original model.",
    target=f"{_HOME}.accuracy:run",
    parameters=(
        Parameter(
            name="dataset",
            type="str",
            required=True,
            summary="a .npz file with samples and labels, a .npy file of samples, or a folder",
        ),
        Parameter(name="labels_npy", type="str", summary="the labels of a .npy file of samples"),
        Parameter(name="inputs_name", type="str", summary="the samples' name in a .npz file"),
        Parameter(name="labels_name", type="str", summary="the labels' name in a .npz file"),
        Parameter(
            name="method", type="str", summary="top1, topk, or a function of yours: module:function", default="top1"
        ),
        Parameter(name="k", type="int", summary="how many classes count for topk", default=5, minimum=1),
        Parameter(
            name="graphs",
            type="list",
            summary="what to run: processed, streamlined, hardware, or .onnx files below the build's folder",
            default=["processed"],
        ),
        Parameter(name="compare", type="bool", summary="whether to compare with the original model", default=True),
        Parameter(
            name="original_dataset",
            type="str",
            summary="the same samples as the original model takes them, if preprocessing changed its input",
        ),
        Parameter(name="max_samples", type="int", summary="only so many samples, from the first one", minimum=1),
        Parameter(
            name="keep", type="int", summary="how many wrong or disagreeing samples to keep", default=10, minimum=0
        ),
        Parameter(name="reshape", type="bool", summary="take samples of another shape row by row", default=False),
        Parameter(name="output", type="str", summary="the output that counts, where the model has several"),
        Parameter(
            name="engine",
            type="str",
            summary="what runs the model; auto: onnxruntime, if it gives what qonnx gives",
            default="auto",
            choices=("auto", "onnxruntime", "qonnx"),
        ),
        Parameter(
            name="check_samples",
            type="int",
            summary="how many samples to run in qonnx as well, where onnxruntime runs QONNX operators",
            default=8,
            minimum=1,
        ),
        Parameter(name="batch_size", type="int", summary="samples of one run, if not the model's own", minimum=1),
        Parameter(name="threads", type="int", summary="threads of onnxruntime", default=1, minimum=1),
        Parameter(
            name="finn_python",
            type="str",
            summary="interpreter of the FINN environment for the hardware graph; by default the build's",
        ),
    ),
    inputs=("model", "dataset", "artifacts"),
    outputs=("metrics", "report"),
)

STEPS: tuple[StepSpec, ...] = (_PERFORMANCE, _ACCURACY, _RESOURCES, _VERIFICATION)


def _up(name: str, unit: str, description: str, *stages: Stage) -> MetricDefinition:
    return _name(name, unit, description, "up", *stages)


def _name(name: str, unit: str, description: str, better: str, *stages: Stage) -> MetricDefinition:
    return MetricDefinition(
        name=name,
        unit=unit,
        better=better,  # type: ignore[arg-type] # one of the three
        kind=MetricKind.EXACT,
        description=description,
        stages=stages,
    )


DEFINITIONS = (
    _name("perf.target_fps", "frames/s", "throughput that was asked for", "none"),
    _up("perf.meets_target", "bool", "whether the throughput is at least the one that was asked for"),
    _up("perf.target_ratio", "ratio", "throughput divided by the one that was asked for"),
    _name("perf.layer_latency_us", "µs", "time in which a layer takes in one frame", "down"),
    _name("perf.bottleneck_layers", "list", "layers that limit the throughput", "none"),
    _up("perf.balance", "fraction", "mean of all layers' cycles divided by the most: 1 where none waits for another"),
    _up("timing.clock_headroom", "fraction", "how much faster the clock could be than it is"),
    _up("device.next_smaller_fits", "bool", "whether the design would fit on the next smaller device"),
    _name("device.smallest_fit", "string", "the smallest known device that has room for the design", "none"),
    _up("accuracy.topk", "fraction", "share of samples whose class is among the k largest scores", Stage.MODEL),
    _up("accuracy.custom", "value", "mean of what a function of the user's says of each sample", Stage.MODEL),
    _up("accuracy.agreement", "fraction", "share of samples that mean the same class as in the original", Stage.MODEL),
    _name("accuracy.samples", "count", "samples that the accuracy is of", "none", Stage.MODEL),
    _up("verify.samples", "count", "samples that a verification step compared", Stage.BUILD),
    _name("verify.failed", "count", "samples that a verification step found wrong", "down", Stage.BUILD),
    _name("verify.max_abs_error", "value", "greatest difference from the expected output", "down", Stage.BUILD),
)
