"""What people see on a terminal: how far an exploration is, and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import attrs
import click

from brainsmith_core.cli.output import console, number
from brainsmith_core.config import BuildConfig
from brainsmith_core.events import BuildEvent
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.result import BuildResult
from brainsmith_orchestration.progress import Progress

from .aggregate import ResultsAggregator
from .hooks import ExplorationHook
from .metric_names import metric_value
from .results import ExplorationResults
from .search import SearchConfig
from .space import DesignSpace
from .sweep import canonical
from .targets import TARGET_FLAGS, target_of

__all__ = ["ProgressHook", "describe", "print_results"]


#: Resources in the table: heading, name of the count, field of the fraction.
_RESOURCES = (
    ("LUT", "util.lut", "lut_utilization"),
    ("BRAM18", "util.bram_18k", "bram_utilization"),
    ("DSP", "util.dsp", "dsp_utilization"),
    ("URAM", "util.uram", "uram_utilization"),
)
_ARROWS = {"maximize": "up", "minimize": "down"}
_SHOWN = {"throughput", "latency", "perf.throughput_fps", "perf.latency_us"}
#: From this share on, per cents have no decimals.
_ROUND = 0.1
_SHORT_ID = 12
_GAP = "  "


class ProgressHook(ExplorationHook):
    """Shows on stderr how far an exploration is, from its first build to its last.

    Args:
        space: what is explored.
        stack: closed when nothing is to be shown any more, however the exploration ends.
    """

    def __init__(self, space: DesignSpace, stack: ExitStack) -> None:
        self._space, self._stack = space, stack
        self._progress: Progress | None = None
        self._best: tuple[float, str] | None = None

    def note(self, event: BuildEvent) -> None:
        """Show an event of a build; from any thread."""
        if self._progress is not None:
            self._progress.note(event)

    def on_combinations_generated(self, configs: Sequence[BuildConfig]) -> None:
        """Begin to show."""
        progress = Progress(len(configs), best=lambda: self._best[1] if self._best else "")
        self._progress = self._stack.enter_context(progress)

    def on_build_complete(self, config: BuildConfig, result: BuildResult) -> None:
        """Show a result."""
        search = self._space.search_config
        first = search.objectives[0]
        allowed = all(each.evaluate(metric_value(result, each.metric)) for each in search.constraints)
        value = metric_value(result, first.metric) if result.succeeded and allowed else None
        if value is not None and (self._best is None or first.cost(value) < self._best[0]):
            text = f"{first.metric} {number(value)} ({describe(self._space, config)})"
            self._best = (first.cost(value), text)
        if self._progress is not None:
            self._progress.finish(result)

    def on_exploration_complete(self, exploration_results: ExplorationResults) -> None:
        """Show no more."""
        del exploration_results
        self._stack.close()


def describe(space: DesignSpace, config: BuildConfig) -> str:
    """Return what tells a configuration from the others: its target and what was chosen."""
    device, clock = _target(config)
    parts = [device, f"{clock} MHz" if clock else ""]
    parts += [f"{name}={_text(value)}" for name, value in _choices(space, config).items()]
    return " ".join(part for part in parts if part)


def _choices(space: DesignSpace, config: BuildConfig) -> dict[str, JSONValue]:
    """Return what was chosen, but for the target."""
    chosen = space.choices(config.combination_index)
    return {name: value for name, value in chosen.items() if name != "target" and name not in TARGET_FLAGS}


def print_results(results: ExplorationResults, space: DesignSpace) -> None:
    """Print the Pareto front, the counts and where everything was written."""
    if results.pareto_optimal:
        _print_front(results, space)
    click.echo(results.get_summary_string())
    failed = ResultsAggregator(results).get_failed_summary()
    if failed:
        click.echo("failed: " + ", ".join(f"{count:,} {category}" for category, count in failed.items()))
        _print_first_failure(results)
    for warning in results.warnings:
        click.echo(click.style(f"warning: {warning}", fg="yellow"))
    click.echo(f"written to {results.output_dir}: results.csv, results.json, pareto.json, builds/<id>/")


def _print_first_failure(results: ExplorationResults) -> None:
    first = results.get_failed_results()[0]
    click.echo(f"  {first.config_id}: {first.error_message}")
    for advice in first.error.advice if first.error else ():
        click.echo(f"  - {advice}")


def _print_front(results: ExplorationResults, space: DesignSpace) -> None:
    front, search = results.pareto_optimal, space.search_config
    found = [result for config in front if (result := results.get_result(config.id)) is not None]
    ids = [_Cells("configuration", [config.id for config in front], right=False)]
    target, figures = _target_cells(front), _figure_cells(found, search)
    choices = _choice_cells(space, front)
    # Where it's narrow, the beginning of an id is enough to find the build's folder.
    short = [_Cells("build", [config.id[:_SHORT_ID] for config in front], right=False)]
    layouts = ([*ids, *target, *choices, *figures], [*target, *choices, *figures], [*short, *target, *figures])
    width = console().width
    cells = next((layout for layout in layouts if _width(layout) <= width), layouts[-1])
    goals = ", ".join(f"{each.metric} {_ARROWS[each.direction]}" for each in search.objectives)
    kind = "simulated " if any(result.simulated for result in found) else ""
    click.secho(f"Pareto front ({goals}): {len(front)} of {results.success_count:,} {kind}designs", bold=True)
    click.echo("\n".join(_lines(cells)))


@attrs.frozen
class _Cells:
    """A column of the table with its content."""

    title: str
    texts: list[str]
    right: bool = True

    @property
    def width(self) -> int:
        """How wide the column is."""
        return max(map(len, (self.title, *self.texts)))

    def lines(self) -> list[str]:
        """Return heading, rule and cells, all of one width."""
        adjust = str.rjust if self.right else str.ljust
        return [adjust(text, self.width) for text in (self.title, "─" * self.width, *self.texts)]


def _width(cells: Sequence[_Cells]) -> int:
    return sum(column.width for column in cells) + len(_GAP) * (len(cells) - 1)


def _lines(cells: Sequence[_Cells]) -> list[str]:
    # A table of our own: it is denser than the other commands', so that all figures fit into 80 characters.
    return [_GAP.join(line).rstrip() for line in zip(*(column.lines() for column in cells), strict=True)]


def _target_cells(configs: Sequence[BuildConfig]) -> list[_Cells]:
    devices, clocks = zip(*map(_target, configs), strict=True)
    columns = [_Cells("device", list(devices), right=False), _Cells("MHz", list(clocks))]
    return [column for column in columns if any(column.texts)]


def _choice_cells(space: DesignSpace, configs: Sequence[BuildConfig]) -> list[_Cells]:
    chosen = [_choices(space, config) for config in configs]
    return [_Cells(name, [_text(each[name]) for each in chosen]) for name in chosen[0]]


def _figure_cells(results: Sequence[BuildResult], search: SearchConfig) -> list[_Cells]:
    resources = [each for each in _RESOURCES if each[0] != "URAM" or any(_is_used(result, each) for result in results)]
    shown = {name for _, count, field in resources for name in (count, field)} | _SHOWN
    others = [each.metric for each in search.objectives if each.metric not in shown]
    figures = {"frames/s": "throughput", "lat. µs": "latency"}
    return [
        *(_Cells(title, [number(metric_value(each, name)) for each in results]) for title, name in figures.items()),
        *(_resource_cells(each, results) for each in resources),
        *(_Cells(name, [number(metric_value(each, name)) for each in results]) for name in others),
    ]


def _resource_cells(resource: tuple[str, str, str], results: Sequence[BuildResult]) -> _Cells:
    """Return count and share of a resource, each where it is known, under one another."""
    title, count, fraction = resource
    counts = [metric_value(result, count) for result in results]
    shares = [_share(metric_value(result, fraction)) for result in results]
    both = ["" if all(each is None for each in counts) else number(each) for each in counts], shares
    widths = [max(map(len, texts)) for texts in both]
    rows = zip(*both, strict=True)
    texts = [" ".join(text.rjust(width) for text, width in zip(row, widths, strict=True) if width) for row in rows]
    return _Cells(title, [text if text.strip() else "-" for text in texts])


def _share(fraction: float | None) -> str:
    if fraction is None:
        return ""
    return f"{100 * fraction:.0f}%" if fraction >= _ROUND else f"{100 * fraction:.1f}%"


def _is_used(result: BuildResult, resource: tuple[str, str, str]) -> bool:
    return any(metric_value(result, name) for name in resource[1:])


def _target(config: BuildConfig) -> list[str]:
    target = target_of(config)
    device, period = target.get("board") or target.get("part"), target.get("clock_ns")
    return [str(device or ""), number(1000 / period) if isinstance(period, int | float) and period else ""]


def _text(value: JSONValue) -> str:
    return canonical(value) if isinstance(value, bool | int | float | list | dict) else str(value)
