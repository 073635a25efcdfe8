"""`brainsmith platforms`: the boards that are known, and one model on many of them."""

from __future__ import annotations

from pathlib import Path

import click

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.cli.app import App, json_option, pass_app
from brainsmith_core.cli.output import Column, number, print_json, print_table
from brainsmith_core.config import BuildConfig
from brainsmith_core.formats.config_file import load_build_config
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.result import BuildStatus

from .multi_target.comparison import OBJECTIVES, CrossPlatformComparison, PlatformRow
from .multi_target.manager import MultiTargetBuildManager
from .multi_target.platforms import FPGAPlatformRegistry
from .progress import Progress

__all__ = ["command"]

_CONFIG_FILES = (".yaml", ".yml", ".json")
_SHOWN = ("throughput", "latency", "lut_utilization", "bram_utilization", "dsp_utilization")


@click.group("platforms")
def command() -> None:
    """List boards, or build one model for many of them."""


@command.command(
    "list",
    epilog="""\b
Examples:
  brainsmith platforms list
  brainsmith platforms list --json""",
)
@json_option
@pass_app
def list_platforms(app: App, /, as_json: bool) -> None:
    """List the boards that plugins know, the smallest FPGA first."""
    platforms = FPGAPlatformRegistry(app.plugins).platforms()
    if as_json:
        listed: list[JSONValue] = [
            {"name": each.name, "part": each.device.part, **_totals(each.device), "source": each.device.source}
            for each in platforms
        ]
        print_json({"platforms": listed})
        return
    columns = [Column("board"), Column("part"), *(Column(name, right=True) for name in _totals(platforms[0].device))]
    rows = (
        [
            each.name,
            each.device.part,
            *("?" if total is None else str(total) for total in _totals(each.device).values()),
        ]
        for each in platforms
    )
    print_table(columns, rows)


@command.command(
    "build",
    epilog="""\b
Examples:
  brainsmith platforms build model.onnx --on Pynq-Z1 --on ZCU104 --clock 5 --clock 10
  brainsmith platforms build build.yaml --on Pynq-Z1 --on Ultra96 --parallel 2 --json""",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--on", "names", metavar="BOARD", multiple=True, required=True, help="A board or part. May be repeated.")
@click.option(
    "--clock", "clocks", metavar="NS", type=float, multiple=True, help="A clock period in ns. May be repeated."
)
@click.option("--output", type=click.Path(path_type=Path), help="The folder for all builds.")
@click.option("--backend", default="auto", show_default=True, help="Which backend builds.")
@click.option("--parallel", type=click.IntRange(min=1), default=1, show_default=True, help="Builds at once.")
@json_option
@pass_app
def build(
    app: App,
    /,
    *,
    model: Path,
    names: tuple[str, ...],
    clocks: tuple[float, ...],
    output: Path | None,
    backend: str,
    parallel: int,
    as_json: bool,
) -> int:
    """Build MODEL (an ONNX file, or a build's configuration) for each board at each clock, and compare."""
    factory = create_build_runner_factory(backend, app.plugins)
    manager = MultiTargetBuildManager(factory, parallel=parallel, plugins=app.plugins)
    base: Path | BuildConfig = load_build_config(model) if model.suffix.lower() in _CONFIG_FILES else model
    configs = manager.schedule_multi_platform_build(base, names, clocks_ns=clocks, output_dir=output)
    results = []
    with Progress(total=len(configs)) as progress:
        for result in manager.execute(progress.note, Path(configs[0].output_dir).parent):
            progress.finish(result)
            results.append(result)
    comparison = manager.aggregate_cross_platform_results(results)
    if as_json:
        print_json(comparison.to_dict())
    else:
        _print(comparison)
    return 0 if all(result.status is BuildStatus.SUCCESS for result in results) else 1


def _totals(device: object) -> dict[str, JSONValue]:
    return {name: getattr(device, name) for name in ("lut", "ff", "bram_36k", "uram", "dsp", "slrs")}


def _print(comparison: CrossPlatformComparison) -> None:
    columns = [Column("build"), Column("state"), Column("fits")]
    columns += [Column(name.removesuffix("_utilization"), right=True) for name in _SHOWN]
    print_table(columns, (_cells(row) for row in comparison.rows))
    if comparison.simulated:
        click.echo(click.style("simulated: these figures come from no real build", fg="yellow"))
    for row in comparison.rows:
        if row.result.error_message:
            click.echo(f"{row.result.config_id}: {row.result.error_message}")
    for objective in OBJECTIVES:
        best = comparison.best(objective)
        if best is not None:
            value = number(best.value(objective) or 0)
            click.echo(f"best {objective.replace('_', ' ')}: {best.result.config_id} ({value})")


def _cells(row: PlatformRow) -> list[str]:
    fits = {True: "yes", False: f"no ({row.tightest})", None: "?"}[row.fits]
    values = [(name, row.value(name)) for name in _SHOWN]
    shown = ["-" if v is None else f"{v:.1%}" if name.endswith("_utilization") else number(v) for name, v in values]
    return [row.result.config_id, row.result.status.value, fits, *shown]
