"""The preprocessing steps, as plugins' records: names, parameters and where their code is."""

from __future__ import annotations

from typing import Any

from brainsmith_core.records import MetricDefinition, MetricKind, Parameter, StepSpec

__all__ = ["DEFINITIONS", "STEPS"]

_HOME = "brainsmith_onnx.preprocessing"

_SAMPLES = Parameter(
    name="samples",
    type="str",
    summary="file of samples: .npz with `inputs` (and `labels`), or .npy; relative to the model's folder",
)
_SEED = Parameter(
    name="seed", type="int", summary="of the random inputs, where no samples are used", default=0, minimum=0
)
_TOLERANCE = (
    Parameter(
        name="rtol", type="float", summary="allowed difference, relative to the value", default=1e-4, minimum=0.0
    ),
    Parameter(
        name="atol", type="float", summary="allowed difference, in units of the output", default=1e-5, minimum=0.0
    ),
)
_PROOF = (
    Parameter(
        name="runs", type="int", summary="on how many random inputs the outputs are compared", default=8, minimum=1
    ),
    _SEED,
    *_TOLERANCE,
)


def _bits(name: str, summary: str, default: int) -> Parameter:
    return Parameter(name=name, type="int", summary=summary, default=default, minimum=2, maximum=8)


def _any(name: str, summary: str) -> Parameter:
    return Parameter(name=name, summary=f"{summary}: a number, a list by channel, or a .npy or .json file")


def _step(name: str, summary: str, *parameters: Parameter, **more: Any) -> StepSpec:
    target = f"{_HOME}.{name}:run"
    return StepSpec(
        name=name, summary=summary, target=target, parameters=parameters, **{"outputs": ("model", "report"), **more}
    )


