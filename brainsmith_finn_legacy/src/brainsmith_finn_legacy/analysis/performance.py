"""`AdvancedPerformanceMetrics`: throughput, latency, clock and efficiency of a build, its timing, its memory
traffic."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.formats.serialization import to_data
from brainsmith_core.metric import Metric, MetricSource, MetricStatus, Stage
from brainsmith_core.metrics.summary import summarise
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.result import BuildMetrics

from .build_figures import BuildFigures, BuildSource, read_build
from .efficiency import mac_utilisation
from .layers import layers_of
from .memory_bandwidth import MemoryBandwidth, profile
from .timing_closure import TimingClosure, analyse_timing

__all__ = ["AdvancedPerformanceMetrics", "ComprehensiveMetrics"]

#: Most faithful first.
_RUNNING = (Stage.BOARD, Stage.RTLSIM, Stage.OOC, Stage.ESTIMATE)
_BUILT = (Stage.ROUTE, Stage.PLACE, Stage.SYNTH, Stage.OOC, Stage.HLS, Stage.ESTIMATE)
_THROUGHPUT = ("perf.steady_throughput_fps", "perf.throughput_fps")
_LATENCY = ("perf.latency_us", "perf.latency_cycles", "perf.critical_path_cycles", "perf.interval_cycles")
_CLOCK = ("perf.clk_mhz", "timing.requested_mhz", "timing.period_ns", "timing.fmax_mhz")
_EFFICIENCY = ("perf.fps_per_w", "energy.per_frame_mj")
_PACE = ("perf.max_cycles", "perf.max_cycles_node")
_ORDER = (*_RUNNING, *(stage for stage in _BUILT if stage not in _RUNNING))


@attrs.frozen(kw_only=True)
class ComprehensiveMetrics:
    """The performance of a build; every figure says its stage and the file and field that it stands in, or its formula.

    Args:
        summary: for each field the value of the most faithful stage.
        throughput: frames/s at each stage that has it, most faithful first.
        latency: latency and interval at each stage, in µs and cycles.
        clock: clocks asked for, achieved and possible.
        pace: the slowest layer and its cycles.
        efficiency: throughput per resource and watt, and how much of the multipliers' work is done.
        missing: the groups and names for which no report has a figure.
        simulated: whether figures are simulated.
    """

    summary: BuildMetrics
    throughput: tuple[Metric, ...]
    latency: tuple[Metric, ...]
    clock: tuple[Metric, ...]
    pace: tuple[Metric, ...]
    efficiency: tuple[Metric, ...]
    missing: tuple[str, ...]
    simulated: bool = False

    def to_dict(self) -> dict[str, JSONValue]:
        """Return it as JSON data."""
        return to_data(self)


class AdvancedPerformanceMetrics:
    """What a build's reports tell of its performance.

    Args:
        plugins: whose parsers read reports; else those of this environment.

    Every method takes a `BuildResult`, the folder of a build, a FINN output folder, a report, or metrics.

    Example:
        >>> from brainsmith_core import Metric, Stage
        >>> figure = Metric(name="perf.throughput_fps", value=30000.0, unit="frames/s", stage=Stage.ESTIMATE)
        >>> found = AdvancedPerformanceMetrics().collect_comprehensive_metrics([figure])
        >>> [(each.value, each.stage.value) for each in found.throughput], found.missing[:2]
        ([(30000.0, 'estimate')], ('latency', 'clock'))
    """

    def __init__(self, plugins: PluginManager | None = None) -> None:
        self._plugins = plugins

    def collect_comprehensive_metrics(self, build_result: BuildSource) -> ComprehensiveMetrics:
        """Return throughput, latency, clock and efficiency at every stage that has them.

        Args:
            build_result: a build, in any of the forms above.

        Raises:
            MissingRequirementError: if there is no figure.
            ConfigurationError: if it is none of these forms.
        """
        build = read_build(build_result, self._plugins)
        groups = {
            "throughput": _figures(build, _THROUGHPUT),
            "latency": _figures(build, _LATENCY),
            "clock": _figures(build, _CLOCK),
            "pace": _figures(build, _PACE),
            "efficiency": (*_figures(build, _EFFICIENCY), *_derived(build)),
        }
        there = {each.name for found in groups.values() for each in found}
        wanted = ("perf.fps_per_lut", "perf.fps_per_dsp", "perf.mac_utilisation", *_EFFICIENCY)
        return ComprehensiveMetrics(
            summary=summarise(build.metrics),
            **groups,
            missing=(
                *(name for name, found in groups.items() if not found),
                *(name for name in wanted if name not in there),
            ),
            simulated=build.simulated,
        )

    def analyze_timing_closure(self, synthesis_report: BuildSource) -> TimingClosure:
        """Return slacks, clocks and worst paths, each with the FINN layers that it is in.

        Args:
            synthesis_report: a timing report, or a build in any of the forms above. Without the build's estimates the
                layers are recognised by how FINN names them.

        Raises:
            MissingRequirementError: if there is no figure.
            ConfigurationError: if it is none of these forms.
        """
        return analyse_timing(read_build(synthesis_report, self._plugins))

    def profile_memory_bandwidth(self, implementation: BuildSource) -> MemoryBandwidth:
        """Return what each layer moves in a cycle and a frame, and the traffic with external memory.

        Args:
            implementation: a build in any of the forms above; the widths need its model.

        Raises:
            MissingRequirementError: if there is no figure.
            ConfigurationError: if it is none of these forms.
        """
        return profile(read_build(implementation, self._plugins))


def _figures(build: BuildFigures, names: Iterable[str]) -> tuple[Metric, ...]:
    """Return the figures of the whole design and of its clocks, most faithful stage first."""
    found = [each for name in names for each in build.named(name) if not set(each.scope) - {"clock"}]
    return tuple(sorted(found, key=lambda each: _ORDER.index(each.stage) if each.stage in _ORDER else len(_ORDER)))


def _derived(build: BuildFigures) -> list[Metric]:
    found = (_per(build, "lut"), _per(build, "dsp"), _mac_utilisation(build))
    return [each for each in found if each is not None]


def _best(build: BuildFigures, names: Iterable[str], stages: Iterable[Stage]) -> Metric | None:
    found = (build.find(name, stage) for stage in stages for name in names)
    return next((each for each in found if each is not None and each.number is not None), None)


def _paced(build: BuildFigures) -> list[Stage]:
    """Return the stages whose throughput is that of a full pipeline: a simulated batch of one frame never fills it."""
    batch = build.find("perf.batch", Stage.RTLSIM)
    return [stage for stage in _RUNNING if stage is not Stage.RTLSIM or batch is None or batch.number != 1]


def _per(build: BuildFigures, resource: str) -> Metric | None:
    """Return the throughput for each LUT or DSP; none where there is none of these."""
    throughput = _best(build, _THROUGHPUT, _paced(build))
    used = _best(build, [f"util.{resource}"], _BUILT)
    if throughput is None or used is None or not throughput.number or not used.number:
        return None
    formula = f"{throughput.name} at {throughput.stage.value} / util.{resource} at {used.stage.value}"
    unit = {"lut": "frames/s/LUT", "dsp": "frames/s/DSP"}[resource]
    value = throughput.number / used.number
    return _metric(f"perf.fps_per_{resource}", value, unit, used.stage, formula, [throughput, used])


def _mac_utilisation(build: BuildFigures) -> Metric | None:
    """Return the part of the multipliers' work that is done, over the time of a frame."""
    layers = layers_of(build)
    slowest = max((layer.cycles or 0 for layer in layers.values()), default=0)
    value = mac_utilisation(layers, slowest)
    if value is None:
        return None
    inputs = [*build.named("perf.cycles", Stage.ESTIMATE)]
    formula = "sum of op_mac / (sum of PE x SIMD x max_cycles), over all layers that multiply"
    return _metric("perf.mac_utilisation", value, "fraction", Stage.ESTIMATE, formula, inputs)


def _metric(name: str, value: float, unit: str, stage: Stage, formula: str, inputs: list[Metric]) -> Metric:
    simulated = any(each.status is MetricStatus.SIMULATED for each in inputs)
    files = sorted({each.source.file for each in inputs if each.source.file})
    return Metric(
        name=name,
        value=value,
        unit=unit,
        stage=stage,
        status=MetricStatus.SIMULATED if simulated else MetricStatus.MEASURED,
        source=MetricSource(file=", ".join(files), formula=formula),
    )
