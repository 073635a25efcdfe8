"""`brainsmith plugins`: what is installed, in which state, what it offers; leave one out, write a new one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from ..errors import ConfigurationError, did_you_mean
from ..plugins.choices import DISABLE_VARIABLE, PROJECT_FILE, find_project_file, read_project_file
from ..plugins.manager import Plugin, PluginManager
from .app import App, SuggestingGroup, json_option, pass_app
from .output import print_json
from .plugin_rows import clash_data, details, fault_lines, list_lines, plugin_data

__all__ = ["command"]


@click.group("plugins", cls=SuggestingGroup)
def command() -> None:
    """List the installed plugins and what they offer; leave one out; write a new one."""


@command.command("list", epilog="\b\nExample:\n  brainsmith plugins list --json")
@json_option
@pass_app
def list_plugins(app: App, as_json: bool) -> None:
    """List every installed plugin, whatever its state, with the reason and the fix."""
    plugins = app.plugins.check_all()
    clashes = app.plugins.clashes()
    if as_json:
        found = [plugin_data(plugin, app.plugins) for plugin in plugins]
        print_json({"plugins": [*found], "clashes": clash_data(clashes)})
        return
    for line in [*list_lines(plugins), *fault_lines(clashes)]:
        click.echo(line)


@command.command("show", epilog="\b\nExample:\n  brainsmith plugins show finn_legacy")
@click.argument("name")
@json_option
@pass_app
def show_plugin(app: App, name: str, as_json: bool) -> None:
    """Show all about the plugin NAME."""
    plugins = [plugin for plugin in app.plugins.check_all() if plugin.name == name]
    if not plugins:
        raise _unknown(name, app.plugins)
    if as_json:
        first, *others = [plugin_data(plugin, app.plugins) for plugin in plugins]
        print_json(first | {"others": [*others]} if others else first)
        return
    for plugin in plugins:
        for line in details(plugin, app.plugins):
            click.echo(line)


@command.command("check", epilog="\b\nExample:\n  brainsmith plugins check")
@json_option
@pass_app
def check_plugins(app: App, as_json: bool) -> int:
    """Check every plugin, importing all that it offers; the exit code is 1 if something is wrong."""
    plugins = app.plugins.check_all()
    app.plugins.check_targets()
    bad = app.plugins.inactive()
    wrong = list(_wrong_settings(app.plugins))
    clashes = [clash for clash in app.plugins.clashes() if clash.winner is None]
    if as_json:
        found = [plugin_data(plugin, app.plugins) for plugin in plugins]
        print_json(
            {"plugins": [*found], "clashes": clash_data(clashes), "inactive": len(bad), "wrong_settings": [*wrong]}
        )
    else:
        for line in [*_told(bad), *fault_lines(clashes), *wrong]:
            click.echo(line)
        click.echo(f"{len(plugins) - len(bad)} of {len(plugins)} plugins are active")
    return 1 if bad or clashes or wrong else 0


@command.command("disable", epilog="\b\nExample:\n  brainsmith plugins disable slow_collector")
@click.argument("name")
@pass_app
def disable_plugin(app: App, name: str) -> None:
    """Leave the plugin NAME out of this project: it isn't even imported."""
    from ..plugins.project_file import write_disabled

    if name not in {plugin.name for plugin in app.plugins.plugins}:
        raise _unknown(name, app.plugins)
    if name == "core":
        raise ConfigurationError("core is what runs this command; it can't be left out")
    file, names = _project()
    if name in names:
        click.echo(f"{name} is left out already by {file}")
        return
    write_disabled(file, [*names, name])
    click.echo(f"{name} is left out from now on, by {file}; brainsmith plugins enable {name} takes it back")


@command.command("enable", epilog="\b\nExample:\n  brainsmith plugins enable slow_collector")
@click.argument("name")
@pass_app
def enable_plugin(app: App, name: str) -> None:
    """Let the plugin NAME take part in this project again."""
    from ..plugins.project_file import write_disabled

    file, names = _project()
    if name not in names and name not in {plugin.name for plugin in app.plugins.plugins}:
        raise _unknown(name, app.plugins, *names)
    if name in names:
        write_disabled(file, [each for each in names if each != name])
        click.echo(f"{name} takes part again; {file} is changed")
    elif name not in app.plugins.choices.disabled:
        click.echo(f"{name} isn't left out; brainsmith plugins show {name} says what state it is in")
    source = app.plugins.choices.disabled.get(name)
    if source in (DISABLE_VARIABLE, "--no-plugin"):
        click.echo(f"but {source} still leaves {name} out", err=True)


@command.command("new", epilog="\b\nExample:\n  brainsmith plugins new my-collector --kind metrics")
@click.argument("name")
@click.option(
    "--kind", required=True, metavar="KIND", help="metrics, backend, preprocessing, postprocessing or executor."
)
@click.option("--output", type=click.Path(path_type=Path), help="Where to write it; else a folder of that name here.")
def new_plugin(name: str, kind: str, output: Path | None) -> None:
    """Write a new plugin NAME: a complete, typed and tested package for pip."""
    from ..scaffold import create_package

    folder = output or Path(name)
    for path in create_package(name, kind, folder):
        click.echo(path)
    click.echo(f"next: cd {folder} && pip install -e '.[test]' && pytest", err=True)


def _project() -> tuple[Path, list[str]]:
    """Return the project file, there or not, and the plugins that it leaves out."""
    file = find_project_file()
    if file is None:
        return Path.cwd() / PROJECT_FILE, []
    names = read_project_file(file).get("plugins", {}).get("disable", [])
    return file, [str(name) for name in names]


def _unknown(name: str, manager: PluginManager, *more: str) -> ConfigurationError:
    known = [*(plugin.name for plugin in manager.plugins), *more]
    by_distribution = [plugin.name for plugin in manager.plugins if plugin.distribution == name]
    hint = f'did you mean "{by_distribution[0]}"?' if by_distribution else did_you_mean(name, known)
    return ConfigurationError(f'no plugin is called "{name}"', hint=hint)


def _told(plugins: list[Plugin]) -> Iterator[str]:
    for plugin in plugins:
        yield f"{plugin.label} is {plugin.state.value}: {plugin.reason}"
        yield f"    fix: {plugin.fix}"


def _wrong_settings(manager: PluginManager) -> Iterator[str]:
    for plugin in manager.plugins:
        try:
            manager.settings(plugin)
        except ConfigurationError as error:
            yield f"{error.message}; {error.hint}" if error.hint else error.message
