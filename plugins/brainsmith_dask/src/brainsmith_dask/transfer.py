"""Files of a build to a machine that doesn't see our folders, and back."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import attrs

from brainsmith_core.build.workspace import Workspace, write_json
from brainsmith_core.config import BuildConfig, ProcessingStep
from brainsmith_core.errors import ConfigurationError, MissingRequirementError
from brainsmith_core.formats.input_files import names_input_file
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.result import BuildResult

__all__ = ["Parcel", "pack_folder", "pack_inputs", "unpack_folder"]


@attrs.frozen
class Parcel:
    """A configuration with the files that it names.

    Args:
        config: the configuration, with our paths.
        files: content of each file that it names, by our path.
    """

    config: BuildConfig
    files: dict[str, bytes]

    def unpack(self, folder: Path) -> BuildConfig:
        """Write the files below a folder and return the configuration that names them there.

        Args:
            folder: an empty folder of the worker's.
        """
        places: dict[str, str] = {}
        for number, (path, content) in enumerate(self.files.items()):
            place = folder / "inputs" / str(number) / Path(path).name
            place.parent.mkdir(parents=True)
            place.write_bytes(content)
            places[path] = str(place)

        def placed(values: dict[str, JSONValue]) -> dict[str, JSONValue]:
            return {
                name: places.get(value, value) if isinstance(value, str) and names_input_file(name) else value
                for name, value in values.items()
            }

        def moved(steps: tuple[ProcessingStep, ...]) -> list[ProcessingStep]:
            return [attrs.evolve(step, parameters=placed(dict(step.parameters))) for step in steps]

        config = self.config
        return attrs.evolve(
            config,
            model_path=places[config.model_path],
            output_dir=str(folder / "build"),
            config_flags=placed(config.config_flags),
            preprocessing=moved(config.preprocessing),
            postprocessing=moved(config.postprocessing),
        )


def pack_inputs(config: BuildConfig) -> Parcel:
    """Return a configuration with the files that it names: the model, and what flags and parameters name.

    Raises:
        MissingRequirementError: if the model can't be read.
    """
    try:
        files = {config.model_path: Path(config.model_path).read_bytes()}
    except OSError as error:
        text = f"the model {config.model_path} can't be read: {error.strerror or error}"
        raise MissingRequirementError(text, hint="check model_path") from error
    for path in _named_files(config):
        if path not in files and Path(path).is_file():
            files[path] = Path(path).read_bytes()
    return Parcel(config, files)


def _named_files(config: BuildConfig) -> Iterator[str]:
    groups = [config.config_flags, *(step.parameters for step in (*config.preprocessing, *config.postprocessing))]
    for group in groups:
        for name, value in group.items():
            if isinstance(value, str) and names_input_file(name):
                yield value


def pack_folder(folder: Path) -> bytes:
    """Return a build's folder as a tar archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, str(path.relative_to(folder)), recursive=False)
    return stream.getvalue()


def unpack_folder(archive: bytes, config: BuildConfig, result: BuildResult) -> BuildResult:
    """Write a build's folder from its archive to where the configuration wants it; the result comes last.

    Args:
        archive: what `pack_folder` gave.
        config: the configuration, with our paths.
        result: the result, with the worker's paths.

    Returns:
        the result, with our paths.
    """
    workspace = Workspace(Path(config.output_dir).absolute())
    workspace.create(config)
    ours = attrs.evolve(result, output_dir=str(workspace.root))
    kept = {workspace.config.name, workspace.result.name}
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members.getmembers():
            if PurePosixPath(member.name).parts[0] not in kept:
                _extract(members, member, workspace.root)
    write_json(workspace.result, ours.to_dict(), sync=True)
    return ours


def _extract(members: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    """Write a plain file or a folder; the filters of `tarfile` aren't in every Python 3.11."""
    parts = PurePosixPath(member.name).parts
    if PurePosixPath(member.name).is_absolute() or ".." in parts:
        raise ConfigurationError(f"a worker sent the file {member.name!r}, which is outside the build's folder")
    target = root.joinpath(*parts)
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    content = members.extractfile(member) if member.isfile() else None
    if content is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            shutil.copyfileobj(content, file)
