"""Load, save, describe, run and compare (Q)ONNX models, whichever engine they need.

Models of standard operators run in onnxruntime; models with QONNX or FINN operators run in qonnx, node by node.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import onnx
from onnx import external_data_helper

from brainsmith_core.build.workspace import write_whole
from brainsmith_core.errors import ConfigurationError, did_you_mean

if TYPE_CHECKING:
    from brainsmith_core.context import StepContext

__all__ = [
    "Array",
    "Comparison",
    "ModelInfo",
    "Runner",
    "TensorInfo",
    "compare",
    "describe",
    "expose",
    "is_custom",
    "load_input",
    "load_model",
    "random_inputs",
    "readable_bytes",
    "save_model",
    "tally",
]

Array = npt.NDArray[Any]

#: What one protobuf file can hold; a model beyond it can't be given to FINN as one file.
_MOST_BYTES = 2**31 - 1

#: The newest file format that every onnxruntime since 1.18 reads. onnx gives new models its own newest one, also those
#: of one node that qonnx makes to run it, and onnxruntime, released less often, refuses them.
_READABLE_IR = 10
onnx.IR_VERSION = min(onnx.IR_VERSION, _READABLE_IR)  # type: ignore[assignment] # a plain number does as well

_EXPORT_AGAIN = "export it again with onnx or qonnx"


@attrs.frozen
class TensorInfo:
    """An input or output of a model.

    Args:
        name: its name in the graph.
        dtype: the NumPy type of its elements, such as `float32`.
        shape: its size in each direction; a text where the model leaves it open.
        datatype: what QONNX knows of its values, such as `UINT5`, or "".

    Example:
        >>> TensorInfo("x", "float32", ("N", 64)).is_static
        False
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    datatype: str = ""

    @property
    def is_static(self) -> bool:
        """Whether every size is known."""
        return all(isinstance(size, int) for size in self.shape)

    @property
    def batch(self) -> int | None:
        """The size of the first direction, or None if the model leaves it open."""
        return self.shape[0] if self.shape and isinstance(self.shape[0], int) else None

    def __str__(self) -> str:
        datatype = f" {self.datatype}" if self.datatype not in ("", "FLOAT32") else ""
        return f"{self.name} ({', '.join(str(size) for size in self.shape)}) {self.dtype}{datatype}"


@attrs.frozen
class ModelInfo:
    """What goes into a model and what comes out; weights that are listed as inputs are left out."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    def only_input(self) -> TensorInfo:
        """Return the model's input.

        Raises:
            ConfigurationError: if it hasn't exactly one.
        """
        if len(self.inputs) != 1:
            names = ", ".join(each.name for each in self.inputs) or "none"
            text = f"the model must have one input, but has {len(self.inputs)}: {names}"
            raise ConfigurationError(text, hint="cut a part with one input out of it (step cut)")
        return self.inputs[0]

    def input(self, name: str) -> TensorInfo:
        """Return the input of a name.

        Raises:
            ConfigurationError: if there is none, with the nearest name.
        """
        for each in self.inputs:
            if each.name == name:
                return each
        hint = did_you_mean(name, (each.name for each in self.inputs))
        raise ConfigurationError(f'the model has no input "{name}"', hint=hint or None)

    def static_input(self, name: str | None = None) -> TensorInfo:
        """Return the only input, or the one of a name, whose sizes must all be known.

        Raises:
            ConfigurationError: if it has dynamic axes, with what to do about it.
        """
        found = self.only_input() if name is None else self.input(name)
        if not found.is_static:
            text = f"the model's input has dynamic axes: {found}"
            raise ConfigurationError(text, hint="fix the batch size first (step change_batch_size) or export it again")
        return found


def load_model(path: Path, *, data_folder: Path | None = None) -> onnx.ModelProto:
    """Load a model with all its weights and check it.

    Args:
        path: the model.
        data_folder: where external weights lie if they aren't beside the model.

    Returns:
        The model, self-contained: saved, it needs no other file.

    Raises:
        ConfigurationError: if it can't be read, is no valid model, or its external data are missing or too large.

    Example:
        >>> load_model(Path("no_such_file.onnx"))
        Traceback (most recent call last):
        ...
        brainsmith_core.errors.ConfigurationError: the model no_such_file.onnx can't be read: No such file or directory
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        text = f"the model {path} can't be read: {error.strerror or error}"
        raise ConfigurationError(text, category="model_load") from error
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's parser: its error class differs between implementations
        text = f"{path} is no ONNX model: {type(error).__name__}: {error}"
        raise ConfigurationError(text, hint=_EXPORT_AGAIN, category="model_load") from error
    if not model.graph.node:
        text = f"{path} is no ONNX model, or one without nodes"
        raise ConfigurationError(text, hint=_EXPORT_AGAIN, category="model_load")
    _load_external_data(model, path, data_folder or path.parent)
    return model


