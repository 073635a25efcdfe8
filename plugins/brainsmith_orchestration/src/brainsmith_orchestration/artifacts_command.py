"""`brainsmith artifacts`: products of builds, stored by content."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from brainsmith_core.build.workspace import Workspace
from brainsmith_core.cli.app import json_option
from brainsmith_core.cli.output import Column, print_json, print_table
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.config_file import parse_assignments
from brainsmith_core.formats.json_values import JSONValue

from .artifacts.manager import BuildArtifactManager, LifecycleReport
from .artifacts.query import ArtifactQuery
from .artifacts.record import ArtifactRecord
from .artifacts.retention import RetentionPolicy

__all__ = ["command"]

_UNITS = ("B", "kB", "MB", "GB", "TB")

store_option = click.option(
    "--store", "root", type=click.Path(path_type=Path), help="The store's folder; default: .brainsmith/artifacts."
)
build_argument = click.argument("build", metavar="BUILD[@VERSION]")


@click.group("artifacts")
def command() -> None:
    """Keep, find and let go of what builds produce."""


@command.command(
    "store",
    epilog="""\b
Examples:
  brainsmith artifacts store demo_output/builds/*
  brainsmith artifacts store out --meta board=Pynq-Z1 --meta baseline=true""",
)
@click.argument("folders", metavar="BUILD_FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--meta", "assignments", metavar="KEY=VALUE", multiple=True, help="What shall be known of it.")
@store_option
@json_option
def store(folders: tuple[Path, ...], assignments: tuple[str, ...], root: Path | None, as_json: bool) -> None:
    """Store the files of builds as new versions; what is there already isn't stored twice."""
    manager = BuildArtifactManager(root)
    metadata = parse_assignments(assignments)
    records = []
    for folder in folders:
        result = Workspace(folder.absolute()).read_result()
        if result is None:
            raise ConfigurationError(f"{folder} holds no result of a build", hint="give the folders of finished builds")
        result.output_dir = str(folder.absolute())
        records.append(manager.store_build_artifacts(result, metadata))
    _show(records, as_json)


@command.command(
    "list",
    epilog="""\b
Examples:
  brainsmith artifacts list
  brainsmith artifacts list --meta board=Pynq-Z1 --at-least throughput=10000 --json""",
)
@click.option("--build", "build_id", metavar="BUILD", help="Versions of this build alone.")
@click.option("--status", help="Such as success.")
@click.option("--meta", "assignments", metavar="KEY=VALUE", multiple=True, help="With this metadata.")
@click.option("--at-least", metavar="FIGURE=VALUE", multiple=True, help="With at least so much of a figure.")
@click.option("--at-most", metavar="FIGURE=VALUE", multiple=True, help="With at most so much of a figure.")
@click.option("--latest", is_flag=True, help="Only the newest version of each build.")
@store_option
@json_option
def list_artifacts(
    *,
    build_id: str | None,
    status: str | None,
    assignments: tuple[str, ...],
    at_least: tuple[str, ...],
    at_most: tuple[str, ...],
    latest: bool,
    root: Path | None,
    as_json: bool,
) -> None:
    """List what is stored."""
    query = ArtifactQuery(
        build_id=build_id,
        status=status,
        version="latest" if latest else None,
        metadata=parse_assignments(assignments),
        at_least=_figures(at_least),
        at_most=_figures(at_most),
    )
    _show(BuildArtifactManager(root).retrieve_artifacts(query), as_json)


@command.command(
    "get",
    epilog="""\b
Examples:
  brainsmith artifacts get cfg_0f3a --to again
  brainsmith artifacts get cfg_0f3a@2 --file artifacts/bitfile/finn-accel.bit --to bitfile""",
)
@build_argument
@click.option("--to", "destination", required=True, type=click.Path(path_type=Path), help="The folder to write to.")
@click.option("--file", "path", metavar="PATH", help="One file of the build's folder alone.")
@store_option
@json_option
def get(build: str, destination: Path, path: str | None, root: Path | None, as_json: bool) -> None:
    """Write stored files to a folder, each checked."""
    manager = BuildArtifactManager(root)
    record = manager.find(*_build(build))
    written = [str(each) for each in manager.restore(record, destination, path)]
    gone = [name for name, file in record.files.items() if file.gone]
    if as_json:
        print_json({"build_id": record.build_id, "version": record.version, "written": [*written], "gone": [*gone]})
        return
    click.echo(f"{record.build_id}@{record.version}: {len(written)} files written to {destination}")
    if gone and path is None:
        click.echo(click.style(f"warning: {len(gone)} files were let go and are not there", fg="yellow"))


@command.command("pin", epilog="\b\nExample:\n  brainsmith artifacts pin cfg_0f3a")
@build_argument
@store_option
@json_option
def pin(build: str, root: Path | None, as_json: bool) -> None:
    """Keep a version whole, whatever the retention rules say."""
    _show([BuildArtifactManager(root).pin(*_build(build))], as_json)


@command.command("unpin", epilog="\b\nExample:\n  brainsmith artifacts unpin cfg_0f3a@2")
@build_argument
@store_option
@json_option
def unpin(build: str, root: Path | None, as_json: bool) -> None:
    """Let retention rules decide on a version again."""
    _show([BuildArtifactManager(root).pin(*_build(build), pinned=False)], as_json)


@command.command(
    "gc",
    epilog="""\b
Examples:
  brainsmith artifacts gc --max-age 30 --dry-run
  brainsmith artifacts gc --pareto throughput=up --pareto lut_utilization=down --max-bytes 50000000000""",
)
@click.option("--pareto", metavar="FIGURE=up|down", multiple=True, help="Pareto-optimal builds stay.")
@click.option(
    "--last", type=click.IntRange(min=0), default=1, show_default=True, help="Versions of each build that stay."
)
@click.option("--max-age", type=click.FloatRange(min=0), metavar="DAYS", help="What is older goes.")
@click.option("--max-bytes", type=click.IntRange(min=0), help="The oldest go until so much is left.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@store_option
@json_option
def collect(
    *,
    pareto: tuple[str, ...],
    last: int,
    max_age: float | None,
    max_bytes: int | None,
    dry_run: bool,
    root: Path | None,
    as_json: bool,
) -> None:
    """Let go of products that have no worth any more; metrics and raw reports stay for ever."""
    objectives = {name: str(value) for name, value in parse_assignments(pareto).items()}
    policy = RetentionPolicy(pareto=objectives, last=last, max_age_days=max_age, max_bytes=max_bytes)
    report = BuildArtifactManager(root).manage_artifact_lifecycle(policy, dry_run=dry_run)
    if as_json:
        print_json(_report(report))
        return
    verb = "would go" if dry_run else "went"
    for name in report.thinned:
        click.echo(f"{name}: all but metrics and reports {verb}")
    click.echo(f"{len(report.thinned)} versions, {_bytes(report.freed_bytes)} {verb}; {_bytes(report.left_bytes)} left")


def _show(records: Iterable[ArtifactRecord], as_json: bool) -> None:
    if as_json:
        print_json({"artifacts": [each.to_dict() for each in records]})
        return
    columns = (Column("build", wide=True), Column("status"), Column("stored"), Column("files", right=True))
    rows = (
        [
            f"{each.build_id}@{each.version}",
            each.status + (" (simulated)" if each.simulated else ""),
            f"{each.stored:%Y-%m-%d %H:%M}",
            str(sum(not file.gone for file in each.files.values())),
            _bytes(each.size),
            ", ".join(word for word, holds in (("pinned", each.pinned), ("thinned", each.thinned)) if holds),
        ]
        for each in records
    )
    print_table((*columns, Column("size", right=True), Column("")), rows)


def _report(report: LifecycleReport) -> dict[str, JSONValue]:
    return {
        "kept": dict(report.kept),
        "thinned": [*report.thinned],
        "freed_bytes": report.freed_bytes,
        "left_bytes": report.left_bytes,
        "dry_run": report.dry_run,
    }


def _build(text: str) -> tuple[str, int | None]:
    build, _, version = text.partition("@")
    if not version:
        return build, None
    if not version.isdecimal():
        raise ConfigurationError(f'"{version}" is no version', hint="versions count from 1: BUILD@2")
    return build, int(version)


def _figures(assignments: tuple[str, ...]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in parse_assignments(assignments).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigurationError(f"{name} must be compared with a number, but is {value!r}")
        found[name] = value
    return found


def _bytes(size: float) -> str:
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            return f"{size:.3g} {unit}"
        size /= 1000
    raise AssertionError("the last unit takes all")
