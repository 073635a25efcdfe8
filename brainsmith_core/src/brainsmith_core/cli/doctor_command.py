"""`brainsmith doctor`: the state of everything, each with the next action."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator

import click

from ..context import Finding
from ..errors import BrainsmithError, PluginError
from ..plugins.containment import call_contained, describe
from ..plugins.manager import Offer, PluginState
from ..records import BackendSpec
from .app import App, json_option, pass_app
from .output import Column, print_json, print_table

__all__ = ["command"]


@click.command("doctor", epilog="\b\nExample:\n  brainsmith doctor")
@json_option
@pass_app
def command(app: App, as_json: bool) -> int:
    """Show the state of everything, each with the next action; the exit code is 3 if something is missing."""
    findings = [*_system(), *_plugins(app), *_backends(app)]
    if as_json:
        print_json({"findings": [finding.to_dict() for finding in findings]})
    else:
        columns = (
            Column("what"),
            Column("state"),
            Column("details", wide=True),
            Column("next action", wide=True),
        )
        print_table(columns, [[each.name, each.state, each.message, each.fix] for each in findings])
    return 3 if any(finding.state == "missing" for finding in findings) else 0


def _system() -> Iterator[Finding]:
    yield Finding(name="python", state="ok", message=f"{platform.python_version()} on {platform.system()}")
    if platform.system() != "Linux":
        yield Finding(
            name="process control",
            state="missing",
            message="child processes can only be contained on Linux",
            fix="run builds on Linux",
        )


def _plugins(app: App) -> Iterator[Finding]:
    plugins = app.plugins.check_all()
    active = sum(plugin.state is PluginState.ACTIVE for plugin in plugins)
    yield Finding(name="plugins", state="ok", message=f"{active} of {len(plugins)} are active")
    for plugin in plugins:
        if plugin.state is not PluginState.ACTIVE:
            text = f"{plugin.state.value}: {plugin.reason}"
            yield Finding(
                name=f"plugin {plugin.name}",
                state="warning" if plugin.state is PluginState.BLOCKED else "missing",
                message=text,
                fix=plugin.fix,
            )


def _backends(app: App) -> Iterator[Finding]:
    for name, offer in sorted(app.plugins.backends().items()):
        try:
            check = getattr(app.plugins.make_backend(offer), "check", None)
            if check is None:
                yield Finding(name=f"backend {name}", state="ok", message=offer.record.summary)
            else:
                yield from _asked(offer, check)
        except BrainsmithError as error:
            yield Finding(name=f"backend {name}", state="missing", message=error.message, fix=error.hint or "")


def _asked(offer: Offer[BackendSpec], check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Return what a backend says of itself; raises PluginError for one that can't."""
    asked = call_contained(lambda: list(check()))
    if asked.value is None:
        if isinstance(asked.error, BrainsmithError):
            raise asked.error
        text = f"the check of backend {offer.record.name} raised {describe(asked.error)}"
        raise PluginError(text, hint=f"mend or remove {offer.plugin.distribution}") from asked.error
    return asked.value
