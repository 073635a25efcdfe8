"""Run graphs that hold FINN's own operators: in a FINN environment's interpreter, by FINN's own definitions."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import attrs
import numpy as np
import onnx

from brainsmith_core.context import StepContext
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.plugins.manager import default_plugins
from brainsmith_core.processes.pool import shared_worker

from ..models import Array, describe
from .engines import Engine
from .graphs import Graph

__all__ = ["finn_engine", "finn_python", "needs_finn"]

_TASKS = Path(__file__).with_name("finn_tasks.py")
_PORTION = 256  # samples that one task runs


def needs_finn(model: onnx.ModelProto) -> bool:
    """Whether a model holds operators that only FINN defines."""
    return any(node.domain.startswith("finn.custom_op.fpgadataflow") for node in model.graph.node)


def finn_python(context: StepContext) -> Path:
    """Return the interpreter of the FINN environment that the build's backend names in its identity.

    Raises:
        MissingRequirementError: if the backend names none.
    """
    with context.workspace.events.open(encoding="utf-8") as lines:
        name = json.loads(next(lines))["data"]["backend"]
    plugins = default_plugins()
    backend = plugins.make_backend(plugins.backend(name))
    identity = getattr(backend, "identity", None)
    finn = identity(context.config).get("finn") if identity is not None else None
    if not isinstance(finn, dict) or not finn.get("python"):
        text = f"the graph needs FINN to run, but the backend {name} names no FINN environment"
        raise MissingRequirementError(text, hint="give the interpreter of a FINN environment as finn_python")
    return Path(str(finn["python"]))


def finn_engine(
    context: StepContext, graph: Graph, model: onnx.ModelProto, python: str | None, output: str | None
) -> Engine:
    """Return what runs a graph of FINN's operators.

    Args:
        context: the step's.
        graph: the graph.
        model: its content.
        python: the interpreter of a FINN environment, if not the build's.
        output: name of the output that counts, where there are several.

    Raises:
        ConfigurationError: if the graph has more outputs than one, and none of that name.
        MissingRequirementError: if there is no FINN environment.
    """
    info = describe(model)
    names = [each.name for each in info.outputs]
    if len(names) != 1 if output is None else output not in names:
        raise ConfigurationError(f"the graph has the outputs {', '.join(names)}", hint="name one of them as output")
    interpreter = Path(python) if python else finn_python(context)
    if not interpreter.is_file():
        raise MissingRequirementError(f"finn_python names {interpreter}, which doesn't exist", hint="check the path")
    return Engine(
        name="FINN",
        reason="only FINN defines its operators",
        input=info.static_input(),
        output=output or names[0],
        runner=_Remote(interpreter, graph.path, Path(context.report_dir) / "finn_worker.log"),
        portion=_PORTION,
    )


@attrs.frozen
class _Remote:
    """A graph in another interpreter; samples and outputs go through files.

    Args:
        python: the interpreter.
        model: the graph's file.
        log: where its output goes.
    """

    python: Path
    model: Path
    log: Path

    def run(self, feeds: Mapping[str, Array], output: str) -> Array:
        """Return an output for any number of samples."""
        ((name, samples),) = feeds.items()
        with tempfile.TemporaryDirectory(prefix="brainsmith-graph-") as text:
            folder = Path(text)
            np.save(folder / "samples.npy", samples)
            args = {
                "model": str(self.model),
                "samples": str(folder / "samples.npy"),
                "result": str(folder / "result.npy"),
                "input": name,
                "output": output,
            }
            task = shared_worker(self.python, _TASKS).run("run_graph", args, log=self.log, cwd=folder)
            if not task.ok:
                reason = task.error.message if task.error else task.outcome
                raise ConfigurationError(f"FINN can't run the graph {self.model.name}: {reason}", category="model_load")
            found: Array = np.load(folder / "result.npy", allow_pickle=False)
            return found
