"""Discovery of plugins: each is contained, is in exactly one state, and says why and what to do about it."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from typing import Any, TypeVar

import pluggy

from . import hookspecs
from .discovery import (
    CORE_DISTRIBUTION,
    core_version,
    distribution_name,
    import_contained,
    note_fault,
    unmet_core_requirement,
)
from .errors import ConfigurationError, PluginError, did_you_mean
from .plugin_state import Offer, Plugin, PluginState
from .records import (
    BackendSpec,
    CommandSpec,
    Device,
    ErrorRule,
    ExecutorSpec,
    MetricDefinition,
    MetricParserSpec,
    StepSpec,
    ValidatorSpec,
)
from .targets import load_target

__all__ = ["DISABLE_VARIABLE", "Offer", "Plugin", "PluginManager", "PluginState", "load_target"]

#: Environment variable: names of plugins to leave out, separated by commas.
DISABLE_VARIABLE = "BRAINSMITH_DISABLE_PLUGINS"

_BUILTIN_PLUGIN = "brainsmith_core.builtin"

#: For each registration hook, the type of its records.
RECORD_TYPES: dict[str, type] = {
    "brainsmith_backends": BackendSpec,
    "brainsmith_preprocessing_steps": StepSpec,
    "brainsmith_postprocessing_steps": StepSpec,
    "brainsmith_metric_parsers": MetricParserSpec,
    "brainsmith_metric_definitions": MetricDefinition,
    "brainsmith_executors": ExecutorSpec,
    "brainsmith_error_rules": ErrorRule,
    "brainsmith_devices": Device,
    "brainsmith_commands": CommandSpec,
    "brainsmith_validators": ValidatorSpec,
}

R = TypeVar("R")
T = TypeVar("T")


class PluginManager:
    """All plugins of an environment and what they offer, in an order that is the same on every machine.

    Args:
        disabled: names of plugins to leave out before their import; more come from the environment variable
            `BRAINSMITH_DISABLE_PLUGINS`.

    Example:
        >>> manager = PluginManager.discover()
        >>> manager.plugins[0].name
        'core'
    """

    def __init__(self, disabled: Iterable[str] = ()) -> None:
        self.plugins: list[Plugin] = []
        self._disabled = {*disabled, *filter(None, os.environ.get(DISABLE_VARIABLE, "").split(","))}
        self._pluggy = pluggy.PluginManager("brainsmith")
        self._pluggy.add_hookspecs(hookspecs)
        self._modules: dict[str, object] = {}
        self._lock = threading.RLock()
        self._offers: dict[str, list[Offer[Any]]] = {}
        self._derived: dict[Callable[[PluginManager], Any], Any] = {}
        self.register(importlib.import_module(_BUILTIN_PLUGIN), "core", CORE_DISTRIBUTION, core_version())

    @classmethod
    def discover(cls, disabled: Iterable[str] = ()) -> PluginManager:
        """Return a manager with every installed plugin, each in its state."""
        manager = cls(disabled)
        found = metadata.entry_points(group=hookspecs.ENTRY_POINT_GROUP)
        for entry_point in sorted(found, key=lambda item: (item.name, distribution_name(item), item.value)):
            manager._add_entry_point(entry_point)
        return manager

    def register(self, module: object, name: str, distribution: str = "", version: str = "") -> Plugin:
        """Add a plugin that is already imported, such as a test's.

        Args:
            module: a module or object with hook implementations.
            name: the plugin's name.
            distribution: the distribution that it is part of.
            version: that distribution's version.
        """
        plugin = Plugin(name=name, target=name, distribution=distribution or name, version=version)
        self._activate(plugin, module)
        self.plugins.append(plugin)
        # What was asked for before doesn't know this plugin; it is asked for again.
        with self._lock:
            self._offers.clear()
            self._derived.clear()
        return plugin

    def offers(self, hook: str) -> list[Offer[Any]]:
        """Return the records that active plugins yield for a registration hook, in order of plugin name.

        A hook is asked when its records are first needed: help needs no metric vocabulary. Builds ask from many
        threads; none sees half of the answer.
        """
        with self._lock:
            if hook not in self._offers:
                offers: list[Offer[Any]] = []
                for plugin in self.plugins:
                    if plugin.state is PluginState.ACTIVE:
                        self._collect(plugin, hook, offers)
                self._offers[hook] = offers
            return self._offers[hook]

    def check_all(self) -> list[Plugin]:
        """Ask every registration hook of every plugin, so that each plugin's state is final, and return them all."""
        for hook in RECORD_TYPES:
            self.offers(hook)
        return self.plugins

    def derived(self, make: Callable[[PluginManager], T]) -> T:
        """Return `make(self)`, made once and kept until another plugin is registered.

        Args:
            make: a function that gathers something from the offers, such as all metric names.
        """
        with self._lock:
            if make not in self._derived:
                self._derived[make] = make(self)
            made: T = self._derived[make]
            return made

    def backends(self) -> dict[str, Offer[BackendSpec]]:
        """Return the backends by name."""
        return {offer.record.name: offer for offer in self.offers("brainsmith_backends")}

    def backend(self, name: str) -> Offer[BackendSpec]:
        """Return the backend that is called `name`.

        Raises:
            ConfigurationError: if no plugin offers it.
            PluginError: if a plugin of that name is installed but isn't active.
        """
        return self._find("backend", self.backends(), name)

    def steps(self, kind: str) -> dict[str, Offer[StepSpec]]:
        """Return the steps of a kind (`preprocessing` or `postprocessing`) by name."""
        return {offer.record.name: offer for offer in self.offers(f"brainsmith_{kind}_steps")}

    def step(self, kind: str, name: str) -> Offer[StepSpec]:
        """Return the step that is called `name`; raises as `backend` does."""
        return self._find(f"{kind} step", self.steps(kind), name)

    def executor(self, name: str) -> Offer[ExecutorSpec]:
        """Return the executor that is called `name`; raises as `backend` does."""
        known = {offer.record.name: offer for offer in self.offers("brainsmith_executors")}
        return self._find("executor", known, name)

    def metric_parsers(self) -> list[Offer[MetricParserSpec]]:
        """Return the metric parsers, highest priority first."""
        return sorted(self.offers("brainsmith_metric_parsers"), key=lambda offer: -offer.record.priority)

    def inactive(self) -> list[Plugin]:
        """Return the plugins that take no part."""
        return [plugin for plugin in self.plugins if plugin.state is not PluginState.ACTIVE]

    def observers(self) -> list[tuple[Plugin, Callable[..., object]]]:
        """Return the observers of build events with their plugins."""
        active = {plugin.name: plugin for plugin in self.plugins if plugin.state is PluginState.ACTIVE}
        implementations = self._pluggy.hook.brainsmith_build_event.get_hookimpls()
        return [(active[impl.plugin_name], impl.function) for impl in implementations]

    def _find(self, kind: str, known: dict[str, Offer[R]], name: str) -> Offer[R]:
        if name in known:
            return known[name]
        text = f'no active plugin offers the {kind} "{name}"'
        asides = self.inactive()
        if asides:
            listed = "; ".join(f"{plugin.name} is {plugin.state.value}: {plugin.reason}" for plugin in asides)
            named = [plugin for plugin in asides if plugin.name == name]
            if named:
                raise PluginError(f"{text}: {named[0].reason}", hint=named[0].fix or None)
            text += f" (plugins that take no part: {listed})"
        raise ConfigurationError(text, hint=did_you_mean(name, known) or None)

    def _add_entry_point(self, entry_point: metadata.EntryPoint) -> None:
        plugin = Plugin(
            name=entry_point.name,
            target=entry_point.value,
            distribution=distribution_name(entry_point),
            version=entry_point.dist.version if entry_point.dist else "",
        )
        self.plugins.append(plugin)
        if self._keep_out(plugin, entry_point):
            return
        module = import_contained(plugin, entry_point)
        if plugin.state is PluginState.ACTIVE:
            self._activate(plugin, module)

    def _keep_out(self, plugin: Plugin, entry_point: metadata.EntryPoint) -> bool:
        """Put a plugin aside before its import, where that is called for."""
        if plugin.name in self._disabled:
            plugin.put_aside(PluginState.BLOCKED, "disabled by you", f"brainsmith plugins enable {plugin.name}")
            return True
        first = next((other for other in self.plugins if other.name == plugin.name), plugin)
        if first is not plugin:
            reason = f"{first.distribution} brings a plugin of the same name"
            plugin.put_aside(PluginState.SHADOWED, reason, f"pip uninstall {plugin.distribution}")
            return True
        need = unmet_core_requirement(entry_point)
        if need:
            reason = f"needs {need}, but {CORE_DISTRIBUTION} {core_version()} is installed"
            plugin.put_aside(PluginState.INCOMPATIBLE, reason, f'pip install "{need}"')
        return bool(need)

    def _activate(self, plugin: Plugin, module: object) -> None:
        wanted = getattr(module, "BRAINSMITH_API", hookspecs.API_VERSION)
        if wanted != hookspecs.API_VERSION:
            reason = f"is written for plugin API {wanted}, but this is API {hookspecs.API_VERSION}"
            plugin.put_aside(PluginState.INCOMPATIBLE, reason, f"pip install --upgrade {CORE_DISTRIBUTION}")
            return
        unknown = _unknown_hooks(module)
        if unknown:
            hint = did_you_mean(unknown[0], _hook_names())
            plugin.put_aside(PluginState.UNKNOWN_HOOK, f"there is no hook {unknown[0]}; {hint}", "rename the hook")
            return
        try:
            self._pluggy.register(module, plugin.name)
        except Exception as error:  # noqa: BLE001 - foreign code: pluggy reports a wrong signature in many ways
            note_fault(plugin, error)
            return
        self._modules[plugin.name] = module

    def _collect(self, plugin: Plugin, hook: str, offers: list[Offer[Any]]) -> None:
        """Ask one plugin for the records of one hook; a fault puts the plugin aside."""
        implementation = getattr(self._modules[plugin.name], hook, None)
        if implementation is None or not hasattr(implementation, "brainsmith_impl"):
            return
        try:
            found = [Offer(record, plugin) for record in _checked_records(implementation(), hook)]
            _refuse_duplicates(hook, found, offers)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code: a plugin's fault must not stop anything else
            note_fault(plugin, error)
            self._pluggy.unregister(name=plugin.name)
            return
        plugin.provides[hook] = [_record_name(offer.record) for offer in found]
        offers.extend(found)