def load_input(context: StepContext) -> onnx.ModelProto:
    """Load the model that goes into a step.

    The build copies the model file alone, so external weights are looked for beside the model that came in. qonnx gives
    new tensors random names; from here on they are the same each time, so that equal input gives an equal model.

    Raises:
        ConfigurationError: as for `load_model`.
    """
    random.seed(0)
    return load_model(Path(context.model_path), data_folder=Path(context.config.model_path).parent)


def _load_external_data(model: onnx.ModelProto, path: Path, folder: Path) -> None:
    tensors = [each for each in _tensors(model) if external_data_helper.uses_external_data(each)]
    if not tensors:
        return
    places = {_location(each, path) for each in tensors}
    for place in sorted(places):
        file = folder / place
        if Path(place).is_absolute() or not file.resolve().is_relative_to(folder.resolve()):
            text = f"the model {path} keeps weights in {place}, which is outside its folder"
            raise ConfigurationError(text, hint="export it again, as one file", category="model_load")
        if not file.is_file():
            text = f"the model {path} keeps weights in {place}, which isn't in {folder}"
            hint = "put that file beside the model, or export it as one file"
            raise ConfigurationError(text, hint=hint, category="model_load")
    size = sum((folder / place).stat().st_size for place in places)
    if size > _MOST_BYTES:
        text = f"the model {path} has {size / 2**30:.1f} GiB of external weights; one file can't hold more than 2 GiB"
        raise ConfigurationError(text, hint="cut it into parts first", category="model_load")
    try:
        external_data_helper.load_external_data_for_model(model, str(folder))
    except (ValueError, OSError, onnx.checker.ValidationError) as error:
        text = f"the external weights of {path} can't be read: {error}"
        raise ConfigurationError(text, hint="copy or export them again", category="model_load") from error


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t


def _location(tensor: onnx.TensorProto, path: Path) -> str:
    for entry in tensor.external_data:
        if entry.key == "location":
            return str(entry.value)
    text = f"the model {path} doesn't say where the weights {tensor.name} are"
    raise ConfigurationError(text, hint=_EXPORT_AGAIN, category="model_load")


def save_model(model: onnx.ModelProto, path: Path) -> None:
    """Save a model as one file, whole or not at all; equal models give equal bytes.

    Raises:
        ConfigurationError: if it is larger than one file can be.
    """
    if model.ByteSize() > _MOST_BYTES:
        raise ConfigurationError(f"the model for {path} is larger than 2 GiB", hint="cut it into parts first")
    write_whole(path, model.SerializeToString(deterministic=True))


def describe(model: onnx.ModelProto) -> ModelInfo:
    """Return a model's inputs and outputs."""
    weights = {each.name for each in model.graph.initializer}
    known = _datatypes(model)
    return ModelInfo(
        inputs=tuple(_tensor(each, known) for each in model.graph.input if each.name not in weights),
        outputs=tuple(_tensor(each, known) for each in model.graph.output),
    )


def _datatypes(model: onnx.ModelProto) -> dict[str, str]:
    """Return what QONNX knows of tensors' values."""
    return {
        note.tensor_name: entry.value
        for note in model.graph.quantization_annotation
        for entry in note.quant_parameter_tensor_names
        if entry.key == "finn_datatype"
    }


def _tensor(info: onnx.ValueInfoProto, known: Mapping[str, str]) -> TensorInfo:
    kind = info.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type) if kind.elem_type else np.dtype(object)
    shape = tuple(_size(each) for each in kind.shape.dim) if kind.HasField("shape") else ("?",)
    return TensorInfo(info.name, dtype.name, shape, known.get(info.name, ""))


