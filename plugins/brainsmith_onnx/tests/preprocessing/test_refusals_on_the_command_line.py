"""What a step refuses ends the command with exit code 2 and one message; the model stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import onnx
import pytest

from brainsmith_core.build.workspace import file_digest
from brainsmith_core.cli import main as shell

EXAMPLES = Path(__file__).parents[4] / "examples"
FLOAT = EXAMPLES / "digits_float" / "model.onnx"


@attrs.frozen
class Said:
    """What a command said, and its exit code."""

    code: int | str | None
    text: str


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a build with one step, and check that the model's file stays as it is."""

    def call(step: str, *, model: Path = FLOAT, **parameters: Any) -> Said:
        steps = [{"name": step, "type": "preprocessing", "parameters": parameters}]
        config = tmp_path / "build.json"
        config.write_text(json.dumps({"model_path": str(model), "preprocessing": steps}))
        before = file_digest(model)
        with pytest.raises(SystemExit) as left:
            shell.run(["run", str(config), "--backend", "future_brainsmith", "--output", str(tmp_path / "out")])
        assert file_digest(model) == before
        out, err = capsys.readouterr()
        return Said(left.value.code, out + err)

    return call


def test_samples_of_nan_are_named(run: Callable[..., Said], tmp_path: Path) -> None:
    np.save(tmp_path / "nan.npy", np.full((3, 64), np.nan))
    result = run("model_quantization", samples=str(tmp_path / "nan.npy"))
    assert result.code == 2, result.text
    assert "sample 0 holds NaN or infinity" in result.text
    assert "ConfigurationError" not in result.text


@pytest.mark.parametrize(
    ("step", "parameters", "message"),
    [
        ("model_quantization", {"samples": "a.npz", "weight_bits": 17}, "weight_bits"),
        ("model_quantisation", {}, 'did you mean "model_quantization"'),
        ("graph_optimization", {"passes": ["clenup"]}, 'did you mean "cleanup"'),
        ("graph_optimization", {"pases": []}, 'did you mean "passes"'),
        ("model_quantization", {"samples": str(EXAMPLES / "digits" / "accuracy.json")}, "can't be read"),
    ],
)
def test_wrong_requests_are_named(
    run: Callable[..., Said], step: str, parameters: dict[str, Any], message: str
) -> None:
    result = run(step, **parameters)
    assert result.code == 2, result.text
    assert message in result.text


def test_external_weights_are_refused_before_anything_is_written(run: Callable[..., Said], tmp_path: Path) -> None:
    model = tmp_path / "external.onnx"
    onnx.save(onnx.load(FLOAT), model, save_as_external_data=True, location="weights.bin", size_threshold=0)
    result = run("verify_model", model=model)
    assert result.code == 2, result.text
    assert "keeps weights in other files (external data): weights.bin" in result.text
    assert "save it as one file" in result.text
    assert not (tmp_path / "out").exists()


def test_a_model_that_computes_something_else_is_a_failure_and_no_wrong_request(run: Callable[..., Said]) -> None:
    result = run("qonnx_transformation", transformation="InsertTopK", parameters={"k": 1})
    assert result.code == 1, result.text
    assert "computes something else than before" in result.text
