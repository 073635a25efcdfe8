"""What is known of one version of a build's products."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final

import attrs

from brainsmith_core.formats.json_values import JSONValue, checked_json_dict
from brainsmith_core.formats.serialization import from_data, to_data

__all__ = ["ArtifactRecord", "StoredFile", "is_kept_for_ever"]

#: What says what a build was and what came of it, wherever it lies in the build's folder.
_EVIDENCE: Final = ("config.json", "result.json", "metrics.json", "events.jsonl")
_REPORTS: Final = (".rpt", ".xml", ".json", ".csv")


def is_kept_for_ever(path: str, sources: frozenset[str]) -> bool:
    """Return whether a file stays whatever the retention policy says: metrics and raw reports do.

    Args:
        path: in the build's folder.
        sources: the files that the build's metrics were read from.

    Example:
        >>> is_kept_for_ever("artifacts/report/post_synth.json", frozenset())
        True
        >>> is_kept_for_ever("artifacts/bitfile/top.bit", frozenset())
        False
    """
    file = PurePosixPath(path)
    return path in sources or path in _EVIDENCE or (file.suffix in _REPORTS and file.parts[0] == "artifacts")


@attrs.frozen(kw_only=True)
class StoredFile:
    """A file of a build.

    Args:
        sha256: digest of its content.
        size: in bytes.
        kept: whether it stays whatever the retention policy says.
        gone: whether it was let go.
    """

    sha256: str
    size: int
    kept: bool
    gone: bool = False


@attrs.frozen(kw_only=True)
class ArtifactRecord:
    """One version of a build's products.

    Args:
        build_id: the id of its configuration.
        version: counts from 1 for each build.
        stored: when, UTC.
        status: what became of the build.
        backend: what built it.
        simulated: whether its figures are simulated.
        metrics: the whole-design figures of `BuildMetrics`, those that are known.
        metadata: what whoever stored it says of it.
        files: by path in the build's folder.
        skipped: paths that aren't plain files, such as links, which were not stored.
        pinned: whether it stays whatever the retention policy says.
    """

    build_id: str
    version: int
    stored: datetime
    status: str
    backend: str
    simulated: bool
    metrics: dict[str, float] = attrs.field(factory=dict)
    metadata: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)
    files: dict[str, StoredFile] = attrs.field(factory=dict)
    skipped: tuple[str, ...] = ()
    pinned: bool = False

    @property
    def size(self) -> int:
        """Bytes of its files that are still there, each content counted once."""
        present = {file.sha256: file.size for file in self.files.values() if not file.gone}
        return sum(present.values())

    @property
    def thinned(self) -> bool:
        """Whether files were let go."""
        return any(file.gone for file in self.files.values())

    def without_bulk(self) -> ArtifactRecord:
        """Return this record after all but metrics and reports were let go."""
        files = {path: file if file.kept else attrs.evolve(file, gone=True) for path, file in self.files.items()}
        return attrs.evolve(self, files=files)

    def digests(self) -> list[str]:
        """Return the digests of the files that are there, each once."""
        return sorted({file.sha256 for file in self.files.values() if not file.gone})

    def same_content(self, files: Mapping[str, StoredFile], metadata: Mapping[str, JSONValue]) -> bool:
        """Return whether a build with these files and this metadata is this version."""
        mine = {path: file.sha256 for path, file in self.files.items()}
        return mine == {path: file.sha256 for path, file in files.items()} and dict(self.metadata) == dict(metadata)

    def to_dict(self) -> dict[str, JSONValue]:
        """Return plain JSON data that `from_dict` reads back to an equal object."""
        return to_data(self)

    @classmethod
    def from_dict(cls, data: object) -> ArtifactRecord:
        """Return the record that `data` describes; raises ConfigurationError where it is wrong."""
        return from_data(cls, data)
