"""`brainsmith finn`: install, list, check and remove FINN environments; see what one can do."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from brainsmith_core.cli.app import SuggestingGroup, json_option
from brainsmith_core.cli.output import Column, console, print_json, print_table
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.processes.signals import stop_on_signals

from .analysis.analyse_command import command as analyse_command

if TYPE_CHECKING:
    from .environments import FINNEnvironment, FINNEnvironmentManager, FINNInstallation, FINNValidation, Transformation

__all__ = ["command"]

_finn_option = click.option(
    "--finn", "name", metavar="NAME", help="An environment: name, version or path. Default: the one that builds take."
)
_python_option = click.option(
    "--python", type=click.Path(path_type=Path), help="The interpreter of a checkout, needed the first time."
)


@click.group(
    "finn",
    cls=SuggestingGroup,
    epilog="""\b
Examples:
  brainsmith finn install
  brainsmith finn list
  brainsmith finn transformations --search streamline
\b
A build takes the environment that it names, else BRAINSMITH_FINN, else FINN_ROOT,
else the FINN+ that "brainsmith finn install" makes. Environments live in
$BRAINSMITH_HOME/finn, by default ~/.local/share/brainsmith/finn.""",
)
def command() -> None:
    """Install, list, check and remove FINN environments; see what one can do; analyse builds."""


@command.command(
    "install",
    epilog="""\b
Examples:
  brainsmith finn install                  FINN+ 1.6.1, all that estimates need
  brainsmith finn install 1.5.0            another version beside it
  brainsmith finn install --full           with PyTorch (CPU) and Brevitas
  brainsmith finn install --path /opt/finn --name shared""",
)
@click.argument("version", required=False)
@click.option("--full", is_flag=True, help="With all that FINN+ declares, PyTorch and Brevitas among it.")
@click.option("--path", type=click.Path(path_type=Path), help="The folder to install into.")
@click.option("--name", help="What to call it; by default after the version.")
@click.option("--python", type=click.Path(path_type=Path), help="The Python to make it with.")
@click.option("--again", is_flag=True, help="Make it anew if it is there.")
@json_option
def install_command(
    version: str | None,
    full: bool,
    path: Path | None,
    name: str | None,
    python: Path | None,
    again: bool,
    as_json: bool,
) -> None:
    """Install a VERSION of FINN+, or do nothing if it is there."""
    from .environments import DEFAULT_VERSION

    with _manager(as_json) as manager:
        environment = manager.install_finn_version(
            version or DEFAULT_VERSION, path, full, name=name, python=python, again=again
        )
    if as_json:
        print_json(_environment(environment))
    else:
        click.echo(f"{environment.title} is ready: {environment.name} ({environment.path})")


@command.command("list", epilog="\b\nExample:\n  brainsmith finn list --json")
@json_option
def list_command(as_json: bool) -> None:
    """List the FINN environments of this machine; a star marks the one that builds take."""
    with _manager(as_json) as manager:
        found = manager.discover_finn_installations()
    if as_json:
        print_json({"environments": [_installation(each) for each in found]})
    elif found:
        columns = (Column("name"), Column("FINN"), Column("kind"), Column("state"), Column("path", wide=True))
        print_table(columns, [_installation_row(each) for each in found])
    else:
        click.echo("there is no FINN environment; make one: brainsmith finn install")


@command.command(
    "check",
    epilog="""\b
Examples:
  brainsmith finn check                        all that are known
  brainsmith finn check 1.5.0
  brainsmith finn check ~/finn --python ~/finn-env/bin/python
\b
A checkout or a Python with FINN that works is remembered under the name shown.""",
)
@click.argument("names", nargs=-1, metavar="[NAME|PATH]...")
@_python_option
@json_option
def check_command(names: tuple[str, ...], python: Path | None, as_json: bool) -> int:
    """Import FINN environments for real; say what works on this machine and how to mend what doesn't.

    The exit code is 3 if one doesn't work.
    """
    with _manager(as_json) as manager:
        wanted = names or _known(manager)
        results = [manager.validate_finn_environment(name, python) for name in wanted]
    if as_json:
        print_json({"environments": [_validation(each) for each in results]})
    else:
        for each in results:
            _print_validation(each)
    return 0 if all(each.ok for each in results) else 3


@command.command("remove", epilog="\b\nExample:\n  brainsmith finn remove finn-plus-1.5.0")
@click.argument("name")
@json_option
def remove_command(name: str, as_json: bool) -> None:
    """Remove an installed environment, or forget a checkout or Python, whose files stay."""
    with _manager(as_json) as manager:
        folder = manager.remove_finn_environment(name)
    if as_json:
        print_json({"name": name, "removed": None if folder is None else str(folder)})
    else:
        click.echo(f"removed {folder}" if folder else f"forgot {name}; its files are still there")


@command.command("steps", epilog="\b\nExamples:\n  brainsmith finn steps\n  brainsmith finn steps --finn 1.5.0 --json")
@_finn_option
@json_option
def steps_command(name: str | None, as_json: bool) -> None:
    """List the build steps that a FINN environment knows, in the order of its default flow."""
    environment = _find(name, as_json)
    steps = _steps(environment)
    if as_json:
        print_json({"finn": environment.name, "version": environment.version, "steps": [*steps]})
        return
    columns = (Column("step"), Column("flow"), Column("what it does", wide=True))
    rows = [[str(each["name"]), _flow(each), str(each["summary"])] for each in steps]
    print_table(columns, rows, f"Steps of {environment.title}")


@command.command(
    "transformations",
    epilog="""\b
