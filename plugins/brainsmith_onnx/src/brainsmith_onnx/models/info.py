"""What goes into a model and what comes out: names, types and shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import onnx

from brainsmith_core.errors import ConfigurationError, did_you_mean

__all__ = ["Array", "ModelInfo", "TensorInfo", "describe"]

Array = npt.NDArray[Any]


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
