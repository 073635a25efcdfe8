"""What the drivers of FINN and FINN+ measure on the board."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from brainsmith_core.formats.json_values import JSONValue
from brainsmith_core.metric import Metric, Stage
from brainsmith_core.metrics.report import Report, ReportError, read_number

from .reading import Field, as_object, fields, note_unknown, read_object

__all__ = ["parse_accuracy", "parse_instrumentation", "parse_throughput_test"]

_STAGE = Stage.BOARD

_THROUGHPUT = {
    "runtime[ms]": Field("perf.runtime_ms", "ms"),
    "throughput[images/s]": Field("perf.throughput_fps", "frames/s"),
    "fclk[mhz]": Field("perf.clk_mhz", "MHz"),
    "batch_size": Field("perf.batch", "frames"),
    "DRAM_in_bandwidth[MB/s]": Field("perf.dram_in_mbps", "MB/s"),
    "DRAM_out_bandwidth[MB/s]": Field("perf.dram_out_mbps", "MB/s"),
    # Old drivers write megabytes under this label too.
    "DRAM_in_bandwidth[Mb/s]": Field("perf.dram_in_mbps", "MB/s"),
    "DRAM_out_bandwidth[Mb/s]": Field("perf.dram_out_mbps", "MB/s"),
    "fold_input[ms]": Field("host.fold_input_ms", "ms"),
    "pack_input[ms]": Field("host.pack_input_ms", "ms"),
    "copy_input_data_to_device[ms]": Field("host.copy_in_ms", "ms"),
    "copy_output_data_from_device[ms]": Field("host.copy_out_ms", "ms"),
    "unpack_output[ms]": Field("host.unpack_output_ms", "ms"),
    "unfold_output[ms]": Field("host.unfold_output_ms", "ms"),
}
_EXTERNAL_WEIGHTS = re.compile(r"DRAM_extw_(.+)_bandwidth\[M[Bb]/s\]\Z")

#: numpy 2 shows a number as `np.float64(1.5)`.
_NUMPY = re.compile(r"\b(?:np|numpy)\.\w+\(([^()]*)\)")


def parse_throughput_test(report: Report) -> Iterator[Metric]:
    """Yield the result of a throughput test (`nw_metrics.txt`, `report_throughput_test.json`)."""
    values = _from_python(report) if report.name.endswith(".txt") else read_object(report)
    known: dict[str, JSONValue] = {}
    for key, raw in values.items():
        weights = _EXTERNAL_WEIGHTS.match(key)
        if weights:
            scope = {"dma": weights.group(1)}
            yield report.figure("perf.dram_extw_mbps", raw, "MB/s", _STAGE, scope, field=key)
        else:
            known[key] = raw
    yield from fields(report, known, _THROUGHPUT, _STAGE)


def _from_python(report: Report) -> dict[str, JSONValue]:
    """Return the dictionary that FINN's driver wrote with `str()`."""
    try:
        value = ast.literal_eval(_NUMPY.sub(r"\1", report.text).strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise ReportError(f"the file holds no Python dictionary: {error}") from None
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ReportError("the file holds no Python dictionary with texts as keys")
    return value


_INSTRUMENTATION = {
    "min_latency_cycles": Field("perf.latency_min_cycles", "cycles"),
    "latency_cycles": Field("perf.latency_cycles", "cycles"),
    "avg_latency_cycles": Field("perf.latency_avg_cycles", "cycles"),
    "interval_cycles": Field("perf.interval_cycles", "cycles"),
    "avg_interval_cycles": Field("perf.interval_avg_cycles", "cycles"),
    "run_cycles": Field("perf.batch_cycles", "cycles"),
    "run_frames": Field("perf.batch", "frames"),
    "frequency_mhz": Field("perf.clk_mhz", "MHz"),
    "min_latency_ms": Field("board.min_latency_ms", "ms"),
    "latency_ms": Field("board.latency_ms", "ms"),
    "avg_latency_ms": Field("board.avg_latency_ms", "ms"),
    "avg_throughput_fps": Field("board.avg_throughput_fps", "frames/s"),
    "run_avg_throughput_fps": Field("board.run_avg_throughput_fps", "frames/s"),
    "min_pipeline_depth": Field("board.min_pipeline_depth", "frames"),
    "pipeline_depth": Field("board.pipeline_depth", "frames"),
    "checksum": Field("board.checksum", "setting"),
}


def parse_instrumentation(report: Report) -> Iterator[Metric]:
    """Yield what the instrumentation in the accelerator counted (`report_experiment_*.json` of FINN+).

    Without an interval between two frames there is no throughput, whatever the report says.
    """
    values = read_object(report)
    error = values.pop("error", None)
    if isinstance(error, bool):
        yield report.metric("board.error", error, "bool", _STAGE, field="error")
    if "throughput_fps" in values:
        raw = values.pop("throughput_fps")
        rate = raw if _is_running(error, values) else None
        yield report.figure("perf.throughput_fps", rate, "frames/s", _STAGE, field="throughput_fps")
    yield from fields(report, values, _INSTRUMENTATION, _STAGE)
    milliseconds = read_number(values.get("latency_ms"))
    if milliseconds is not None and milliseconds >= 0:
        yield report.metric(
            "perf.latency_us", 1000 * milliseconds, "µs", _STAGE, field="latency_ms", formula="1000 x latency_ms"
        )


def _is_running(error: JSONValue, values: Mapping[str, JSONValue]) -> bool:
    return error is not True and read_number(values.get("interval_cycles")) != 0


def parse_accuracy(report: Report) -> Iterator[Metric]:
    """Yield the accuracy on the board (`report_dma_validate.json`), which the driver gives in per cent."""
    for key, raw in as_object(report.json(), "the report").items():
        if key != "top-1_accuracy":
            note_unknown(report, key)
            continue
        per_cent = read_number(raw)
        if per_cent is None or not 0 <= per_cent <= 100:
            yield report.unparsable("accuracy.top1", raw, "fraction", _STAGE, field=key)
        else:
            yield report.metric(
                "accuracy.top1", per_cent / 100, "fraction", _STAGE, field=key, formula="top-1_accuracy / 100"
            )
