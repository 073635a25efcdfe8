"""Look builds up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from sqlalchemy import Row, and_, func, or_, select

from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.json_values import JSONValue

from .database import Store
from .tables import attempts, builds, events, metrics, steps

__all__ = ["BuildFilter", "events_of", "expected_seconds", "find_build", "list_builds", "metric_table", "show_build"]

_SHOWN = [column for column in builds.columns if column.name != "config"]
_MOST_SUGGESTED = 200


@attrs.frozen(kw_only=True)
class BuildFilter:
    """Which builds are meant; what isn't given doesn't matter.

    Args:
        status: any of these.
        exploration: its id.
        backend: its name.
        name: a part of the configuration's id.
        since: begun then or later, in s since 1970.
        limit: so many at most, the latest ones; None for all.
    """

    status: tuple[str, ...] = ()
    exploration: str = ""
    backend: str = ""
    name: str = ""
    since: float | None = None
    limit: int | None = None


def list_builds(store: Store, wanted: BuildFilter | None = None) -> list[dict[str, Any]]:
    """Return builds, the latest first, each with the count of its attempts.

    Args:
        store: where they are.
        wanted: which ones; else all.
    """
    asked = wanted or BuildFilter()
    conditions = [
        *([builds.c.status.in_(asked.status)] if asked.status else []),
        *([builds.c.exploration == asked.exploration] if asked.exploration else []),
        *([builds.c.backend == asked.backend] if asked.backend else []),
        *([builds.c.name.contains(asked.name, autoescape=True)] if asked.name else []),
        *([builds.c.created >= asked.since] if asked.since is not None else []),
    ]
    counted = select(func.count()).where(attempts.c.build == builds.c.id).scalar_subquery().label("attempts")
    query = select(*_SHOWN, counted).where(and_(True, *conditions))
    query = query.order_by(builds.c.updated.desc(), builds.c.id).limit(asked.limit)
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def find_build(store: Store, name: str) -> dict[str, Any]:
    """Return the build that a user means: by id in the store, its beginning, configuration id or folder.

    Where several have one configuration id, the latest is meant.

    Raises:
        ConfigurationError: if there is none, or if a beginning is that of several.
    """
    folder = builds.c.folder == name.rstrip("/")
    query = select(builds).where(or_(builds.c.id == name, builds.c.name == name, folder))
    with store.reading() as connection:
        found = connection.execute(query.order_by(builds.c.updated.desc())).mappings().first()
        if found is not None:
            return dict(found)
        beginning = select(builds).where(builds.c.id.startswith(name, autoescape=True)).limit(2)
        begun = connection.execute(beginning).mappings().all() if len(name) >= 4 else []
        if len(begun) == 1:
            return dict(begun[0])
        if begun:
            raise ConfigurationError(f'"{name}" begins the ids of several builds', hint="give more of it")
        recent = select(builds.c.name).order_by(builds.c.updated.desc()).limit(_MOST_SUGGESTED)
        names = connection.execute(recent).scalars().all()
    hint = did_you_mean(name, names) or "nothing is stored yet"
    raise ConfigurationError(f'the store {store.name} has no build "{name}"', hint=hint)


def show_build(store: Store, name: str) -> dict[str, Any]:
    """Return all that is known of a build but for its events: attempts, and steps and metrics of the latest one.

    Args:
        store: where it is.
        name: as `find_build` takes it.
    """
    build = find_build(store, name)
    with store.reading() as connection:
        tries = select(attempts).where(attempts.c.build == build["id"]).order_by(attempts.c.started)
        build["attempts"] = [dict(row) for row in connection.execute(tries).mappings()]
        latest = build["attempts"][-1]["id"] if build["attempts"] else ""
        for table in (steps, metrics):
            rows = connection.execute(select(table).where(table.c.attempt == latest).order_by(table.c.position))
            left_out = ("attempt", "position", "number")
            build[table.name] = [
                {key: value for key, value in row.items() if key not in left_out} for row in rows.mappings()
            ]
    return build


def events_of(store: Store, build: str) -> list[dict[str, Any]]:
    """Return what happened in the latest attempt of a build.

    Args:
        store: where it is.
        build: its id in the store.
    """
    latest = select(attempts.c.id).where(attempts.c.build == build).order_by(attempts.c.started.desc()).limit(1)
    query = select(events.c.time, events.c.kind, events.c.data).where(events.c.attempt == latest.scalar_subquery())
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(query.order_by(events.c.position)).mappings()]


def metric_table(store: Store, ids: Iterable[str]) -> dict[str, dict[str, JSONValue]]:
    """Return the figures of whole designs: for each metric and stage (`name @ stage`), the value of each build.

    Args:
        store: where they are.
        ids: of the builds in the store; what a build hasn't got is left out, never 0.
    """
    wanted = list(ids)
    newest = (
        select(attempts.c.id, attempts.c.build, attempts.c.started)
        .where(attempts.c.build.in_(wanted))
        .order_by(attempts.c.started)
    )
    table: dict[str, dict[str, JSONValue]] = {}
    with store.reading() as connection:
        latest = {row.build: row.id for row in connection.execute(newest)}
        build_of = {attempt: build for build, attempt in latest.items()}
        query = select(metrics).where(metrics.c.attempt.in_(build_of)).order_by(metrics.c.name, metrics.c.position)
        for row in connection.execute(query):
            if not row.scope and row.value is not None:
                _note(table, row, build_of[row.attempt])
    return table


def _note(table: dict[str, dict[str, JSONValue]], row: Row[Any], build: str) -> None:
    table.setdefault(f"{row.name} @ {row.stage}", {}).setdefault(build, row.value)


def expected_seconds(store: Store) -> Mapping[str, float]:
    """Return how long builds took that succeeded, by configuration id; the mean of all under "" if there are any."""
    succeeded = and_(builds.c.status == "success", builds.c.seconds.is_not(None))
    by_name = select(builds.c.name, func.avg(builds.c.seconds)).where(succeeded).group_by(builds.c.name)
    with store.reading() as connection:
        found = {name: float(seconds) for name, seconds in connection.execute(by_name)}
    return found if not found else {"": sum(found.values()) / len(found), **found}
