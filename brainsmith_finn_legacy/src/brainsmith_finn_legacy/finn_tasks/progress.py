"""Watch a build from inside: its steps are wrapped, so that progress, failures and the last model are known."""

from __future__ import annotations

import functools
import time
import traceback
from typing import Any, Callable, Dict, List, Optional

from . import finn_access
from .graph import check_conversion, check_folding, describe_unmapped, node_at_fault, unmapped_nodes
from .kernels import prefer_kernels, unmet_preferences
from .log_limit import cap_finn_log
from .steps import Step, explain_failure, load_step
from .transforms import apply_transformations

__all__ = ["Progress"]

Emit = Callable[[Dict[str, Any]], None]


class Progress:
    """What is known of a build under way.

    Args:
        emit: gets `step_started`, `step_finished` and `step_failed` events.
        total: how many steps there are.
        model_path: the model that goes in.

    Attributes:
        model: what the last finished step returned.
        failure: the step that failed, with what FINN doesn't hand on of its exception.
        error: that exception.
        warnings: what the user should know.
        seconds: how long each finished step took, in order.
    """

    def __init__(self, emit: Emit, total: int, model_path: str) -> None:
        self.emit = emit
        self.total = total
        self.model_path = model_path
        self.model: Any = None
        self.failure: Optional[Dict[str, Any]] = None
        self.error: Optional[BaseException] = None
        self.warnings: List[str] = []
        self.seconds: List[Dict[str, Any]] = []
        self._kernels: List[Dict[str, Any]] = []
        self._unmapped: List[Dict[str, Any]] = []

    def make_step(self, spec: Dict[str, Any], index: int, import_paths: List[str]) -> Step:
        """Return the step of a spec, ready for FINN's builder.

        Args:
            spec: as for `load_step`; or with `transforms` or `kernels`, a step of ours.
            index: its place, from 1.
            import_paths: see `load_step`.
        """
        if "transforms" in spec:
            return self._wrap(self._transforming_step(spec["transforms"]), spec["name"], index)
        if "kernels" in spec:
            return self._wrap(self._preferring_step(spec["kernels"]), spec["name"], index)
        step = load_step(spec, import_paths)
        return self._wrap(step, getattr(step, "__name__", spec["name"]), index)

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

    def _wrap(self, step: Step, name: str, index: int) -> Step:
        @functools.wraps(step)
        def wrapped(model: Any, cfg: Any) -> Any:
            cap_finn_log()
            about = {"step": name, "index": index, "total": self.total}
            self.emit({"kind": "step_started", **about})
            started = time.perf_counter()
            try:
                self._before(name, model)
                result = step(model, cfg)
                self._after(name, result)
            except BaseException as error:  # recorded and raised again: FINN swallows it
                self._note_failure(name, error)
                self.emit({"kind": "step_failed", **about, "error": explain_failure(error)})
                raise
            seconds = round(time.perf_counter() - started, 6)
            self.model = result
            self.seconds.append({"step": name, "seconds": seconds})
            self.emit({"kind": "step_finished", **about, "seconds": seconds})
            return result

        wrapped.__name__ = name  # FINN keys times and intermediate models by it
        return wrapped

    def _before(self, name: str, model: Any) -> None:
        if name == "step_create_dataflow_partition":
            self._unmapped = unmapped_nodes(model)
            check_conversion(model)

    def _after(self, name: str, model: Any) -> None:
        if not hasattr(model, "graph"):
            raise TypeError(f"the step returned {type(model).__name__}, but a step returns the model")
        if name == "step_create_dataflow_partition" and self._unmapped:
            self.warnings.append(f"left outside the accelerator, and not in its figures: {self._describe_unmapped()}")
            self._unmapped = []
        if name == "step_apply_folding_config":
            check_folding(model)
        if name == "step_specialize_layers":
            self.warnings.extend(unmet_preferences(model, self._kernels))

    def _note_failure(self, name: str, error: BaseException) -> None:
        self.error = error
        self.failure = {
            "step": name,
            "type": f"{type(error).__module__}.{type(error).__qualname__}",
            "message": " ".join(str(error).split()),
            "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
            "node": node_at_fault(_innermost(error).__traceback__),
            "unmapped": self._describe_unmapped() if self._unmapped else "",
        }

    def _describe_unmapped(self) -> str:
        return describe_unmapped(self._unmapped, finn_access.load_model(self.model_path))


def _innermost(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error
