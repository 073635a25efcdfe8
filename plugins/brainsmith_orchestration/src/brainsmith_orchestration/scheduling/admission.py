"""What is asked before a build comes into the queue: what it waits for, and whether it is there already."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Mapping, Sequence

from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError, did_you_mean

from .job import ENDED, Job
from .request import BuildRequest

__all__ = ["as_request", "check_circles", "find_parent", "joins"]


def as_request(build: BuildRequest | BuildConfig) -> BuildRequest:
    """Return a request; a configuration alone needs one core."""
    return build if isinstance(build, BuildRequest) else BuildRequest(config=build)


def find_parent(job: Job, name: str, by_name: Mapping[str, str], ids: Collection[str], known: Collection[str]) -> str:
    """Return the id of a build that another one waits for.

    Args:
        job: the one that waits.
        name: what it waits for: the configuration's id of one of the newcomers, or an id.
        by_name: the ids of those that come together with it, by their configurations' ids.
        ids: the same ids.
        known: the ids of those that are in the queue.

    Raises:
        ConfigurationError: if there is no such build.
    """
    if name in by_name:
        return by_name[name]
    if name in ids or name in known:
        return name
    text = f'build {job.name} depends on "{name}", which isn\'t in the queue'
    raise ConfigurationError(text, hint=did_you_mean(name, [*by_name, *known]))


def joins(job: Job, known: Job | None) -> bool:
    """Return whether a build is in the queue already and hasn't ended.

    Args:
        job: the newcomer.
        known: the one of its id in the queue, or None.

    Raises:
        ConfigurationError: if that is another one.
    """
    if known is None or known.state in ENDED:
        return False
    if known.request.config != job.request.config and not known.retries:
        text = f'another configuration has the id "{job.name}" already'
        raise ConfigurationError(text, hint="give each configuration an id of its own")
    return True


def check_circles(found: Sequence[Job]) -> None:
    """Make sure that builds don't wait for each other.

    Raises:
        ConfigurationError: with the circle, if they do.
    """
    graph = {job.id: job.parents for job in found}
    names = {job.id: job.name for job in found}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle = " -> ".join(names[key] for key in error.args[1])
        text = f"builds wait for each other in a circle: {circle}"
        raise ConfigurationError(text, hint="remove one of these dependencies") from error
