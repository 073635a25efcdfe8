"""A backend whose code is a package of its own."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from brainsmith_core.build.cache import code_digest
from brainsmith_core.plugins.manager import PluginManager

TOY = """
import os
import socket
import subprocess
import tempfile
from pathlib import Path
from brainsmith_core.build.runner import BackendBase
from brainsmith_core.config import OutputStage
from brainsmith_core.context import BackendOutcome, BuildFailure, StepOutcome
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import BackendSpec, Parameter, StepSpec
from brainsmith_core.result import BuildStatus

SPEC = BackendSpec(
    name="toy",
    summary="Writes two files.",
    target="toy_builder:Toy",
    output_stages=(OutputStage.DATAFLOW_GRAPH,),
    simulated=True,
)

class Toy(BackendBase):
    spec = SPEC

    def build(self, context):
        if context.config.flag("fails"):
            return BackendOutcome(status=BuildStatus.FAILED, failure=BuildFailure(message="no"))
        if os.environ.get("TOY_FAILS"):
            raise RuntimeError("no")
        if context.config.flag("random"):
            (context.workspace.artifacts / "random.json").write_bytes(os.urandom(20).hex().encode())
        context.log("in " + str(context.workspace.root))
        (context.workspace.artifacts / "empty.bin").write_bytes(b"")
        report = context.workspace.artifacts / "report.json"
        report.write_text(str(context.config.config_flags))
        return BackendOutcome(artifacts={"report": report})

def fold(context):
    given = context.parameters
    data = Path(context.model_path).read_bytes() + given["adds"].encode()
    if given["looks"]:
        data += str(context.config.config_flags).encode()
    if given["reads"]:
        data += Path(given["reads"][1:]).read_bytes()
    if given["does"] == "process":
        subprocess.run(["true"], check=True)
    elif given["does"] == "outside":
        Path(context.output_dir + "-outside").write_text("x")
    elif given["does"] == "names":
        return StepOutcome(warnings=(context.output_dir,))
    elif given["does"] == "gives":
        return StepOutcome(artifacts={"tool": "/usr/bin/true"})
    elif given["does"] == "fails":
        raise RuntimeError("no")
    elif given["does"] == "network":
        socket.socket(socket.AF_UNIX).connect_ex(b"nowhere")
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    Path(context.output_model_path).write_bytes(data)
    report = Path(context.report_dir, "fold.json")
    report.write_text(str(len(data)))
    return StepOutcome(model_path=context.output_model_path, artifacts={"fold": str(report)})

@hookimpl
def brainsmith_preprocessing_steps():
    names = ("adds", "reads", "does")
    given = [Parameter(name=name, type="str", default="", summary="-") for name in names]
    looks = Parameter(name="looks", type="bool", default=False, summary="-")
    yield StepSpec(name="fold", summary="Folds.", target="toy_builder:fold", parameters=(*given, looks))

@hookimpl
def brainsmith_backends():
    yield SPEC
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    """Core and a backend `toy`."""
    package = tmp_path / "packages" / "toy_builder"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "toy_builder", raising=False)
    code_digest.code_digest.cache_clear()
    plugins = PluginManager()
    plugins.register(importlib.import_module("toy_builder"), "toy_builder")
    return plugins
