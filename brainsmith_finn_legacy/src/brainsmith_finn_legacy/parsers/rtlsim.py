"""Performance in the simulation of the whole accelerator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError, read_number

from .reading import Field, as_object, fields

__all__ = ["parse_rtlsim"]

_STAGE = Stage.RTLSIM

#: All versions that write one object: F 0.8 to the newest, FINN+ 1.0 to 1.4.
_FIELDS = {
    "N": Field("perf.batch", "frames"),
    "cycles": Field("perf.batch_cycles", "cycles"),
    "latency_cycles": Field("perf.latency_cycles", "cycles"),
    "interval_cycles": Field("perf.interval_cycles", "cycles"),
    "runtime[ms]": Field("perf.runtime_ms", "ms"),
    "throughput[images/s]": Field("perf.throughput_fps", "frames/s"),
    "fclk[mhz]": Field("perf.clk_mhz", "MHz"),
    "stable_throughput[images/s]": Field("sim.stable_throughput_fps", "frames/s"),
    "DRAM_in_bandwidth[MB/s]": Field("perf.dram_in_mbps", "MB/s"),
    "DRAM_out_bandwidth[MB/s]": Field("perf.dram_out_mbps", "MB/s"),
    # Old versions write megabytes under this label too: the number is bytes per second / 10^6.
    "DRAM_in_bandwidth[Mb/s]": Field("perf.dram_in_mbps", "MB/s"),
    "DRAM_out_bandwidth[Mb/s]": Field("perf.dram_out_mbps", "MB/s"),
    "N_IN_TXNS": Field("sim.in_transactions", "count"),
    "N_OUT_TXNS": Field("sim.out_transactions", "count"),
    "UNFINISHED_INS": Field("sim.unfinished_inputs", "count"),
    "UNFINISHED_OUTS": Field("sim.unfinished_outputs", "count"),
    "RUNTIME_S": Field("sim.wall_s", "s"),
    "completed_output_frames": Field("sim.completed_frames", "frames"),
    "steady_state_frames": Field("sim.steady_frames", "frames"),
    "steady_state_cycles": Field("sim.steady_cycles", "cycles"),
    "fps_from_interval": Field("sim.interval_throughput_fps", "frames/s"),
}
_FLAGS = {
    "TIMEOUT": "sim.timeout",
    "interval_valid": "sim.interval_valid",
    "interval_is_steady_state": "sim.interval_valid",
    "stable_throughput_valid": "sim.stable_throughput_valid",
}
_STABLE = "stable_throughput[images/s]"


def parse_rtlsim(report: Report) -> Iterator[Metric]:
    """Yield the simulated performance (`rtlsim_performance.json`): one object, or from FINN+ 1.5 a list.

    With a batch of one frame, FINN's `stable_throughput` and `interval_cycles` say nothing of the steady state,
    and with more frames the former is off by one. So `perf.steady_throughput_fps` is calculated anew.
    """
    data = report.json()
    if isinstance(data, list):
        return _from_list(report, [as_object(item, f"entry {index}") for index, item in enumerate(data)])
    return _from_object(report, as_object(data, "the report"))


def _from_object(report: Report, values: Mapping[str, JSONValue]) -> Iterator[Metric]:
    if not values:
        raise ReportError("the report is empty")
    yield from fields(report, {k: v for k, v in values.items() if k not in _FLAGS}, _FIELDS, _STAGE)
    for key, name in _FLAGS.items():
        if key in values:
            yield _flag(report, name, key, values[key])
    stable = read_number(values.get(_STABLE))
    # The newest versions count from the first to the last frame, which is right, and say whether that is valid.
    if values.get("stable_throughput_valid") is True and stable is not None:
        formula = f"{_STABLE}, said to be valid"
        yield report.metric("perf.steady_throughput_fps", stable, "frames/s", _STAGE, field=_STABLE, formula=formula)


def _flag(report: Report, name: str, key: str, raw: JSONValue) -> Metric:
    if raw in (0, 1):
        return report.metric(name, bool(raw), "bool", _STAGE, field=key)
    return report.unparsable(name, raw, "bool", _STAGE, field=key)


def _from_list(report: Report, outputs: Sequence[Mapping[str, JSONValue]]) -> Iterator[Metric]:
    """Yield the figures of each output, and of the whole: the slowest output counts."""
    if not outputs:
        report.note("no output gave a sample: the simulation failed or the design is in a deadlock")
        yield report.metric("perf.steady_throughput_fps", None, "frames/s", _STAGE, field="throughput_fps")
        return
    for index, output in enumerate(outputs):
        yield from _output(report, output, str(output.get("name", index)))
    latencies = [_greatest(output.get("latency_cycles")) for output in outputs]
    known = [cycles for cycles in latencies if cycles is not None]
    if len(known) == len(outputs):
        formula = "greatest latency of all outputs and samples"
        yield report.metric(
            "perf.latency_cycles", max(known), "cycles", _STAGE, field="latency_cycles", formula=formula
        )
    yield from _whole(report, outputs)


#: A field of one output; `intervals` and `latency_cycles` are lists, one item a sample.
_OUTPUT = {
    "cycles": Field("perf.batch_cycles", "cycles"),
    "samples": Field("perf.batch", "frames"),
    "throughput_fps": Field("sim.stable_throughput_fps", "frames/s"),
}
_SERIES = {"intervals": "sim.intervals", "latency_cycles": "sim.latencies"}


def _output(report: Report, values: Mapping[str, JSONValue], name: str) -> Iterator[Metric]:
    scope = {"output": name}
    others = {key: value for key, value in values.items() if key not in _SERIES and key != "name"}
    yield from fields(report, others, _OUTPUT, _STAGE, scope)
    for key, metric in _SERIES.items():
        if key in values:
            yield report.metric(metric, values[key], "list", _STAGE, scope, field=key)


def _whole(report: Report, outputs: Sequence[Mapping[str, JSONValue]]) -> Iterator[Metric]:
    samples = {read_number(output.get("samples")) for output in outputs}
    rates = [read_number(output.get("throughput_fps")) for output in outputs]
    known = [rate for rate in rates if rate is not None]
    if len(samples) == 1 and None not in samples:
        batch = samples.copy().pop()
        yield report.metric("perf.batch", batch, "frames", _STAGE, field="samples", formula="the same for all outputs")
    clocks = [_clock(output) for output in outputs]
    if clocks[0] is not None:
        formula = "throughput_fps x intervals[0] / 10^6"
        yield report.metric("perf.clk_mhz", clocks[0], "MHz", _STAGE, field="throughput_fps", formula=formula)
    steady = len(known) == len(outputs) and all(count is not None and count > 1 for count in samples)
    formula = "least throughput of all outputs, with more than one sample"
    yield report.metric(
        *("perf.steady_throughput_fps", min(known) if steady else None, "frames/s", _STAGE),
        field="throughput_fps",
        formula=formula,
    )


def _clock(output: Mapping[str, JSONValue]) -> float | None:
    """The clock in MHz, from which FINN calculates an output's throughput."""
    intervals, rate = output.get("intervals"), read_number(output.get("throughput_fps"))
    first = read_number(intervals[0]) if isinstance(intervals, list) and intervals else None
    return rate * first / 1e6 if rate and first else None


def _greatest(values: JSONValue) -> int | float | None:
    numbers = [read_number(value) for value in (values if isinstance(values, list) else [values])]
    known = [number for number in numbers if number is not None]
    return max(known) if known and len(known) == len(numbers) else None
