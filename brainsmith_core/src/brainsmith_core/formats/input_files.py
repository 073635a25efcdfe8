"""Files that flags and step parameters name: found by the name's ending, relative to the file that names them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..errors import MissingRequirementError
from .json_values import JSONValue

__all__ = ["names_input_file", "with_paths_from"]

#: A flag or parameter whose name ends in one of these words names a file that the build reads.
FILE_WORDS: Final = ("file", "path", "npy", "npz", "dataset")


def names_input_file(name: str) -> bool:
    """Return whether a flag or step parameter of that name holds the path of a file that the build reads.

    Example:
        >>> names_input_file("folding_config_file"), names_input_file("verify_input_npy"), names_input_file("board")
        (True, True, False)
    """
    words = name.split("_")
    return words[-1] in FILE_WORDS and words[0] != "output"


def with_paths_from(base: Path, name: str, value: JSONValue) -> JSONValue:
    """Return a value in which the path of an input file starts at `base`.

    Args:
        base: folder of the configuration or blueprint.
        name: the flag or parameter.
        value: its value.

    Raises:
        MissingRequirementError: if the file isn't there.
    """
    if not isinstance(value, str) or not names_input_file(name):
        return value
    path = base / value
    if not path.exists():
        raise MissingRequirementError(f'"{name}" names {path}, which doesn\'t exist', hint="check the path")
    return str(path)
