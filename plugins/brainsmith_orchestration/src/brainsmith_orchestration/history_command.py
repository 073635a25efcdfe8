"""`brainsmith history`: carry all that the store knows to another one."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from brainsmith_core.cli.app import SuggestingGroup, json_option
from brainsmith_core.cli.output import print_json
from brainsmith_core.errors import ConfigurationError

from .project_store import project_store

__all__ = ["command"]


@click.group("history", cls=SuggestingGroup)
def command() -> None:
    """Export and import the history of all builds."""


@command.command("export", epilog="\b\nExample:\n  brainsmith history export history.jsonl")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def export(file: Path, as_json: bool) -> None:
    """Write all builds, attempts, steps, metrics, events, artefacts and provenance to FILE, as JSON lines.

    FILE is there whole or not at all; - writes to stdout.
    """
    from .store.history import export_history

    with project_store() as store:
        if str(file) == "-":
            sys.stdout.writelines(export_history(store))
            return
        temporary = file.with_name(f".{file.name}.tmp")
        lines = 0
        try:
            with temporary.open("w", encoding="utf-8") as stream:
                for line in export_history(store):
                    stream.write(line)
                    lines += 1
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)
    if as_json:
        print_json({"file": str(file), "rows": lines - 1})
    else:
        click.echo(f"{lines - 1} rows in {file}")


@command.command("import", epilog="\b\nExample:\n  brainsmith history import history.jsonl")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def import_(file: Path, as_json: bool) -> None:
    """Add what FILE holds; what is known already stays as it is, so a second import changes nothing."""
    from .store.history import import_history

    try:
        with project_store() as store, file.open(encoding="utf-8") as stream:
            attempts = import_history(store, stream, str(file))
    except UnicodeDecodeError as error:
        text = f"{file} is no exported history: it isn't text"
        raise ConfigurationError(text, hint="give a file that `brainsmith history export` wrote") from error
    if as_json:
        print_json({"file": str(file), "attempts": attempts})
    else:
        click.echo(f"{attempts} attempts read from {file}")
