"""`brainsmith plan`: what a blueprint would build, and what of it is finished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.build.workspace import Workspace
from brainsmith_core.cli.app import App, json_option, pass_app
from brainsmith_core.cli.output import Column, print_json, print_table
from brainsmith_core.config import BuildConfig
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_orchestration.finished import FinishedBuilds

from .combinations import CombinationGenerator, Configurations
from .command_line import blueprint_argument, forge_with_budgets, limit_option, model_option, output_option
from .exploration_folder import ExplorationFolder, default_output_dir
from .forge_api import DesignSpaceValidator
from .space import DesignSpace
from .targets import target_of
from .terminal import describe

__all__ = ["command"]

_TO_BUILD = "to build"
_MOST_OPTIONS = 12


@click.command(
    "plan",
    epilog="""\b
Examples:
  brainsmith plan examples/digits/blueprint.yaml
  brainsmith plan blueprint.yaml --output out --list""",
)
@blueprint_argument
@model_option
@output_option
@limit_option
@click.option("--list", "as_list", is_flag=True, help="List every configuration.")
@json_option
@pass_app
def command(
    app: App,
    /,
    blueprint: Path,
    model: Path | None,
    output: Path | None,
    limit: int | None,
    as_list: bool,
    as_json: bool,
) -> None:
    """Show what `explore` would build, and what of it is finished already; nothing is built or written."""
    space = forge_with_budgets(app.plugins, blueprint, model, limit=limit)
    folder = ExplorationFolder(output if output is not None else default_output_dir(space))
    folder.check()
    configs = CombinationGenerator(folder.root).select(space)
    states = _States(folder, app.plugins)
    document = _document(space, folder, configs, states)
    if as_json:
        if as_list:
            document["configurations"] = [_listed(config, states.of(config)) for config in configs]
        print_json(document)
        return
    _print(space, document)
    if as_list:
        rows = ([config.id, describe(space, config), states.of(config)] for config in configs)
        print_table((Column("configuration"), Column("what", wide=True), Column("state")), rows)


class _States:
    """Says what has become of configurations; needs no backend where nothing was built."""

    def __init__(self, folder: ExplorationFolder, plugins: PluginManager) -> None:
        record = folder.read_record()
        backend = None if record is None else record.backend.name
        self._finished = FinishedBuilds(create_build_runner_factory(backend, plugins)) if backend else None

    def of(self, config: BuildConfig) -> str:
        """Return the status of a build that is finished, else `to build`."""
        if self._finished is None or not Workspace(Path(config.output_dir)).result.exists():
            return _TO_BUILD
        result = self._finished.find(config)
        return _TO_BUILD if result is None else result.status.value

    def count(self, configs: Iterable[BuildConfig]) -> Counter[str]:
        """Count the states of the finished ones."""
        if self._finished is None:
            return Counter()
        return Counter(state for config in configs if (state := self.of(config)) != _TO_BUILD)


def _document(
    space: DesignSpace, folder: ExplorationFolder, configs: Configurations, states: _States
) -> dict[str, JSONValue]:
    search, counted = space.search_config, states.count(configs)
    return {
        "name": space.name,
        "design_space_id": configs.design_space_id,
        "model": space.model_path,
        "output_dir": str(folder.root),
        "axes": {axis.name: axis.shown() for axis in space.varied_axes()},
        "strategy": search.strategy.value,
        "objectives": [{"metric": each.metric, "direction": each.direction} for each in search.objectives],
        "constraints": [str(each) for each in search.constraints],
        "counts": {
            "total": space.get_total_combinations(),
            "selected": len(configs),
            "succeeded": counted["success"],
            "failed": counted.total() - counted["success"],
            "to_build": len(configs) - counted.total(),
        },
    }


def _listed(config: BuildConfig, state: str) -> dict[str, JSONValue]:
    return {
        "config_id": config.id,
        "flags": dict(config.config_flags),
        "target": target_of(config),
        "state": state,
        "output_dir": config.output_dir,
    }


def _print(space: DesignSpace, document: dict[str, JSONValue]) -> None:
    counts: Any = document["counts"]
    click.echo(f"{space.name}: {space.model_path}")
    rows = [[axis.name, str(len(axis.options)), _shortened(axis.shown())] for axis in space.varied_axes()]
    if rows:
        print_table((Column("axis"), Column("options", right=True), Column("which", wide=True)), rows)
    click.echo(f"{counts['total']:,} combinations, {counts['selected']:,} selected ({document['strategy']})")
    click.echo(f"{counts['succeeded']:,} succeeded, {counts['failed']:,} failed, {counts['to_build']:,} to build")
    click.echo(f"output: {document['output_dir']}")
    for warning in DesignSpaceValidator().validate(space).warnings:
        click.echo(click.style(f"warning: {warning}", fg="yellow"))


def _shortened(options: list[JSONValue]) -> str:
    texts = [str(option) for option in options]
    if len(texts) > _MOST_OPTIONS:
        texts[_MOST_OPTIONS - 2 : -1] = ["..."]
    return ", ".join(texts)
