"""The one place where FINN and QONNX are imported from, once for each worker."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

__all__ = ["bootstrap", "custom_op", "is_hardware_node", "load", "load_model"]


@functools.lru_cache(maxsize=None)
def bootstrap() -> ModuleType:
    """Return the module `finn_bootstrap`, loaded by path: our package isn't installed here."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    name = "brainsmith_finn_bootstrap"
    spec = importlib.util.spec_from_file_location(name, os.path.join(folder, "finn_bootstrap.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@functools.lru_cache(maxsize=None)
def load() -> Any:
    """Return FINN's modules; imported at the first call."""
    return bootstrap().import_finn()


def load_model(path: str) -> Any:
    """Return the model in a file as QONNX's ModelWrapper."""
    return importlib.import_module("qonnx.core.modelwrapper").ModelWrapper(path)


def custom_op(node: Any) -> Any:
    """Return the object that gives access to a custom node's attributes."""
    return importlib.import_module("qonnx.custom_op.registry").getCustomOp(node)


def is_hardware_node(node: Any) -> bool:
    """Whether a node of a graph is one of FINN's hardware layers."""
    return str(node.domain).startswith("finn.custom_op.fpgadataflow")
