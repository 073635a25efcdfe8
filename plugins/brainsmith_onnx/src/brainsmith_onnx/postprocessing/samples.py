"""Fit a dataset's samples to a model's input, or say why they don't."""

from __future__ import annotations

import math

import attrs
import numpy as np
import onnx

from brainsmith_core.errors import ConfigurationError

from ..datasets import Batch, Dataset
from ..models import Array, TensorInfo, describe

__all__ = ["Fit", "fit"]

_HINT = "a dataset of another model, or values that aren't scaled as this model takes them"


@attrs.frozen(kw_only=True)
class Fit:
    """How samples of a dataset become inputs of a model.

    Args:
        entry: the model's input.
        path: the dataset, for messages.
        kind: name of the input's QONNX data type, if the model says one with whole values.
        least: its least value.
        most: its greatest value.
    """

    entry: TensorInfo
    path: str
    kind: str = ""
    least: float = -math.inf
    most: float = math.inf

    def apply(self, batch: Batch) -> Array:
        """Return a batch's samples as the model takes them.

        Raises:
            ConfigurationError: for values that the model's input can't hold.
        """
        shape = tuple(size for size in self.entry.shape[1:] if isinstance(size, int))
        samples = batch.inputs.reshape(len(batch), *shape)
        result = samples.astype(self.entry.dtype)
        if result.dtype.kind in "iub" and samples.dtype.kind == "f":
            self._check(batch, samples, result != samples, f"the input {self.entry.name} is {self.entry.dtype}")
        if self.kind:
            wrong = (samples < self.least) | (samples > self.most) | (samples != np.floor(samples))
            text = f"the input {self.entry.name} is {self.kind} ({self.least:g} to {self.most:g}, whole numbers)"
            self._check(batch, samples, wrong, text)
        return result

    def _check(self, batch: Batch, samples: Array, wrong: Array, text: str) -> None:
        if wrong.any():
            row = int(np.flatnonzero(wrong.reshape(len(samples), -1).any(axis=1))[0])
            value = samples[row][wrong[row]].flat[0]
            where = f"sample {batch.start + row} of {self.path} holds {value:g}"
            raise ConfigurationError(f"{where}, but {text}", hint=_HINT)


def fit(model: onnx.ModelProto, dataset: Dataset, *, reshape: bool = False) -> Fit:
    """Return how a dataset's samples become a model's inputs.

    Args:
        model: the model; only the first direction of its input may be open.
        dataset: the samples.
        reshape: whether samples of another shape, but as many values, are taken row by row.

    Raises:
        ConfigurationError: if the shapes don't fit.
    """
    entry = describe(model).only_input()
    wanted, given = entry.shape[1:], dataset.sample_shape
    if not entry.shape or not all(isinstance(size, int) for size in wanted):
        text = f"the model's input has dynamic axes: {entry}"
        raise ConfigurationError(text, hint="export it again with fixed sizes; only the batch size may be open")
    if given != wanted and not (reshape and _values(given) == _values(wanted)):
        text = f"the samples of {dataset.path} have the shape {given}, but the model's input {entry} needs {wanted}"
        raise ConfigurationError(text, hint=_shape_hint(given, wanted))
    kind, least, most = _integer_type(model, entry.name)
    return Fit(entry=entry, path=str(dataset.path), kind=kind, least=least, most=most)


def _values(shape: tuple[int | str, ...]) -> int:
    return math.prod(size for size in shape if isinstance(size, int))


def _shape_hint(given: tuple[int, ...], wanted: tuple[int | str, ...]) -> str:
    if len(given) > 1 and sorted(given) == sorted(map(int, wanted)):
        return "the directions are in another order: transpose the samples"
    if _values(given) == _values(wanted):
        return "as many values in another shape: set reshape to true if they are in the same order"
    return "a dataset of another model"


def _integer_type(model: onnx.ModelProto, name: str) -> tuple[str, float, float]:
    from qonnx.core.modelwrapper import ModelWrapper

    kind = ModelWrapper(model).get_tensor_datatype(name)
    if kind is None or not kind.is_integer():
        return "", -math.inf, math.inf
    return kind.get_canonical_name(), float(kind.min()), float(kind.max())
