"""Discovery of plugins: each is contained, is in exactly one state, and says why and what to do about it."""

from __future__ import annotations

import functools
import importlib
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pluggy

from .. import hookspecs
from ..errors import BrainsmithError, ConfigurationError, PluginError, did_you_mean
from ..formats.json_values import JSONValue
from ..records import BackendSpec, ExecutorSpec, MetricParserSpec, StepSpec
from .choices import DISABLE_VARIABLE, KINDS, PluginChoices
from .clashes import CORE, Clash, record_name, settle
from .containment import call_contained, containment, describe
from .discovery import check_before_import, import_plugin, note_changes, note_fault, plugins_of
from .failures import forget_failure, known_failure, remember_failure
from .hook_check import HookNamespace, Implementation, implementations
from .hook_records import RECORD_TYPES, check_targets, records_of
from .hook_trace import HookTrace
from .installed import CORE_DISTRIBUTION, core_version, installed
from .settings import Setting, checked_settings
from .state import Hook, Offer, Plugin, PluginFault, PluginState
from .target_check import TargetCheck
from .targets import build_fault, load_target

__all__ = [
    "DISABLE_VARIABLE",
    "RECORD_TYPES",
    "Clash",
    "Offer",
    "Plugin",
    "PluginManager",
    "PluginState",
    "default_plugins",
    "load_target",
    "plugin_settings",
]  # fmt: skip

_BUILTIN_PLUGIN = "brainsmith_core.plugins.builtin"

R = TypeVar("R")
T = TypeVar("T")


