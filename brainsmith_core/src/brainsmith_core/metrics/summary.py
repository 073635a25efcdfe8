"""The summary of a build: for each figure the value of the most faithful stage that has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..metric import Metric, MetricStatus, Stage
from ..result import BuildMetrics

__all__ = ["summarise"]

_IMPLEMENTATION = (Stage.ROUTE, Stage.PLACE, Stage.SYNTH, Stage.OOC, Stage.HLS, Stage.ESTIMATE)
_RUNNING = (Stage.BOARD, Stage.RTLSIM, Stage.ESTIMATE)

#: For each field of the summary: the names that give it, best first, and the stages, most faithful first.
_FIELDS: dict[str, tuple[tuple[str, ...], tuple[Stage, ...]]] = {
    "throughput": (("perf.steady_throughput_fps", "perf.throughput_fps"), _RUNNING),
    "latency": (("perf.latency_us",), _RUNNING),
    "clock_frequency": (("perf.clk_mhz",), _RUNNING),
    "lut_utilization": (("util.lut.fraction",), _IMPLEMENTATION),
    "dsp_utilization": (("util.dsp.fraction",), _IMPLEMENTATION),
    "bram_utilization": (("util.bram_36k.fraction", "util.bram_18k.fraction"), _IMPLEMENTATION),
    "uram_utilization": (("util.uram.fraction",), _IMPLEMENTATION),
    "total_power": (("power.avg_w", "power.total_w"), (Stage.BOARD, Stage.POWER, *_IMPLEMENTATION)),
    "accuracy": (("accuracy.top1",), (Stage.BOARD, Stage.RTLSIM, Stage.COSIM, Stage.BUILD, Stage.MODEL)),
}

#: From the most to the least faithful; for names that no field of the summary takes.
_ALL_STAGES = (
    *(Stage.BOARD, Stage.ROUTE, Stage.PLACE, Stage.SYNTH, Stage.OOC, Stage.POWER),
    *(Stage.RTLSIM, Stage.COSIM, Stage.FIFO, Stage.HLS, Stage.ESTIMATE, Stage.BUILD, Stage.MODEL),
)

#: Stages whose figures are facts about the model and this very run, whatever the backend.
_FACTS = (Stage.MODEL, Stage.BUILD)


def summarise(metrics: Iterable[Metric]) -> BuildMetrics:
    """Return the summary of a build's metrics.

    Only figures of the whole design count. Where both simulated and measured figures of the hardware are given,
    only the measured ones count. Of two figures of one name and stage, the later one counts.

    Example:
        >>> figure = Metric(name="perf.throughput_fps", value=100.0, unit="frames/s", stage=Stage.ESTIMATE)
        >>> summary = summarise([figure])
        >>> summary.throughput, summary.stages["throughput"]
        (100.0, 'estimate')
    """
    chosen = _of_one_kind([metric for metric in metrics if metric.is_present and not metric.scope])
    by_name: dict[str, dict[Stage, Metric]] = {}
    for metric in chosen:
        by_name.setdefault(metric.name, {})[metric.stage] = metric
    fields: dict[str, float] = {}
    stages: dict[str, str] = {}
    for field, (names, order) in _FIELDS.items():
        best = _most_faithful(by_name, names, order)
        if best is not None and best.number is not None:
            fields[field], stages[field] = best.number, best.stage.value
    raw = {name: _first(found, _ALL_STAGES) for name, found in by_name.items()}
    return BuildMetrics(
        **fields,
        raw_metrics={name: metric.value for name, metric in raw.items()},
        stages=stages,
        simulated=any(metric.status is MetricStatus.SIMULATED for metric in chosen),
    )


def _of_one_kind(metrics: Sequence[Metric]) -> list[Metric]:
    """Leave out the simulated figures if there are measured ones, beside facts of the model and the run."""
    measured = any(m.status is MetricStatus.MEASURED and m.stage not in _FACTS for m in metrics)
    return [metric for metric in metrics if not measured or metric.status is MetricStatus.MEASURED]


def _most_faithful(
    by_name: dict[str, dict[Stage, Metric]], names: Sequence[str], order: Sequence[Stage]
) -> Metric | None:
    for stage in order:
        for name in names:
            if stage in by_name.get(name, {}):
                return by_name[name][stage]
    return None


def _first(found: dict[Stage, Metric], order: Sequence[Stage]) -> Metric:
    return next(found[stage] for stage in order if stage in found)
