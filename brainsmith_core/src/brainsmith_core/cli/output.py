"""What the command line prints: tables that fit the terminal, JSON, and errors that say what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import attrs
import click

from ..errors import BrainsmithError
from ..formats.json_values import JSONValue

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Column", "console", "number", "print_error", "print_json", "print_table"]

#: Styles of words that say how something is; colours are used on a terminal only.
STYLES = {
    "ok": "green",
    "active": "green",
    "success": "green",
    "cached": "green",
    "warning": "yellow",
    "skipped": "yellow",
    "cancelled": "yellow",
    "unknown": "yellow",
    "blocked": "yellow",
    "failed": "red",
    "missing": "red",
    "timeout": "red",
}


@attrs.frozen
class Column:
    """A column of a table.

    Args:
        title: its heading.
        right: numbers stand to the right.
        wide: takes the room that is left and may be broken over lines.
    """

    title: str
    right: bool = False
    wide: bool = False


def console(*, err: bool = False) -> Console:
    """Return a console on stdout or stderr; without a terminal it is 120 columns wide and without colour."""
    # Imported here: help and --json need none of it.
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else 120
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table on stdout that fits the terminal.

    Args:
        columns: its columns.
        rows: the text of each cell; a word of `STYLES` is coloured.
        title: printed above it.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=not column.wide,
            ratio=None,
        )
    for row in rows:
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    console().print(table)


def print_json(data: JSONValue) -> None:
    """Print one JSON document on stdout."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def print_error(error: BrainsmithError, as_json: bool = False) -> None:
    """Print an error on stderr, and as the JSON document on stdout where that was asked for."""
    click.echo(click.style("error: ", fg="red", bold=True) + error.message, err=True)
    if error.hint:
        click.echo("\n".join(f"  {line}" for line in error.hint.splitlines()), err=True)
    if as_json:
        print_json({"error": {"message": error.message, "hint": error.hint, "category": error.category}})


def number(value: float | int | None, digits: int = 4) -> str:
    """Return a number for people, `-` where there is none.

    Example:
        >>> number(1234567.0), number(0.12345), number(None), number(0)
        ('1,234,567', '0.1235', '-', '0')
    """
    if value is None:
        return "-"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"
