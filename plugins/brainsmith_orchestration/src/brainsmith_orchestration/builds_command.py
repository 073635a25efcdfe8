"""`brainsmith builds`: what was built, how it compares, what runs now, and how to stop or repeat it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from brainsmith_core.cli.app import App, SuggestingGroup, json_option, pass_app
from brainsmith_core.cli.output import Column, number, print_json, print_table
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue

from .build_rows import LIST_COLUMNS, as_json_data, describe_live, list_row, shown_value
from .project_store import project_store

__all__ = ["command"]

_STATUSES = ("running", "success", "failed", "timeout", "cancelled", "interrupted")
_PAUSE_SECONDS = 1.0


@click.group("builds", cls=SuggestingGroup)
def command() -> None:
    """List, show, compare, watch, cancel and repeat the builds that the project's store knows.

    BUILD is an id in the store (or its first letters), the id of a configuration, or a build's folder.
    """


@command.command(
    "list",
    epilog="""\b
Examples:
  brainsmith builds list
  brainsmith builds list --status failed --status timeout --limit 20
  brainsmith builds list --exploration digits --json""",
)
@click.option("--status", multiple=True, type=click.Choice(_STATUSES), help="Only with this status. May be repeated.")
@click.option("--exploration", default="", metavar="ID", help="Only those of this design space.")
@click.option("--backend", default="", help="Only those of this backend.")
@click.option("--name", default="", metavar="PART", help="Only those whose configuration's id holds this.")
@click.option("--days", type=click.FloatRange(min=0), help="Only those of the last so many days.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The latest so many.")
@json_option
def list_builds_command(
    *, status: tuple[str, ...], days: float | None, limit: int, as_json: bool, **wanted: str
) -> None:
    """List builds, the latest first."""
    from .store.queries import BuildFilter, list_builds

    since = None if days is None else time.time() - 86_400 * days
    with project_store() as store:
        # One more than is shown tells whether there are more.
        rows = list_builds(store, BuildFilter(status=status, since=since, limit=limit + 1, **wanted))
    if as_json:
        print_json({"builds": [as_json_data(row) for row in rows[:limit]]})
        return
    print_table(LIST_COLUMNS, [list_row(row) for row in rows[:limit]])
    more = f"; --limit {2 * limit} shows more" if len(rows) > limit else ""
    click.echo(f"{len(rows[:limit])} builds{more}", err=True)


@command.command("show", epilog="\b\nExample:\n  brainsmith builds show config_0001")
@click.argument("build")
@json_option
def show_build_command(build: str, as_json: bool) -> None:
    """Show what is known of a build: its attempts, and the steps and figures of the latest one."""
    from .store.queries import show_build

    with project_store() as store:
        found = show_build(store, build)
    if as_json:
        print_json(as_json_data(found))
        return
    facts = ("id", "name", "status", "backend", "exploration", "folder", "category", "message")
    print_table([Column("build"), Column("", wide=True)], [[name, str(found[name])] for name in facts if found[name]])
    columns = [Column("attempt"), Column("status"), Column("seconds", right=True), Column("message", wide=True)]
    rows = ([each["id"][:8], each["status"], number(each["seconds"]), each["message"]] for each in found["attempts"])
    print_table(columns, rows)
    _print_parts(found)


def _print_parts(found: dict[str, Any]) -> None:
    if found["steps"]:
        columns = [Column("step", wide=True), Column("phase"), Column("seconds", right=True)]
        print_table(columns, [[each["name"], each["phase"], number(each["seconds"])] for each in found["steps"]])
    whole = [each for each in found["metrics"] if not each["scope"] and each["value"] is not None]
    if whole:
        columns = [Column("metric", wide=True), Column("value", right=True), Column("unit"), Column("stage")]
        print_table(columns, [[e["name"], shown_value(e["value"]), e["unit"], e["stage"]] for e in whole])


@command.command("compare", epilog="\b\nExample:\n  brainsmith builds compare config_0001 config_0002")
@click.argument("names", nargs=-1, required=True, metavar="BUILD...")
@click.option("--all", "everything", is_flag=True, help="Also show figures that are the same in all.")
@json_option
def compare(names: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Compare the figures of builds; a figure that a build hasn't got is shown as -."""
    from .store.queries import find_build, metric_table

    if len(set(names)) < 2:
        raise ConfigurationError("one build alone can't be compared", hint="give two builds or more")
    with project_store() as store:
        found = [find_build(store, name) for name in names]
        table = metric_table(store, [build["id"] for build in found])
    ids = [build["id"] for build in found]
    if as_json:
        titles: list[JSONValue] = [
            {"id": build["id"], "name": build["name"], "status": build["status"]} for build in found
        ]
        print_json({"builds": titles, "metrics": {name: [row.get(key) for key in ids] for name, row in table.items()}})
        return
    rows = [[name, *(shown_value(row.get(key)) for key in ids)] for name, row in table.items()]
    differing = [row for row in rows if everything or len(set(row[1:])) > 1]
    flags = [build["config"]["config_flags"] for build in found]
    head = [[name, *(shown_value(each.get(name)) for each in flags)] for name in _differing_flags(flags)]
    columns = [Column("", wide=True), *(Column(build["name"], right=True, wide=True) for build in found)]
    print_table(columns, [["status", *(build["status"] for build in found)], *head, *differing])
    same = len(rows) - len(differing)
    if same:
        click.echo(f"{same} figures are the same in all; --all shows them", err=True)


