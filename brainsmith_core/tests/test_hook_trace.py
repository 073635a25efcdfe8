"""`--trace-hooks` shows which hook of which plugin ran where, in which order, for how long, and what it gave."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from brainsmith_core.cli import main as shell
from brainsmith_core.events import BuildEvent
from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.plugins import builtin
from brainsmith_core.plugins.hook_trace import HookCall, HookTrace
from brainsmith_core.plugins.manager import PluginManager

CORE_COMMANDS = len(list(builtin.brainsmith_commands()))


@hookimpl
def brainsmith_commands() -> list[object]:
    raise OSError("no commands")


@hookimpl
def brainsmith_build_event(event: BuildEvent) -> None:
    if event.kind == "bad":
        raise OSError("bad event")


@hookimpl
def brainsmith_executors() -> list[object]:
    return []


def test_calls_are_told_in_order_with_place_and_outcome() -> None:
    calls: list[HookCall] = []
    manager = PluginManager(trace=HookTrace(calls.append))
    manager.register(SimpleNamespace(brainsmith_executors=brainsmith_executors), "fine")
    manager.register(SimpleNamespace(brainsmith_commands=brainsmith_commands), "raising")
    manager.offers("brainsmith_executors")
    manager.offers("brainsmith_commands")
    manager.offers("brainsmith_commands")
    told = [(call.order, call.what, call.plugin, call.outcome) for call in calls]
    assert told == [
        (1, "brainsmith_executors", "fine", "0 records"),
        (2, "brainsmith_commands", "core", f"{CORE_COMMANDS} records"),
        (3, "brainsmith_commands", "raising", "OSError: no commands"),
    ]
    assert calls[0].where.startswith(f"{__file__}:")
    assert calls[0].thread == threading.current_thread().name
    assert all(call.seconds >= 0 for call in calls)


def test_observers_are_traced_too() -> None:
    calls: list[HookCall] = []
    manager = PluginManager(trace=HookTrace(calls.append))
    manager.register(SimpleNamespace(brainsmith_build_event=brainsmith_build_event), "watching")
    ((_, observe),) = manager.observers()
    observe(event=BuildEvent(kind="good", build_id="a"))
    with pytest.raises(OSError, match="bad event"):
        observe(event=BuildEvent(kind="bad", build_id="a"))
    assert [call.outcome for call in calls] == ["good", "raised OSError: bad event"]


def test_the_option_prints_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        shell.run(["--trace-hooks", "plugins", "list", "--json"])
    out, err = capsys.readouterr()
    assert caught.value.code == 0
    assert out.startswith("{")
    (line,) = [line for line in err.splitlines() if "brainsmith_commands" in line and " core " in line]
    assert line.startswith("hook")
    assert f" ms  {CORE_COMMANDS} records  [" in line
    assert "builtin.py:" in line
