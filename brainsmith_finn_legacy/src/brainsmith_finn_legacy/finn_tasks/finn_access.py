"""The one place where FINN and QONNX are imported from, once for each worker."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, List

__all__ = ["bootstrap", "custom_op", "is_hardware_node", "load", "load_model", "load_store", "package_folders"]


@functools.lru_cache(maxsize=None)
def bootstrap() -> ModuleType:
    """Return the module `finn_bootstrap`, loaded by path: our package isn't installed here."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return _load_by_path("brainsmith_finn_bootstrap", os.path.join(folder, "finn_bootstrap.py"))


@functools.lru_cache(maxsize=None)
def load_store(folder: str) -> ModuleType:
    """Return core's package of the content store, loaded by path."""
    return _load_by_path("brainsmith_content_store", os.path.join(folder, "__init__.py"))


def package_folders(name: str) -> List[str]:
    """Return the folders of an imported package."""
    return [str(folder) for folder in getattr(sys.modules.get(name), "__path__", ())]


def _load_by_path(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
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