def _differing_flags(flags: Sequence[dict[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for each in flags for name in each)
    return [name for name in names if len({repr(each.get(name)) for each in flags}) > 1]


@command.command("watch", epilog="\b\nExamples:\n  brainsmith builds watch\n  brainsmith builds watch --json")
@json_option
def watch(as_json: bool) -> None:
    """Show what runs now and how far it is, until nothing runs; with --json, once."""
    from .store.queries import BuildFilter, list_builds

    with project_store() as store:
        said: dict[str, str] = {}
        while True:
            rows = list_builds(store, BuildFilter(status=("running",)))
            if as_json:
                print_json({"builds": [as_json_data(row) for row in rows]})
                return
            lines = {row["id"]: f"{row['name']}: {describe_live(row)}" for row in rows}
            for key in said.keys() - lines.keys():
                click.echo(f"{said[key].partition(': ')[0]}: ended")
            for key, line in lines.items():
                if said.get(key) != line:
                    click.echo(line)
            said = lines
            if not rows:
                click.echo("nothing runs", err=True)
                return
            time.sleep(_PAUSE_SECONDS)


@command.command("cancel", epilog="\b\nExample:\n  brainsmith builds cancel config_0001")
@click.argument("names", nargs=-1, required=True, metavar="BUILD...")
@click.option("--reason", default="cancelled from another terminal", show_default=True, help="What its result says.")
@json_option
def cancel(names: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Stop running builds, whichever process runs them."""
    from .store.orders import Order, give_order
    from .store.queries import find_build

    with project_store() as store:
        found = [find_build(store, name) for name in names]
        for build in found:
            if build["status"] != "running":
                text = f"build {build['name']} doesn't run: {build['status']}"
                raise ConfigurationError(text, hint="brainsmith builds watch shows what runs")
        for build in found:
            give_order(store, Order("cancel", build["id"], reason))
    if as_json:
        print_json({"cancelled": [build["id"] for build in found]})
    else:
        click.echo(f"asked to stop: {', '.join(build['name'] for build in found)}")


@command.command("retry", epilog="\b\nExample:\n  brainsmith builds retry config_0001")
@click.argument("build")
@json_option
@pass_app
def retry(app: App, /, build: str, as_json: bool) -> int:
    """Build something again, in its folder, whatever came of it before; it becomes a further attempt."""
    from .retry_build import retry_build

    with project_store() as store:
        result = retry_build(store, build, app.plugins)
    if as_json:
        print_json(result.to_dict())
    else:
        click.echo(f"{result.config_id}: {result.status.value} in {number(result.duration_seconds)} s")
        if result.error_message:
            click.echo(result.error_message, err=True)
    return 0 if result.succeeded else 1
