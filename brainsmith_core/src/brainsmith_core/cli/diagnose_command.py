"""`brainsmith diagnose`: why a build or a tool failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from ..diagnosis import BuildErrorHandler, FileDiagnosis
from ..errors import MissingRequirementError
from .app import App, json_option, pass_app
from .output import STYLES, print_json

__all__ = ["command"]

_LOG_SUFFIXES = {".log", ".txt", ".out", ".err", ".jou"}


@click.command(
    "diagnose",
    epilog="""\b
Examples:
  brainsmith diagnose out/
  brainsmith diagnose vivado.log vitis_hls.log --json""",
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
@pass_app
def command(app: App, paths: tuple[Path, ...], as_json: bool) -> None:
    """Say why the runs that wrote the logs in PATHS (files, or folders of builds) failed, and what to do."""
    files = [file for path in paths for file in _logs(path)]
    found = BuildErrorHandler(app.plugins).diagnose(files)
    if as_json:
        print_json({"files": [each.to_dict() for each in found]})
        return
    for each in found:
        _print(each)


def _logs(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob("*") if file.is_file() and file.suffix in _LOG_SUFFIXES)
    elif path.exists():
        yield path
    else:
        raise MissingRequirementError(f"{path} doesn't exist", hint="give log files or a build's folder")


def _print(found: FileDiagnosis) -> None:
    outcome = click.style(found.outcome, fg=STYLES.get(found.outcome))
    click.echo(f"{found.file}: {outcome}" + (f" ({found.category})" if found.category else ""))
    if found.first_error is not None:
        click.echo(f"  line {found.first_error.line}: {found.first_error.text}")
    if found.errors or found.critical_warnings:
        click.echo(f"  {found.errors} errors, {found.critical_warnings} critical warnings")
    for text in found.advice:
        click.echo(f"  - {text}")
