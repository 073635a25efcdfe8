"""Written in standard operators, a model gives in onnxruntime what qonnx gives, to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from onnx import helper, numpy_helper
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.intquant import int_quant
from qonnx.custom_op.general.multithreshold import multithreshold
from qonnx.custom_op.general.xnorpopcount import xnorpopcountmatmul

from brainsmith_onnx.models import load_model
from brainsmith_onnx.postprocessing.engines import choose_engine
from brainsmith_onnx.postprocessing.lowered_functions import ROUNDING
from brainsmith_onnx.postprocessing.lowering import NotLoweredError, lower

GENERAL = "qonnx.custom_op.general"

#: Numbers at which rounding is decided: halves, and what is just beside them.
EDGES = np.array([v + d for v in np.arange(-9, 9, 0.5) for d in (0, 1e-7, -1e-7)], np.float32)

VALUES = npst.arrays(
    np.float32, (4, 6), elements=st.floats(-300, 300, width=32) | st.sampled_from([float(value) for value in EDGES])
)


def one_node(
    op: str,
    shape: tuple[int, ...],
    constants: dict[str, Any],
    opset: int = 13,
    domain: str = GENERAL,
    **attributes: Any,
) -> onnx.ModelProto:
    """Return a model of one operator over `x`, with its other inputs as constants."""
    graph = helper.make_graph(
        [helper.make_node(op, ["x", *constants], ["y"], name="the_node", domain=domain, **attributes)],
        "one",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(domain, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=7)


def run(model: onnx.ModelProto, x: Any) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(lower(model).SerializeToString(), options).run(None, {"x": x})[0]


@pytest.mark.parametrize("opset", [9, 13])
@pytest.mark.parametrize("mode", ROUNDING)
@settings(max_examples=15)
@given(
    x=VALUES,
    scale=st.sampled_from([1.0, 0.5, 0.1, 3.7]),
    zeropoint=st.sampled_from([0.0, 1.0]),
    bits=st.integers(1, 8),
    signed=st.booleans(),
    narrow=st.booleans(),
)
def test_a_quantiser_gives_what_qonnx_gives(
    mode: str, opset: int, x: Any, scale: float, zeropoint: float, bits: int, signed: bool, narrow: bool
) -> None:
    constants = [np.float32(value) for value in (scale, zeropoint, bits)]
    names = dict(zip(("scale", "zeropoint", "bits"), constants, strict=True))
    model = one_node("Quant", (4, 6), names, opset, signed=int(signed), narrow=int(narrow), rounding_mode=mode)
    expected = int_quant(x, *(np.asarray(value) for value in constants), int(signed), int(narrow), mode)
    assert np.array_equal(run(model, x), expected)


@given(x=VALUES, scale=st.sampled_from([1.0, 0.25]))
@settings(max_examples=15)
def test_a_bipolar_quantiser_gives_what_qonnx_gives(x: Any, scale: float) -> None:
    model = one_node("BipolarQuant", (4, 6), {"scale": np.float32(scale)}, domain="onnx.brevitas")
    assert np.array_equal(run(model, x), binary_quant(x, np.float32(scale)))


@pytest.mark.parametrize(("shape", "layout", "channel"), [((4, 6), "NC", 1), ((2, 3, 2, 2), "", 1), ((2, 2, 6), "", 2)])
@pytest.mark.parametrize("common", [True, False])
@pytest.mark.parametrize("opset", [9, 13])
def test_thresholds_give_what_qonnx_gives(
    shape: tuple[int, ...], layout: str, channel: int, common: bool, opset: int
) -> None:
    rng = np.random.default_rng(0)
    thresholds = np.sort(rng.integers(-4, 5, (1 if common else shape[channel], 3)).astype(np.float32))
    x = rng.integers(-5, 6, shape).astype(np.float32)
    more: dict[str, Any] = {"data_layout": layout} if layout else {}
    model = one_node(
        "MultiThreshold", shape, {"t": thresholds}, opset, out_dtype="INT8", out_scale=0.5, out_bias=-1.5, **more
    )
    expected = multithreshold(x, thresholds, 0.5, -1.5, channels_last=channel == len(shape) - 1)
    assert np.array_equal(run(model, x), expected)


def test_counting_equal_signs_gives_what_qonnx_gives() -> None:
    rng = np.random.default_rng(0)
    x, weights = (rng.integers(0, 2, shape).astype(np.float32) for shape in ((4, 6), (6, 3)))
    found = run(one_node("XnorPopcountMatMul", (4, 6), {"w": weights}), x)
    assert np.array_equal(found, xnorpopcountmatmul(x, weights))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (one_node("Trunc", (1, 2), {}), r"the_node \(Trunc\): .* isn't known in standard operators"),
        (one_node("Quant", (1, 2), {}, domain="somebody"), "somebody.Quant isn't known"),
        (one_node("MultiThreshold", (2,), {"t": np.zeros((1, 1))}), "have no known shape"),
        (one_node("Quant", (1, 2), {"s": 1.0, "z": 1, "b": 4}), "its zero point z is int64"),
        (
            one_node("Quant", (1, 2), {"s": 1.0, "z": np.float32(0), "b": 4}, rounding_mode="SIDEWAYS"),
            "the rounding mode SIDEWAYS isn't known",
        ),
        (one_node("BipolarQuant", (1, 2), {"s": 1.0}, 8), "is of opset 8, which is older than 9"),
    ],
)
def test_what_cannot_be_written_in_standard_operators_is_said(model: onnx.ModelProto, message: str) -> None:
    with pytest.raises(NotLoweredError, match=message):
        lower(model)


def test_a_width_that_is_no_constant_is_said() -> None:
    model = one_node("Quant", (1, 2), {"s": 1.0, "z": np.float32(0), "b": 4})
    del model.graph.initializer[2]
    with pytest.raises(NotLoweredError, match="its input b is no constant"):
        lower(model)


def test_the_model_that_came_in_stays_as_it_is(digits: Path) -> None:
    model = load_model(digits / "model.onnx")
    before = model.SerializeToString()
    lower(one_node("BipolarQuant", (1, 2), {"s": 1.0}))
    choose_engine(model, np.zeros((2, 64), np.float32))
    assert model.SerializeToString() == before


# qonnx warns of the old domain, and where a model gives a shape that it does not have after all.
@pytest.mark.filterwarnings("ignore:Some old-style domain attributes:UserWarning")
@pytest.mark.filterwarnings("ignore:Output shapes disagree:UserWarning")
@pytest.mark.parametrize("name", ["TFC_1W1A", "TFC_2W2A", "qkeras_jettagging"])
def test_real_models_run_in_onnxruntime_as_in_qonnx(shared_models: Path, name: str) -> None:
    model = load_model(shared_models / f"{name}.onnx")
    shape = (16,) if name == "qkeras_jettagging" else (1, 28, 28)
    probe = np.random.default_rng(0).random((12, *shape), np.float32)
    fast, slow = choose_engine(model, probe), choose_engine(model, probe, wanted="qonnx")
    assert (fast.name, fast.checked, slow.name) == ("onnxruntime", 12, "qonnx")
    assert np.array_equal(fast.run(probe), slow.run(probe))
