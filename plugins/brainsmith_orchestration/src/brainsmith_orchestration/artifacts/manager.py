"""Stores what builds produce, finds it again, and lets go of what has no worth any more."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import attrs

from brainsmith_core.build.workspace import Workspace
from brainsmith_core.errors import BrainsmithError, ConfigurationError, MissingRequirementError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue, checked_json_dict
from brainsmith_core.result import BuildResult
from brainsmith_core.store import ContentStore, DamagedEntry, StoreError

from .query import ArtifactQuery
from .record import ArtifactRecord, StoredFile, is_kept_for_ever
from .retention import RetentionPolicy, is_too_old, reasons_to_stay

__all__ = ["BuildArtifactManager", "LifecycleReport"]

#: A record says what is known of a version, and stays even if a file of it is damaged; what it holds isn't collected.
_RECORD = "record"
_HOLD = "hold"
_FIGURES = (
    *("throughput", "latency", "clock_frequency", "lut_utilization", "dsp_utilization", "bram_utilization"),
    *("uram_utilization", "total_power", "accuracy"),
)


def _now() -> datetime:
    return datetime.now(UTC)


@attrs.frozen(kw_only=True)
class LifecycleReport:
    """What a retention policy did, or would do.

    Args:
        kept: why versions stay whole, by `BUILD@VERSION`.
        thinned: versions that lost all but metrics and reports.
        freed_bytes: content that nothing else names.
        left_bytes: content that is left.
        dry_run: whether nothing was removed.
    """

    kept: dict[str, str]
    thinned: tuple[str, ...]
    freed_bytes: int
    left_bytes: int
    dry_run: bool


class BuildArtifactManager:
    """Keeps the files of builds by content: what several builds or versions share is there once.

    Files are cloned where the file system can, copied otherwise, and checked when they are taken out.

    Args:
        root: the folder of the store; else `.brainsmith/artifacts` in the working directory.
        now: tells the time, UTC.

    Raises:
        MissingRequirementError: if the folder can't be used.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     BuildArtifactManager(folder).retrieve_artifacts({"build_id": "none"})
        []
    """

    def __init__(self, root: str | Path | None = None, *, now: Callable[[], datetime] = _now) -> None:
        place = Path(".brainsmith", "artifacts") if root is None else Path(root)
        try:
            self._store = ContentStore(str(place))
        except StoreError as error:
            raise MissingRequirementError(str(error), hint="give a folder that can be written") from error
        self._now = now

    def store_build_artifacts(
        self, build_result: BuildResult, metadata: Mapping[str, JSONValue] | None = None
    ) -> ArtifactRecord:
        """Store the files of a build's folder as a new version; the same files and metadata again are the same version.

        Args:
            build_result: a build that came to an end.
            metadata: what shall be known of it, JSON data; `baseline: true` keeps it for ever.

        Raises:
            MissingRequirementError: if the build's folder isn't there, or the disk is full.
        """
        folder = Path(build_result.output_dir)
        if not build_result.output_dir or not folder.is_dir():
            text = f"the folder of build {build_result.config_id} isn't there: {folder}"
            raise MissingRequirementError(text, hint="only builds whose folder is there can be stored")
        given = checked_json_dict(dict(metadata or {}), "metadata")
        try:
            files, skipped = self._put(folder)
            with self._store.single_flight(f"artifacts {build_result.config_id}"):
                return self._new_version(build_result, given, files, skipped)
        except (StoreError, OSError) as error:
            text = f"build {build_result.config_id} can't be stored: {error}"
            raise MissingRequirementError(text, hint="nothing was stored; free disk space and try again") from error

    def retrieve_artifacts(self, query_criteria: ArtifactQuery | Mapping[str, object]) -> list[ArtifactRecord]:
        """Return the records that match, by build and version.

        Args:
            query_criteria: see `ArtifactQuery`.

        Raises:
            ConfigurationError: for a criterion that there is none of.
        """
        query = ArtifactQuery.of(query_criteria)
        found = [record for record in self._records() if query.matches(record)]
        if query.version == "latest":
            newest = {record.build_id: record for record in found}
            return list(newest.values())
        return found

    def find(self, build_id: str, version: int | None = None) -> ArtifactRecord:
        """Return a version of a build, else its newest.

        Raises:
            ConfigurationError: if there is none, with the nearest build.
        """
        records = self._records()
        found = [each for each in records if each.build_id == build_id and version in (None, each.version)]
        if not found:
            what = build_id if version is None else f"{build_id}@{version}"
            hint = did_you_mean(build_id, {each.build_id for each in records}) or "brainsmith artifacts list shows all"
            raise ConfigurationError(f'no artifacts of "{what}" are stored', hint=hint)
        return found[-1]

    def restore(self, record: ArtifactRecord, destination: str | Path, path: str | None = None) -> list[Path]:
        """Write stored files below a folder; each is checked.

        Args:
            record: the version.
            destination: the folder; made if it isn't there. A file that is there already stops it.
            path: one file of the build's folder; else all that are there.

        Raises:
            ConfigurationError: if there is no such file, or one is in the way.
            MissingRequirementError: if a file was let go or is damaged.
        """
        if path is not None and path not in record.files:
            hint = did_you_mean(path, record.files)
            raise ConfigurationError(f'{_name(record)} has no file "{path}"', hint=hint)
        if path is not None and record.files[path].gone:
            text = f'"{path}" of {_name(record)} was let go by a retention policy'
            raise MissingRequirementError(text, hint="build it again; pinned versions stay whole")
        wanted = [path] if path is not None else [each for each, file in record.files.items() if not file.gone]
        targets = {each: Path(destination, *PurePosixPath(each).parts) for each in wanted}
        for target in targets.values():
            if target.exists():
                raise ConfigurationError(f"{target} is there already", hint="give an empty folder")
        for each, target in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._store.restore(record.files[each].sha256, str(target))
            except DamagedEntry as error:
                raise MissingRequirementError(f'"{each}" of {_name(record)} is damaged: {error}') from error
        return list(targets.values())

    def pin(self, build_id: str, version: int | None = None, pinned: bool = True) -> ArtifactRecord:
        """Keep a version whole whatever the retention policy says, or no longer.

        Raises:
            ConfigurationError: if it isn't stored.
        """
        with self._store.single_flight(f"artifacts {build_id}"):
            record = attrs.evolve(self.find(build_id, version), pinned=pinned)
            self._write(record)
        return record

    def manage_artifact_lifecycle(self, retention_policy: RetentionPolicy, *, dry_run: bool = False) -> LifecycleReport:
        """Let go of what has no worth any more; metrics and raw reports stay for ever.

        Args:
            retention_policy: what stays.
            dry_run: say what would go, and remove nothing.
        """
        records = self._records()
        reasons = reasons_to_stay(records, retention_policy)
        before = _total(records)
        after = {(each.build_id, each.version): each for each in records}
        free = [
            each for each in records if (each.build_id, each.version) not in reasons and each != each.without_bulk()
        ]
        now = self._now()
        for record in sorted(free, key=lambda each: each.stored):
            limit = retention_policy.max_bytes
            too_much = limit is not None and _total(list(after.values())) > limit
            if too_much or is_too_old(record, retention_policy, now):
                after[record.build_id, record.version] = record.without_bulk()
        changed = [each for each in records if after[each.build_id, each.version] != each]
        if not dry_run:
            for record in changed:
                self._thin(record)
            for record in self._records():
                self._hold(record)  # a hold goes when one of its files is damaged; the others are still wanted
            self._store.gc()
        left = _total(list(after.values()))
        return LifecycleReport(
            kept={f"{build}@{version}": reason for (build, version), reason in sorted(reasons.items())},
            thinned=tuple(_name(record) for record in changed),
            freed_bytes=before - left,
            left_bytes=left,
            dry_run=dry_run,
        )

    def _put(self, folder: Path) -> tuple[dict[str, StoredFile], tuple[str, ...]]:
        sources = _sources(folder)
        files: dict[str, StoredFile] = {}
        skipped: list[str] = []
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                skipped.append(name)
            elif path.is_file():
                digest = self._store.put_file(str(path))
                kept = is_kept_for_ever(name, sources)
                files[name] = StoredFile(sha256=digest, size=path.stat().st_size, kept=kept)
        return files, tuple(skipped)

    def _new_version(
        self,
        result: BuildResult,
        metadata: dict[str, JSONValue],
        files: dict[str, StoredFile],
        skipped: tuple[str, ...],
    ) -> ArtifactRecord:
        versions = self._of_build(result.config_id)
        if versions and not versions[-1].thinned and versions[-1].same_content(files, metadata):
            return versions[-1]
        record = ArtifactRecord(
            build_id=result.config_id,
            version=versions[-1].version + 1 if versions else 1,
            stored=self._now(),
            status=result.status.value,
            backend=result.backend,
            simulated=result.simulated,
            metrics=_figures(result),
            metadata=metadata,
            files=files,
            skipped=skipped,
        )
        self._write(record)
        return record

    def _thin(self, record: ArtifactRecord) -> None:
        with self._store.single_flight(f"artifacts {record.build_id}"):
            current = self.find(record.build_id, record.version)
            if not current.pinned:  # somebody may have pinned it meanwhile
                self._write(current.without_bulk())

    def _write(self, record: ArtifactRecord) -> None:
        self._hold(record)
        self._store.write_entry(_RECORD, _group(record.build_id), _entry_name(record), record.to_dict())

    def _hold(self, record: ArtifactRecord) -> None:
        present = [digest for digest in record.digests() if self._store.has(digest)]
        self._store.write_entry(_HOLD, _group(record.build_id), _entry_name(record), {}, present)

    def _of_build(self, build_id: str) -> list[ArtifactRecord]:
        return [ArtifactRecord.from_dict(each.document) for each in self._store.entries(_RECORD, _group(build_id))]

    def _records(self) -> list[ArtifactRecord]:
        found = (ArtifactRecord.from_dict(entry.document) for entry in self._store.all_entries(_RECORD))
        return sorted(found, key=lambda each: (each.build_id, each.version))


def _group(build_id: str) -> str:
    """Return a name for the entries of a build that differs where ids do."""
    digest = hashlib.sha256(build_id.encode()).hexdigest()[:16]
    return f"{digest}_{re.sub(r'[^A-Za-z0-9_.-]', '_', build_id)[:100]}"


def _entry_name(record: ArtifactRecord) -> str:
    return f"v{record.version:06}"


def _name(record: ArtifactRecord) -> str:
    return f"{record.build_id}@{record.version}"


def _total(records: list[ArtifactRecord]) -> int:
    sizes = {file.sha256: file.size for record in records for file in record.files.values() if not file.gone}
    return sum(sizes.values())


def _figures(result: BuildResult) -> dict[str, float]:
    values = {name: getattr(result.metrics, name, None) for name in _FIGURES}
    return {name: value for name, value in values.items() if value is not None}


def _sources(folder: Path) -> frozenset[str]:
    """Return the files that the build's metrics were read from; none if that can't be read."""
    try:
        metrics = Workspace(folder).read_metrics()
    except BrainsmithError:
        return frozenset()
    return frozenset(metric.source.file for metric in metrics)
