"""Run a graph of FINN's operators; loaded by path in a FINN environment's interpreter, so it imports none of our code.

A small FINN environment has neither torch nor XSI. FINN imports both, but its operators' definitions use neither.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["describe", "run_graph"]

_DOMAIN = "finn.custom_op.fpgadataflow"
_OPTIONAL = ("torch", "xsi", "onnx_passes")
_READABLE_IR = 8  # all that a model of operator sets up to 17 needs


class _Absent(ModuleType):
    """A package that isn't installed: importing names from it works, making use of them doesn't."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_: object, **__: object) -> None:
            raise RuntimeError(f"{self.__name__}.{name} is needed, but this FINN environment has no {self.__name__}")

        return type(name, (), {"__module__": self.__name__, "__init__": refuse})


class _AbsentFinder(MetaPathFinder, Loader):
    """Last finder of the import system: only what no other one has found comes here."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        del path, target
        top = name.partition(".")[0]
        absent = top in _OPTIONAL and isinstance(sys.modules.get(top, _Absent(top)), _Absent)
        return ModuleSpec(name, self, is_package=True) if absent else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Absent(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is no code to run."""


@functools.cache
def _import_operators() -> None:
    # FINN+ makes ~/.finn where it isn't told of a settings file.
    os.environ.setdefault("FINN_SETTINGS", "/nonexistent/finn-settings.yaml")
    os.environ.setdefault("NUM_DEFAULT_WORKERS", "1")
    os.environ.setdefault("XILINX_VIVADO", "/nonexistent/Vivado/2024.2")
    sys.meta_path.append(_AbsentFinder())
    onnx: Any = importlib.import_module("onnx")
    # qonnx writes each node as a model of onnx's newest format, which onnxruntime may not read yet.
    onnx.IR_VERSION = min(int(onnx.IR_VERSION), _READABLE_IR)
    importlib.import_module(_DOMAIN)


def describe() -> dict[str, str]:
    """Import FINN's operators, once for all tasks of a worker, and say which interpreter this is."""
    _import_operators()
    return {"python": sys.executable}


def run_graph(args: dict[str, Any], emit: Any) -> dict[str, Any]:
    """Run a graph over samples, in portions of its own batch size.

    Args:
        args: `model`, `samples` and `result`: paths; `input` and `output`: names of the graph's tensors.
        emit: gives progress; not used.

    Returns:
        The number of samples.
    """
    del emit
    numpy = importlib.import_module("numpy")
    model = importlib.import_module("qonnx.core.modelwrapper").ModelWrapper(args["model"])
    for node in model.graph.node:
        # Some operators are known only once their module is imported, which FINN's builder does on the way.
        module = f"{node.domain}.{node.op_type.lower()}"
        if node.domain == _DOMAIN and importlib.util.find_spec(module) is not None:
            importlib.import_module(module)
    execute = importlib.import_module("qonnx.core.onnx_exec").execute_onnx
    samples = numpy.load(args["samples"])
    size = model.get_tensor_shape(args["input"])[0]
    found = []
    for start in range(0, len(samples), size):
        part = samples[start : start + size]
        full = numpy.concatenate([part, numpy.repeat(part[-1:], size - len(part), axis=0)])
        found.append(execute(model, {args["input"]: full})[args["output"]][: len(part)])
    numpy.save(args["result"], numpy.concatenate(found))
    return {"samples": len(samples)}