def _hook_names() -> list[str]:
    return [*RECORD_TYPES, "brainsmith_build_event"]


def _unknown_hooks(module: object) -> list[str]:
    known = set(_hook_names())
    named = [name for name in dir(module) if name.startswith("brainsmith_") and callable(getattr(module, name))]
    return [name for name in named if name not in known and hasattr(getattr(module, name), "brainsmith_impl")]


def _checked_records(records: Iterable[object], hook: str) -> Iterator[object]:
    record_type = RECORD_TYPES[hook]
    for record in records:
        if not isinstance(record, record_type):
            raise TypeError(f"{hook} yields {record!r}, which is no {record_type.__name__}")
        yield record


def _record_name(record: Any) -> str:
    return str(record.part if isinstance(record, Device) else record.name)


def _refuse_duplicates(hook: str, new: list[Offer[Any]], old: list[Offer[Any]]) -> None:
    if hook == "brainsmith_devices":
        return  # several plugins may know the same part; the lookup takes the first
    owners = {_record_name(offer.record): offer.plugin for offer in old}
    for offer in new:
        owner = owners.setdefault(_record_name(offer.record), offer.plugin)
        if owner is not offer.plugin:
            name = _record_name(offer.record)
            text = f'{hook}: "{name}" is offered by {owner.name} ({owner.distribution}) already'
            raise ValueError(text)
