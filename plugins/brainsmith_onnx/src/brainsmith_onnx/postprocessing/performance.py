"""The step `performance_analysis`: throughput against target, latency by layer, bottlenecks, clock and headroom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from brainsmith_core.config import BuildConfig
from brainsmith_core.context import StepContext, StepOutcome
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, Stage

from .figures import RUNNING, Figure, Figures, derived
from .report import write_report

__all__ = ["run"]

_STEP = "performance_analysis"
_TIMED = (Stage.ROUTE, Stage.PLACE, Stage.SYNTH, Stage.OOC)
_THROUGHPUT = ("perf.steady_throughput_fps", "perf.throughput_fps")


def run(context: StepContext) -> StepOutcome:
    """Analyse a build's speed; writes `performance_analysis.json`.

    Raises:
        ConfigurationError: if the target isn't a number greater than 0.
    """
    figures = Figures(context.workspace.read_metrics())
    margin = context.parameters["bottleneck_fraction"]
    assert isinstance(margin, int | float)
    throughput = _throughput(figures, _target(context.config, context.parameters["target_fps"]))
    layers = _Layers.of(figures, float(margin))
    clock = _clock(figures, throughput["measured"])
    data: dict[str, JSONValue] = {
        "simulated": figures.is_simulated,
        "throughput_analysis": _data(throughput),
        "latency_analysis": {
            "measured": figures.best(("perf.latency_us",), RUNNING).to_data(),
            "breakdown": layers.breakdown(),
        },
        "bottleneck": layers.bottleneck(throughput["measured"]),
        "clock": _data(clock),
    }
    return StepOutcome(
        metrics=[*_metrics(throughput, clock), *layers.metrics()],
        artifacts=write_report(context, _STEP, data),
        warnings=_warnings(throughput),
    )


def _target(config: BuildConfig, given: JSONValue) -> Figure:
    value = given if given is not None else config.flag("target_fps")
    if value is None:
        return Figure.missing("no target: neither the flag nor the parameter target_fps is set", "frames/s")
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        text = f"target_fps must be a number of frames per second greater than 0, but is {value!r}"
        raise ConfigurationError(text)
    return Figure(value=value, unit="frames/s", stage=Stage.BUILD, formula="as configured")


def _throughput(figures: Figures, target: Figure) -> dict[str, Figure]:
    measured = figures.best(_THROUGHPUT, RUNNING)
    have, want = measured.number, target.number
    met = None if have is None or want is None else have >= want
    ratio = None if have is None or want is None else have / want
    return {
        "measured": measured,
        "target": target,
        "meets_target": derived(met, "bool", "throughput >= target", measured, target),
        "ratio": derived(ratio, "ratio", "throughput / target", measured, target),
        "headroom": derived(
            None if ratio is None else ratio - 1, "fraction", "throughput / target - 1", measured, target
        ),
    }


def _warnings(throughput: Mapping[str, Figure]) -> list[str]:
    if throughput["meets_target"].value is not False:
        return []
    have, want = throughput["measured"], throughput["target"]
    return [f"the target of {want.value} frames/s isn't met: {have.number:.6g} frames/s"]


@attrs.frozen(kw_only=True)
class _Layers:
    """What the reports say about each layer's time.

    Args:
        cycles: cycles in which a layer takes in one frame.
        times: the same in microseconds.
        periods: the clock period that the synthesis of a layer expects, in nanoseconds.
        limits: the layers that limit the throughput.
    """

    cycles: dict[str, Figure]
    times: dict[str, Figure]
    periods: dict[str, Figure]
    limits: tuple[str, ...]

    @classmethod
    def of(cls, figures: Figures, margin: float) -> _Layers:
        cycles = figures.by_layer("perf.cycles", (Stage.HLS, Stage.ESTIMATE))
        clock = figures.best(("perf.clk_mhz",), RUNNING)
        numbers = {layer: figure.number for layer, figure in cycles.items() if figure.number is not None}
        most = max(numbers.values(), default=0.0)
        return cls(
            cycles=cycles,
            times={layer: _microseconds(figure, clock) for layer, figure in cycles.items()},
            periods=figures.by_layer("timing.estimated_period_ns", (Stage.HLS,)),
            limits=tuple(layer for layer, number in numbers.items() if most and number >= margin * most),
        )

    def breakdown(self) -> JSONValue:
        """Return each layer's time, or why it isn't known."""
        if not self.cycles:
            return Figure.missing("no report of this build holds cycles by layer").to_data()
        total = sum(figure.number or 0.0 for figure in self.cycles.values())
        rows: dict[str, JSONValue] = {}
        for layer, cycles in self.cycles.items():
            share = None if cycles.number is None or not total else cycles.number / total
            period = self.periods.get(layer)
            rows[layer] = {
                "cycles": cycles.to_data(),
                "latency_us": self.times[layer].to_data(),
                "share": share,
                "limits_throughput": layer in self.limits,
                **({"estimated_period_ns": period.to_data()} if period else {}),
            }
        return rows

    def bottleneck(self, throughput: Figure) -> JSONValue:
        """Return which layers limit the throughput, and what unfolding them alone would give."""
        if not self.limits:
            return Figure.missing("no report of this build holds cycles by layer").to_data()
        numbers = {layer: figure.number or 0.0 for layer, figure in self.cycles.items()}
        most = max(numbers.values())
        others = [number for layer, number in numbers.items() if layer not in self.limits and number > 0]
        gain = most / max(others) if others else None
        reason = "all layers take about as long: only all of them together can be made faster"
        speed = throughput.number
        return {
            "layers": list(self.limits),
            "cycles": most,
            "balance": self.balance().to_data(),
            "gain_if_unfolded": derived(
                gain, "ratio", "cycles of the slowest layers / cycles of the next", self._first(), reason=reason
            ).to_data(),
            "throughput_if_unfolded": derived(
                None if gain is None or speed is None else speed * gain,
                "frames/s",
                "throughput x gain_if_unfolded",
                throughput,
                reason=reason,
            ).to_data(),
        }

    def balance(self) -> Figure:
        """Return how evenly the layers are loaded: 1 where none waits for another."""
        numbers = [figure.number for figure in self.cycles.values() if figure.number is not None]
        if not numbers or not max(numbers):
            return Figure.missing("no report of this build holds cycles by layer", "fraction")
        value = sum(numbers) / len(numbers) / max(numbers)
        return derived(value, "fraction", "mean cycles of a layer / most cycles of a layer", self._first())

    def _first(self) -> Figure:
        return self.cycles[self.limits[0]]

    def metrics(self) -> list[Metric]:
        """Return the figures by layer, and the names of those that limit the throughput."""
        found = [each.to_metric("perf.layer_latency_us", {"layer": layer}) for layer, each in self.times.items()]
        found.append(self.balance().to_metric("perf.balance", stage=Stage.ESTIMATE))
        if self.limits:
            names = derived(list[JSONValue](self.limits), "list", "layers near the most cycles", self._first())
            found.append(names.to_metric("perf.bottleneck_layers"))
        return found


def _microseconds(cycles: Figure, clock: Figure) -> Figure:
    count, mhz = cycles.number, clock.number
    value = count / mhz if count is not None and mhz else None
    return derived(value, "µs", "cycles / clk_mhz", cycles, clock, reason="the clock is 0")


def _clock(figures: Figures, throughput: Figure) -> dict[str, Figure]:
    """Return what limits the clock: the critical path where there is a timing report, else the slowest layer."""
    used = figures.best(("perf.clk_mhz", "timing.requested_mhz"), (*RUNNING, *_TIMED))
    most = figures.best(("timing.fmax_mhz",), _TIMED)
    if most.value is None:
        most = Figure.missing("no timing report: the clock is the one that was asked for", "MHz")
    ratio = most.number / used.number if most.number is not None and used.number else None
    speed = None if ratio is None or throughput.number is None else throughput.number * ratio
    path = {name: figures.at(f"timing.crit.{name}", most.stage) for name in _CRITICAL}
    return {
        "used": used,
        "fmax": most,
        "slack_ns": figures.at("timing.setup.wns_ns", most.stage),
        "headroom": derived(None if ratio is None else ratio - 1, "fraction", "fmax / clock - 1", most, used),
        "throughput_at_fmax": derived(speed, "frames/s", "throughput x fmax / clock", throughput, most, used),
        "slowest_layer": _slowest_layer(figures),
        **{f"critical_{name}": figure for name, figure in path.items() if figure.value is not None},
    }


_CRITICAL = (
    *("layer", "startpoint", "endpoint", "logic_levels", "data_delay_ns"),
    *("logic_delay_ns", "net_delay_ns", "logic_fraction", "fanout_max"),
)


def _slowest_layer(figures: Figures) -> Figure:
    periods = figures.by_layer("timing.estimated_period_ns", (Stage.HLS,))
    if not periods:
        return Figure.missing("no report of this build holds a clock period by layer")
    layer = max(periods, key=lambda name: periods[name].number or 0.0)
    period = periods[layer]
    return derived(layer, "string", f"the longest estimated clock period: {period.value} ns", period)


def _metrics(throughput: Mapping[str, Figure], clock: Mapping[str, Figure]) -> Sequence[Metric]:
    wanted = {
        "perf.target_fps": throughput["target"],
        "perf.meets_target": throughput["meets_target"],
        "perf.target_ratio": throughput["ratio"],
        "timing.clock_headroom": clock["headroom"],
    }
    return [figure.to_metric(name) for name, figure in wanted.items()]


def _data(figures: Mapping[str, Figure]) -> dict[str, JSONValue]:
    return {name: figure.to_data() for name, figure in figures.items()}
