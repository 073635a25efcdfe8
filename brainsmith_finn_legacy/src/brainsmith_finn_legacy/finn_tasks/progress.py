"""Watch a build from inside: its steps are wrapped, so that progress, failures and the last model are known."""

from __future__ import annotations

import functools
import time
import traceback
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import finn_access
from .graph import check_conversion, check_folding, describe_unmapped, node_at_fault, unmapped_nodes
from .incremental import Engine, Model, StepTask
from .incremental.values import digest_of
from .kernels import prefer_kernels, unmet_preferences
from .log_limit import cap_finn_log
from .steps import Step, explain_failure, load_step, module_of, modules_behind
from .transforms import apply_transformations

__all__ = ["Progress"]

_SPECIALISE = "step_specialize_layers"

Emit = Callable[[Dict[str, Any]], None]


class Progress:
    """What is known of a build under way.

    Args:
        emit: gets `step_started`, `step_finished` and `step_failed` events.
        total: how many steps there are.
        model_path: the model that goes in.
        engine: runs or restores the steps.

    Attributes:
        model: what the last finished step made.
        records: how each finished step came about, in order.
        failure: the step that failed, with what FINN doesn't hand on of its exception.
        error: that exception.
        warnings: what the user should know.
        seconds: how long each finished step took, in order.
    """

    def __init__(self, emit: Emit, total: int, model_path: str, engine: Engine) -> None:
        self.emit = emit
        self.total = total
        self.model_path = model_path
        self.engine = engine
        self.model: Optional[Model] = None
        self.records: List[Dict[str, Any]] = []
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
        own: Dict[str, Any] = {key: spec[key] for key in ("transforms", "kernels") if key in spec}
        if own:
            step = self._transforming_step(own["transforms"]) if "transforms" in own else self._preferring_step(own)
            return self._wrap(step, spec["name"], index, own)
        step = load_step(spec, import_paths)
        module = module_of(spec, step)
        name = getattr(step, "__name__", spec["name"])
        identity = {"function": [getattr(step, "__qualname__", name), "" if "file" in spec else module.__name__]}
        is_users = "file" in spec or "import" in spec
        modules = (module, *modules_behind(step)) if is_users else ()
        return self._wrap(step, name, index, identity, modules)

    def _transforming_step(self, transforms: List[Dict[str, Any]]) -> Step:
        def step(model: Any, cfg: Any) -> Any:
            del cfg
            return apply_transformations(model, transforms, self.engine.emit)

        return step

    def _preferring_step(self, own: Dict[str, Any]) -> Step:
        self._kernels = own["kernels"]

        def step(model: Any, cfg: Any) -> Any:
            del cfg
            return prefer_kernels(model, own["kernels"])

        return step

    def _wrap(
        self, step: Step, name: str, index: int, identity: Dict[str, Any], modules: Tuple[ModuleType, ...] = ()
    ) -> Step:
        def body(model: Any, cfg: Any) -> Tuple[Any, Dict[str, Any]]:
            notes = self._before(name, model)
            result = step(model, cfg)
            return result, {**notes, **self._after(name, result)}

        @functools.wraps(step)
        def wrapped(model: Any, cfg: Any) -> Model:
            cap_finn_log()
            about = {"step": name, "index": index, "total": self.total}
            self.emit({"kind": "step_started", **about})
            started = time.perf_counter()
            # What our checks compare with belongs to the step; FINN's steps know nothing of preferences.
            whole = {**identity, "preferred": self._kernels} if name == _SPECIALISE else identity
            try:
                done = self.engine.run(StepTask(name, body, whole, modules), model, cfg)
            except BaseException as error:  # recorded and raised again: FINN swallows it
                self._note_failure(name, error)
                self.emit({"kind": "step_failed", **about, "error": explain_failure(error)})
                raise
            self._heed(done.notes)
            seconds = round(time.perf_counter() - started, 6)
            self.model = done.model
            self.records.append(done.record)
            self.seconds.append({"step": name, "seconds": seconds})
            reused = {"reused": True} if done.record["reused"] else {}
            self.emit({"kind": "step_finished", **about, "seconds": seconds, **reused})
            return done.model

        wrapped.__name__ = name  # FINN keys times and intermediate models by it
        setattr(wrapped, "brainsmith_identity", f"{name} {digest_of(identity)}")  # noqa: B010 - a function has no such field
        return wrapped

    def _before(self, name: str, model: Any) -> Dict[str, Any]:
        if name != "step_create_dataflow_partition":
            return {}
        self._unmapped = unmapped_nodes(model)
        check_conversion(model)
        return {"unmapped": self._unmapped}

    def _after(self, name: str, model: Any) -> Dict[str, Any]:
        if not hasattr(model, "graph"):
            raise TypeError(f"the step returned {type(model).__name__}, but a step returns the model")
        if name == "step_apply_folding_config":
            check_folding(model)
        if name == _SPECIALISE:
            return {"warnings": unmet_preferences(model, self._kernels)}
        return {}

    def _heed(self, notes: Dict[str, Any]) -> None:
        """Tell the user what was noted when the step ran, now or before."""
        self._unmapped = notes.get("unmapped", [])
        if self._unmapped:
            self.warnings.append(f"left outside the accelerator, and not in its figures: {self._describe_unmapped()}")
            self._unmapped = []
        self.warnings.extend(notes.get("warnings", []))

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