Examples:
  brainsmith finn transformations --search streamline
  brainsmith finn transformations --finn 1.5.0 --json""",
)
@_finn_option
@click.option("--search", default="", metavar="TEXT", help="Only those with TEXT in name or description.")
@json_option
def transformations_command(name: str | None, search: str, as_json: bool) -> None:
    """List the transformations (QONNX and FINN) that a FINN environment really has, with their parameters."""
    from brainsmith_core.formats.serialization import to_data

    environment = _find(name, as_json)
    sought = search.lower()
    found = [
        each
        for each in environment.description.transformations
        if sought in each.name.lower() or sought in each.summary.lower()
    ]
    if as_json:
        listed: list[JSONValue] = [to_data(each) for each in found]
        broken: list[JSONValue] = [to_data(each) for each in environment.description.unimportable]
        head: dict[str, JSONValue] = {"finn": environment.name, "version": environment.version}
        print_json({**head, "transformations": listed, "unimportable": broken})
        return
    click.echo(f"{len(found)} transformation{'s' if len(found) != 1 else ''} of {environment.title}\n")
    click.echo(_by_module(found), nl=False)


command.add_command(analyse_command)


# --- what the commands share


@contextlib.contextmanager
def _manager(quiet: bool = False) -> Iterator[FINNEnvironmentManager]:
    """Yield a manager whose reports go to stderr: one line that changes on a terminal, else a line each."""
    from .environments import FINNEnvironmentManager

    # SIGTERM too leaves nothing half done behind.
    with stop_on_signals(_interrupt), _progress(quiet) as report:
        yield FINNEnvironmentManager(report=report)


def _interrupt(_: str) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    if quiet or not sys.stderr.isatty():
        yield lambda line: click.echo(f"finn: {line}", err=True)
        return
    from rich.text import Text

    with console(err=True).status("looking at the FINN environments") as status:
        yield lambda line: status.update(Text(line))  # as it is: brackets are no markup


def _find(name: str | None, as_json: bool) -> FINNEnvironment:
    with _manager(as_json) as manager:
        return manager.find(name)


def _known(manager: FINNEnvironmentManager) -> list[str | None]:
    found = [each for each in manager.discover_finn_installations() if each.state != "unfinished"]
    names = [str(each.path) if each.name == "FINN_ROOT" else each.name for each in found]
    return [*names] or [None]  # the default, whose error says how to make it


def _environment(environment: FINNEnvironment) -> dict[str, JSONValue]:
    return {
        "name": environment.name,
        "kind": environment.kind,
        "flavour": environment.flavour,
        "version": environment.version,
        "profile": environment.profile,
        "identity": environment.identity,
        "path": str(environment.path),
        "python": str(environment.python),
        "python_version": environment.description.python_version,
    }


def _installation(each: FINNInstallation) -> dict[str, JSONValue]:
    from brainsmith_core.formats.serialization import to_data

    return to_data(each)


def _installation_row(each: FINNInstallation) -> list[str]:
    flavour = {"finn-plus": "FINN+ ", "finn": "FINN "}.get(each.flavour or "", "")
    kind = f"{each.kind} ({each.profile})" if each.profile else each.kind
    path = f"{each.path}\n{each.reason}" if each.reason else str(each.path)
    return [each.name + (" *" if each.default else ""), f"{flavour}{each.version}" or "-", kind, each.state, path]


def _validation(each: FINNValidation) -> dict[str, JSONValue]:
    return {
        "name": each.name,
        "ok": each.ok,
        "environment": None if each.environment is None else _environment(each.environment),
        "findings": [finding.to_dict() for finding in each.findings],
        "output_stages": [stage.value for stage in each.output_stages],
    }


def _print_validation(each: FINNValidation) -> None:
    columns = (Column("what"), Column("state"), Column("details", wide=True))
    rows = []
    for finding in each.findings:
        details = f"{finding.message}\n→ {finding.fix}" if finding.fix else finding.message
        rows.append([finding.name, finding.state, details])
    stages = ", ".join(stage.value for stage in each.output_stages)
    rows.append(["builds", "ok" if each.ok else "missing", f"up to: {stages}" if each.ok else "none"])
    print_table(columns, rows, each.name)


def _steps(environment: FINNEnvironment) -> list[dict[str, JSONValue]]:
    description = environment.description
    known = {each.name: each.summary for each in description.steps}
    flow = list(description.default_steps)
    names = [*flow, *sorted(set(known) - set(flow))]
    return [
        {
            "name": name,
            "summary": known.get(name, ""),
            "default": name in flow,
            "estimate": name in description.estimate_steps,
        }
        for name in names
    ]


def _flow(step: dict[str, JSONValue]) -> str:
    if step["estimate"]:
        return "estimate"
    return "default" if step["default"] else "-"


def _by_module(transformations: Iterable[Transformation]) -> str:
    """Return a text that fits the terminal, with a heading for each module, and names that are never broken."""
    formatter = click.HelpFormatter(width=console().width)
    for module, group in itertools.groupby(transformations, key=lambda each: each.name.rpartition(".")[0]):
        with formatter.section(module):
            formatter.write_dl([(_call(each), each.summary) for each in group], col_max=40)
    return formatter.getvalue()


def _call(transformation: Transformation) -> str:
    """Return a transformation as it's called, such as `Streamline()` or `SortGraph(key, reverse=False)`."""
    parameters = [each.name + (f"={each.default}" if each.default else "") for each in transformation.parameters]
    return f"{transformation.name.rpartition('.')[2]}({', '.join(parameters)})"
