"""Samples from a file, as steps use them to calibrate a model and to prove what they did."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import numpy as np

from brainsmith_core.errors import ConfigurationError, did_you_mean

from ..models import Array, TensorInfo

if TYPE_CHECKING:
    from brainsmith_core.context import StepContext

__all__ = ["Samples", "load_samples", "resolve"]


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
    inputs, labels = _read(path)
    _check(path, inputs, labels, tensor)
    if most is not None and len(inputs) > most:
        chosen = np.linspace(0, len(inputs) - 1, most).round().astype(np.int64)
        inputs, labels = inputs[chosen], None if labels is None else labels[chosen]
    inputs = np.asarray(inputs)
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        first = int(np.argwhere(~np.isfinite(inputs))[0][0])
        raise ConfigurationError(f"{path}: sample {first} holds NaN or infinity", hint="remove or mend such samples")
    return Samples(inputs, labels)


def _read(path: Path) -> tuple[Array, Array | None]:
    try:
        # Samples of a .npy are read where they lie, and only those that are used.
        content = np.load(path, mmap_mode="r" if path.suffix == ".npy" else None, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content, None
        with content as archive:
            if "inputs" not in archive:
                text = f'{path} has no array "inputs"'
                raise ConfigurationError(text, hint=did_you_mean("inputs", archive.files) or None)
            return archive["inputs"], archive.get("labels")
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        text = f"the samples {path} can't be read: {error}"
        raise ConfigurationError(text, hint="give a .npz with inputs (and labels), or a .npy") from error


def _check(path: Path, inputs: Array, labels: Array | None, tensor: TensorInfo) -> None:
    wanted = tensor.shape[1:]
    if inputs.ndim != len(tensor.shape) or any(
        isinstance(size, int) and size != given for size, given in zip(wanted, inputs.shape[1:], strict=True)
    ):
        text = f"{path} has samples of shape {tuple(inputs.shape[1:])}, but the model's input is {tensor}"
        raise ConfigurationError(text, hint="give samples of this model's input shape")
    if not len(inputs):
        raise ConfigurationError(f"{path} holds no samples")
    if inputs.dtype.kind not in "fiub":
        raise ConfigurationError(f"{path} holds samples of type {inputs.dtype}, which are no numbers")
    if labels is not None and labels.shape != (len(inputs),):
        text = f"{path} has {len(inputs)} samples, but labels of shape {tuple(labels.shape)}"
        raise ConfigurationError(text, hint="give one whole number for each sample")
