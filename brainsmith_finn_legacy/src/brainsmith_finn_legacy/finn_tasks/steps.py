"""Build steps: found by name, import path or file, and wrapped so that their progress and failures are known."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import os
import sys
import time
import traceback
from typing import Any, Callable, Dict, List, Optional

from . import finn_access
from .graph import check_folding, describe_unmapped, node_at_fault, unmapped_nodes
from .kernels import prefer_kernels, unmet_preferences
from .transforms import apply_transformations

__all__ = ["Progress", "StepLoadError", "explain_failure", "load_step"]

_PARTITION = "step_create_dataflow_partition"

Step = Callable[[Any, Any], Any]
Emit = Callable[[Dict[str, Any]], None]


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
        found = getattr(_load_file(spec["file"]), spec["function"], None)
    elif "import" in spec:
        sys.path.extend(path for path in import_paths if path not in sys.path)
        module, _, attribute = spec["import"].rpartition(".")
        found = getattr(importlib.import_module(module), attribute, None)
    else:
        found = finn_access.load().steps.build_dataflow_step_lookup.get(name)
    if found is None or not callable(found):
        raise StepLoadError(f"there is no step {name}" if found is None else f"the step {name} can't be called")
    step: Step = found
    return step


def explain_failure(error: BaseException) -> str:
    """Return an exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _load_file(path: str) -> Any:
    # The name is unique for each file, and stays in sys.modules, so that what the step defines can be pickled.
    name = f"brainsmith_step_{hashlib.sha256(path.encode()).hexdigest()[:12]}"
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


class Progress:
    """What is known of a build under way.

    Args:
        emit: gets `step_started` and `step_finished` events.
        total: how many steps there are.

    Attributes:
        model: what the last finished step returned.
        failure: the step that failed, with the exception that FINN doesn't hand on.
        warnings: what the user should know.
        seconds: how long each finished step took, in order.
    """

    def __init__(self, emit: Emit, total: int) -> None:
        self.emit = emit
        self.total = total
        self.model: Any = None
        self.failure: Optional[Dict[str, Any]] = None
        self.error: Optional[BaseException] = None
        self.warnings: List[str] = []
        self.seconds: List[Dict[str, Any]] = []
        self._kernels: List[Dict[str, Any]] = []

    def make_step(self, spec: Dict[str, Any], index: int, import_paths: List[str]) -> Step:
        """Return the step of a spec, ready for FINN's builder.

        Args:
            spec: as for `load_step`; or with `transforms` or `kernels`, a step of ours.
            index: its place, from 1.
            import_paths: see `load_step`.
        """
        if "transforms" in spec:
            step = self._transforming_step(spec["transforms"])
        elif "kernels" in spec:
            step = self._preferring_step(spec["kernels"])
        else:
            step = load_step(spec, import_paths)
        return self._wrap(step, spec, index)

    def _transforming_step(self, transforms: List[Dict[str, Any]]) -> Step:
        def step(model: Any, cfg: Any) -> Any:
            del cfg
            return apply_transformations(model, transforms, self.emit)

        return step

    def _preferring_step(self, kernels: List[Dict[str, Any]]) -> Step:
        def step(model: Any, cfg: Any) -> Any:
            del cfg
            self._kernels = kernels
            return prefer_kernels(model, kernels)

        return step

    def _wrap(self, step: Step, spec: Dict[str, Any], index: int) -> Step:
        @functools.wraps(step)
        def wrapped(model: Any, cfg: Any) -> Any:
            about = {"step": wrapped.__name__, "index": index, "total": self.total}
            self.emit({"kind": "step_started", **about})
            unmapped = unmapped_nodes(model) if wrapped.__name__ == _PARTITION else []
            started = time.perf_counter()
            try:
                result = step(model, cfg)
                self._check(wrapped.__name__, result)
            except BaseException as error:  # recorded and raised again: FINN swallows it
                self._note_failure(wrapped.__name__, error, unmapped)
                self.emit({"kind": "step_failed", **about, "error": explain_failure(error)})
                raise
            seconds = round(time.perf_counter() - started, 6)
            self.model = result
            if unmapped:
                self.warnings.append(
                    f"left outside the accelerator, and not in its figures: {describe_unmapped(unmapped)}"
                )
            self.seconds.append({"step": wrapped.__name__, "seconds": seconds})
            self.emit({"kind": "step_finished", **about, "seconds": seconds})
            return result

        # FINN keys times and intermediate models by this name.
        own = "transforms" in spec or "kernels" in spec
        wrapped.__name__ = spec["name"] if own else getattr(step, "__name__", spec["name"].rpartition(".")[2])
        return wrapped

    def _check(self, name: str, model: Any) -> None:
        if not hasattr(model, "graph"):
            raise TypeError(f"the step returned {type(model).__name__}, but a step returns the model")
        if name == "step_apply_folding_config":
            check_folding(model)
        if name == "step_specialize_layers":
            self.warnings.extend(unmet_preferences(model, self._kernels))

    def _note_failure(self, name: str, error: BaseException, unmapped: List[Dict[str, Any]]) -> None:
        self.error = error
        self.failure = {
            "step": name,
            "type": f"{type(error).__module__}.{type(error).__qualname__}",
            "message": " ".join(str(error).split()),
            "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
            "node": node_at_fault(_innermost(error).__traceback__),
            "unmapped": describe_unmapped(unmapped),
        }


def _innermost(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error
