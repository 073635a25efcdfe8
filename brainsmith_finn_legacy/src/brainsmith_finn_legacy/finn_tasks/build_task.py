"""One run of FINN's own builder, in a process of its own."""

from __future__ import annotations

import os
import shutil
import traceback
from typing import Any, Callable, Dict, List

from . import finn_access
from .incremental import DamagedModelError, Engine
from .incremental.traces import Traces
from .progress import Progress

__all__ = ["run_build"]

Emit = Callable[[Dict[str, Any]], None]


def run_build(args: Dict[str, Any], emit: Emit) -> Dict[str, Any]:
    """Run `build_dataflow_cfg` with wrapped steps and save the model that it ends with.

    Args:
        args: `model` (path), `settings` (fields of DataflowBuildConfig as plain data), `steps`, `import_paths`,
            `build_dir` (FINN_BUILD_DIR), `final_model` (path), `cache` (None, or `root` of the store, `code`: the
            folder of its package, `environment`: FINN's identity).
        emit: gets the steps' events.

    Returns:
        `failure` (None, or why it failed), `seconds` by step, `warnings`, `hardware` (layers by kind), `steps` (how
        each came about).
    """
    for _ in range(len(args["steps"])):
        try:
            return _run_build(args, emit)
        except DamagedModelError:
            # The store has dropped it, with a warning; what the build has written so far is made again.
            shutil.rmtree(args["settings"]["output_dir"])
    return _run_build({**args, "cache": None}, emit)


def _run_build(args: Dict[str, Any], emit: Emit) -> Dict[str, Any]:
    finn = finn_access.load()
    os.makedirs(args["build_dir"], exist_ok=True)
    finn_access.bootstrap().use_build_dir(args["build_dir"])
    engine = _make_engine(args, finn, emit)
    progress = Progress(emit, len(args["steps"]), args["model"], engine)
    foreign = any("file" in spec or "import" in spec for spec in args["steps"])
    if foreign:
        engine.before_imports()
    steps: List[Any] = [
        progress.make_step(spec, index, args["import_paths"]) for index, spec in enumerate(args["steps"], start=1)
    ]
    if foreign:
        engine.after_imports()
    config = make_config(finn.config, args["settings"], steps)
    failure = _run(finn.build_dataflow.build_dataflow_cfg, args["model"], config, progress)
    if failure is None and progress.model is not None:
        progress.model.save(args["final_model"])
    return {
        "failure": failure,
        "seconds": progress.seconds,
        "warnings": progress.warnings,
        "hardware": progress.model.about["hardware"] if progress.model is not None else {},
        "steps": progress.records,
    }


def _make_engine(args: Dict[str, Any], finn: Any, emit: Emit) -> Engine:
    """Return what runs the steps, with the store that the arguments name, if they do."""
    cache = args.get("cache")
    traces = None
    if cache is not None:
        package = finn_access.load_store(cache["code"])
        traces = Traces(package.ContentStore(cache["root"]), package.DamagedEntry)
    environment = cache["environment"] if cache is not None else ""
    packages = [finn.folder, *finn_access.package_folders("qonnx")]
    return Engine(traces, environment, args["build_dir"], packages, emit)


def make_config(module: Any, settings: Dict[str, Any], steps: List[Any]) -> Any:
    """Return FINN's DataflowBuildConfig; plain data becomes the field's types as in FINN's own configuration files."""
    config = module.DataflowBuildConfig.from_dict(settings)
    config.steps = steps
    return config


def _run(run: Callable[[str, Any], int], model: str, config: Any, progress: Progress) -> Any:
    """Return why FINN failed, or None."""
    try:
        code = run(model, config)
    except BaseException as error:  # the boundary to foreign code: FINN lets some through and swallows others
        if isinstance(error, (MemoryError, DamagedModelError)):
            raise
        return progress.failure or _escaped(error)
    if isinstance(progress.error, (MemoryError, DamagedModelError)):
        raise progress.error  # swallowed by FINN, but of concern to those who called us
    if progress.failure is None and code != 0:
        return _before_the_steps(model, code)
    return progress.failure


def _escaped(error: BaseException) -> Dict[str, Any]:
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return _failure(f"{type(error).__module__}.{type(error).__qualname__}", " ".join(str(error).split()), trace)


def _before_the_steps(model: str, code: int) -> Dict[str, Any]:
    """Return why FINN failed without a step: it tells nobody, but what it does first is to load the model."""
    try:
        finn_access.load_model(model)
    except Exception as error:  # noqa: BLE001 - foreign code: whatever it is, it is the reason
        return _escaped(error)
    return _failure("", f"FINN's builder returned {code} without running a step; its log says why", "")


def _failure(kind: str, message: str, trace: str) -> Dict[str, Any]:
    return {"step": "", "type": kind, "message": message, "traceback": trace, "node": None, "unmapped": ""}
