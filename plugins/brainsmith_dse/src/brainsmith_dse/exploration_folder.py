"""The folder of an exploration: what lies in it, whose it is, and how results get into it."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs

from brainsmith_core.build.runner import BuildRunner, BuildRunnerInterface
from brainsmith_core.build.workspace import read_json, write_json, write_whole
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import from_data, to_data

from .combinations import Configurations
from .report import csv_rows, pareto_data, results_data
from .results import ExplorationResults
from .space import DesignSpace

__all__ = ["BackendIdentity", "ExplorationFolder", "ExplorationRecord", "default_output_dir"]

_ENTRIES: Final = {
    *("exploration.json", "results.json", "results.csv", "pareto.json", "builds", "exploration.log"),
    *("exploration_cache.jsonl", "exploration_summary.json"),
}


def default_output_dir(space: DesignSpace) -> Path:
    """Return where a design space is explored when no folder is given: `<working_directory>/<name>`.

    The name stays when a point is inserted, so that the points which are built already are found again.
    """
    name = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in space.name).strip(".")
    return Path(space.global_config.working_directory) / (name or "exploration")


@attrs.frozen(kw_only=True)
class BackendIdentity:
    """Which backend builds.

    Args:
        name: its registered name, or its class where it is no registered one.
        distribution: what brings it.
        version: that distribution's version.
        simulated: whether its figures are simulated.
    """

    name: str
    distribution: str = ""
    version: str = ""
    simulated: bool = False

    @classmethod
    def of(cls, runner: BuildRunnerInterface) -> BackendIdentity:
        """Return the identity of a runner's backend."""
        if not isinstance(runner, BuildRunner):
            return cls(name=type(runner).__name__)
        record, plugin = runner.offer.record, runner.offer.plugin
        return cls(
            name=record.name,
            distribution=plugin.distribution,
            version=plugin.version,
            simulated=record.simulated,
        )


@attrs.frozen(kw_only=True)
class ExplorationRecord:
    """What `exploration.json` says of the explorations in a folder; of the last one where they differ.

    Args:
        run: names the exploration as long as it goes on in this folder.
        created: when the first run began, UTC.
        updated: when the last run began, UTC.
        runs: how often it was started.
        backend: what builds.
        design_space_id: the design space.
        name: its name.
        description: what it is for.
        blueprint: the blueprint's path, or "".
        model: the model's path.
        model_sha256: its digest.
        total_combinations: size of the design space.
        selected: how many of them the search builds.
        axes: what is left to choice.
        search: how it is searched.
    """

    run: str
    created: datetime
    updated: datetime
    runs: int = 1
    backend: BackendIdentity
    design_space_id: str
    name: str
    description: str = ""
    blueprint: str = ""
    model: str
    model_sha256: str
    total_combinations: int
    selected: int
    axes: dict[str, JSONValue] = attrs.field(factory=dict)
    search: dict[str, JSONValue] = attrs.field(factory=dict)


def _absolute(path: str | Path) -> Path:
    return Path(path).absolute()


@attrs.frozen
class ExplorationFolder:
    """The folder of an exploration.

    Args:
        root: the folder; the builds lie in `builds/<id>`.
    """

    root: Path = attrs.field(converter=_absolute)

    @property
    def record_file(self) -> Path:
        """What is explored, and by what."""
        return self.root / "exploration.json"

    def read_record(self) -> ExplorationRecord | None:
        """Return the record, or None if there is none.

        Raises:
            ConfigurationError: if it is damaged.
        """
        if not self.record_file.exists():
            return None
        return from_data(ExplorationRecord, read_json(self.record_file), str(self.record_file))

    def check(self, backend: BackendIdentity | None = None) -> None:
        """Check that the folder may be used; writes nothing.

        Args:
            backend: what will build; results of different backends never lie in one folder.

        Raises:
            ConfigurationError: if it is no folder, belongs to something else, or to an exploration by another backend.
        """
        if self.root.exists() and not self.root.is_dir():
            raise ConfigurationError(f"{self.root} is a file", hint="give another output folder")
        record = self.read_record()
        if record is None:
            self._check_foreign()
        elif backend is not None and record.backend.name != backend.name:
            text = f"{self.root} holds an exploration by the backend {record.backend.name}, not {backend.name}"
            raise ConfigurationError(text, hint="give another output folder")

    def begin(self, space: DesignSpace, configs: Configurations, backend: BackendIdentity) -> ExplorationRecord:
        """Write the record of an exploration that begins or goes on, and return it.

        What an earlier run wrote about its results goes: until this one ends, nothing says what came of it.
        """
        with self._writing():
            for name in ("results.json", "results.csv", "pareto.json"):
                (self.root / name).unlink(missing_ok=True)
        before, now = self.read_record(), datetime.now(UTC)
        record = ExplorationRecord(
            run=before.run if before else f"run_{uuid.uuid4().hex[:12]}",
            created=before.created if before else now,
            updated=now,
            runs=before.runs + 1 if before else 1,
            backend=backend,
            design_space_id=configs.design_space_id,
            name=space.name,
            description=space.description,
            blueprint=space.blueprint_path,
            model=space.model_path,
            model_sha256=configs.model_sha256,
            total_combinations=space.get_total_combinations(),
            selected=len(configs),
            axes={axis.name: axis.shown() for axis in space.varied_axes()},
            search=to_data(space.search_config),
        )
        with self._writing():
            write_json(self.record_file, to_data(record), sync=True)
        return record

    def write_results(self, results: ExplorationResults, space: DesignSpace) -> None:
        """Write `results.json`, `results.csv` and `pareto.json`, each whole or not at all."""
        text = io.StringIO()
        rows = csv_rows(results)
        writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        with self._writing():
            write_json(self.root / "results.json", results_data(results, space.search_config))
            write_json(self.root / "pareto.json", pareto_data(results, space.search_config))
            write_whole(self.root / "results.csv", text.getvalue().encode())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say what can't be written, and that nothing built is lost by it."""
        try:
            yield
        except OSError as error:
            text = f"the exploration's folder {self.root} can't be written: {error.strerror or error}"
            hint = "make room or give another output folder; finished builds are not repeated"
            raise ConfigurationError(text, hint=hint, category="disk") from error

    def _check_foreign(self) -> None:
        entries = self.root.iterdir() if self.root.is_dir() else ()
        foreign = sorted(each.name for each in entries if each.name not in _ENTRIES and not each.name.startswith("."))
        if foreign:
            text = f"the folder {self.root} holds {foreign[0]}, which is no part of an exploration"
            raise ConfigurationError(text, hint="give an empty or a new output folder")
