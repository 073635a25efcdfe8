"""Transformations of QONNX and FINN, applied one after the other, each one reported."""

from __future__ import annotations

import importlib
import time
from typing import Any, Callable, Dict, List

__all__ = ["TransformationError", "apply_transformations", "load_transformation"]


class TransformationError(RuntimeError):
    """A transformation can't be made, or failed; the message names it."""


def load_transformation(spec: Dict[str, Any]) -> Any:
    """Return a transformation object.

    Args:
        spec: `module`, `name` and `parameters`.

    Raises:
        TransformationError: if there is no such class, or it doesn't take the parameters.
    """
    try:
        made = getattr(importlib.import_module(spec["module"]), spec["name"])
        return made(**spec["parameters"])
    except (ImportError, AttributeError, TypeError) as error:
        text = f"transformation {spec['name']} of {spec['module']} can't be made: {type(error).__name__}: {error}"
        raise TransformationError(text) from error


def apply_transformations(model: Any, specs: List[Dict[str, Any]], emit: Callable[[Dict[str, Any]], None]) -> Any:
    """Return the model after all transformations, in order.

    Args:
        model: a ModelWrapper.
        specs: see `load_transformation`.
        emit: gets a `transform_started` and a `transform_finished` event for each.

    Raises:
        TransformationError: if one of them fails; its cause is the transformation's own exception.
    """
    made = [load_transformation(spec) for spec in specs]
    for index, (spec, transformation) in enumerate(zip(specs, made), start=1):
        about = {"transform": spec["name"], "index": index, "total": len(specs)}
        emit({"kind": "transform_started", **about})
        started, before = time.perf_counter(), len(model.graph.node)
        try:
            model = model.transform(transformation)
        except Exception as error:  # foreign code: the message gets the transformation's name
            text = f"transformation {spec['name']} failed: {type(error).__name__}: {error}"
            raise TransformationError(text) from error
        seconds = round(time.perf_counter() - started, 6)
        nodes = {"nodes_before": before, "nodes_after": len(model.graph.node)}
        emit({"kind": "transform_finished", **about, **nodes, "seconds": seconds})
    return model
