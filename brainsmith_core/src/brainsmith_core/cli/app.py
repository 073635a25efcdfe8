"""What every command of the command line is given, and the pieces that commands are made of."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import click

from ..errors import did_you_mean
from ..plugins import PluginManager

__all__ = ["App", "SuggestingGroup", "json_option", "pass_app"]

F = TypeVar("F", bound="Callable[..., object]")


class App:
    """One run of the command line: which plugins it uses."""

    def __init__(self) -> None:
        self.disabled: tuple[str, ...] = ()

    @functools.cached_property
    def plugins(self) -> PluginManager:
        """The plugins, discovered when they are first needed."""
        return PluginManager.discover(self.disabled)


class SuggestingGroup(click.Group):
    """A group that says which command was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, raise a usage error with the nearest known one."""
        name = args[0] if args else ""
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            hint = did_you_mean(name, self.list_commands(ctx))
            raise click.UsageError(f'there is no command "{name}"; {hint}', ctx)
        return super().resolve_command(ctx, args)


#: Hands the `App` to a command as its first argument.
pass_app = click.make_pass_decorator(App, ensure=True)

_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


def json_option(command: F) -> F:
    """Give a command the option `--json`, passed as `as_json`."""
    return _json_option(command)
