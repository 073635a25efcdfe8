"""From an installed distribution to a plugin in its state: what its metadata says, then its import."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .choices import DISABLE_VARIABLE, PROJECT_FILE, PluginChoices
from .containment import Outcome, call_contained, describe
from .installed import CORE_DISTRIBUTION, Distribution, core_version
from .requirements import unmet_core_requirement
from .state import Plugin, PluginFault, PluginState
from .targets import import_fix

__all__ = ["check_before_import", "import_plugin", "inactive_lines", "note_changes", "note_fault", "plugins_of"]

_VALUE = re.compile(r"(?P<module>[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)\s*(:\s*(?P<attribute>\w+(\.\w+)*))?\s*(\[.*\])?\Z")

#: A longer import is mentioned wherever the plugin is listed, in s.
SLOW_IMPORT = 0.5


def plugins_of(distributions: Iterable[Distribution], choices: PluginChoices) -> list[Plugin]:
    """Return all plugins, none imported yet, in the order that they have on every machine.

    Of two with one name the one of the distribution that the user prefers comes first, else that of the first by name.
    """
    found = [(each, name, value) for each in distributions for name, value in each.plugins]
    found.sort(key=lambda item: (item[1], choices.preferred("plugin", item[1]) != item[0].name, item[0].name, item[2]))
    plugins = []
    for each, name, value in found:
        plugin = Plugin(
            name=name,
            target=value,
            distribution=each.name,
            version=each.version,
            location=each.folder,
            requires=each.requires,
        )
        if each.problem:
            fix = f"pip install --force-reinstall {each.name}"
            plugin.put_aside(PluginState.FAILED, f"{each.problem}", fix)
        plugins.append(plugin)
    return plugins


def check_before_import(plugin: Plugin, first: Mapping[str, Plugin], choices: PluginChoices) -> None:
    """Check all that can be told without the plugin's code.

    Args:
        plugin: the plugin.
        first: by name, the plugin that holds the name.
        choices: what the user says.

    Raises:
        PluginFault: if the plugin must not be imported.
    """
    if plugin.name in choices.disabled:
        source = choices.disabled[plugin.name]
        raise PluginFault(PluginState.BLOCKED, f"disabled by {source}", _enabling(plugin.name, source))
    holder = first.get(plugin.name, plugin)
    if holder is not plugin:
        reason = f"{holder.distribution} brings a plugin of the same name"
        key = f"prefer.plugin.{plugin.name}"
        fix = f'pip uninstall one, or in {PROJECT_FILE}, below [plugins]: {key} = "{plugin.distribution}"'
        raise PluginFault(PluginState.SHADOWED, reason, fix)
    if plugin.state is not PluginState.ACTIVE:
        raise PluginFault(plugin.state, plugin.reason, plugin.fix)
    try:
        need = unmet_core_requirement(plugin.requires, core_version())
    except ValueError as error:
        fix = f"pip install --force-reinstall {plugin.distribution}"
        raise PluginFault(PluginState.FAILED, f"its metadata is wrong: {error}", fix) from None
    if need:
        reason = f"needs {need}, but {CORE_DISTRIBUTION} {core_version()} is installed"
        raise PluginFault(PluginState.INCOMPATIBLE, reason, f'pip install "{need}"')
    if not _VALUE.match(plugin.target):
        reason = f'its entry point names "{plugin.target}", which is no "module" or "module:object"'
        raise PluginFault(PluginState.FAILED, reason, f"mend the entry point of {plugin.distribution}")


def _enabling(name: str, source: str) -> str:
    if source == DISABLE_VARIABLE:
        return f"take {name} out of {DISABLE_VARIABLE}"
    if source.endswith(PROJECT_FILE):
        return f"brainsmith plugins enable {name}"
    return f"leave out {source} {name}"


def import_plugin(plugin: Plugin) -> Outcome[Any]:
    """Import what a plugin's entry point names; its faults and its output stay with it."""
    matched = _VALUE.match(plugin.target)
    assert matched is not None
    outcome = call_contained(lambda: _load(matched["module"], matched["attribute"]))
    plugin.import_seconds = outcome.seconds
    plugin.output += outcome.output
    if outcome.seconds > SLOW_IMPORT:
        plugin.note(f"its import is slow: {outcome.seconds:.1f} s")
    note_changes(plugin, outcome, "its import")
    if outcome.error is not None:
        note_fault(plugin, outcome.error)
    return outcome


def note_changes(plugin: Plugin, outcome: Outcome[Any], doing: str) -> None:
    """Note what of the process a plugin's code changed; it was put back.

    Args:
        plugin: the plugin.
        outcome: what became of the call.
        doing: what it was doing, such as a hook's name.
    """
    if outcome.changed:
        plugin.note(f"{doing} changed {', '.join(outcome.changed)}: put back")


def _load(module: str, attribute: str | None) -> Any:
    value: Any = importlib.import_module(module)
    for part in filter(None, (attribute or "").split(".")):
        value = getattr(value, part)
    return value


def note_fault(plugin: Plugin, error: BaseException, doing: str = "") -> None:
    """Put a plugin aside for what it raised.

    Args:
        plugin: the plugin.
        error: what its code raised, or what was found wrong with it.
        doing: what it was doing, such as a hook's name.
    """
    if isinstance(error, PluginFault):
        plugin.put_aside(error.state, error.reason, error.fix)
        return
    reason = f"{doing} raised {describe(error)}" if doing else describe(error)
    plugin.put_aside(PluginState.FAILED, reason, import_fix(error, plugin.distribution, plugin.requires))
    import traceback  # a command that finds no fault needs none of it

    plugin.traceback = "".join(traceback.format_exception(error))


def inactive_lines(plugins: Iterable[Plugin]) -> Iterator[str]:
    """Yield two lines for each plugin that takes no part, and for each broken part: which, why, and what to do."""
    for plugin in plugins:
        for reason, fix in plugin.broken if plugin.is_active else ():
            yield f"when last tried, {reason}"
            yield f"  fix: {fix}"
        if not plugin.is_active:
            yield f"plugin {plugin.label} is {plugin.state.value}: {plugin.reason}"
            yield f"  fix: {plugin.fix}"