class PluginManager:
    """All plugins of an environment and what they offer, in an order that is the same on every machine.

    Args:
        disabled: names of plugins to leave out before their import; more come from the environment variable
            `BRAINSMITH_DISABLE_PLUGINS` and from the project's `brainsmith.toml`.
        trace: is told of each call of a plugin's code.

    Example:
        >>> manager = PluginManager.discover()
        >>> manager.plugins[0].name
        'core'
    """

    def __init__(self, disabled: Iterable[str] = (), *, trace: HookTrace | None = None) -> None:
        self.plugins: list[Plugin] = []
        self.choices = PluginChoices.load(disabled)
        self._trace = trace
        self._pluggy = pluggy.PluginManager("brainsmith")
        self._pluggy.add_hookspecs(hookspecs)
        self._lock = threading.RLock()
        # By plugin's name: what it implements, by hook; and what it answered when it was asked.
        self._implementations: dict[str, dict[str, Implementation]] = {}
        self._answers: dict[tuple[str, str], list[Offer[Any]]] = {}
        self._check_targets: set[str] = set()
        self._target_check = TargetCheck()
        self._holders: dict[int, tuple[str, object]] = {}  # with the object: while it lives its id is its own
        self._offers: dict[str, list[Offer[Any]]] = {}
        self._clashes: dict[str, list[Clash]] = {}
        self._derived: dict[Callable[[PluginManager], Any], Any] = {}
        self.register(importlib.import_module(_BUILTIN_PLUGIN), CORE, CORE_DISTRIBUTION, core_version())

    @classmethod
    def discover(cls, disabled: Iterable[str] = (), *, trace: HookTrace | None = None) -> PluginManager:
        """Return a manager with every installed plugin, each in its state."""
        manager = cls(disabled, trace=trace)
        first = {plugin.name: plugin for plugin in manager.plugins}
        with containment():
            for plugin in plugins_of(installed().values(), manager.choices):
                manager.plugins.append(plugin)
                manager._add(plugin, first)
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
        self._forget()
        return plugin

    def offers(self, hook: str) -> list[Offer[Any]]:
        """Return the records that active plugins yield for a registration hook, in order of plugin name.

        A hook is asked when its records are first needed: help needs no metric vocabulary. Builds ask from many
        threads; none sees half of the answer. Where several plugins offer one name, see `clashes`.
        """
        with self._lock:
            if hook not in self._offers:
                with containment():
                    for plugin in self.plugins:
                        self._ask(plugin, hook)
                # After all have been asked: a fault takes back what the plugin offered before.
                active = [plugin for plugin in self.plugins if plugin.is_active]
                found = [each for plugin in active for each in self._answers.get((plugin.name, hook), [])]
                self._offers[hook], self._clashes[hook] = settle(hook, found, self.choices.preferred)
            return self._offers[hook]

    def check_all(self) -> list[Plugin]:
        """Ask every registration hook of every plugin, so that each plugin's state is final, and return them all."""
        with containment():
            for hook in RECORD_TYPES:
                self.offers(hook)
        return self.plugins

    def make_backend(self, offer: Offer[BackendSpec]) -> Any:
        """Import a backend and make one.

        Raises:
            PluginError: if that fails, with the reason.
        """
        create = self.load(offer, "backend")
        made = call_contained(create)
        if isinstance(made.error, BrainsmithError):
            raise made.error
        if made.error is not None:
            owner = f"the backend {offer.record.name} of plugin {offer.plugin.label}"
            text = f"{owner} can't be made: {describe(made.error)}"
            raise PluginError(text, hint=f"mend or remove {offer.plugin.distribution}") from made.error
        return made.value

    def check_targets(self) -> None:
        """Import what every record names; a plugin whose target can't be imported or used is put aside."""
        for hook in RECORD_TYPES:
            for offer in list(self.offers(hook)):
                if offer.plugin.is_active and hasattr(offer.record, "target"):
                    try:
                        self._check_target(hook, offer)
                    except PluginError as error:
                        offer.plugin.put_aside(PluginState.FAILED, error.message, error.hint or "")
                        self._drop(offer.plugin)

    def _check_target(self, hook: str, offer: Offer[Any]) -> None:
        if hook == "brainsmith_backends":
            fault = build_fault(self.make_backend(offer))
            if fault:
                text = f"{offer.record.target} {fault}"
                raise PluginError(text, hint=f"give {offer.record.name} a method build(self, context)")
        elif not callable(self.load(offer, KINDS[hook].replace("_", " "))):
            text = f"{offer.record.target} can't be called"
            raise PluginError(text, hint=f"mend {hook} of {offer.plugin.distribution}")

    def clashes(self, hook: str | None = None) -> list[Clash]:
        """Return the names that several plugins offer.

        Args:
            hook: a registration hook; else all of them.
        """
        with self._lock:
            hooks = [hook] if hook else list(RECORD_TYPES)
            for each in hooks:
                self.offers(each)
            for each in hooks:  # again: a fault found by a later hook makes the earlier ones be settled anew
                self.offers(each)
            return [clash for each in hooks for clash in self._clashes[each]]

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
        return self._by_name("brainsmith_backends")

    def backend(self, name: str) -> Offer[BackendSpec]:
        """Return the backend that is called `name`.

        Raises:
            ConfigurationError: if no plugin offers it, or several do.
            PluginError: if the plugin that offers it, or may, is installed but isn't active.
        """
        return self._find("backend", "brainsmith_backends", name)

    def steps(self, kind: str) -> dict[str, Offer[StepSpec]]:
        """Return the steps of a kind (`preprocessing` or `postprocessing`) by name."""
        return self._by_name(f"brainsmith_{kind}_steps")

    def step(self, kind: str, name: str) -> Offer[StepSpec]:
        """Return the step that is called `name`; raises as `backend` does."""
        return self._find(f"{kind} step", f"brainsmith_{kind}_steps", name)

    def executor(self, name: str) -> Offer[ExecutorSpec]:
        """Return the executor that is called `name`; raises as `backend` does."""
        return self._find("executor", "brainsmith_executors", name)

    def metric_parsers(self) -> list[Offer[MetricParserSpec]]:
        """Return the metric parsers, highest priority first."""
        return sorted(self.offers("brainsmith_metric_parsers"), key=lambda offer: -offer.record.priority)

    def load(self, offer: Offer[Any], kind: str) -> Any:
        """Import the target of an offer.

        Args:
            offer: what a plugin offers.
            kind: what it is, for the message, such as `backend`.

        Raises:
            PluginError: if it can't be imported; says who is at fault and what to install.
        """
        plugin, started = offer.plugin, time.perf_counter()
        owner, target = f"the {kind} {offer.record.name} of plugin {plugin.label}", offer.record.target
        try:
            loaded = load_target(target, owner, requires=plugin.requires, distribution=plugin.distribution)
        except PluginError as error:
            remember_failure(plugin, target, error)
            raise
        forget_failure(target)
        self._tell("target", plugin, target, time.perf_counter() - started, "imported")
        return loaded

    def settings(self, plugin: Plugin) -> list[Setting]:
        """Return the settings of a plugin, as its user says or else by default.

        Raises:
            ConfigurationError: if what the user says is wrong, with a suggestion.
        """
        declared = [each.record for each in self.offers("brainsmith_settings") if each.plugin is plugin]
        given = self.choices.settings.get(plugin.name, {})
        return checked_settings(plugin.name, declared, given, str(self.choices.file)) if declared or given else []

    def setting_values(self, plugin: Plugin) -> dict[str, JSONValue]:
        """Return the values of a plugin's settings by name; raises as `settings` does."""
        return {each.name: each.value for each in self.settings(plugin)}

    def inactive(self) -> list[Plugin]:
        """Return the plugins that take no part."""
        return [plugin for plugin in self.plugins if not plugin.is_active]

    def observers(self) -> list[tuple[Plugin, Callable[..., object]]]:
        """Return the observers of build events with their plugins; each is called with `event=`."""
        hook = "brainsmith_build_event"
        found = [(plugin, self._implementations.get(plugin.name, {}).get(hook)) for plugin in self.plugins]
        return [(plugin, self._observer(plugin, each)) for plugin, each in found if each and plugin.is_active]

    def _observer(self, plugin: Plugin, implementation: Implementation) -> Callable[..., object]:
        def observe(event: object) -> None:
            given = {"event": event} if "event" in implementation.arguments else {}
            started = time.perf_counter()
            try:
                implementation.function(**given)
            except Exception as error:
                seconds = time.perf_counter() - started
                self._tell(implementation.hook, plugin, implementation.where, seconds, f"raised {describe(error)}")
                raise
            seconds = time.perf_counter() - started
            self._tell(implementation.hook, plugin, implementation.where, seconds, getattr(event, "kind", ""))

        return observe

    def _by_name(self, hook: str) -> dict[str, Offer[Any]]:
        return {record_name(offer.record): offer for offer in self.offers(hook)}

    def _find(self, kind: str, hook: str, name: str) -> Offer[Any]:
        """Return what a request names; its plugin must be active altogether, not just as far as it was asked."""
        offer = self._by_name(hook).get(name)
        if offer is not None:
            self._ask_whole(offer.plugin)
            if offer.plugin.is_active:
                return offer
        # Others' faults show now, not half-way through the build: what they say belongs to the answer.
        self.check_all()
        offer = self._by_name(hook).get(name)
        if offer is not None:
            return offer
        raise self._not_found(kind, hook, name)

    def _not_found(self, kind: str, hook: str, name: str) -> ConfigurationError | PluginError:
        for clash in self.clashes(hook):
            if clash.name == name:
                return ConfigurationError(f"{clash.message}: say which you mean", hint=clash.fix)
        asides = self.inactive()
        owners = [plugin for plugin in asides if name in (plugin.name, *plugin.provides.get(hook, ()))]
        if owners:
            plugin = owners[0]
            state = f"plugin {plugin.label} is {plugin.state.value}"
            text = f'no active plugin offers the {kind} "{name}": {state}: {plugin.reason}'
            return PluginError(text, hint=plugin.fix or None)
        text = f'no active plugin offers the {kind} "{name}"'
        if asides:
            listed = "\n".join(f"{each.name} is {each.state.value}: {each.reason}; {each.fix}" for each in asides)
            text += f"; plugins that take no part:\n{listed}"
        known = self._by_name(hook)
        hint = did_you_mean(name, known)
        if asides and not hint.startswith("did you mean"):
            return PluginError(text, hint=hint or None)  # no typing error: one of these may be what is missing
        return ConfigurationError(text, hint=hint or None)

    def _add(self, plugin: Plugin, first: dict[str, Plugin]) -> None:
        """Import and activate an installed plugin, unless something is known to speak against it."""
        try:
            check_before_import(plugin, first, self.choices)
        except PluginFault as fault:
            note_fault(plugin, fault)
            return
        first.setdefault(plugin.name, plugin)
        outcome = import_plugin(plugin)
        result = "imported" if outcome.error is None else f"raised {describe(outcome.error)}"
        self._tell("import", plugin, plugin.target, outcome.seconds, result)
        if outcome.error is None:
            self._check_targets.add(plugin.name)
            self._activate(plugin, outcome.value)

    def _activate(self, plugin: Plugin, module: object) -> None:
        """Check what a plugin implements and register it; warnings about what it uses become notes."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            outcome = call_contained(functools.partial(self._register, plugin, module))
        if outcome.error is not None:
            note_fault(plugin, outcome.error)
            return
        for warning in caught:
            plugin.note(str(warning.message))
        assert outcome.value is not None
        self._implementations[plugin.name] = {each.hook: each for each in outcome.value}
        plugin.hooks = tuple(Hook(name=each.hook, where=each.where) for each in outcome.value)

    def _register(self, plugin: Plugin, module: object) -> list[Implementation]:
        found = implementations(module)
        holder = self._holders.get(id(module))
        if holder is not None:
            reason = f"it is the same module as plugin {holder[0]}"
            fix = f"take one of the two entry points out of {plugin.distribution}"
            raise PluginFault(PluginState.SHADOWED, reason, fix)
        # pluggy looks at every name of what it is given: this has the hooks alone.
        self._pluggy.register(HookNamespace(found), plugin.name)
        self._holders[id(module)] = (plugin.name, module)
        return found

    def _ask_whole(self, plugin: Plugin) -> None:
        """Ask every hook of one plugin."""
        with self._lock:
            for hook in RECORD_TYPES:
                self._ask(plugin, hook)

    def _ask(self, plugin: Plugin, hook: str) -> None:
        """Ask a plugin for the records of one hook, once; a fault puts the plugin aside, with all that it offers."""
        implementation = self._implementations.get(plugin.name, {}).get(hook)
        if implementation is None or not plugin.is_active or (plugin.name, hook) in self._answers:
            return
        outcome = call_contained(lambda: self._records(plugin, implementation))
        plugin.output += outcome.output
        note_changes(plugin, outcome, hook)
        records = outcome.value or []
        told = f"{len(records)} records" if outcome.error is None else describe(outcome.error)
        self._tell(hook, plugin, implementation.where, outcome.seconds, told)
        if outcome.error is not None:
            note_fault(plugin, outcome.error, doing=hook)
            self._drop(plugin)
            return
        plugin.provides[hook] = [record_name(record) for record in records]
        self._answers[plugin.name, hook] = [Offer(record, plugin) for record in records]

    def _records(self, plugin: Plugin, implementation: Implementation) -> list[Any]:
        records = records_of(implementation)
        if plugin.name in self._check_targets:
            check_targets(records, implementation.hook, plugin, self._target_check)
            for record in records:
                failure = known_failure(plugin, record.target) if hasattr(record, "target") else None
                if failure is not None:
                    plugin.broken.append(failure)
        return records

    def _drop(self, plugin: Plugin) -> None:
        self._pluggy.unregister(name=plugin.name)
        for key in [key for key in self._answers if key[0] == plugin.name]:
            del self._answers[key]
        self._forget()

    def _forget(self) -> None:
        with self._lock:
            self._offers.clear()
            self._clashes.clear()
            self._derived.clear()

    def _tell(self, what: str, plugin: Plugin, where: str, seconds: float, outcome: str) -> None:
        if self._trace is not None:
            self._trace.add(what, plugin.name, where, seconds, outcome)


def plugin_settings(name: str) -> dict[str, JSONValue]:
    """Return the values of a plugin's own settings: for commands, executors and parsers, which are given no context.

    Args:
        name: the plugin's name: that of its entry point.

    Raises:
        ConfigurationError: for a plugin that there isn't, or if what its user says is wrong.
    """
    plugins = default_plugins()
    for plugin in plugins.plugins:
        if plugin.name == name:
            return plugins.setting_values(plugin)
    known = [plugin.name for plugin in plugins.plugins]
    raise ConfigurationError(f'no plugin is called "{name}"', hint=did_you_mean(name, known))


@functools.cache
def default_plugins() -> PluginManager:
    """Return the plugins of this environment, discovered once."""
    return PluginManager.discover()
