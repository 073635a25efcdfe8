"""Load and save models as one file each, with all their weights."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
from onnx import external_data_helper

from brainsmith_core.build.workspace import write_whole
from brainsmith_core.errors import ConfigurationError

if TYPE_CHECKING:
    from brainsmith_core.context import StepContext

__all__ = ["load_input", "load_model", "save_model"]

#: What one protobuf file can hold; a model beyond it can't be given to FINN as one file.
_MOST_BYTES = 2**31 - 1

_EXPORT_AGAIN = "export it again with onnx or qonnx"


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
