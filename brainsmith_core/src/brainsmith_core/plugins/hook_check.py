"""Check what a plugin implements against the hooks that there are, before anything of it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from .. import hookspecs
from ..errors import did_you_mean
from .state import PluginFault, PluginState

__all__ = ["HookNamespace", "Implementation", "hook_names", "implementations"]

_PREFIX = "brainsmith_"
_MARK = "brainsmith_impl"


@attrs.frozen(kw_only=True)
class Implementation:
    """A function of a plugin that implements a hook.

    Args:
        hook: the hook's name.
        function: the function.
        arguments: the arguments of the hook that it takes.
    """

    hook: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]

    @property
    def where(self) -> str:
        """File and line of the function, or ""."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code else ""


class HookNamespace:
    """An object that has a plugin's implementations of hooks, under the hooks' names, and nothing else.

    Args:
        found: the implementations.
    """

    def __init__(self, found: Iterable[Implementation]) -> None:
        for each in found:
            setattr(self, each.hook, each.function)

    def __dir__(self) -> list[str]:
        return list(vars(self))


@functools.cache
def _arguments(spec: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(spec).parameters)


def hook_names() -> list[str]:
    """Return the names of all hooks."""
    return [name for name, value in vars(hookspecs).items() if hasattr(value, "brainsmith_spec")]


def implementations(plugin: object) -> list[Implementation]:
    """Return what a plugin implements, sorted by hook.

    Args:
        plugin: what its entry point names.

    Raises:
        PluginFault: if it isn't a plugin of this API, or implements a hook wrongly or one that there isn't.
    """
    _check_shape(plugin)
    _check_api(plugin)
    known = hook_names()
    marked = list(_marked(plugin))
    _check_names([name for name, _ in marked], known)
    if not marked:
        _refuse_unmarked(plugin, known)
    found = [_implementation(name, function) for name, function in marked]
    return sorted(found, key=lambda each: known.index(each.hook))


def _check_shape(plugin: object) -> None:
    if inspect.isclass(plugin):
        text = f"its entry point names the class {plugin.__name__}, not a module or an object with hooks"
        raise PluginFault(PluginState.FAILED, text, "name the module, or an instance of the class")
    if inspect.isroutine(plugin):
        text = (
            f"its entry point names the function {plugin.__name__}, as plugins of older Brainsmith versions do"
            f" (which return kernels, backends and steps); it isn't written for plugin API {hookspecs.API_VERSION}"
        )
        raise PluginFault(PluginState.INCOMPATIBLE, text, "ask its authors for a version with @hookimpl functions")


def _check_api(plugin: object) -> None:
    wanted = getattr(plugin, "BRAINSMITH_API", hookspecs.API_VERSION)
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        raise PluginFault(
            PluginState.FAILED, f"BRAINSMITH_API is {wanted!r}", f"BRAINSMITH_API = {hookspecs.API_VERSION}"
        )
    least, greatest = hookspecs.OLDEST_API_VERSION, hookspecs.API_VERSION
    text = f"is written for plugin API {wanted}, but this is API {greatest}"
    if wanted > greatest:
        raise PluginFault(PluginState.INCOMPATIBLE, text, "pip install --upgrade brainsmith-core")
    if wanted < least:
        raise PluginFault(PluginState.INCOMPATIBLE, text, "install a newer version of the plugin")


def _marked(plugin: object) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in dir(plugin):
        value = getattr(plugin, name, None)
        options = getattr(value, _MARK, None)
        if isinstance(options, dict) and callable(value):
            if options.get("wrapper") or options.get("hookwrapper"):
                text = f"{name} wraps other plugins' hooks, which no plugin may"
                raise PluginFault(PluginState.FAILED, text, "mark it with @hookimpl alone")
            yield options.get("specname") or name, value


def _check_names(names: list[str], known: list[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        told = "; ".join(f"there is no hook {name}, {_instead(name, known)}" for name in unknown)
        raise PluginFault(PluginState.UNKNOWN_HOOK, told, "rename the function, or install a newer brainsmith-core")


def _instead(name: str, known: list[str]) -> str:
    removed = hookspecs.REMOVED_HOOKS.get(name)
    return f"any more: use {removed}" if removed else did_you_mean(name, known)


def _refuse_unmarked(plugin: object, known: list[str]) -> None:
    named = [name for name in known if callable(getattr(plugin, name, None))]
    if named:
        raise PluginFault(PluginState.FAILED, f"{named[0]} isn't marked", f"put @hookimpl above {named[0]}")
    text = "it implements no hook: nothing in it is marked with @hookimpl"
    raise PluginFault(PluginState.FAILED, text, "implement a hook; see `brainsmith plugins new --help`")


def _implementation(hook: str, function: Callable[..., Any]) -> Implementation:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise PluginFault(PluginState.FAILED, f"{hook} is async, but hooks are plain functions", "drop the async")
    given = _arguments(getattr(hookspecs, hook))
    arguments = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            text = f"{hook} takes {parameter}, but each argument must be named"
            raise PluginFault(PluginState.FAILED, text, f"def {hook}({', '.join(given)})")
        if parameter.name in given:
            arguments.append(parameter.name)
        elif parameter.default is parameter.empty:
            raise PluginFault(PluginState.FAILED, _wrong_argument(hook, parameter.name, given), _signature(hook, given))
    return Implementation(hook=hook, function=function, arguments=tuple(arguments))


def _wrong_argument(hook: str, name: str, given: Iterable[str]) -> str:
    if not given:
        return f"{hook} takes the argument {name}, but the hook gives none"
    return f"{hook} takes the argument {name}, which the hook doesn't give; {did_you_mean(name, given)}"


def _signature(hook: str, given: Iterable[str]) -> str:
    return f"def {hook}({', '.join(given)})"
