"""Small models and step contexts for the tests of the postprocessing steps."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import onnx
import onnx.parser
import pytest

from brainsmith_core.build.parameters import checked_parameters
from brainsmith_core.build.workspace import Workspace
from brainsmith_core.config import BuildConfig, ProcessingStep
from brainsmith_core.context import StepContext
from brainsmith_core.metric import Metric
from brainsmith_onnx.post_records import STEPS

ROOT = Path(__file__).parents[4]

#: Three values in; the scores of two classes: the first and the second value.
TINY = """
<ir_version: 8, opset_import: ["" : 13]>
tiny (float[1, 3] x) => (float[1, 2] y) <float[3, 2] w = {1, 0, 0, 1, 0, 0}> { y = MatMul(x, w) }
"""

MakeContext = Callable[..., StepContext]


@pytest.fixture
def parse() -> Callable[[str], onnx.ModelProto]:
    """Make a model from ONNX's text form."""
    return onnx.parser.parse_model


@pytest.fixture
def tiny() -> onnx.ModelProto:
    """A model of one matrix multiplication."""
    return onnx.parser.parse_model(TINY)


@pytest.fixture
def digits() -> Path:
    """The folder of the digits example."""
    return ROOT / "examples" / "digits"


@pytest.fixture
def shared_models() -> Path:
    """The folder of real models beside the repository."""
    folder = Path(os.environ.get("BRAINSMITH_SHARED", ROOT.parent / "shared")) / "models"
    if not folder.is_dir():
        pytest.skip(f"there are no shared models in {folder}")
    return folder


@pytest.fixture
def make_context(tmp_path: Path, tiny: onnx.ModelProto) -> MakeContext:
    """Make a build's folder after its backend, and what a step in it is given."""

    def make(
        step: str,
        *,
        model: onnx.ModelProto | None = None,
        original: onnx.ModelProto | None = None,
        metrics: Iterable[Metric] = (),
        flags: dict[str, Any] | None = None,
        times: int = 1,
        **parameters: Any,
    ) -> StepContext:
        model = model or tiny
        source = tmp_path / "model_in.onnx"
        source.write_bytes((original or model).SerializeToString())
        each = ProcessingStep(name=step, type="postprocessing", parameters=parameters)
        config = BuildConfig(
            id="point",
            model_path=str(source),
            output_dir=str(tmp_path / "out"),
            config_flags=flags or {},
            postprocessing=(each,) * times,
        )
        workspace = Workspace(tmp_path / "out")
        workspace.create(config)
        workspace.processed_model.write_bytes(model.SerializeToString())
        workspace.metrics.write_text(json.dumps({"metrics": [metric.to_dict() for metric in metrics], "files": []}))
        (spec,) = [spec for spec in STEPS if spec.name == step]
        logs = workspace.step_logs("postprocessing")
        return StepContext(
            config=config,
            parameters=checked_parameters(spec.parameters, parameters, step),
            model_path=str(workspace.processed_model),
            output_model_path=str(logs / f"01_{step}.onnx"),
            report_dir=str(logs),
            output_dir=str(workspace.root),
        )

    return make
