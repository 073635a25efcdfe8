"""Which records are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue

from .record import ArtifactRecord

__all__ = ["ArtifactQuery"]


@attrs.frozen(kw_only=True)
class ArtifactQuery:
    """What records must be like; what isn't given doesn't matter.

    Args:
        build_id: the build.
        version: its version; `latest` for the newest of each build.
        status: such as `success`.
        backend: the backend's name.
        simulated: whether figures are simulated.
        pinned: whether pinned.
        metadata: each of these keys has this value.
        at_least: each of these figures is known and at least so much.
        at_most: each of these figures is known and at most so much.
        stored_after: UTC.
        stored_before: UTC.

    Example:
        >>> ArtifactQuery.of({"metadata": {"board": "Pynq-Z1"}, "at_least": {"throughput": 1000}}).at_least
        {'throughput': 1000}
    """

    build_id: str | None = None
    version: int | str | None = None
    status: str | None = None
    backend: str | None = None
    simulated: bool | None = None
    pinned: bool | None = None
    metadata: Mapping[str, JSONValue] = attrs.field(factory=dict)
    at_least: Mapping[str, float] = attrs.field(factory=dict)
    at_most: Mapping[str, float] = attrs.field(factory=dict)
    stored_after: datetime | None = None
    stored_before: datetime | None = None

    @classmethod
    def of(cls, criteria: ArtifactQuery | Mapping[str, object]) -> ArtifactQuery:
        """Return the query that criteria stand for.

        Raises:
            ConfigurationError: for a criterion that there is none of, with a suggestion.
        """
        if isinstance(criteria, ArtifactQuery):
            return criteria
        known = attrs.fields_dict(cls)
        for key in criteria:
            if key not in known:
                raise ConfigurationError(f'artifacts have no criterion "{key}"', hint=did_you_mean(key, known))
        return cls(**criteria)  # type: ignore[arg-type]  # the values are what the caller gave

    def matches(self, record: ArtifactRecord) -> bool:
        """Return whether a record is asked for, whatever its version compared with others."""
        plain = ("build_id", "status", "backend", "simulated", "pinned")
        if any((wanted := getattr(self, name)) is not None and wanted != getattr(record, name) for name in plain):
            return False
        if isinstance(self.version, int) and record.version != self.version:
            return False
        if any(key not in record.metadata or record.metadata[key] != value for key, value in self.metadata.items()):
            return False
        figures = record.metrics
        if any(name not in figures or figures[name] < least for name, least in self.at_least.items()):
            return False
        if any(name not in figures or figures[name] > most for name, most in self.at_most.items()):
            return False
        after = self.stored_after is None or record.stored >= self.stored_after
        return after and (self.stored_before is None or record.stored <= self.stored_before)
