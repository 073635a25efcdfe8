"""A first look at a model file, without the onnx package: is it there, and can it be an ONNX model at all."""

from __future__ import annotations

import stat
from pathlib import Path

from ..errors import ConfigurationError, MissingRequirementError
from .external_data import external_files

__all__ = ["check_model_file"]

#: Tags of the fields of ONNX's ModelProto (field number and wire type), with which such a file begins.
_MODEL_PROTO_TAGS = {0x08, 0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72, 0xA2, 0xCA}


def check_model_file(path: Path) -> None:
    """Check that a file may be an ONNX model.

    Args:
        path: the model.

    Raises:
        MissingRequirementError: if there is no such file.
        ConfigurationError: if it is empty, can't be read, certainly is no ONNX model, or keeps weights in other files.
    """
    try:
        # Looked at before it is opened: opening a pipe waits for somebody to write.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigurationError(f"the model {path} is no file", hint="give an ONNX file", category="model_load")
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise MissingRequirementError(
            f"the model {path} doesn't exist",
            hint="check the path; relative paths start at the configuration's folder",
            category="model_load",
        ) from None
    except OSError as error:
        text = f"the model {path} can't be read: {error.strerror or error}"
        raise ConfigurationError(text, category="model_load") from error
    if not head:
        raise ConfigurationError(f"the model {path} is empty", hint="export it again", category="model_load")
    if head[0] not in _MODEL_PROTO_TAGS or _is_text(head):
        raise ConfigurationError(
            f"{path} is no ONNX model: it begins with {head[:16]!r}",
            hint="give a model exported with onnx or qonnx (git LFS pointers must be fetched first)",
            category="model_load",
        )
    _check_is_whole(path)


def _check_is_whole(path: Path) -> None:
    """Refuse weights in other files: the model's digest tells builds apart, and those files aren't in it."""
    files = external_files(path)
    if files:
        names = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
        raise ConfigurationError(
            f"the model {path} keeps weights in other files (external data): {names}",
            hint="save it as one file: python -c \"import onnx; onnx.save(onnx.load('MODEL.onnx'), 'WHOLE.onnx')\"",
            category="model_load",
        )


def _is_text(head: bytes) -> bool:
    """Whether the bytes are plain text; an ONNX file has control bytes right at its beginning."""
    try:
        text = head.decode()
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n" for character in text)
