"""`brainsmith run`: one build."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import attrs
import click

from ..events import BuildEvent
from ..formats.config_file import load_build_config, parse_assignments
from ..processes.signals import stop_on_signals
from ..result import BuildResult, BuildStatus
from .app import App, json_option, no_cache_option, pass_app
from .output import number, print_json

__all__ = ["command"]

_EXIT = {BuildStatus.SUCCESS: 0, BuildStatus.CANCELLED: 130}


@click.command(
    "run",
    epilog="""\b
Examples:
  brainsmith run build.yaml
  brainsmith run build.yaml --output out --set target_fps=10000 --json""",
)
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--backend",
    default="auto",
    show_default=True,
    help="Which backend builds; see `brainsmith plugins list`.",
)
@click.option("--output", type=click.Path(path_type=Path), help="The build's folder, instead of the file's.")
@click.option("--set", "assignments", metavar="FLAG=VALUE", multiple=True, help="Set a flag. May be repeated.")
@no_cache_option
@json_option
@pass_app
def command(
    app: App,
    /,
    *,
    config: Path,
    backend: str,
    output: Path | None,
    assignments: tuple[str, ...],
    no_cache: bool,
    as_json: bool,
) -> int:
    """Run one build from CONFIG, a YAML or JSON file with the keys of BuildConfig."""
    from ..build.runner import create_build_runner_factory

    runner = create_build_runner_factory(backend, app.plugins)()
    build = load_build_config(config, output_dir=output, flags=parse_assignments(assignments))
    if no_cache:
        build = attrs.evolve(build, global_config=attrs.evolve(build.global_config, cache_results=False))
    stop = threading.Event()

    def end(name: str) -> None:
        stop.set()
        click.echo(f"{name}: stopping the build ...", err=True)

    with stop_on_signals(end):
        result = runner.run(build, stop=stop, on_event=_print_event)
    if as_json:
        print_json(result.to_dict())
    else:
        _print_result(result)
    return _exit_code(result)


def _exit_code(result: BuildResult) -> int:
    """Return 2 where a step before the backend refused what it was given: nothing was built yet."""
    error = result.error
    if result.status is BuildStatus.FAILED and error is not None and error.phase == "preprocessing":
        return 2 if error.category == "configuration" else 1
    return _EXIT.get(result.status, 1)


_started = time.monotonic()


def _print_event(event: BuildEvent) -> None:
    data = event.data
    if event.kind == "phase_started":
        text = f"{data['phase']}"
    elif event.kind == "step_started":
        text = f"  step {data.get('index', '?')}/{data.get('total', '?')} {data.get('step')}"
    elif event.kind == "step_progress":
        text = f"    {data.get('done')}/{data.get('of')} {data.get('what')}".rstrip()
    elif event.kind == "step_skipped":
        text = f"  step {data.get('step')} is {data.get('reason')}"
    else:
        return
    click.echo(f"[{time.monotonic() - _started:6.1f} s] {text}", err=True)


def _print_result(result: BuildResult) -> None:
    styles = {BuildStatus.SUCCESS: "green", BuildStatus.CANCELLED: "yellow"}
    status = click.style(result.status.value, fg=styles.get(result.status, "red"), bold=True)
    click.echo(f"{result.config_id}: {status} in {result.duration_seconds:.1f} s with {result.backend}")
    origin = result.provenance.get("cached_from")
    if isinstance(origin, dict):
        click.echo(f"  cached: nothing was run, this is the result of {origin['build']} in {origin['output_dir']}")
    if result.simulated:
        click.echo(click.style("simulated: these figures come from no real build", fg="yellow"))
    if result.metrics is not None:
        _print_metrics(result)
    if result.error is not None:
        click.echo(f"  {result.error.category}: {result.error.message}")
        first = result.error.first_error
        # What is wrong with the configuration is said in full; the log has it once more, with a traceback.
        is_said = result.error.category == "configuration" or (first and first.text in result.error.message)
        if first is not None and not is_said:
            click.echo(f"  first error: {first.file}:{first.line}: {first.text}")
        for text in result.error.advice:
            click.echo(f"  - {text}")
    for warning in result.warnings:
        click.echo(click.style(f"  warning: {warning}", fg="yellow"))
    click.echo(f"  written to {result.output_dir}")
    sys.stdout.flush()


_SHOWN = {
    "throughput": "inferences/s",
    "latency": "µs",
    "clock_frequency": "MHz",
    "lut_utilization": "of the device",
    "bram_utilization": "of the device",
    "dsp_utilization": "of the device",
    "uram_utilization": "of the device",
    "total_power": "W",
    "accuracy": "",
}


def _print_metrics(result: BuildResult) -> None:
    assert result.metrics is not None
    for name, unit in _SHOWN.items():
        value = getattr(result.metrics, name)
        if value is not None:
            stage = result.metrics.stages.get(name, "")
            click.echo(f"  {name.replace('_', ' '):16} {number(value):>12} {unit:13} ({stage})")
