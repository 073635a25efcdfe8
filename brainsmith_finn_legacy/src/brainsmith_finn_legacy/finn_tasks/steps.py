"""Build steps: found by name, import path or file."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Tuple

from . import finn_access

__all__ = ["Step", "StepLoadError", "explain_failure", "load_step", "module_of", "modules_behind"]

Step = Callable[[Any, Any], Any]


class StepLoadError(LookupError):
    """A step can't be found or imported; the message names it."""


def load_step(spec: Dict[str, Any], import_paths: List[str]) -> Step:
    """Return one of FINN's or the user's own steps.

    Args:
        spec: `name`, and either `import` (a dotted path), or `file` and `function`, or nothing for FINN's own step.
        import_paths: folders that are searched after those of FINN's interpreter.

    Raises:
        StepLoadError: if there is no such step.
    """
    name = spec["name"]
    if "file" in spec:
        with _from_source():
            found = getattr(_load_file(spec["file"]), spec["function"], None)
    elif "import" in spec:
        sys.path.extend(path for path in import_paths if path not in sys.path)
        module, _, attribute = spec["import"].rpartition(".")
        with _from_source():
            found = getattr(importlib.import_module(module), attribute, None)
    else:
        found = finn_access.load().steps.build_dataflow_step_lookup.get(name)
    if found is None or not callable(found):
        raise StepLoadError(f"there is no step {name}" if found is None else f"the step {name} can't be called")
    step: Step = found
    return step


def module_of(spec: Dict[str, Any], step: Step) -> ModuleType:
    """Return the module that a loaded step was found in."""
    if "file" in spec:
        return sys.modules[_module_name(spec["file"])]
    if "import" in spec:
        return sys.modules[spec["import"].rpartition(".")[0]]
    return sys.modules[getattr(step, "__module__", "builtins")]


def modules_behind(step: Step) -> Tuple[ModuleType, ...]:
    """Return the modules in which a step's code stands, if it isn't a plain function of the module it was found in."""
    parts = [step, type(step), getattr(step, "func", None), getattr(step, "__wrapped__", None)]
    names = {str(getattr(part, "__module__", "")) for part in parts if part is not None}
    return tuple(sys.modules[name] for name in sorted(names) if name in sys.modules)


def explain_failure(error: BaseException) -> str:
    """Return an exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextlib.contextmanager
def _from_source() -> Iterator[None]:
    """Import modules from their sources: a compiled one counts as current if the second and the size are the same."""
    before = sys.pycache_prefix, sys.dont_write_bytecode
    sys.pycache_prefix, sys.dont_write_bytecode = "/nonexistent/pycache", True
    try:
        yield
    finally:
        sys.pycache_prefix, sys.dont_write_bytecode = before


def _load_file(path: str) -> Any:
    # The name is unique for each file, and stays in sys.modules, so that what the step defines can be pickled.
    name = _module_name(path)
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not os.path.isfile(path):
        raise StepLoadError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _module_name(path: str) -> str:
    return f"brainsmith_step_{hashlib.sha256(path.encode()).hexdigest()[:12]}"
