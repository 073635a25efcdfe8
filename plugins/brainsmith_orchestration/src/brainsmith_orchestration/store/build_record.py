"""What the store keeps of a build, taken from the build's folder: `result.json` is the truth, the store follows it."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import attrs

from brainsmith_core.build.workspace import Workspace, read_json
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BrainsmithError, ConfigurationError
from brainsmith_core.events import BuildEvent
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage
from brainsmith_core.result import BuildResult

__all__ = ["BuildRecord", "attempt_id", "build_id", "complete", "id_of", "read_record"]

_log = logging.getLogger("brainsmith")

_METRIC_KEYS: Final = attrs.fields_dict(Metric).keys()
_SOURCE_KEYS: Final = attrs.fields_dict(MetricSource).keys()
_TEXTS: Final = ("name", "unit", "stage", "status")
_STAGES: Final = frozenset(stage.value for stage in Stage)
_PRESENT: Final = frozenset((MetricStatus.MEASURED.value, MetricStatus.SIMULATED.value))
_ABSENT: Final = frozenset(status.value for status in MetricStatus) - _PRESENT


@attrs.frozen(kw_only=True)
class BuildRecord:
    """A build and, if there is one, the result of an attempt.

    Args:
        config: what is built.
        result: what came of it; None while it runs.
        metrics: all its figures, as `Metric.to_dict` gives them.
        events: what happened, in order.
        session: the controller that builds it, or "".
    """

    config: BuildConfig
    result: BuildResult | None = None
    metrics: tuple[Mapping[str, JSONValue], ...] = ()
    events: tuple[BuildEvent, ...] = ()
    session: str = ""

    @property
    def id(self) -> str:
        """The build's id in the store."""
        return build_id(self.config)


def build_id(config: BuildConfig) -> str:
    """Return the id of a build: that of its configuration in its folder.

    Example:
        >>> build_id(BuildConfig(id="a", model_path="m", output_dir="/o"))
        '93e2fb7f1d8a5c0d'
    """
    return id_of(config.id, config.output_dir)


def id_of(name: str, folder: str) -> str:
    """Return the id of a build.

    Args:
        name: the id of its configuration.
        folder: its folder.
    """
    # That of a relative one is another one in another working directory: only absolute ones can be remembered.
    return _absolute_id(name, folder if folder.startswith(os.sep) else str(Path(folder).absolute()))


@functools.lru_cache(1024)  # a build's is asked for ten times from when it starts until it is stored
def _absolute_id(name: str, folder: str) -> str:
    return _digest(name, str(Path(folder)))


def attempt_id(build: str, result: BuildResult) -> str:
    """Return the id of the execution that gave a result: a build has one at a time.

    Args:
        build: the build's id.
        result: what it gave.
    """
    return _digest(build, result.start_time.isoformat())


def read_record(folder: Path, session: str = "") -> BuildRecord | None:
    """Return what a build's folder holds; None if there is no whole result in it.

    Args:
        folder: the build's folder.
        session: the controller that builds it.
    """
    workspace = Workspace(folder.absolute())
    try:
        result = workspace.read_result()
        if result is None:
            return None
        # The folder may have been moved since.
        config = attrs.evolve(workspace.read_config(), output_dir=str(workspace.root))
        return complete(BuildRecord(config=config, result=result, session=session))
    except (BrainsmithError, OSError) as error:
        _log.warning("the result in %s can't be stored: %s", folder, error)
        return None


def complete(record: BuildRecord) -> BuildRecord:
    """Return a record with the metrics and events that the build's folder holds.

    Raises:
        ConfigurationError: if its metrics are damaged.
    """
    workspace = Workspace(Path(record.config.output_dir).absolute())
    return attrs.evolve(record, metrics=_figures(workspace), events=record.events or tuple(_events(workspace.events)))


def _figures(workspace: Workspace) -> tuple[Mapping[str, JSONValue], ...]:
    """Return what `metrics.json` holds; figures as core writes them needn't become objects and data again."""
    data = read_json(workspace.metrics) if workspace.metrics.exists() else None
    items = data.get("metrics") if isinstance(data, dict) else None
    if isinstance(items, list):
        plain = tuple(item for item in items if isinstance(item, dict) and _is_plain(item))
        if len(plain) == len(items):
            return plain
    try:
        return tuple(metric.to_dict() for metric in workspace.read_metrics())  # fills in what lacks
    except ValueError as error:  # a figure with a status that doesn't go with it
        text = f"{workspace.metrics}: {error}"
        raise ConfigurationError(text, hint="the file is damaged: build it again") from error


def _is_plain(item: Mapping[str, JSONValue]) -> bool:
    """Whether a figure is just what `Metric.to_dict` gives."""
    if item.keys() != _METRIC_KEYS or not all(isinstance(item[key], str) for key in _TEXTS):
        return False
    source, scope, value = item["source"], item["scope"], item["value"]
    if not isinstance(source, dict) or source.keys() != _SOURCE_KEYS or not isinstance(scope, dict):
        return False
    if item["status"] not in (_PRESENT if value is not None else _ABSENT) or item["stage"] not in _STAGES:
        return False
    simple = value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    return simple and all(isinstance(text, str) for text in scope.values())


def _events(path: Path) -> Iterable[BuildEvent]:
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield BuildEvent.from_dict(json.loads(line))
        except (ValueError, BrainsmithError):  # a line cut off by a crash
            continue


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:16]
