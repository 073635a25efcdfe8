"""The combinations of a design space: counted, not listed; each is made when it is asked for."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import attrs

from brainsmith_core.build.model_file import check_model_file
from brainsmith_core.build.workspace import file_digest
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue

from .identity import content_id, design_space_id, result_settings
from .input_files import FileDigests
from .search import selected_indices
from .space import DesignSpace

__all__ = ["CombinationGenerator", "Configurations"]


class Configurations(Sequence[BuildConfig]):
    """Configurations of a design space, made when they are asked for; `len` and indexing cost nothing.

    Args:
        space: the design space.
        output_dir: the exploration's folder; each build gets `builds/<id>` in it.
        indices: which combinations, in which order.
    """

    def __init__(self, space: DesignSpace, output_dir: Path, indices: Sequence[int]) -> None:
        check_model_file(Path(space.model_path))
        self._maker = _Maker(space, output_dir.absolute())
        self.indices = indices

    @property
    def design_space_id(self) -> str:
        """The design space's id."""
        return self._maker.design_space_id

    @property
    def model_sha256(self) -> str:
        """The model's digest."""
        return self._maker.model_sha256

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> BuildConfig: ...

    @overload
    def __getitem__(self, index: slice) -> Configurations: ...

    def __getitem__(self, index: int | slice) -> BuildConfig | Configurations:
        if isinstance(index, slice):
            return self.at(self.indices[index])
        return self._maker.make(self.indices[index])

    def __iter__(self) -> Iterator[BuildConfig]:
        return map(self._maker.make, self.indices)

    def ids(self) -> Iterator[str]:
        """Return the ids, which takes less than making the configurations."""
        return map(self._maker.id_of, self.indices)

    def at(self, indices: Sequence[int]) -> Configurations:
        """Return other combinations of the same design space."""
        other = object.__new__(Configurations)
        other._maker, other.indices = self._maker, indices
        return other


@attrs.frozen
class _Parts:
    """What one combination consists of."""

    kernels: tuple[Any, ...]
    transforms: dict[str, tuple[str, ...]]
    flags: dict[str, JSONValue]
    preprocessing: tuple[Any, ...]
    postprocessing: tuple[Any, ...]


class _Maker:
    """Makes the configuration of an index: its digits in a mixed radix are the options chosen on each axis."""

    def __init__(self, space: DesignSpace, output_dir: Path) -> None:
        self._space, self._builds = space, output_dir / "builds"
        self._model_path = str(Path(space.model_path).absolute())
        self.model_sha256 = file_digest(Path(space.model_path))
        self.design_space_id = design_space_id(space, self.model_sha256)
        self._total = space.get_total_combinations()
        self._settings, self._files = result_settings(space.global_config), FileDigests()
        options = [axis.options for axis in space.axes()]
        self._first = [each[0] for each in options]
        self._varied = [(place, each) for place, each in enumerate(options) if len(each) > 1]
        self._varied.reverse()
        hardware, processing = space.hw_compiler_space, space.processing_space
        lengths = [1, len(hardware.kernels), *map(len, hardware.transforms.values())]
        lengths += [len(hardware.config_flags), len(processing.preprocessing), len(processing.postprocessing)]
        ends = list(itertools.accumulate(lengths))
        self._sections = [slice(start, end) for start, end in itertools.pairwise(ends)]

    def make(self, index: int) -> BuildConfig:
        parts = self._parts(index)
        config_id = self._id(parts)
        return BuildConfig(
            id=config_id,
            model_path=self._model_path,
            output_dir=str(self._builds / config_id),
            design_space_id=self.design_space_id,
            kernels=parts.kernels,
            transforms=parts.transforms,
            build_steps=self._space.hw_compiler_space.build_steps,
            config_flags=parts.flags,
            preprocessing=parts.preprocessing,
            postprocessing=parts.postprocessing,
            global_config=self._space.global_config,
            combination_index=index,
            total_combinations=self._total,
        )

    def id_of(self, index: int) -> str:
        return self._id(self._parts(index))

    def _id(self, parts: _Parts) -> str:
        return content_id(
            model_sha256=self.model_sha256,
            kernels=parts.kernels,
            transforms=parts.transforms,
            build_steps=self._space.hw_compiler_space.build_steps,
            flags=parts.flags,
            steps=(parts.preprocessing, parts.postprocessing),
            settings=self._settings,
            files=self._files,
        )

    def _parts(self, index: int) -> _Parts:
        chosen = list(self._first)
        rest = index
        for place, options in self._varied:
            rest, digit = divmod(rest, len(options))
            chosen[place] = options[digit]
        kernels, *stages, flags, before, after = (chosen[section] for section in self._sections)
        hardware = self._space.hw_compiler_space
        return _Parts(
            kernels=_present(kernels),
            # A stage in which nothing was chosen is no stage: a new optional transform changes no other id.
            transforms={
                stage: names for stage, names in zip(hardware.transforms, map(_present, stages), strict=True) if names
            },
            flags={
                **(chosen[0].flags() if chosen[0] is not None else {}),
                **dict(zip(hardware.config_flags, flags, strict=True)),
            },
            preprocessing=tuple(before),
            postprocessing=tuple(after),
        )


def _present(options: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(option for option in options if option is not None)


class CombinationGenerator:
    """Gives the configurations of a design space.

    Args:
        output_dir: the exploration's folder.
    """

    def __init__(self, output_dir: Path) -> None:
        self._output_dir = Path(output_dir)

    def generate_all(self, design_space: DesignSpace) -> Configurations:
        """Return every combination in order, whatever the search says; raises as `select`."""
        total = design_space.get_total_combinations()
        return Configurations(design_space, self._output_dir, range(total))

    def select(self, design_space: DesignSpace) -> Configurations:
        """Return the combinations that the design space's search builds, in order.

        Raises:
            MissingRequirementError: if there is no model.
            ConfigurationError: if it is no model.
        """
        total = design_space.get_total_combinations()
        indices = selected_indices(design_space.search_config, total)
        return Configurations(design_space, self._output_dir, indices)

    @staticmethod
    def filter_by_indices(configs: Configurations, indices: Iterable[int]) -> Configurations:
        """Return those configurations whose `combination_index` is among `indices`, in their order."""
        wanted = sorted(set(indices))

        def is_wanted(index: int) -> bool:
            place = bisect.bisect_left(wanted, index)
            return place < len(wanted) and wanted[place] == index

        return configs.at([index for index in configs.indices if is_wanted(index)])

    @staticmethod
    def filter_by_resume(configs: Configurations, last_completed_id: str) -> Configurations:
        """Return the configurations after the one that was completed last.

        Raises:
            ConfigurationError: if none has that id.
        """
        for place, found in enumerate(configs.ids()):
            if found == last_completed_id:
                return configs[place + 1 :]
        text = f"no configuration of this design space has the id {last_completed_id}"
        raise ConfigurationError(text, hint="`brainsmith plan BLUEPRINT --list` shows the ids")
