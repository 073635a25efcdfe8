"""The step `verify_model`: what is wrong with a model is said at once, not after hours."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx

from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue

from ..models import Runner, describe, load_input, random_inputs
from .operators import Unsupported, unsupported_nodes
from .report import outcome, shapes
from .samples import load_samples, resolve

__all__ = ["run"]

_MOST_SAMPLES = 8


def run(context: StepContext) -> StepOutcome:
    """Load the model, check it, run it, and name the operators that FINN can't build; the model stays as it is.

    Raises:
        ConfigurationError: for whatever is wrong with the model.
    """
    given: dict[str, Any] = context.parameters
    model = load_input(context)
    _check(model)
    found = unsupported_nodes(model, _names(given["allow"]))
    if found and given["unsupported"] == "fail":
        raise ConfigurationError(_text(found), hint="quantise, replace or cut them, or name them in `allow`")
    engine, sets, largest = _try(model, context)
    report: dict[str, JSONValue] = {
        **shapes(model),
        "operators": dict(sorted(Counter(node.op_type for node in model.graph.node).items())),
        "engine": engine,
        "runs": sets,
        "largest_output": largest,
        "unsupported": [{"node": each.node, "operator": each.operator, "reason": each.reason} for each in found],
    }
    return outcome(context, report, warnings=[_text(found)] if found else [])


def _names(value: list[Any]) -> list[str]:
    for each in value:
        if not isinstance(each, str):
            raise ConfigurationError(f"allow must be a list of operator names, but holds {each!r}")
    return value


def _check(model: onnx.ModelProto) -> None:
    """Check the model's structure.

    onnx knows nothing of QONNX's operators and leaves them out, where the model says which versions of them it uses.
    Many exporters don't say it, and no reader of QONNX minds.
    """
    known = len(model.opset_import)
    said = {each.domain for each in model.opset_import}
    unsaid = sorted({node.domain for node in model.graph.node if node.domain} - said)
    model.opset_import.extend(onnx.helper.make_opsetid(domain, 1) for domain in unsaid)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        text = f"the model is no valid ONNX model: {str(error).strip().splitlines()[0]}"
        raise ConfigurationError(text, hint="export it again", category="model_load") from error
    finally:
        del model.opset_import[known:]


def _text(found: list[Unsupported]) -> str:
    shown = "; ".join(str(each) for each in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"FINN can't build {len(found)} of the model's nodes: {shown}{more}"


def _try(model: onnx.ModelProto, context: StepContext) -> tuple[str, int, float]:
    """Run the model; return the engine, how often it ran, and the greatest absolute value that came out."""
    given: dict[str, Any] = context.parameters
    info = describe(model)
    if given["samples"] is None:
        sets = random_inputs(info, 1, given["seed"])
    else:
        tensor = info.static_input()
        samples = load_samples(resolve(context, given["samples"], "samples"), tensor, most=_MOST_SAMPLES)
        sets = samples.batches(tensor)
    runner = Runner(model)
    largest = 0.0
    for feeds in sets:
        for name, value in runner.run(feeds).items():
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise ConfigurationError(f'the model\'s output "{name}" is NaN or infinite for finite inputs')
            largest = max(largest, float(np.max(np.abs(value.astype(np.float64)), initial=0.0)))
    return runner.engine, len(sets), largest
