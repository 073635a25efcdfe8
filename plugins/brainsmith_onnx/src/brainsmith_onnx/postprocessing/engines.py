"""Run a model over batches of samples: in onnxruntime where that gives what qonnx gives, else in qonnx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import attrs
import numpy as np
import onnx

from brainsmith_core.errors import ConfigurationError

from ..models import Array, ModelInfo, Runner, TensorInfo, describe, is_custom
from .lowering import NotLoweredError, lower

__all__ = ["Engine", "EngineChoice", "GraphRunner", "choose_engine"]

EngineChoice = Literal["auto", "onnxruntime", "qonnx"]


class GraphRunner(Protocol):
    """Runs a whole graph once."""

    def run(self, feeds: Mapping[str, Array], output: str) -> Array:
        """Return the output of a name."""


@attrs.frozen
class _Direct:
    """A graph as the preprocessing steps run it."""

    runner: Runner

    def run(self, feeds: Mapping[str, Array], output: str) -> Array:
        return self.runner.run(feeds)[output]


@attrs.frozen(kw_only=True)
class Engine:
    """A model ready to run over any number of samples.

    Args:
        name: what runs it.
        reason: why that one.
        input: the model's input; its first size is the number of samples of one run.
        output: the name of the output that counts.
        runner: runs it.
        checked: how many samples were run in qonnx as well, with equal outputs.
        portion: at most how many samples the runner takes at once, where any number will do.
    """

    name: str
    reason: str
    input: TensorInfo
    output: str
    runner: GraphRunner
    checked: int = 0
    portion: int | None = None

    def run(self, samples: Array) -> Array:
        """Return the output for each sample, in portions of the model's own batch size.

        Args:
            samples: of the input's shape and type, in any number greater than 0.

        Raises:
            ConfigurationError: if the model can't be run, or gives less than one output for each sample.
        """
        size = self.portion or self.input.batch or 1
        parts = [self._portion(samples[start : start + size], size) for start in range(0, len(samples), size)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _portion(self, samples: Array, size: int) -> Array:
        fill = 0 if self.portion else size - len(samples)
        full = np.concatenate([samples, np.repeat(samples[-1:], fill, axis=0)]) if fill else samples
        result = self.runner.run({self.input.name: full}, self.output)
        if result.ndim == 0 or len(result) != len(full):
            text = f"the model gives an output of shape {result.shape} for {len(full)} samples"
            raise ConfigurationError(text, hint="its output's first direction must count the samples")
        return result[: len(samples)]


class _Session:
    """A graph in onnxruntime, as it stands: no operator is changed or joined with another."""

    def __init__(self, model: onnx.ModelProto, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        # Weights in an order of onnxruntime's own are summed in another order than qonnx has them summed.
        options.add_session_config_entry("session.disable_prepacking", "1")
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            model.SerializeToString(), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def run(self, feeds: Mapping[str, Array], output: str) -> Array:
        """Return the output of a name."""
        found: Array = self._session.run([output], dict(feeds))[0]
        return found


def choose_engine(
    model: onnx.ModelProto,
    probe: Array,
    *,
    wanted: EngineChoice = "auto",
    output: str | None = None,
    batch_size: int | None = None,
    threads: int = 1,
) -> Engine:
    """Return what runs a model, and make sure that it gives what running it directly gives.

    A model of standard operators runs in onnxruntime. One with QONNX operators runs there too, written in standard
    operators, if its outputs for the probe are those of qonnx to the last bit; else in qonnx, node by node.

    Args:
        model: the model; it isn't changed.
        probe: samples to compare the engines with, of the input's shape and type.
        wanted: the engine that the user asks for.
        output: name of the output that counts, where there are several.
        batch_size: samples of one run, if not as many as the model itself says.
        threads: how many threads onnxruntime may use.

    Raises:
        ConfigurationError: if the model can't be run in this way.
    """
    model = with_fixed_batch(model, 1)
    info = describe(model)
    make = _Maker(info=info, output=_output(info, output), threads=threads)
    if not is_custom(model) and wanted != "qonnx":
        engine = make.engine(
            "onnxruntime", "all its operators are standard ones", _Direct(Runner(model, threads=threads))
        )
    else:
        engine = _for_custom(model, make, probe, wanted)
    if batch_size is None or batch_size == engine.input.batch:
        return engine
    return _batched(model, make, engine, probe, batch_size)


@attrs.frozen(kw_only=True)
class _Maker:
    """Makes engines of one model."""

    info: ModelInfo
    output: str
    threads: int

    def engine(self, name: str, reason: str, runner: GraphRunner, checked: int = 0) -> Engine:
        """Return an engine."""
        entry = self.info.static_input()
        return Engine(name=name, reason=reason, input=entry, output=self.output, runner=runner, checked=checked)


def _output(info: ModelInfo, wanted: str | None) -> str:
    names = [each.name for each in info.outputs]
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted in names:
        return str(wanted)
    what = f'has no output "{wanted}"' if wanted else f"has {len(names)} outputs"
    raise ConfigurationError(f"the model {what}", hint=f"set output to one of {', '.join(names)}")


def _for_custom(model: onnx.ModelProto, make: _Maker, probe: Array, wanted: EngineChoice) -> Engine:
    reference = make.engine("qonnx", "asked for" if wanted == "qonnx" else "", _Direct(Runner(model, engine="qonnx")))
    if wanted == "qonnx":
        return reference
    reason = ""
    try:
        runner = _Session(lower(folded(model)), make.threads)
    except NotLoweredError as error:
        reason = error.message
    except Exception as error:  # noqa: BLE001 - foreign code: onnxruntime's exceptions have no public base class
        reason = f"onnxruntime refuses it: {type(error).__name__}: {error}".splitlines()[0][:300]
    else:
        fast = make.engine("onnxruntime", "QONNX operators written in standard ones", runner, len(probe))
        if np.array_equal(reference.run(probe), fast.run(probe)):
            return fast
        reason = f"onnxruntime's outputs differ from qonnx's for the first {len(probe)} samples"
    if wanted == "onnxruntime":
        raise ConfigurationError(f"the model can't be run exactly in onnxruntime: {reason}", hint="set engine to qonnx")
    return attrs.evolve(reference, reason=reason)


def _batched(model: onnx.ModelProto, make: _Maker, single: Engine, probe: Array, size: int) -> Engine:
    """Return an engine that runs more samples at once, if that gives the same."""
    if single.name != "onnxruntime":
        raise ConfigurationError("batch_size needs onnxruntime, but the model runs in qonnx", hint=single.reason)
    custom = is_custom(model)
    larger = with_batch(lower(folded(model)) if custom else model, size)
    try:
        runner: GraphRunner = (
            _Session(larger, make.threads) if custom else _Direct(Runner(larger, threads=make.threads))
        )
        maker = attrs.evolve(make, info=describe(larger))
        engine = maker.engine("onnxruntime", f"{single.reason}, {size} samples at once", runner, single.checked)
        equal = np.array_equal(single.run(probe), engine.run(probe))
    except Exception as error:  # foreign code: what onnxruntime raises has no public base class
        text = f"the model can't be run with a batch of {size}: {type(error).__name__}: {error}".splitlines()[0]
        raise ConfigurationError(
            text[:400], hint="leave batch_size out, or change the model (step change_batch_size)"
        ) from error
    if not equal:
        text = f"the model gives other outputs with a batch of {size} than sample by sample"
        raise ConfigurationError(text, hint="leave batch_size out: the result would depend on it")
    return engine


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with all that doesn't depend on the input calculated, by qonnx."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.fold_constants import FoldConstants
    from qonnx.transformation.infer_shapes import InferShapes

    wrapped = ModelWrapper(model, make_deepcopy=True).transform(InferShapes())
    result: onnx.ModelProto = wrapped.transform(FoldConstants(exclude_op_types=[])).model
    return result


def with_fixed_batch(model: onnx.ModelProto, size: int) -> onnx.ModelProto:
    """Return the model with a batch size; where it says one itself, it stays as it is."""
    entry = describe(model).only_input()
    if not entry.shape or isinstance(entry.shape[0], int):
        return model
    return with_batch(model, size)


def with_batch(model: onnx.ModelProto, size: int) -> onnx.ModelProto:
    """Return a copy of the model whose input and outputs count `size` samples; shapes between are found out anew."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    name = describe(changed).only_input().name
    entry = next(each for each in changed.graph.input if each.name == name)
    for each in (entry, *changed.graph.output):
        if each.type.tensor_type.shape.dim:
            each.type.tensor_type.shape.dim[0].dim_value = size
    del changed.graph.value_info[:]
    return changed
