"""Which engine runs a model, and that none is taken that gives something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from brainsmith_core.errors import ConfigurationError
from brainsmith_onnx.models import TensorInfo, load_model
from brainsmith_onnx.postprocessing import engines, lowering
from brainsmith_onnx.postprocessing.engines import Engine, choose_engine

TRUNC = """
<ir_version: 8, opset_import: ["" : 13, "qonnx.custom_op.general" : 1]>
cut (float[1, 2] x) => (float[1, 2] y)
<float scale = {1.0}, float zero = {0.0}, float wide = {8.0}, float narrow = {4.0}>
{ y = qonnx.custom_op.general.Trunc <rounding_mode = "FLOOR"> (x, scale, zero, wide, narrow) }
"""
PROBE = np.array([[16.0, 40.0], [3.0, 255.0]], np.float32)


def test_an_operator_without_a_standard_form_runs_in_qonnx(parse: Callable[[str], onnx.ModelProto]) -> None:
    engine = choose_engine(parse(TRUNC), PROBE)
    assert engine.name == "qonnx"
    assert "Trunc isn't known in standard operators" in engine.reason
    assert engine.run(PROBE).shape == (2, 2)
    with pytest.raises(ConfigurationError, match=r"can't be run exactly in onnxruntime: .*Trunc"):
        choose_engine(parse(TRUNC), PROBE, wanted="onnxruntime")
    with pytest.raises(ConfigurationError, match="batch_size needs onnxruntime"):
        choose_engine(parse(TRUNC), PROBE, batch_size=2)


@pytest.mark.parametrize("operator", ["Gemm", "MatMul"])
def test_sums_of_fractions_are_rounded_as_in_qonnx(parse: Callable[[str], onnx.ModelProto], operator: str) -> None:
    text = f"""<ir_version: 8, opset_import: ["" : 13, "qonnx.custom_op.general" : 1]>
    fractions (float[1, 64] x) => (float[1, 48] y) <float scale = {{0.013}}, float zero = {{0.0}}, float bits = {{8.0}}>
    {{
        q = qonnx.custom_op.general.Quant <signed = 1, narrow = 0, rounding_mode = "ROUND"> (x, scale, zero, bits)
        y = {operator}(q, weights)
    }}"""
    rng = np.random.default_rng(0)
    model = parse(text)
    weights = rng.standard_normal((64, 48)).astype(np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "weights"))
    engine = choose_engine(model, rng.standard_normal((8, 64)).astype(np.float32))
    assert (engine.name, engine.checked) == ("onnxruntime", 8)


def test_other_outputs_than_those_of_qonnx_are_never_taken(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, probe = load_model(digits / "model.onnx"), np.ones((3, 64), np.float32)
    real = lowering.lower

    def wrong(given: onnx.ModelProto) -> onnx.ModelProto:
        lowered = real(given)
        for node in lowered.graph.node:
            if node.op_type == "Relu":
                node.op_type = "Neg"
        return lowered

    monkeypatch.setattr(engines, "lower", wrong)
    engine = choose_engine(model, probe)
    assert (engine.name, engine.checked) == ("qonnx", 0)
    assert engine.reason == "onnxruntime's outputs differ from qonnx's for the first 3 samples"


def test_a_model_that_onnxruntime_refuses_runs_in_qonnx(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(digits / "model.onnx")
    monkeypatch.setattr(engines, "lower", lambda given: given)
    engine = choose_engine(model, np.ones((1, 64), np.float32))
    assert engine.name == "qonnx"
    assert engine.reason.startswith("onnxruntime refuses it: ")


class Halves:
    """Gives an output for every other sample."""

    def run(self, feeds: Mapping[str, Any], output: str) -> Any:
        del output
        return next(iter(feeds.values()))[::2]


def test_an_output_that_does_not_count_the_samples_is_refused() -> None:
    engine = Engine(name="x", reason="", input=TensorInfo("x", "float32", (2, 2)), output="y", runner=Halves())
    with pytest.raises(ConfigurationError, match=r"gives an output of shape \(1, 2\) for 2 samples"):
        engine.run(PROBE)
