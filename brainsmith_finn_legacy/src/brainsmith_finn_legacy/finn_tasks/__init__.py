"""Tasks of the worker that runs inside a FINN environment: build, apply transformations, look up steps.

The worker loads this folder by path with FINN's interpreter, so it needs nothing but the standard library and FINN.
FINN is imported once, in `describe`, before the worker forks a child for each task.
"""

from __future__ import annotations

import gc
import os
from typing import Any, Callable, Dict

#: Where core's package of the content store is, for the worker to load it once.
STORE_VARIABLE = "BRAINSMITH_CONTENT_STORE"

__all__ = ["STORE_VARIABLE", "build", "describe", "resolve_steps", "step_sources", "transform"]

Emit = Callable[[Dict[str, Any]], None]


def describe() -> Dict[str, Any]:
    """Import FINN and say which one it is."""
    # Done here for all children, so that none of them has to; FINN+ compiles what reads its settings at its first use.
    from . import build_task, finn_access, transform_task  # noqa: F401 - see above
    from .incremental.sources import own_digest

    finn = finn_access.load()
    own_digest()
    build_task.make_config(finn.config, {"output_dir": "", "synth_clk_period_ns": 10.0, "generate_outputs": []}, [])
    if os.environ.get(STORE_VARIABLE):
        finn_access.load_store(os.environ[STORE_VARIABLE])
    # What is loaded by now stays for ever: a collection in a child would go through it, and copy its memory for that.
    gc.collect()
    gc.freeze()
    return {"flavour": finn.flavour, "folder": finn.folder, "stand_ins": list(finn.stand_ins)}


def build(args: Dict[str, Any], emit: Emit) -> Dict[str, Any]:
    """Run FINN's builder once; see `build_task.run_build`."""
    from .build_task import run_build

    return run_build(args, emit)


def transform(args: Dict[str, Any], emit: Emit) -> Dict[str, Any]:
    """Apply transformations to a model; see `transform_task.run_transformations`."""
    from .transform_task import run_transformations

    return run_transformations(args, emit)


def resolve_steps(args: Dict[str, Any], emit: Emit) -> Dict[str, Any]:
    """Say for each of the user's own steps whether it can be imported; "" for those that can, else the reason.

    Args:
        args: `steps`, and `import_paths`.
        emit: not used.
    """
    from .steps import explain_failure, load_step

    del emit
    reasons = {}
    for step in args["steps"]:
        try:
            load_step(step, args["import_paths"])
            reasons[step["name"]] = ""
        except BaseException as error:  # noqa: BLE001 - foreign code: an import may raise anything
            reasons[step["name"]] = explain_failure(error)
    return {"reasons": reasons}


def step_sources(args: Dict[str, Any], emit: Emit) -> Dict[str, Any]:
    """Return the files of one of the user's own steps, and of those of the user's modules that it uses.

    Args:
        args: `step`, and `import_paths`.
        emit: not used.
    """
    from . import finn_access
    from .incremental.own import Own
    from .incremental.sources import closure, source_of
    from .steps import load_step, module_of, modules_behind

    del emit
    step = load_step(args["step"], args["import_paths"])
    own = Own([finn_access.load().folder, *finn_access.package_folders("qonnx")])
    modules = [module_of(args["step"], step), *modules_behind(step)]
    return {"files": sorted({str(source_of(each)) for module in modules for each in closure(module, own)})}
