"""What the store keeps of a build, taken from the build's folder: `result.json` is the truth, the store follows it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path

import attrs

from brainsmith_core.build.workspace import Workspace
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import BrainsmithError
from brainsmith_core.events import BuildEvent
from brainsmith_core.metric import Metric
from brainsmith_core.result import BuildResult

__all__ = ["BuildRecord", "attempt_id", "build_id", "complete", "id_of", "read_record"]

_log = logging.getLogger("brainsmith")


@attrs.frozen(kw_only=True)
class BuildRecord:
    """A build and, if there is one, the result of an attempt.

    Args:
        config: what is built.
        result: what came of it; None while it runs.
        metrics: all its figures.
        events: what happened, in order.
        session: the controller that builds it, or "".
    """

    config: BuildConfig
    result: BuildResult | None = None
    metrics: tuple[Metric, ...] = ()
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
    return _digest(name, str(Path(folder).absolute()))


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
    """Return a record with the metrics and events that the build's folder holds."""
    workspace = Workspace(Path(record.config.output_dir).absolute())
    metrics = tuple(workspace.read_metrics())
    return attrs.evolve(record, metrics=metrics, events=record.events or tuple(_events(workspace.events)))


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
