"""`brainsmith cache`: what is kept for reuse, why steps ran, whether what is kept is right, and how to free room."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..build.cache.settings import NO_CACHE_VARIABLE
from ..build.workspace import Workspace
from ..errors import ConfigurationError
from ..formats.json_values import JSONValue
from ..result import BuildResult
from ..store import ContentStore, StoreError, size_limit
from ..store.location import parse_size
from .app import App, SuggestingGroup, json_option, pass_app
from .output import Column, number, print_json, print_table

__all__ = ["command", "step_rows"]

#: Backends put what became of their steps into the provenance, under a name that ends so.
_STEPS = "_step_cache"


@click.group("cache", cls=SuggestingGroup)
def command() -> None:
    """See, explain, verify and clean what is kept for reuse.

    Finished builds and FINN's steps are kept in $BRAINSMITH_CACHE, else ~/.cache/brainsmith/store. Nothing is reused
    with --no-cache or BRAINSMITH_NO_CACHE=1.
    """


def _store() -> ContentStore:
    try:
        return ContentStore()
    except StoreError as error:
        raise ConfigurationError(str(error), hint="set BRAINSMITH_CACHE to a folder that you may write to") from error


def _bytes(size: int) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,} {unit}"
        size = round(size / 1000)
    raise AssertionError


def _size(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else parse_size(value)
    except StoreError as error:
        raise click.BadParameter(str(error)) from error


@command.command("stats", epilog="\b\nExample:\n  brainsmith cache stats")
@json_option
def stats(as_json: bool) -> int:
    """Show how much is kept."""
    store = _store()
    found, limit = store.stats(), _limit()
    document: dict[str, JSONValue] = {
        "root": store.root,
        "entries": dict[str, JSONValue](found.entries),
        "files": found.blobs,
        "bytes": found.total_bytes,
        "limit_bytes": limit,
    }
    if as_json:
        print_json(document)
        return 0
    click.echo(f"{store.root}: {_bytes(found.total_bytes)} of at most {_bytes(limit)}")
    rows = [[f"entries: {kind}", number(count)] for kind, count in found.entries.items()]
    rows.append(["files", number(found.blobs)])
    print_table((Column("what"), Column("count", right=True)), rows)
    return 0


def _limit() -> int:
    try:
        return size_limit()
    except StoreError as error:
        raise ConfigurationError(f"BRAINSMITH_CACHE_SIZE: {error}") from error


@command.command("explain", epilog="\b\nExample:\n  brainsmith cache explain out/builds/cfg_0123456789abcdef")
@click.argument("build", type=click.Path(path_type=Path))
@json_option
def explain(build: Path, as_json: bool) -> int:
    """Say for each step of the build in folder BUILD whether it ran or was reused, and why it ran."""
    result = Workspace(build).read_result() if build.is_dir() else None
    if result is None:
        raise ConfigurationError(f"{build} holds no finished build", hint="give a folder that has a result.json")
    origin, steps = result.provenance.get("cached_from"), step_rows(result)
    if as_json:
        print_json({"build": result.config_id, "cached_from": origin, "steps": list[JSONValue](steps)})
        return 0
    if isinstance(origin, dict):
        click.echo(
            f"{result.config_id} wasn't built: its result is that of {origin['build']} in {origin['output_dir']},"
        )
        click.echo(f"finished {origin['finished']}. What follows is what happened there.")
    if not steps:
        click.echo(
            f"no step is recorded: the backend {result.backend} has none that can be reused, or {NO_CACHE_VARIABLE}"
        )
        click.echo("or --no-cache was in force")
        return 0
    columns = (Column("step"), Column("outcome"), Column("seconds", right=True), Column("why", wide=True))
    print_table(columns, [[row["step"], row["outcome"], number(row["seconds"]), row["why"]] for row in steps])
    return 0


def step_rows(result: BuildResult) -> list[dict[str, Any]]:
    """Return what became of each step of a build: step, outcome (`ran` or `reused`), seconds, saved seconds, why."""
    rows = []
    for name, steps in result.provenance.items():
        if name.endswith(_STEPS) and isinstance(steps, list):
            rows += [_row(step) for step in steps if isinstance(step, dict)]
    return rows


def _row(step: dict[str, Any]) -> dict[str, Any]:
    reused = bool(step.get("reused"))
    return {
        "step": str(step.get("step", "")),
        "outcome": "reused" if reused else "ran",
        "seconds": step.get("seconds"),
        "saved_s": step.get("saved_s"),
        "differs": step.get("differs") or [],
        "reasons": step.get("reasons") or [],
        "why": _why(step, reused),
    }


def _why(step: dict[str, Any], reused: bool) -> str:
    if reused:
        saved = step.get("saved_s")
        return "all that it reads is as before" + (f"; it took {number(saved)} s then" if saved is not None else "")
    differs = step.get("differs") or []
    texts = [f"{each['read']}: {_short(each.get('now'))}, nearest had {_short(each.get('then'))}" for each in differs]
    kept = "" if step.get("stored", True) else "it isn't kept: "
    texts += [f"{kept}{reason}" for reason in step.get("reasons") or []]
    return "; ".join(texts) or "nothing like it was there"


def _short(value: JSONValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@command.command(
    "verify", epilog="\b\nExamples:\n  brainsmith cache verify\n  brainsmith cache verify --count 20 --json"
)
@click.option("--count", type=click.IntRange(min=1), default=3, show_default=True, help="Build so many again.")
@click.option("--seed", type=int, help="Choose the same sample again.")
@json_option
@pass_app
def verify(app: App, count: int, seed: int | None, as_json: bool) -> int:
    """Check all that is kept, build a sample again from nothing, and compare it byte for byte.

    The exit code is 1 if anything differs. Damaged entries are dropped, and made again when they are next needed.
    """
    from ..build.cache.verify import verify_builds

    store = _store()
    damaged = store.check()
    found = []
    for verified in verify_builds(store, app.plugins, count, seed):
        click.echo(f"{verified.build}: {verified.state} {verified.message}".rstrip(), err=True)
        found.append(verified)
    different = [each for each in found if each.state == "different"]
    if as_json:
        print_json({"damaged": list[JSONValue](damaged), "builds": [each.to_dict() for each in found]})
        return 1 if different else 0
    for text in damaged:
        click.echo(text)
    columns = (Column("build"), Column("state"), Column("files", right=True), Column("what", wide=True))
    print_table(columns, [[each.build, each.state, number(each.files), each.message] for each in found])
    compared = sum(each.state != "skipped" for each in found)
    click.echo(f"{compared} builds compared, {len(different)} differ; {len(damaged)} damaged entries were dropped")
    return 1 if different else 0


@command.command(
    "gc", epilog="\b\nExamples:\n  brainsmith cache gc --dry-run\n  brainsmith cache gc --max-size 2G --max-age 30"
)
@click.option("--max-size", metavar="SIZE", callback=_size, help="Keep so much, such as 500M. [default: the limit]")
@click.option("--max-age", type=click.FloatRange(min=0), help="Remove what wasn't used for so many days.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@json_option
def gc(max_size: int | None, max_age: float | None, dry_run: bool, as_json: bool) -> int:
    """Remove what wasn't used for longest until the rest fits; nothing of the last hour goes."""
    limit = _limit() if max_size is None else max_size
    done = _store().gc(limit, None if max_age is None else max_age * 86400, dry_run)
    if as_json:
        print_json(dict(done._asdict()))
        return 0
    verb = "would be" if dry_run else "were"
    click.echo(f"{done.entries:,} entries and {done.blobs:,} files {verb} removed: {_bytes(done.freed_bytes)}")
    click.echo(f"{_bytes(done.kept_bytes)} {'would be' if dry_run else 'are'} left")
    return 0