STEPS: tuple[StepSpec, ...] = (
    _step(
        "graph_optimization",
        "Run passes of qonnx and onnxruntime over the graph; its outputs stay the same, or the step fails.",
        Parameter(
            name="passes",
            type="list",
            summary="names of passes, in order",
            default=["cleanup", "remove_identity", "infer_datatypes"],
        ),
        *_PROOF,
    ),
    _step(
        "input_normalization",
        "Put the normalisation of the input into the graph, so that the model takes raw input.",
        Parameter(
            name="method",
            type="str",
            summary="which normalisation",
            required=True,
            choices=("mean_std", "min_max", "scale_offset"),
        ),
        _any("mean", "mean_std: what is taken off"),
        _any("std", "mean_std: what it is divided by then"),
        _any("minimum", "min_max: what becomes 0"),
        _any("maximum", "min_max: what becomes 1"),
        _any("scale", "scale_offset: what it is multiplied by"),
        _any("offset", "scale_offset: what is added then"),
        Parameter(
            name="layout",
            type="str",
            summary="which direction of the input is which; auto takes the only one that fits",
            default="auto",
            choices=("auto", "NC", "NCW", "NWC", "NCHW", "NHWC"),
        ),
        _SAMPLES,
        *_PROOF,
    ),
    _step(
        "model_quantization",
        "Quantise a float model after training, calibrated on samples, so that FINN builds it.",
        Parameter(
            name="samples",
            type="str",
            summary="file of calibration samples: .npz with `inputs`, or .npy; relative to the model's folder",
            required=True,
        ),
        Parameter(name="max_samples", type="int", summary="how many of them are used", default=2048, minimum=1),
        Parameter(
            name="evaluate",
            type="str",
            summary="file of samples to compare both models on, best with `labels`; else the calibration samples",
        ),
        Parameter(
            name="max_accuracy_loss",
            type="float",
            summary="accuracy that may be lost, as a fraction; more fails the step",
            minimum=0.0,
            maximum=1.0,
        ),
        _bits("weight_bits", "bits of weights", 4),
        _bits("activation_bits", "bits of activations", 4),
        _bits("input_bits", "bits of the input, where it isn't whole numbers", 8),
        Parameter(
            name="input_type",
            type="str",
            summary="auto, float, or the type of the whole numbers that come in, such as UINT8",
            default="auto",
        ),
        Parameter(
            name="weight_scale",
            type="str",
            summary="one step width for a layer's weights, or one for each output channel",
            default="per_tensor",
            choices=("per_tensor", "per_channel"),
        ),
        Parameter(
            name="weight_range",
            type="str",
            summary="mse: least mean squared error; max: room for the greatest weight",
            default="mse",
            choices=("mse", "max"),
        ),
        Parameter(
            name="calibration",
            type="str",
            summary="range of activations: all values, or without the rarest",
            default="percentile",
            choices=("minmax", "percentile"),
        ),
        Parameter(
            name="percentile",
            type="float",
            summary="values that a range holds at least, in per cent",
            default=99.9,
            minimum=50.0,
            maximum=100.0,
        ),
        Parameter(
            name="layers",
            type="dict",
            summary="by node name: `weight_bits` of a layer, `activation_bits` of the node that makes an activation",
            default={},
        ),
        inputs=("model", "dataset"),
        outputs=("model", "metrics", "report"),
    ),
    _step(
        "import_qcdq",
        "Replace QuantizeLinear, Clip and DequantizeLinear by QONNX's Quant; the outputs stay the same.",
        *_PROOF,
    ),
    _step(
        "change_batch_size",
        "Change how many samples the model takes at once, also where it leaves that open.",
        Parameter(name="size", type="int", summary="samples at once", required=True, minimum=1),
        _SEED,
        *_TOLERANCE,
    ),
    _step(
        "set_input_datatype",
        "Say which whole numbers come in, so that hardware has no more bits than they need.",
        Parameter(name="datatype", type="str", summary="a type of QONNX, such as UINT8", required=True),
        Parameter(name="input", type="str", summary="the input's name, where there are several"),
        _SAMPLES,
        _SEED,
    ),
    _step(
        "cut",
        "Cut a part of the model out, between tensors.",
        Parameter(name="inputs", type="list", summary="names of tensors that go in; else the model's inputs"),
        Parameter(name="outputs", type="list", summary="names of tensors that come out; else the model's outputs"),
        *_PROOF,
    ),
    _step(
        "qonnx_transformation",
        "Apply any transformation of QONNX by name.",
        Parameter(name="transformation", type="str", summary="its class, such as GiveUniqueNodeNames", required=True),
        Parameter(name="parameters", type="dict", summary="what it is made with, by name", default={}),
        Parameter(
            name="prove",
            type="bool",
            summary="whether the outputs must stay the same; false for one that shall change them",
            default=True,
        ),
        *_PROOF,
    ),
    _step(
        "verify_model",
        "Load the model, check it, run it, and name what FINN can't build.",
        _SAMPLES,
        Parameter(
            name="unsupported",
            type="str",
            summary="what an operator that FINN can't build does to the build",
            default="fail",
            choices=("fail", "warn"),
        ),
        Parameter(name="allow", type="list", summary="operators that steps of your own take care of", default=[]),
        _SEED,
        outputs=("report",),
    ),
)

_ACCURACY = {
    "accuracy_before": ("up", "top-1 accuracy of the float model, before its quantisation"),
    "accuracy_after": ("up", "top-1 accuracy of the quantised model"),
    "accuracy_loss": ("down", "top-1 accuracy that quantisation lost"),
    "agreement": ("up", "samples for which the float and the quantised model say the same class"),
}

#: Names of figures that the steps give.
DEFINITIONS: tuple[MetricDefinition, ...] = tuple(
    MetricDefinition(
        name=f"quantization.{name}",
        unit="fraction",
        better=better,  # type: ignore[arg-type] # one of the words that are allowed, as the table above shows
        kind=MetricKind.EXACT,
        description=description,
    )
    for name, (better, description) in _ACCURACY.items()
)
