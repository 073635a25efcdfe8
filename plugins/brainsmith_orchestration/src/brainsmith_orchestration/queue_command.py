"""`brainsmith queue`: what waits, and how to change its turn from another terminal."""

from __future__ import annotations

import click

from brainsmith_core.cli.app import SuggestingGroup, json_option
from brainsmith_core.cli.output import Column, number, print_json, print_table
from brainsmith_core.errors import ConfigurationError, did_you_mean

from .build_rows import as_json_data
from .project_store import project_store
from .scheduling.job import ENDED
from .scheduling.request import PRIORITIES

__all__ = ["command"]

_COLUMNS = (
    Column("id"),
    Column("build", wide=True),
    Column("state"),
    Column("priority"),
    Column("expected s", right=True),
    Column("why", wide=True),
)


@click.group("queue", cls=SuggestingGroup)
def command() -> None:
    """List what waits and runs; pause, go on, change priorities. Controllers obey within a second or two."""


@command.command("list", epilog="\b\nExamples:\n  brainsmith queue list\n  brainsmith queue list --all --json")
@click.option("--all", "everything", is_flag=True, help="Also show what has ended.")
@json_option
def list_queue(everything: bool, as_json: bool) -> None:
    """List what waits and runs, in the order in which it came."""
    from .store.jobs import list_jobs

    with project_store() as store:
        rows = list_jobs(store, ("waiting", "running", *ENDED) if everything else ("waiting", "running"))
    if as_json:
        print_json({"jobs": [as_json_data(row) for row in rows]})
        return
    cells = [
        [row["id"][:8], row["name"], row["state"], row["priority"], number(row["expected_seconds"]), row["reason"]]
        for row in rows
    ]
    print_table(_COLUMNS, cells)
    running = sum(row["state"] == "running" for row in rows)
    waiting = sum(row["state"] == "waiting" for row in rows)
    click.echo(f"{running} run, {waiting} wait", err=True)


@command.command("pause", epilog="\b\nExample:\n  brainsmith queue pause")
@json_option
def pause(as_json: bool) -> None:
    """Start nothing more; what runs goes on."""
    _order("pause", as_json)


@command.command("resume", epilog="\b\nExample:\n  brainsmith queue resume")
@json_option
def resume(as_json: bool) -> None:
    """Go on after `pause`."""
    _order("resume", as_json)


@command.command("priority", epilog="\b\nExample:\n  brainsmith queue priority config_0001 high")
@click.argument("build")
@click.argument("priority", type=click.Choice(PRIORITIES))
@json_option
def priority_command(build: str, priority: str, as_json: bool) -> None:
    """Change the priority of a build that waits."""
    _order("priority", as_json, build, priority)


@command.command("cancel", epilog="\b\nExample:\n  brainsmith queue cancel config_0001")
@click.argument("build")
@click.option("--reason", default="cancelled from another terminal", show_default=True, help="What its result says.")
@json_option
def cancel(build: str, reason: str, as_json: bool) -> None:
    """Take out a build that waits, and with it those that depend on it; `builds cancel` stops one that runs."""
    _order("cancel", as_json, build, reason)


def _order(kind: str, as_json: bool, build: str = "", value: str = "") -> None:
    from .store.jobs import find_job, list_jobs
    from .store.orders import Order, give_order

    with project_store() as store:
        subject = ""
        if build:
            found = find_job(store, build)
            if found is None or found["state"] != "waiting":
                names = [row["name"] for row in list_jobs(store, ("waiting",))]
                state = "isn't in the queue" if found is None else f"doesn't wait: {found['state']}"
                hint = did_you_mean(build, names) or "nothing waits"
                raise ConfigurationError(f'build "{build}" {state}', hint=hint)
            subject = found["id"]
        give_order(store, Order(kind, subject, value))
    if as_json:
        print_json({"asked": kind, "job": subject or None})
    else:
        click.echo(f"asked for: {' '.join(part for part in (kind, build, value) if part)}")
