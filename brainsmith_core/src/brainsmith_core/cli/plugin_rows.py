"""How plugins are shown: rows of a list, everything about one, and as JSON data.

Plain text, not rich: listing must be quick, and what is wrong with a plugin must not be wrapped over many lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from ..errors import ConfigurationError
from ..formats.json_values import JSONValue
from ..plugins.choices import KINDS, PluginChoices
from ..plugins.clashes import Clash
from ..plugins.manager import Offer, Plugin, PluginManager
from ..plugins.settings import variable_of

__all__ = ["clash_data", "details", "fault_lines", "list_lines", "plugin_data"]

_COLOURS = {"active": "green", "blocked": "yellow", "shadowed": "yellow"}
_MOST_NAMES = 3


def list_lines(plugins: Iterable[Plugin]) -> Iterator[str]:
    """Yield the lines of the list: one for an active plugin, at most three for any other."""
    rows = [(each.name, each.state.value, f"{each.distribution} {each.version}".strip(), each) for each in plugins]
    heads = ("plugin", "state", "distribution")
    widths = [max(len(head), *(len(str(row[index])) for row in rows)) for index, head in enumerate(heads)]
    yield "  ".join(f"{head:{width}}" for head, width in zip(heads, widths, strict=True)) + "  offers"
    for name, state, distribution, plugin in rows:
        coloured = click.style(f"{state:{widths[1]}}", fg=_COLOURS.get(state, "red"))
        line = f"{name:{widths[0]}}  {coloured}  {distribution:{widths[2]}}  {_offers(plugin)}"
        yield line.rstrip()
        if not plugin.is_active:
            yield f"    {plugin.reason}"
            yield f"    fix: {plugin.fix}"
            continue
        for note in plugin.notes:
            yield f"    note: {note}"
        for reason, fix in plugin.broken:
            yield f"    when last tried, {reason}"
            yield f"    fix: {fix}"


def fault_lines(clashes: Iterable[Clash]) -> Iterator[str]:
    """Yield two lines for each name that several plugins offer."""
    for clash in clashes:
        yield clash.message
        yield f"    fix: {clash.fix}"


def details(plugin: Plugin, manager: PluginManager) -> Iterator[str]:
    """Yield all that is known of a plugin."""
    yield f"{plugin.name}: {plugin.state.value}" + (f": {plugin.reason}" if plugin.reason else "")
    order = manager.plugins.index(plugin) + 1
    rows = {
        "fix": plugin.fix,
        "distribution": f"{plugin.distribution} {plugin.version}".strip(),
        "module": plugin.target,
        "installed in": plugin.location,
        "import": f"{1000 * plugin.import_seconds:.1f} ms",
        "order": f"{order} of {len(manager.plugins)}: by name, core first; parsers by priority, then by that order",
        "requires": ", ".join(plugin.requires),
    }
    yield from (f"  {key:13} {value}" for key, value in rows.items() if value)
    for note in plugin.notes:
        yield f"  {'note':13} {note}"
    for reason, fix in plugin.broken:
        yield f"  {'broken':13} when last tried, {reason}"
        yield f"  {'fix':13} {fix}"
    for name, value in chosen(plugin, manager.choices).items():
        yield f"  {'said':13} {name} = {value}"
    yield from _own_settings(plugin, manager)
    for hook in plugin.hooks:
        yield f"  {hook.name}  ({hook.where})"
        for offer in _offered(plugin, hook.name, manager):
            yield f"    {_described(offer.record)}"
    for clash in manager.clashes():
        if any(offer.plugin is plugin for offer in clash.offers):
            yield f"  {clash.message}"
            yield f"    fix: {clash.fix}"
    if plugin.output:
        yield f"  it printed: {' '.join(plugin.output.split())[:200]}"
    if plugin.traceback:
        yield plugin.traceback


def chosen(plugin: Plugin, choices: PluginChoices) -> dict[str, str]:
    """Return what the user chose about a plugin: left out, preferred."""
    found = {}
    if plugin.name in choices.disabled:
        found["disable"] = f"{plugin.name} ({choices.disabled[plugin.name]})"
    for kind, names in choices.prefer.items():
        found |= {
            f"prefer.{kind}.{name}": f"{owner} ({choices.file})"
            for name, owner in names.items()
            if owner in (plugin.name, plugin.distribution)
        }
    return found


def _own_settings(plugin: Plugin, manager: PluginManager) -> Iterator[str]:
    """Yield a line for each setting of the plugin itself: value, where it is said, what it does."""
    try:
        found = manager.settings(plugin)
    except ConfigurationError as error:
        yield f"  {'settings':13} {error.message}"
        yield f"    fix: {error.hint or 'mend the setting'}"
        return
    for each in found:
        value = json.dumps(each.value, ensure_ascii=False)
        yield f"  {'setting':13} {each.name} = {value} ({each.source}): {each.summary}"


def _own_settings_data(plugin: Plugin, manager: PluginManager) -> JSONValue:
    try:
        found = manager.settings(plugin)
    except ConfigurationError as error:
        return {"error": {"message": error.message, "hint": error.hint or ""}}
    return {
        each.name: {
            "value": each.value,
            "source": each.source,
            "summary": each.summary,
            "variable": variable_of(plugin.name, each.name),
        }
        for each in found
    }


def plugin_data(plugin: Plugin, manager: PluginManager) -> dict[str, JSONValue]:
    """Return all that is known of a plugin as JSON data."""
    hooks: list[JSONValue] = [{"name": hook.name, "where": hook.where} for hook in plugin.hooks]
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "target": plugin.target,
        "location": plugin.location,
        "state": plugin.state.value,
        "reason": plugin.reason,
        "fix": plugin.fix,
        "notes": list(plugin.notes),
        "broken": [{"reason": reason, "fix": fix} for reason, fix in plugin.broken],
        "order": manager.plugins.index(plugin) + 1,
        "import_seconds": round(plugin.import_seconds, 6),
        "choices": dict(chosen(plugin, manager.choices)),
        "settings": _own_settings_data(plugin, manager),
        "hooks": hooks,
        "provides": {hook: list(names) for hook, names in plugin.provides.items()},
    }


def clash_data(clashes: Iterable[Clash]) -> list[JSONValue]:
    """Return clashes as JSON data."""
    return [
        {
            "kind": clash.kind,
            "name": clash.name,
            "plugins": [offer.plugin.name for offer in clash.offers],
            "winner": clash.winner.plugin.name if clash.winner else None,
            "fix": clash.fix,
        }
        for clash in clashes
    ]


def _offers(plugin: Plugin) -> str:
    if not plugin.is_active:
        return ""
    return ", ".join(_summary(KINDS[hook], names) for hook, names in plugin.provides.items() if names)


def _summary(kind: str, names: list[str]) -> str:
    kind = kind.replace("_", " ")
    if len(names) > _MOST_NAMES:
        return f"{len(names)} {kind}s"
    return f"{kind} {' '.join(names)}"


def _offered(plugin: Plugin, hook: str, manager: PluginManager) -> list[Offer[Any]]:
    return [offer for offer in manager.offers(hook) if offer.plugin is plugin] if hook in KINDS else []


def _described(record: Any) -> str:
    """Return a record in one line, with the settings that it declares."""
    name = record.part if hasattr(record, "part") else record.name
    said = getattr(record, "summary", "") or getattr(record, "description", "") or getattr(record, "advice", "")
    parameters: Mapping[str, Any] = {each.name: each.default for each in getattr(record, "parameters", ())}
    declared = "  [" + ", ".join(f"{key}={value}" for key, value in parameters.items()) + "]" if parameters else ""
    priority = f"  (priority {record.priority})" if getattr(record, "priority", 0) else ""
    return f"{name}: {said}{declared}{priority}".rstrip(": ")
