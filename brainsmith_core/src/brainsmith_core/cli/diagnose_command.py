"""`brainsmith diagnose`: why a build or a tool failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from ..diagnosis.file_diagnosis import FileDiagnosis
from ..diagnosis.handler import BuildErrorHandler
from ..errors import MissingRequirementError
from ..result import LogLine
from .app import App, json_option, pass_app
from .output import STYLES, print_json

__all__ = ["command"]


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
    for path in paths:
        if not path.exists():
            raise MissingRequirementError(f"{path} doesn't exist", hint="give log files or a build's folder")
    found = BuildErrorHandler(app.plugins).diagnose(paths)
    if as_json:
        print_json({"files": [each.to_dict() for each in found]})
    else:
        _print_all(found, named={str(path) for path in paths})


def _print_all(found: Sequence[FileDiagnosis], named: set[str]) -> None:
    """Print what was asked for by name and all that failed; of the other logs in folders their number."""
    shown = [each for each in found if each.file in named or each.outcome == "failed" or each.category]
    for each in shown:
        _print(each)
    others = Counter(each.outcome for each in found if each not in shown)
    for outcome, count in sorted(others.items()):
        one, many = {
            "ok": ("tells of no failure", "tell of no failure"),
            "unknown": ("doesn't say how it went", "don't say how it went"),
        }[outcome]
        click.echo(f"1 more log {one}" if count == 1 else f"{count} more logs {many}")
    if not found:
        click.echo("there are no logs")


def _print(found: FileDiagnosis) -> None:
    outcome = click.style(found.outcome, fg=STYLES.get(found.outcome))
    click.echo(f"{found.file}: {outcome}" + (f" ({found.category})" if found.category else ""))
    if found.first_error is not None:
        click.echo(f"  {_place(found.first_error, found.file)}{found.first_error.text}")
    if found.errors or found.critical_warnings:
        click.echo(f"  {_count(found.errors, 'error')}, {_count(found.critical_warnings, 'critical warning')}")
    for text in found.advice:
        click.echo(f"  - {text}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _place(line: LogLine, file: str) -> str:
    if line.line is None:
        return ""
    return f"line {line.line}: " if line.file in ("", file) else f"{line.file}, line {line.line}: "
