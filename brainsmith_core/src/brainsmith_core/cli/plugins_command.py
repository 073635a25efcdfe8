"""`brainsmith plugins`: what is installed, in which state, and what it offers."""

from __future__ import annotations

import click

from ..errors import ConfigurationError, did_you_mean
from ..json_values import JSONValue
from ..plugins import Plugin, PluginState
from .app import App, SuggestingGroup, json_option, pass_app
from .output import Column, print_json, print_table

__all__ = ["command"]


@click.group("plugins", cls=SuggestingGroup)
def command() -> None:
    """List the installed plugins and what they offer."""


@command.command("list", epilog="\b\nExample:\n  brainsmith plugins list --json")
@json_option
@pass_app
def list_plugins(app: App, as_json: bool) -> None:
    """List every installed plugin, whatever its state, with the reason and the fix."""
    plugins = app.plugins.check_all()
    if as_json:
        print_json({"plugins": [_to_data(plugin) for plugin in plugins]})
        return
    columns = (Column("plugin"), Column("state"), Column("distribution"), Column("offers", wide=True))
    print_table(columns, [_row(plugin) for plugin in plugins])


@command.command("show", epilog="\b\nExample:\n  brainsmith plugins show finn_legacy")
@click.argument("name")
@json_option
@pass_app
def show_plugin(app: App, name: str, as_json: bool) -> None:
    """Show all about the plugin NAME."""
    plugins = {plugin.name: plugin for plugin in app.plugins.check_all()}
    if name not in plugins:
        raise ConfigurationError(f'no plugin is called "{name}"', hint=did_you_mean(name, plugins))
    plugin = plugins[name]
    if as_json:
        print_json(_to_data(plugin))
        return
    click.echo(f"{plugin.name}: {plugin.state.value}" + (f": {plugin.reason}" if plugin.reason else ""))
    if plugin.fix:
        click.echo(f"  fix           {plugin.fix}")
    click.echo(f"  distribution  {plugin.distribution} {plugin.version}")
    click.echo(f"  module        {plugin.target} (imported in {1000 * plugin.import_seconds:.1f} ms)")
    for hook, names in plugin.provides.items():
        click.echo(f"  {hook}: {', '.join(names)}")
    if plugin.traceback:
        click.echo(plugin.traceback)


@command.command("check", epilog="\b\nExample:\n  brainsmith plugins check")
@json_option
@pass_app
def check_plugins(app: App, as_json: bool) -> int:
    """Check every plugin; the exit code is 1 if one isn't active."""
    plugins = app.plugins.check_all()
    bad = [plugin for plugin in plugins if plugin.state is not PluginState.ACTIVE]
    if as_json:
        print_json({"plugins": [_to_data(plugin) for plugin in plugins], "inactive": len(bad)})
    else:
        for plugin in bad:
            click.echo(
                f"{plugin.name} ({plugin.distribution} {plugin.version}) is {plugin.state.value}: {plugin.reason}"
            )
            click.echo(f"  fix: {plugin.fix}")
        click.echo(f"{len(plugins) - len(bad)} of {len(plugins)} plugins are active")
    return 1 if bad else 0


def _row(plugin: Plugin) -> list[str]:
    if plugin.state is not PluginState.ACTIVE:
        offers = f"{plugin.reason}\nfix: {plugin.fix}"
    else:
        offers = "; ".join(_summary(hook, names) for hook, names in plugin.provides.items() if names)
    return [plugin.name, plugin.state.value, f"{plugin.distribution} {plugin.version}", offers]


def _summary(hook: str, names: list[str]) -> str:
    kind = hook.removeprefix("brainsmith_").replace("_", " ")
    if len(names) > 6:
        return f"{len(names)} {kind}"
    return f"{kind}: {', '.join(names)}"


def _to_data(plugin: Plugin) -> dict[str, JSONValue]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "target": plugin.target,
        "state": plugin.state.value,
        "reason": plugin.reason,
        "fix": plugin.fix,
        "import_seconds": round(plugin.import_seconds, 6),
        "provides": {hook: list(names) for hook, names in plugin.provides.items()},
    }
