"""`brainsmith metrics`: look names up, read report files without a build, show the metrics of a build."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs
import click

from ..build.workspace import Workspace
from ..errors import ConfigurationError, MissingRequirementError
from ..formats.json_values import JSONValue
from ..metric import Metric
from ..metrics.collector import MetricsCollector
from ..metrics.report import ParsedFile
from ..metrics.summary import summarise
from ..metrics.vocabulary import Vocabulary
from ..records import MetricDefinition
from .app import App, SuggestingGroup, json_option, pass_app
from .metric_rows import metrics_as_csv, metrics_as_rows
from .output import Column, number, print_json, print_table

__all__ = ["command"]

#: Names and values are broken over lines where the terminal is narrow: what a figure is about must be seen.
_COLUMNS = (
    Column("metric", wide=True),
    Column("value", right=True, wide=True),
    Column("unit"),
    Column("stage"),
    Column("scope", wide=True),
    Column("status"),
)


@click.group("metrics", cls=SuggestingGroup)
def command() -> None:
    """Look up metric names; read metrics from report files and builds."""


@command.command(
    "list", epilog='\b\nExamples:\n  brainsmith metrics list --search "bram"\n  brainsmith metrics list --json'
)
@click.option(
    "--search", default="", metavar="WORDS", help="Only names whose description, unit or alias holds all words."
)
@json_option
@pass_app
def list_metrics(app: App, search: str, as_json: bool) -> None:
    """List the metric names that there are, with unit, better direction and meaning."""
    vocabulary = Vocabulary.of(app.plugins)
    for clash in vocabulary.clashes:
        click.echo(f"warning: {clash}", err=True)
    found = vocabulary.search(search)
    if as_json:
        print_json({"metrics": [_definition(each) for each in found]})
        return
    columns = (Column("metric"), Column("unit"), Column("better"), Column("kind"), Column("meaning", wide=True))
    print_table(columns, [[each.name, each.unit, each.better, each.kind.value, each.description] for each in found])
    click.echo(f"{len(found)} of {len(vocabulary)} names", err=True)


@command.command(
    "parse",
    epilog="""\b
Examples:
  brainsmith metrics parse out/report
  brainsmith metrics parse estimate_layer_cycles.json --csv > cycles.csv""",
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV on stdout.")
@click.option("--all", "everything", is_flag=True, help="Also show figures of layers, instances and steps.")
@json_option
@pass_app
def parse_reports(app: App, paths: tuple[Path, ...], as_csv: bool, everything: bool, as_json: bool) -> None:
    """Read the report files in PATHS (files, or folders with their sub-folders), whatever tool wrote them.

    Derived figures have a formula; they follow from figures of the same file.
    """
    if as_csv and as_json:
        raise ConfigurationError("--csv and --json exclude each other", hint="give one of them")
    for path in paths:
        if not path.exists():
            raise MissingRequirementError(f"{path} doesn't exist", hint="give report files or folders")
    # A foreign parser that prints must not damage what is on stdout.
    with contextlib.redirect_stdout(sys.stderr):
        metrics, files = _parse(app, paths)
    if as_json:
        print_json({"metrics": [each.to_dict() for each in metrics], "files": [each.to_dict() for each in files]})
    elif as_csv:
        click.echo(metrics_as_csv(metrics), nl=False)
    else:
        _print_metrics(metrics, everything)
    if not as_json:
        _print_files(files)


@command.command("show", epilog="\b\nExample:\n  brainsmith metrics show out/")
@click.argument("build", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Also show figures of layers, instances and steps.")
@json_option
def show_build(build: Path, everything: bool, as_json: bool) -> None:
    """Show the metrics of a build: its summary, and from which stage each figure comes.

    BUILD is the build's folder.
    """
    workspace = Workspace(build)
    if not workspace.metrics.is_file():
        raise MissingRequirementError(
            f"{build} holds no metrics.json", hint="give the output folder of a build, or parse reports: metrics parse"
        )
    metrics = workspace.read_metrics()
    summary = summarise(metrics)
    fields = {field.name: getattr(summary, field.name) for field in attrs.fields(type(summary))}
    if as_json:
        print_json({"summary": fields, "metrics": [each.to_dict() for each in metrics]})
        return
    rows = [[name, number(fields[name]), summary.stages[name]] for name in fields if name in summary.stages]
    title = "simulated figures" if summary.simulated else ""
    print_table((Column("summary"), Column("value", right=True), Column("stage")), rows, title)
    _print_metrics(metrics, everything)


def _parse(app: App, paths: Sequence[Path]) -> tuple[list[Metric], list[ParsedFile]]:
    """Read the files one by one: figures of different files may be of different builds, so none follows from two."""
    collector = MetricsCollector(app.plugins)
    metrics: list[Metric] = []
    files: list[ParsedFile] = []
    for collected in collector.collect_each(paths, Path()):
        metrics += collected.metrics
        metrics += collector.derive(collected.metrics)
        files += collected.files
    return metrics, files


def _definition(definition: MetricDefinition) -> dict[str, JSONValue]:
    return {
        "name": definition.name,
        "unit": definition.unit,
        "better": definition.better,
        "kind": definition.kind.value,
        "exact_at": [stage.value for stage in definition.exact_at],
        "gate": definition.gate,
        "stages": [stage.value for stage in definition.stages],
        "description": definition.description,
        "aliases": list(definition.aliases),
    }


def _print_metrics(metrics: Sequence[Metric], everything: bool) -> None:
    shown = [each for each in metrics if everything or not each.scope]
    by_file: dict[str, list[Metric]] = {}
    for each in shown:
        by_file.setdefault(each.source.file, []).append(each)
    scoped = any(each.scope for each in shown)
    kept = [place for place, column in enumerate(_COLUMNS) if scoped or column.title != "scope"]
    for file, group in by_file.items():
        rows = [[row[place] for place in kept] for row in metrics_as_rows(group)]
        print_table([_COLUMNS[place] for place in kept], rows, file if len(by_file) > 1 else "")
    if len(shown) < len(metrics):
        click.echo(f"{len(metrics) - len(shown)} more, of layers, instances, steps and the like: --all", err=True)


def _print_files(files: Iterable[ParsedFile]) -> None:
    counts: dict[str, int] = {}
    for file in files:
        counts[file.status] = counts.get(file.status, 0) + 1
        if file.status != "unknown" and file.message:
            first = file.warning or file.message.splitlines()[0]
            click.echo(first if file.warning else f"{file.file}: {first}", err=True)
    click.echo(", ".join(f"{count} {status}" for status, count in counts.items()), err=True)
