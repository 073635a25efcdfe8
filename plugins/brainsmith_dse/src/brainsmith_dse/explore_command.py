"""`brainsmith explore`: build what a blueprint says, and show what is worth having."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import click

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.cli.app import App, json_option, no_cache_option, pass_app
from brainsmith_core.cli.output import print_json
from brainsmith_core.events import BuildEvent
from brainsmith_core.executor import Executor
from brainsmith_orchestration.events_file import EventsFile

from .command_line import blueprint_argument, forge_with_budgets, limit_option, model_option, output_option
from .explorer import explore
from .forge_api import DesignSpaceValidator
from .report import explore_document
from .terminal import ProgressHook, print_results

__all__ = ["command"]


@click.command(
    "explore",
    epilog="""\b
Examples:
  brainsmith explore examples/digits/blueprint.yaml
  brainsmith explore blueprint.yaml --output out --parallel 4 --json
  brainsmith explore blueprint.yaml --parallel 4 --executor dask""",
)
@blueprint_argument
@model_option
@output_option
@click.option("--backend", default="auto", show_default=True, help="Which backend builds.")
@click.option("--executor", default="local", show_default=True, help="Where builds run; see `brainsmith plugins list`.")
@click.option("--parallel", type=click.IntRange(min=1), help="Run so many builds at once.")
@limit_option
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Stop after so many minutes.")
@click.option("--events", type=click.Path(path_type=Path), help="Append all events to this file, a JSON line each.")
@click.option("--retry-failed", is_flag=True, help="Build again what failed before.")
@no_cache_option
@json_option
@pass_app
def command(
    app: App,
    /,
    *,
    blueprint: Path,
    model: Path | None,
    output: Path | None,
    backend: str,
    executor: str,
    events: Path | None,
    retry_failed: bool,
    no_cache: bool,
    as_json: bool,
    **budgets: Any,
) -> int:
    """Build what BLUEPRINT says and show the Pareto front; what is finished isn't built again."""
    factory = create_build_runner_factory(backend, app.plugins)
    place = app.plugins.executor(executor)
    space = forge_with_budgets(app.plugins, blueprint, model, **budgets)
    if no_cache:
        space = attrs.evolve(space, global_config=attrs.evolve(space.global_config, cache_results=False))
    for warning in DesignSpaceValidator().validate(space).warnings:
        click.echo(f"warning: {warning}", err=True)
    with ExitStack() as stack:
        builds_on: Executor = app.plugins.load(place, "executor")(factory, space.search_config.parallel_builds)
        stack.callback(builds_on.close)
        hook = ProgressHook(space, stack)
        file = None if events is None else stack.enter_context(EventsFile(events))

        def note(event: BuildEvent) -> None:
            hook.note(event)
            if file is not None:
                file.note(event)

        results = explore(
            space,
            factory,
            [hook],
            output_dir=output,
            retry_failed=retry_failed,
            on_event=note,
            executor=builds_on,
        )
    if as_json:
        print_json(explore_document(results))
    else:
        print_results(results, space)
    return 1 if results.failure_count or not results.success_count else 0
