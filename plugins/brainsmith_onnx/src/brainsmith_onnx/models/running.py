"""Run models, whichever engine they need.

Models of standard operators run in onnxruntime; models with QONNX or FINN operators run in qonnx, node by node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import onnx

from brainsmith_core.errors import ConfigurationError

from .info import Array, describe

__all__ = ["Runner", "expose", "is_custom", "readable_bytes"]

#: The newest file format that every onnxruntime since 1.18 reads. onnx gives new models its own newest one, also those
#: of one node that qonnx makes to run it, and onnxruntime, released less often, refuses them.
_READABLE_IR = 10
onnx.IR_VERSION = min(onnx.IR_VERSION, _READABLE_IR)  # type: ignore[assignment] # a plain number does as well


def is_custom(model: onnx.ModelProto) -> bool:
    """Whether a model has operators that only qonnx can run."""
    standard = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
    return any(node.domain not in standard for node in model.graph.node)


def expose(model: onnx.ModelProto, tensors: Sequence[str]) -> onnx.ModelProto:
    """Return a copy of a model that gives inner tensors as outputs too, behind its own.

    Args:
        model: the model.
        tensors: names of tensors that nodes compute; those that come in or go out anyway are left out.
    """
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    outer = {each.name for each in (*copied.graph.output, *copied.graph.input)}
    known = {each.name: each for each in copied.graph.value_info}
    for name in tensors:
        if name not in outer:
            plain = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
            copied.graph.output.append(known.get(name, plain))
            outer.add(name)
    inner = [each for name, each in known.items() if name not in outer]
    del copied.graph.value_info[:]
    copied.graph.value_info.extend(inner)
    return copied


class Runner:
    """Runs a model; one runner may be used for any number of samples.

    Args:
        model: the model; it isn't changed.
        engine: `onnxruntime`, `qonnx`, or None for the one that the model needs.
        threads: how many threads onnxruntime may use.

    Raises:
        ConfigurationError: if no engine can run it, with the reason.
    """

    def __init__(
        self, model: onnx.ModelProto, *, engine: Literal["onnxruntime", "qonnx"] | None = None, threads: int = 1
    ) -> None:
        self.info = describe(model)
        self.engine: Literal["onnxruntime", "qonnx"] = engine or ("qonnx" if is_custom(model) else "onnxruntime")
        self._outputs = [each.name for each in self.info.outputs]
        if self.engine == "qonnx":
            self._wrapped = _wrapped(model)
        else:
            self._session = _session(model, threads)

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Run the model once on inputs of its own shapes and return its outputs by name.

        Raises:
            ConfigurationError: if the engine fails, with its reason.
        """
        try:
            if self.engine == "qonnx":
                from qonnx.core.onnx_exec import execute_onnx

                found: dict[str, Array] = execute_onnx(self._wrapped, dict(feeds))
                return found
            return dict(zip(self._outputs, self._session.run(self._outputs, dict(feeds)), strict=True))
        except Exception as error:  # foreign code: what qonnx and onnxruntime raise has no common class
            text = f"the model can't be run by {self.engine}: {_first_line(error)}"
            raise ConfigurationError(text, category="model_load") from error

    def run_samples(self, samples: Array) -> Array:
        """Run the model over samples, in portions of its own batch size, and return its first output for each.

        Args:
            samples: one sample for each index of the first direction, in any number.

        Raises:
            ConfigurationError: if their shape isn't the one of the model's input.
        """
        parts = list(self.stream(samples))
        return np.concatenate(parts) if parts else np.empty((0,), np.float32)

    def stream(self, samples: Array) -> Iterator[Array]:
        """Yield the first output for portions of samples; never more than one portion is in memory.

        Raises:
            ConfigurationError: if their shape isn't the one of the model's input.
        """
        wanted = self.info.only_input()
        if len(samples.shape) != len(wanted.shape) or any(
            isinstance(size, int) and size != given
            for size, given in zip(wanted.shape[1:], samples.shape[1:], strict=True)
        ):
            text = f"samples of shape {tuple(samples.shape)} don't fit the model's input {wanted}"
            raise ConfigurationError(text, hint="give samples of that shape, the first direction counting them")
        size = wanted.batch or 64
        for start in range(0, len(samples), size):
            part = np.asarray(samples[start : start + size], dtype=wanted.dtype)
            fill = size - len(part) if wanted.batch else 0
            if fill:
                part = np.concatenate([part, np.repeat(part[-1:], fill, axis=0)])
            result = self.run({wanted.name: part})[self._outputs[0]]
            if result.ndim == 0 or len(result) != len(part):
                text = f"the model's output has shape {result.shape} for {len(part)} samples, not one row for each"
                raise ConfigurationError(text, hint="cut the part out that ends with one row for each (step cut)")
            yield result[: len(result) - fill] if fill else result


def _wrapped(model: onnx.ModelProto) -> Any:
    """Return the model as qonnx runs it: all shapes known."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.infer_shapes import InferShapes

    info = describe(model)
    for each in info.inputs:
        info.static_input(each.name)
    wrapped = ModelWrapper(model, make_deepcopy=True)
    if not wrapped.check_all_tensor_shapes_specified():
        try:
            wrapped = wrapped.transform(InferShapes())
        except Exception as error:  # foreign code: qonnx raises whatever its operators raise
            text = f"qonnx can't find out the model's shapes: {_first_line(error)}"
            raise ConfigurationError(text, category="model_load") from error
    if not wrapped.check_all_tensor_shapes_specified():
        text = "the model's shapes can't all be found out"
        hint = "fix its dynamic axes first (step change_batch_size) or export it with shapes"
        raise ConfigurationError(text, hint=hint, category="model_load")
    return wrapped


def _session(model: onnx.ModelProto, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            readable_bytes(model), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # foreign code: onnxruntime's exceptions have no public base class
        text = f"the model can't be run by onnxruntime: {_first_line(error)}"
        raise ConfigurationError(text, category="model_load") from error


def readable_bytes(model: onnx.ModelProto) -> bytes:
    """Return a model's bytes in a format that onnxruntime reads; what a newer one adds are types of elements."""
    version = model.ir_version
    try:
        model.ir_version = min(version, _READABLE_IR)
        return bytes(model.SerializeToString())
    finally:
        model.ir_version = version


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:500]
