"""The plugin API: what is deprecated is told and works, what is removed says what to use, each hook is documented."""

from __future__ import annotations

import inspect
import re
import types
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core import hookspecs
from brainsmith_core.events import BuildEvent
from brainsmith_core.plugins.deprecation import HookDeprecationWarning, deprecated
from brainsmith_core.plugins.hook_check import hook_names
from brainsmith_core.plugins.manager import RECORD_TYPES, PluginManager, PluginState

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "reference" / "hooks.md").read_text("utf-8")


def module_of(code: str) -> types.ModuleType:
    module = types.ModuleType("a_plugin")
    exec(code, vars(module))
    return module


@pytest.fixture
def old_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hooks as they are while they are deprecated."""

    def brainsmith_old() -> None:
        """An old hook."""

    def brainsmith_changed(event: BuildEvent, old: str) -> None:
        """A hook with an old argument."""

    whole = deprecated("brainsmith_old", since=1, removed_in=2, instead="brainsmith_new")
    argument = deprecated("the argument old", since=1, removed_in=2, instead="event")
    monkeypatch.setattr(
        hookspecs, "brainsmith_old", hookspecs.hookspec(warn_on_impl=whole)(brainsmith_old), raising=False
    )
    marked = hookspecs.hookspec(warn_on_impl_args={"old": argument})(brainsmith_changed)
    monkeypatch.setattr(hookspecs, "brainsmith_changed", marked, raising=False)


@pytest.mark.usefixtures("old_hooks")
def test_a_deprecated_hook_works_and_is_noted_at_its_plugin() -> None:
    code = "from brainsmith_core.hookspecs import hookimpl\n@hookimpl\ndef brainsmith_old(): pass\n"
    plugin = PluginManager().register(module_of(code), "older")
    assert plugin.state is PluginState.ACTIVE
    assert plugin.notes == ["brainsmith_old is deprecated since plugin API 1 and gone in API 2; use brainsmith_new"]


@pytest.mark.usefixtures("old_hooks")
@pytest.mark.parametrize(("arguments", "noted"), [("event, old", True), ("event", False), ("", False)])
def test_a_deprecated_argument_is_noted_only_where_it_is_taken(arguments: str, noted: bool) -> None:
    code = f"from brainsmith_core.hookspecs import hookimpl\n@hookimpl\ndef brainsmith_changed({arguments}): pass\n"
    plugin = PluginManager().register(module_of(code), "older")
    assert plugin.state is PluginState.ACTIVE
    assert any("the argument old is deprecated" in note for note in plugin.notes) is noted


def test_a_removed_hook_says_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hookspecs.REMOVED_HOOKS, "brainsmith_gone", "brainsmith_backends")
    code = "from brainsmith_core.hookspecs import hookimpl\n@hookimpl\ndef brainsmith_gone(): pass\n"
    plugin = PluginManager().register(module_of(code), "oldest")
    assert plugin.state is PluginState.UNKNOWN_HOOK
    assert "there is no hook brainsmith_gone, any more: use brainsmith_backends" in plugin.reason


def test_an_api_lies_between_deprecation_and_removal() -> None:
    with pytest.raises(ValueError, match="between"):
        deprecated("x", since=2, removed_in=2, instead="y")


def overdue(module: Any) -> list[str]:
    """Return the hooks that this API must not have any more."""
    found = []
    for name, value in vars(module).items():
        options = getattr(value, "brainsmith_spec", None) or {}
        warnings = [options.get("warn_on_impl"), *(options.get("warn_on_impl_args") or {}).values()]
        if any(isinstance(each, HookDeprecationWarning) and each.removed_in <= module.API_VERSION for each in warnings):
            found.append(name)
    return found


def test_nothing_stays_longer_than_was_said() -> None:
    assert overdue(hookspecs) == []
    assert not set(hookspecs.REMOVED_HOOKS) & set(hook_names())


@pytest.mark.usefixtures("old_hooks")
def test_what_stays_longer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hookspecs, "API_VERSION", 2)
    assert overdue(hookspecs) == ["brainsmith_old", "brainsmith_changed"]


def section(hook: str) -> str:
    """Return a hook's part of the reference."""
    (found,) = re.findall(rf"^## `{hook}\(.*?(?=^## |\Z)", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.parametrize("hook", hook_names())
def test_every_hook_is_documented_with_its_exact_signature(hook: str) -> None:
    heading = section(hook).splitlines()[0]
    signature = str(inspect.signature(getattr(hookspecs, hook))).replace("'", "")
    assert heading == f"## `{hook}{signature}`"
    assert inspect.getdoc(getattr(hookspecs, hook))


@pytest.mark.parametrize("hook", hook_names())
def test_every_hook_has_an_example_that_works(hook: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, *others = re.findall(r"```python\n(.*?)```", section(hook), flags=re.DOTALL)
    for other in others:  # what its targets may do
        exec(compile(other, f"another example of {hook}", "exec"), {})
    manager = PluginManager()
    plugin = manager.register(module_of(code), "example", "example", "1")
    assert plugin.state is PluginState.ACTIVE, plugin.reason
    assert [each.name for each in plugin.hooks] == [hook]
    if hook in RECORD_TYPES:
        assert any(offer.plugin is plugin for offer in manager.offers(hook)), plugin.reason
    else:
        ((_, observe),) = manager.observers()
        observe(event=BuildEvent(kind="build_finished", build_id="a", data={"status": "success"}))
        assert capsys.readouterr().out == "a success\n"


@pytest.mark.parametrize("hook", hook_names())
def test_every_hook_has_a_test(hook: str) -> None:
    here = Path(__file__)
    tests = [path for path in ROOT.glob("brainsmith_core/tests/**/test_*.py") if path != here]
    assert any(hook in path.read_text("utf-8") or _short(hook) in path.read_text("utf-8") for path in tests)


def _short(hook: str) -> str:
    """Return how `fake_plugin` of the tests names a hook."""
    return f"{hook.removeprefix('brainsmith_')}=["


def test_no_hook_is_documented_that_there_is_not() -> None:
    assert re.findall(r"^## `(\w+)\(", DOCUMENT, flags=re.MULTILINE) == hook_names()


def test_the_examples_of_the_policy_work() -> None:
    policy = (ROOT / "docs" / "reference" / "plugin-api.md").read_text("utf-8")
    first, second = re.findall(r"```python\n(.*?)```", policy, flags=re.DOTALL)
    assert module_of(first).BRAINSMITH_API == hookspecs.API_VERSION
    assert callable(module_of(second).brainsmith_another)
