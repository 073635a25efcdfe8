"""Graphs of FINN's own operators run in a FINN environment's interpreter, or the reason is said."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from brainsmith_core.context import StepContext
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_onnx.models import load_model
from brainsmith_onnx.postprocessing import finn_tasks
from brainsmith_onnx.postprocessing.accuracy import run
from brainsmith_onnx.postprocessing.finn_graphs import finn_engine, finn_python, needs_finn
from brainsmith_onnx.postprocessing.graphs import Graph

MakeContext = Callable[..., StepContext]

#: A graph as FINN saves it, with an operator that only FINN defines.
HARDWARE = """
<ir_version: 8, opset_import: ["" : 13, "finn.custom_op.fpgadataflow" : 1]>
hardware (float[1, 3] x) => (float[1, 2] y) <float[3, 2] w = {1, 0, 0, 1, 0, 0}>
{ y = finn.custom_op.fpgadataflow.MVAU (x, w) }
"""


@pytest.fixture
def context(make_context: MakeContext, tmp_path: Path, parse: Callable[[str], onnx.ModelProto]) -> StepContext:
    """A build of a backend that names no FINN environment, with a hardware graph."""
    np.savez(tmp_path / "data.npz", inputs=np.eye(3, dtype=np.float32)[:2], labels=[0, 1])
    made = make_context("accuracy_validation", dataset=str(tmp_path / "data.npz"), graphs=["processed", "hardware"])
    folder = made.workspace.artifacts / "intermediate_models"
    folder.mkdir()
    onnx.save(parse(HARDWARE), folder / "step_convert_to_hw.onnx")
    made.workspace.events.write_text(json.dumps({"kind": "build_started", "data": {"backend": "future_brainsmith"}}))
    return made


def test_only_finns_hardware_layers_need_finn(tiny: onnx.ModelProto, parse: Callable[[str], onnx.ModelProto]) -> None:
    assert needs_finn(parse(HARDWARE))
    assert not needs_finn(tiny)


def test_without_a_finn_environment_the_figure_is_missing_with_the_reason(context: StepContext) -> None:
    outcome = run(context)
    (warning,) = outcome.warnings
    assert (
        "hardware graph is missing: the graph needs FINN to run, but the backend future_brainsmith names no" in warning
    )
    assert "give the interpreter of a FINN environment as finn_python" in warning
    assert {m.scope.get("graph", ""): m.value for m in outcome.metrics if m.name == "accuracy.top1"} == {
        "": 1.0,
        "hardware": None,
    }


def test_an_interpreter_without_finn_is_said(
    context: StepContext, parse: Callable[[str], onnx.ModelProto], tiny: onnx.ModelProto, tmp_path: Path
) -> None:
    graph = Graph(name="hardware", path=tmp_path / "x.onnx")
    with pytest.raises(MissingRequirementError, match="which doesn't exist"):
        finn_engine(context, graph, parse(HARDWARE), str(tmp_path / "python"), None)
    with pytest.raises(ConfigurationError, match="has the outputs y"):
        finn_engine(context, graph, parse(HARDWARE), sys.executable, "z")
    engine = finn_engine(context, graph, tiny, sys.executable, None)
    with pytest.raises(MissingRequirementError, match="finn"):
        engine.run(np.zeros((1, 3), np.float32))
    with pytest.raises(MissingRequirementError, match="names no FINN environment"):
        finn_python(context)


def test_the_task_runs_a_graph_in_portions_of_its_own_batch(
    parse: Callable[[str], onnx.ModelProto], tmp_path: Path
) -> None:
    text = """<ir_version: 8, opset_import: ["" : 13]>
    pairs (float[2, 3] x) => (float[2, 3] y) { y = Neg(x) }"""
    model = load_model(_saved(parse(text), tmp_path))
    assert model.graph.node
    samples = np.arange(9, dtype=np.float32).reshape(3, 3)
    np.save(tmp_path / "in.npy", samples)
    args = {"model": tmp_path / "m.onnx", "samples": tmp_path / "in.npy", "result": tmp_path / "out.npy"}
    finn_tasks.run_graph({**{name: str(path) for name, path in args.items()}, "input": "x", "output": "y"}, None)
    assert np.array_equal(np.load(tmp_path / "out.npy"), -samples)


def _saved(model: onnx.ModelProto, folder: Path) -> Path:
    onnx.save(model, folder / "m.onnx")
    return folder / "m.onnx"


def test_packages_that_finn_only_imports_may_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finn_tasks, "_OPTIONAL", ("no_such_torch",))
    monkeypatch.setattr(finn_tasks, "_DOMAIN", "no_such_torch.nn.functional")
    before = set(sys.modules)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in ("FINN_SETTINGS", "NUM_DEFAULT_WORKERS", "XILINX_VIVADO"):
        monkeypatch.setenv(name, "x")
    finn_tasks._import_operators.cache_clear()
    try:
        assert finn_tasks.describe() == {"python": sys.executable}
        module = importlib.import_module("no_such_torch.nn")
        with pytest.raises(RuntimeError, match=r"no_such_torch\.nn\.Module is needed"):
            module.Module()
        with pytest.raises(AttributeError):
            module.__wrapped__  # noqa: B018 - looking it up is the test
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("no_such_package_at_all")
    finally:
        finn_tasks._import_operators.cache_clear()
        for name in set(sys.modules) - before:
            if name.startswith("no_such_torch"):
                del sys.modules[name]