def _size(dimension: onnx.TensorShapeProto.Dimension) -> int | str:
    if dimension.HasField("dim_value") and dimension.dim_value > 0:
        return int(dimension.dim_value)
    return dimension.dim_param or "?"


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


def random_inputs(info: ModelInfo, count: int, seed: int = 0) -> list[dict[str, Array]]:
    """Return sets of random inputs that fit a model: whole numbers for integer types, else a normal
    distribution.

    Args:
        info: the model's inputs.
        count: how many sets.
        seed: equal seeds give equal inputs.

    Raises:
        ConfigurationError: if an input has dynamic axes.
    """
    generator = np.random.default_rng(seed)
    return [{each.name: _random(generator, info.static_input(each.name)) for each in info.inputs} for _ in range(count)]


def _random(generator: np.random.Generator, tensor: TensorInfo) -> Array:
    shape = [size for size in tensor.shape if isinstance(size, int)]
    dtype = np.dtype(tensor.dtype)
    if tensor.datatype:
        return _random_of(generator, tensor.datatype, shape).astype(dtype)
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return generator.integers(max(limits.min, -128), min(limits.max, 127), shape, endpoint=True).astype(dtype)
    return generator.standard_normal(shape).astype(dtype)


def _random_of(generator: np.random.Generator, name: str, shape: list[int]) -> Array:
    """Return random values of a type of QONNX; of a wide one, those around 0."""
    from qonnx.core.datatype import DataType

    datatype = DataType[name]
    if not datatype.is_integer():
        return generator.standard_normal(shape)
    if name == "BIPOLAR":
        return 2 * generator.integers(0, 2, shape) - 1
    low, high = max(datatype.min(), -(2**15)), min(datatype.max(), 2**15)
    return generator.integers(int(low), int(high), shape, endpoint=True)


@attrs.frozen
class Comparison:
    """How far two models' outputs are apart.

    Args:
        sets: how many sets of inputs were run.
        largest_difference: the greatest absolute difference of any two values.
        largest_value: the greatest absolute value that the first model gave.
        agree: whether all values agree within the tolerance.
    """

    sets: int
    largest_difference: float
    largest_value: float
    agree: bool


def compare(
    before: Runner, after: Runner, inputs: Sequence[Mapping[str, Array]], *, rtol: float, atol: float
) -> Comparison:
    """Run two models on the same inputs and compare their outputs, in order.

    Args:
        before: the model that says what is right.
        after: the model that shall give the same.
        inputs: sets of inputs, by the names of the first; the second model's are taken in the same order.
        rtol: allowed difference relative to the first model's value.
        atol: allowed absolute difference, in units of the output.

    Raises:
        ConfigurationError: if one of them can't be run.
    """
    names = dict(zip((each.name for each in before.info.inputs), (x.name for x in after.info.inputs), strict=True))
    pairs = (
        pair
        for feeds in inputs
        for pair in zip(
            before.run(feeds).values(),
            after.run({names[name]: array for name, array in feeds.items()}).values(),
            strict=True,
        )
    )
    return tally(pairs, sets=len(inputs), rtol=rtol, atol=atol)


def tally(pairs: Iterable[tuple[Array, Array]], *, sets: int, rtol: float, atol: float) -> Comparison:
    """Compare arrays pair by pair.

    Args:
        pairs: what is right, and what shall be the same.
        sets: how many sets of inputs they are of.
        rtol: allowed difference relative to what is right.
        atol: allowed absolute difference.

    Example:
        >>> tally([(np.array([1.0]), np.array([1.5]))], sets=1, rtol=0.0, atol=0.1).largest_difference
        0.5
    """
    difference = value = 0.0
    agree = True
    for first, second in pairs:
        if first.shape != second.shape:
            return Comparison(sets, float("inf"), value, agree=False)
        wide = np.asarray(first, np.float64), np.asarray(second, np.float64)
        difference = max(difference, float(np.max(np.abs(wide[0] - wide[1]), initial=0.0)))
        value = max(value, float(np.max(np.abs(wide[0]), initial=0.0)))
        agree = agree and bool(np.allclose(wide[1], wide[0], rtol=rtol, atol=atol))
    return Comparison(sets, difference, value, agree)
