"""A sequence of transformations on a model, without FINN's builder."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict

from . import finn_access
from .graph import count_hardware
from .transforms import apply_transformations

__all__ = ["run_transformations"]


def run_transformations(args: Dict[str, Any], emit: Callable[[Dict[str, Any]], None]) -> Dict[str, Any]:
    """Apply transformations to a model and save what they make.

    Args:
        args: `model` and `output` (paths), `transforms`, `build_dir` (FINN_BUILD_DIR).
        emit: gets an event before and after each transformation.

    Returns:
        `nodes` (how many there are at the end), `hardware` (layers by kind).
    """
    finn_access.load()
    os.makedirs(args["build_dir"], exist_ok=True)
    finn_access.bootstrap().use_build_dir(args["build_dir"])
    model = apply_transformations(finn_access.load_model(args["model"]), args["transforms"], emit)
    model.save(args["output"])
    return {"nodes": len(model.graph.node), "hardware": count_hardware(model)}
