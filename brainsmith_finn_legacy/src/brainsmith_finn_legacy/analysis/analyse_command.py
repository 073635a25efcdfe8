"""`brainsmith finn analyse`: a build layer by layer, and what it would be with another folding, throughput or clock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from brainsmith_core.cli.app import json_option
from brainsmith_core.cli.output import Column, number, print_json, print_table
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .efficiency import ResourceEfficiency
    from .resource_formulas import Estimate
    from .resource_usage import ResourceUsage
    from .scaling import ScalingPrediction
    from .timing_closure import TimingClosure

__all__ = ["command"]

_LAYERS = (
    *(Column("layer"), Column("folding"), Column("cycles", right=True), Column("idle", right=True)),
    *(Column("LUT est.", right=True), Column("LUT", right=True), Column("stage"), Column("ratio", right=True)),
    Column("slack ns", right=True),
)
_PREDICTED = (
    *(Column("layer"), Column("folding now"), Column("folding then"), Column("cycles now", right=True)),
    *(Column("cycles then", right=True), Column("by"), Column("LUT", right=True), Column("BRAM 18K", right=True)),
)


@click.command(
    "analyse",
    epilog="""\b
Examples:
  brainsmith finn analyse out/
  brainsmith finn analyse out/ --target-fps 500000
  brainsmith finn analyse out/ --fold MVAU_hls_0:PE=4,SIMD=16 --clock-ns 5
\b
BUILD is the folder of a build or an output folder of FINN. A prediction holds for
FINN's estimates; with the build's model it is FINN's own figure.""",
)
@click.argument("build", type=click.Path(path_type=Path))
@click.option("--target-fps", type=float, metavar="FPS", help="Predict the folding that FINN would choose for FPS.")
@click.option("--clock-ns", type=float, metavar="NS", help="Predict for this clock period.")
@click.option(
    "--fold", "folds", multiple=True, metavar="LAYER:PE=N,SIMD=N", help="Predict with this folding of a layer."
)
@json_option
def command(
    build: Path, target_fps: float | None, clock_ns: float | None, folds: tuple[str, ...], as_json: bool
) -> None:
    """Show a build layer by layer; predict what another folding, throughput or clock would give."""
    from .performance import AdvancedPerformanceMetrics
    from .scaling import ScalingTarget
    from .tracker import ResourceUtilizationTracker

    performance, tracker = AdvancedPerformanceMetrics(), ResourceUtilizationTracker()
    usage = tracker.track_resource_usage(build)
    efficiency = tracker.analyze_resource_efficiency(usage)
    timing = performance.analyze_timing_closure(usage.build)
    prediction = None
    if target_fps is not None or clock_ns is not None or folds:
        target = ScalingTarget(folding=_folding(folds), target_fps=target_fps, clock_ns=clock_ns)
        prediction = tracker.predict_scaling_behavior(usage, target)
    if as_json:
        found: dict[str, JSONValue] = {
            "performance": performance.collect_comprehensive_metrics(usage.build).to_dict(),
            "timing": timing.to_dict(),
            "memory": performance.profile_memory_bandwidth(usage.build).to_dict(),
            "resources": usage.to_dict(),
            "efficiency": efficiency.to_dict(),
            "prediction": prediction.to_dict() if prediction else None,
        }
        print_json(found)
        return
    _print_build(usage, efficiency, timing)
    if prediction:
        _print_prediction(prediction)


def _folding(folds: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return the folding that options ask for; raises ConfigurationError for one that can't be read."""
    found: dict[str, dict[str, int]] = {}
    for text in folds:
        layer, _, settings = text.partition(":")
        for setting in settings.split(","):
            name, _, value = setting.partition("=")
            if not layer or not name or not value.isdecimal():
                raise ConfigurationError(f'--fold "{text}" can\'t be read', hint="write --fold MVAU_hls_0:PE=4,SIMD=2")
            found.setdefault(layer, {})[name.strip()] = int(value)
    return found


def _print_build(usage: ResourceUsage, efficiency: ResourceEfficiency, timing: TimingClosure) -> None:
    from .layers import layers_of

    layers = layers_of(usage.build)
    later = [stage for stage in usage.stages if stage.stage not in ("estimate", "hls")]
    rows = []
    for each in efficiency.layers:
        estimate = layers[each.layer].resources.get("util.lut")
        counted = next((stage for stage in reversed(later) if "util.lut" in stage.layers.get(each.layer, {})), None)
        lut = counted.layers[each.layer]["util.lut"] if counted else None
        ratio = lut / estimate if lut is not None and estimate else None
        name = f"{each.layer} *" if each.is_bottleneck else each.layer
        rows.append(
            [
                *(name, _settings(layers[each.layer].folding), number(each.cycles), _percent(each.idle)),
                *(number(estimate), number(lut), counted.stage if counted else "-", number(ratio, 3)),
                number(timing.layers.get(each.layer), 3),
            ]
        )
    print_table(_LAYERS, rows, "simulated figures" if usage.simulated else "")
    parts = [f"* bottleneck: {number(efficiency.max_cycles)} cycles"]
    if efficiency.throughput_fps is not None:
        parts.append(f"estimated {number(efficiency.throughput_fps)} frames/s")
    if efficiency.utilisation is not None:
        parts.append(f"multipliers work {_percent(efficiency.utilisation)} of the time")
    if timing.achievable_mhz is not None:
        met = {True: ", timing met", False: ", timing not met", None: ""}[timing.met]
        parts.append(f"fmax {number(timing.achievable_mhz)} MHz at {timing.stage}{met}")
    click.echo("; ".join(parts))


def _print_prediction(found: ScalingPrediction) -> None:
    rows = [
        [
            *(each.layer, _settings(each.folding_before), _settings(each.folding)),
            *(number(each.cycles_before), number(each.cycles), each.method),
            *(_estimate(each.resources.get(name)) for name in ("util.lut", "util.bram_18k")),
        ]
        for each in found.layers
    ]
    totals = [_estimate(found.totals.get(name)) for name in ("util.lut", "util.bram_18k")]
    print_table(_PREDICTED, [*rows, ["total", "", "", "", "", "", *totals]], "Prediction")
    target = {True: ", target met", False: ", target not met", None: ""}[found.meets_target]
    click.echo(
        f"{number(found.throughput_before_fps)} -> {number(found.throughput_fps)} frames/s{target}; "
        f"bottleneck {found.bottleneck or '-'}; error of the cycles: {_percent(found.error)}"
    )
    for note in found.notes:
        click.echo(f"note: {note}", err=True)


def _settings(folding: Mapping[str, int]) -> str:
    return " ".join(f"{name}={value}" for name, value in folding.items()) or "-"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _estimate(value: Estimate | None) -> str:
    if value is None:
        return "-"
    if value.value is not None:
        return number(round(value.value))
    return f"{number(round(value.low))}..{number(round(value.high)) if value.high is not None else '?'}"
