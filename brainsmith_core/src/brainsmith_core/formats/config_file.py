"""Read a build's configuration from a YAML or JSON file that a user wrote."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..config import BuildConfig
from ..errors import ConfigurationError
from .input_files import with_paths_from
from .json_values import JSONValue, checked_json, checked_json_dict

__all__ = ["load_build_config", "parse_assignments", "read_mapping"]


def read_mapping(path: Path) -> dict[str, JSONValue]:
    """Return the mapping that a YAML or JSON file holds.

    Raises:
        MissingRequirementError: if there is no such file.
        ConfigurationError: if it can't be read or holds something else, with file and line.
    """
    # Imported here: `--help` needs no YAML.
    from .yaml_nodes import read_yaml

    return checked_json_dict(read_yaml(path).data(), str(path))


def load_build_config(
    path: Path, *, output_dir: Path | None = None, flags: dict[str, JSONValue] | None = None
) -> BuildConfig:
    """Return the build that a file describes.

    The keys are those of `BuildConfig`. `id` may be absent (the file's name), and so may `output_dir`
    (`<working_directory>/<id>`). Relative paths in the file start at its folder.

    Args:
        path: the file, YAML or JSON.
        output_dir: takes the place of the file's `output_dir`; relative to the working directory.
        flags: set over the file's `config_flags`.

    Raises:
        ConfigurationError: for a wrong file.
    """
    data = read_mapping(path)
    base = path.absolute().parent
    data.setdefault("id", path.stem)
    if isinstance(data.get("model_path"), str):
        data["model_path"] = str(base / str(data["model_path"]))
    if output_dir is not None:
        data["output_dir"] = str(output_dir.absolute())
    elif isinstance(data.get("output_dir"), str):
        data["output_dir"] = str(base / str(data["output_dir"]))
    else:
        settings = data.get("global_config")
        folder = settings.get("working_directory", "./builds") if isinstance(settings, dict) else "./builds"
        data["output_dir"] = str(base / str(folder) / str(data["id"]))
    _place_input_files(data, base)
    if flags:
        given = data.get("config_flags") or {}
        here = {name: with_paths_from(Path.cwd(), name, value) for name, value in flags.items()}
        data["config_flags"] = {**checked_json_dict(given, f"{path}.config_flags"), **here}
    return BuildConfig.from_dict(data, str(path))


def _place_input_files(data: dict[str, JSONValue], base: Path) -> None:
    """Let the files that flags and step parameters name start at the configuration's folder."""
    steps = [*_listed(data.get("preprocessing")), *_listed(data.get("postprocessing"))]
    for values in (data.get("config_flags"), *(step.get("parameters") for step in steps)):
        if isinstance(values, dict):
            values |= {name: with_paths_from(base, name, value) for name, value in values.items()}


def _listed(steps: JSONValue) -> list[dict[str, JSONValue]]:
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def parse_assignments(texts: Iterable[str]) -> dict[str, JSONValue]:
    """Return flags from texts such as `target_fps=1000`; a value is read as YAML.

    Raises:
        ConfigurationError: for a text without `=`.

    Example:
        >>> parse_assignments(["target_fps=1000", "board=Pynq-Z1"])
        {'target_fps': 1000, 'board': 'Pynq-Z1'}
    """
    import yaml

    values: dict[str, JSONValue] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigurationError(f'"{text}" sets no flag', hint="write it as NAME=VALUE")
        try:
            values[name] = checked_json(yaml.safe_load(value), name)
        except yaml.YAMLError as error:
            raise ConfigurationError(f'"{text}" has a value that is no YAML: {_first_line(error)}') from error
    return values


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())
