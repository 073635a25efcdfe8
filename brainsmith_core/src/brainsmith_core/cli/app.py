"""What every command of the command line is given, and the pieces that commands are made of."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

import click

from ..errors import ConfigurationError, did_you_mean
from ..plugins.discovery import inactive_lines
from ..plugins.hook_trace import HookTrace
from ..plugins.manager import PluginManager, PluginState

__all__ = ["App", "SuggestingGroup", "json_option", "no_cache_option", "pass_app"]

F = TypeVar("F", bound="Callable[..., object]")


class App:
    """One run of the command line: which plugins it uses."""

    def __init__(self) -> None:
        self.disabled: tuple[str, ...] = ()
        self.trace_hooks = False

    @functools.cached_property
    def plugins(self) -> PluginManager:
        """The plugins, discovered when they are first needed."""
        if not self.trace_hooks:
            plugins = PluginManager.discover(self.disabled)
        else:
            plugins = PluginManager.discover(self.disabled, trace=HookTrace(lambda call: click.echo(call, err=True)))
        self._check_names(plugins)
        return plugins

    def tell_of_faults(self, besides: str = "") -> None:
        """Say on stderr which plugins take no part, why, and what to do; those that the user left out are known.

        Args:
            besides: a command, whose clash is an error of its own.
        """
        plugins = self.plugins
        plugins.check_all()
        faulty = [plugin for plugin in plugins.plugins if plugin.state is not PluginState.BLOCKED]
        for line in inactive_lines(faulty):
            click.echo(line, err=True)
        for clash in plugins.clashes():
            if clash.winner is None and (clash.kind, clash.name) != ("command", besides):
                click.echo(f"{clash.message}\n  fix: {clash.fix}", err=True)

    def _check_names(self, plugins: PluginManager) -> None:
        """Refuse a name given with `--no-plugin` that no plugin has; elsewhere it is said for several machines."""
        names = [plugin.name for plugin in plugins.plugins]
        for name in self.disabled:
            if name not in names:
                raise ConfigurationError(f'--no-plugin: no plugin is called "{name}"', hint=did_you_mean(name, names))
        for line in plugins.choices.unknown(names):
            click.echo(f"warning: {line}", err=True)


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


_no_cache_option = click.option("--no-cache", is_flag=True, help="Run everything; reuse nothing that was built before.")


def no_cache_option(command: F) -> F:
    """Give a command the option `--no-cache`, passed as `no_cache`."""
    return _no_cache_option(command)


def json_option(command: F) -> F:
    """Give a command the option `--json`, passed as `as_json`."""
    return _json_option(command)
