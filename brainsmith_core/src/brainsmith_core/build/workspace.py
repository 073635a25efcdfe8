"""The folder of one build, and how files get into it: whole, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import attrs

from ..config import BuildConfig
from ..errors import ConfigurationError
from ..formats.json_values import JSONValue, readable_json
from ..formats.serialization import from_data
from ..metric import Metric
from ..result import BuildResult

__all__ = ["Workspace", "config_digest", "file_digest", "read_json", "write_json", "write_whole"]


#: Everything that a build's folder may hold; a folder with anything else in it is never cleared.
_ENTRIES = {
    *("config.json", "model.onnx", "processed_model.onnx", "final_model.onnx", "build.log", "events.jsonl"),
    *(
        "metrics.json",
        "result.json",
        "artifacts",
        "preprocessing_logs",
        "postprocessing_logs",
        "backend_specific",
    ),
}

#: What `write_whole` writes before it is whole.
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.\d+\.tmp")


@attrs.frozen
class Workspace:
    """The folder of one build.

    Args:
        root: the build's `output_dir`.

    Example:
        >>> Workspace(Path("out")).result.name
        'result.json'
    """

    root: Path = attrs.field(converter=Path)

    @property
    def config(self) -> Path:
        """The BuildConfig; reads back to an equal object."""
        return self.root / "config.json"

    @property
    def model(self) -> Path:
        """The model that came in, copied."""
        return self.root / "model.onnx"

    @property
    def processed_model(self) -> Path:
        """The model after preprocessing."""
        return self.root / "processed_model.onnx"

    @property
    def final_model(self) -> Path:
        """The model that the backend ended with."""
        return self.root / "final_model.onnx"

    @property
    def log(self) -> Path:
        """What the build and its tools printed."""
        return self.root / "build.log"

    @property
    def events(self) -> Path:
        """What happened, one JSON document a line."""
        return self.root / "events.jsonl"

    @property
    def metrics(self) -> Path:
        """All metrics and the files that were read for them."""
        return self.root / "metrics.json"

    @property
    def result(self) -> Path:
        """The BuildResult, written last: a build has a whole result or none."""
        return self.root / "result.json"

    @property
    def artifacts(self) -> Path:
        """The backend's products."""
        return self.root / "artifacts"

    @property
    def backend_specific(self) -> Path:
        """What the backend needs for itself."""
        return self.root / "backend_specific"

    def step_logs(self, kind: str) -> Path:
        """Return the folder for the logs and reports of the steps of a kind."""
        return self.root / f"{kind}_logs"

    def create(self, config: BuildConfig) -> None:
        """Make the folder fresh, with the configuration and a copy of the model in it.

        An earlier attempt of a build in the same folder is removed, so no stale report can be taken for a new one.

        Raises:
            ConfigurationError: if the folder can't be made or holds something that isn't a build.
        """
        self._clear()
        try:
            for folder in (self.artifacts, self.backend_specific):
                folder.mkdir(parents=True)
            for kind in ("preprocessing", "postprocessing"):
                self.step_logs(kind).mkdir()
            write_json(self.config, config.to_dict())
            shutil.copyfile(config.model_path, self.model)
        except OSError as error:
            text = f"the build folder {self.root} can't be written: {error.strerror or error}"
            raise ConfigurationError(text, hint="give an output folder that you may write to") from error

    def read_config(self) -> BuildConfig:
        """Return the configuration that the build was made with."""
        return BuildConfig.from_dict(read_json(self.config), str(self.config))

    def read_result(self) -> BuildResult | None:
        """Return the build's result, or None if it hasn't one."""
        if not self.result.exists():
            return None
        return BuildResult.from_dict(read_json(self.result), str(self.result))

    def read_metrics(self) -> list[Metric]:
        """Return all metrics of the build; none if there is no `metrics.json`."""
        if not self.metrics.exists():
            return []
        data = read_json(self.metrics)
        items = data.get("metrics") if isinstance(data, dict) else None
        return list(from_data(tuple[Metric, ...], items, str(self.metrics)))

    def relative(self, path: Path) -> str:
        """Return a path relative to the folder where it lies in it, else as it is."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def _clear(self) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise ConfigurationError(f"the build folder {self.root} is a file", hint="give another output folder")
        if not self.root.is_dir() or not any(self.root.iterdir()):
            return
        foreign = sorted(entry.name for entry in self.root.iterdir() if not _is_ours(entry.name))
        if foreign:
            text = f"the folder {self.root} holds {foreign[0]}, which is no part of a build"
            raise ConfigurationError(text, hint="give an empty or a new output folder")
        # The result goes first: if this is interrupted, what is left must not look like a finished build.
        self.result.unlink(missing_ok=True)
        shutil.rmtree(self.root)


def _is_ours(name: str) -> bool:
    """Whether a file is part of a build, or what is left of one that was killed while it wrote it."""
    unfinished = _TEMPORARY.fullmatch(name)
    return (unfinished["name"] if unfinished else name) in _ENTRIES


def write_whole(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Write a file so that it is there whole or not at all.

    Args:
        path: the file.
        content: its bytes.
        sync: also survive a power cut.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, data: JSONValue, *, sync: bool = False) -> None:
    """Write JSON data as a whole file, keys in their order, UTF-8."""
    write_whole(path, (readable_json(data) + "\n").encode(), sync=sync)


def read_json(path: Path) -> JSONValue:
    """Return what a JSON file holds.

    Raises:
        ConfigurationError: if it can't be read or isn't JSON, with file and line.
    """
    try:
        data: JSONValue = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigurationError(
            f"{path} isn't JSON: {error}", hint="the file is damaged or of another kind"
        ) from error
    return data


def config_digest(config: BuildConfig) -> str:
    """Return the SHA-256 of a configuration, its place included."""
    return hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
