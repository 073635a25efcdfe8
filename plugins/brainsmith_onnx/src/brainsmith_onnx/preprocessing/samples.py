"""Samples from a file, as steps use them to calibrate a model and to prove what they did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import numpy as np

from brainsmith_core.errors import ConfigurationError

from ..array_stream import ArrayStream, members
from ..models import Array, TensorInfo

if TYPE_CHECKING:
    from brainsmith_core.context import StepContext

__all__ = ["Samples", "load_samples", "resolve"]

#: How many samples are read at once where only some are used.
_PORTION = 256


@attrs.frozen(eq=False)
class Samples:
    """Samples, the first direction counting them, and their labels where there are some."""

    inputs: Array
    labels: Array | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def batches(self, tensor: TensorInfo) -> list[dict[str, Array]]:
        """Return the samples as sets of inputs of a model with a fixed batch size; a last part batch is left out.

        Args:
            tensor: the model's input.
        """
        size = tensor.batch or 1
        return [
            {tensor.name: np.asarray(self.inputs[start : start + size], tensor.dtype)}
            for start in range(0, len(self.inputs) - size + 1, size)
        ]


def resolve(context: StepContext, name: str, what: str) -> Path:
    """Return the path of a file that a parameter names, relative to the folder of the model that came in.

    Raises:
        ConfigurationError: if there is no such file.
    """
    path = Path(context.config.model_path).absolute().parent / name
    if not path.is_file():
        raise ConfigurationError(f"the {what} {path} doesn't exist", hint="paths start at the model's folder")
    return path


def load_samples(path: Path, tensor: TensorInfo, *, most: int | None = None) -> Samples:
    """Load samples that fit a model's input.

    Args:
        path: a `.npz` with `inputs` and maybe `labels`, or a `.npy`.
        tensor: the model's input.
        most: how many samples at most, taken evenly over the file; None for all.

    Raises:
        ConfigurationError: if the file can't be read, or its samples are of another shape, none, not numbers, or
            hold NaN or infinity, or if there aren't as many labels as samples.
    """
    is_archive = path.suffix == ".npz"
    labels = _labels(path) if is_archive else None
    with ArrayStream(path, "inputs" if is_archive else "") as stream:
        _check(stream, labels, tensor)
        total = len(stream)
        chosen = np.arange(total)
        if most is not None and total > most:
            chosen = np.linspace(0, total - 1, most).round().astype(np.int64)
        inputs = _read(stream, chosen)
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        first = int(chosen[np.argwhere(~np.isfinite(inputs))[0][0]])
        raise ConfigurationError(f"{path}: sample {first} holds NaN or infinity", hint="remove or mend such samples")
    return Samples(inputs, None if labels is None else labels[chosen])


def _labels(path: Path) -> Array | None:
    if "labels" not in members(path):
        return None
    with ArrayStream(path, "labels") as stream:
        return stream.read(len(stream))


def _read(stream: ArrayStream, chosen: Array) -> Array:
    """Return some rows, in order; no more than a portion of the others is in memory at once."""
    if len(chosen) == len(stream):
        return stream.read(len(stream))
    wanted = np.zeros(len(stream), np.bool_)
    wanted[chosen] = True
    parts = [stream.read(_PORTION)[wanted[start : start + _PORTION]] for start in range(0, len(stream), _PORTION)]
    return np.concatenate(parts)


def _check(stream: ArrayStream, labels: Array | None, tensor: TensorInfo) -> None:
    shape, wanted = stream.shape, tensor.shape
    if len(shape) != len(wanted) or any(
        isinstance(size, int) and size != given for size, given in zip(wanted[1:], shape[1:], strict=True)
    ):
        text = f"{stream.name} has samples of shape {shape[1:]}, but the model's input is {tensor}"
        raise ConfigurationError(text, hint="give samples of this model's input shape")
    if not len(stream):
        raise ConfigurationError(f"{stream.name} holds no samples")
    if stream.dtype.kind not in "fiub":
        raise ConfigurationError(f"{stream.name} holds samples of type {stream.dtype}, which are no numbers")
    if labels is not None and labels.shape != (len(stream),):
        text = f"{stream.path} has {len(stream)} samples, but labels of shape {labels.shape}"
        raise ConfigurationError(text, hint="give one whole number for each sample")
