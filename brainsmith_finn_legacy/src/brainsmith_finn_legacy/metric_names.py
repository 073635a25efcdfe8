"""Names that FINN's reports need beside core's vocabulary."""

from __future__ import annotations

from typing import Literal

from brainsmith_core import Stage
from brainsmith_core.records import MetricDefinition, MetricKind

__all__ = ["DEFINITIONS"]

_Better = Literal["up", "down", "none"]


def _name(
    name: str,
    unit: str,
    stage: Stage | None,
    description: str,
    *,
    better: _Better = "none",
    kind: MetricKind = MetricKind.EXACT,
    alias: str = "",
) -> MetricDefinition:
    return MetricDefinition(
        name=name,
        unit=unit,
        better=better,
        kind=kind,
        description=description,
        stages=(stage,) if stage else (),
        aliases=(alias,) if alias else (),
    )


def _setting(name: str, alias: str, description: str) -> MetricDefinition:
    return _name(f"config.{name}", "setting", Stage.BUILD, description, alias=alias)


def _sim(name: str, unit: str, description: str, better: _Better = "none", alias: str = "") -> MetricDefinition:
    return _name(f"sim.{name}", unit, Stage.RTLSIM, description, better=better, alias=alias)


def _board(name: str, unit: str, description: str, better: _Better = "none") -> MetricDefinition:
    return _name(f"board.{name}", unit, Stage.BOARD, description, better=better, kind=MetricKind.NOISY)


DEFINITIONS = (
    _setting("attribute", "", "a layer's attribute that has no name of its own; the scope says which"),
    _setting("runtime_writeable_weights", "runtime_writeable_weights", "whether weights can be changed while it runs"),
    _setting("parallel_window", "parallel_window", "whether a sliding window puts out all its pixels at once"),
    _setting("ram_style_thresholds", "ram_style_thresholds", "memory that holds a layer's thresholds"),
    _setting("depth_trigger_uram", "depth_trigger_uram", "depth from which thresholds go to UltraRAM"),
    _setting("depth_trigger_bram", "depth_trigger_bram", "depth from which thresholds go to block RAM"),
    _setting("fifo_depth", "depth", "words that a FIFO is set to hold"),
    _setting("impl_style", "impl_style", "implementation of a FIFO or width converter"),
    _setting("preferred_impl_style", "preferred_impl_style", "implementation of a layer that is asked for: hls or rtl"),
    _setting("in_fifo_depths", "inFIFODepths", "depths of the FIFOs in front of a layer"),
    _setting("out_fifo_depths", "outFIFODepths", "depths of the FIFOs behind a layer"),
    _name(
        "model.ops.other", "ops/frame", Stage.MODEL, "operations of another kind for one frame; the scope says which"
    ),
    _name("model.params.other", "params", Stage.MODEL, "parameters of another kind; the scope says which"),
    _name("power.empirical_mw", "mW", Stage.ESTIMATE, "power of a layer by a fitted model", better="down"),
    _name(
        "fifo.effective_size_bits", "bit", Stage.FIFO, "bits of a FIFO with its depth rounded up to 32", better="down"
    ),
    _name("fifo.total_kib", "KiB", Stage.FIFO, "size of all FIFOs", better="down", alias="total_fifo_size_kiB"),
    _name("fifo.total_effective_kib", "KiB", Stage.FIFO, "size of all FIFOs, depths rounded up to 32", better="down"),
    _sim("stable_throughput_fps", "frames/s", "FINN's own figure of steady throughput, wrong for small batches"),
    _sim("interval_throughput_fps", "frames/s", "throughput by the last interval", alias="fps_from_interval"),
    _sim("in_transactions", "count", "words that went in", alias="N_IN_TXNS"),
    _sim("out_transactions", "count", "words that came out; too few: it stalled", alias="N_OUT_TXNS"),
    _sim("unfinished_inputs", "count", "inputs that weren't taken to the end", "down", "UNFINISHED_INS"),
    _sim("unfinished_outputs", "count", "outputs that didn't come to the end", "down", "UNFINISHED_OUTS"),
    _sim("wall_s", "s", "time that the simulation took", "down", "RUNTIME_S"),
    _sim("completed_frames", "frames", "frames that came out", "up", "completed_output_frames"),
    _sim("steady_frames", "frames", "frames after the first one", alias="steady_state_frames"),
    _sim("steady_cycles", "cycles", "cycles from the first frame to the last", alias="steady_state_cycles"),
    _sim("interval_valid", "bool", "whether the interval is that of the steady state", "up"),
    _sim("stable_throughput_valid", "bool", "whether FINN's own steady throughput is valid", "up"),
    _sim("intervals", "list", "cycles between the frames of an output"),
    _sim("latencies", "list", "latency of each frame of an output, in cycles"),
    _name("util.bram_36k_floor", "36 Kb tiles", Stage.OOC, "block RAM in tiles of 36 Kb, cut to a whole number"),
    _name("timing.finn_delay_ns", "ns", Stage.OOC, "FINN's field Delay, whose meaning no version documents"),
    _name(
        "perf.mac_utilisation", "fraction", Stage.ESTIMATE, "part of the multipliers' work that is done", better="up"
    ),
    _name("artifact.path", "string", Stage.BUILD, "where an artefact lay when the report was written"),
    _name("prov.tool_build", "string", Stage.BUILD, "build number of a tool", alias="vivado_build_no"),
    _name("build.steps", "count", Stage.BUILD, "steps that a build has"),
    _name("build.step_index", "count", Stage.BUILD, "place of a step that began"),
    _name("build.last_step", "string", Stage.BUILD, "the last step that began"),
    _board("error", "bool", "whether the instrumentation saw an overflow, an underflow or no frame", "down"),
    _board("checksum", "setting", "checksum of the output"),
    _board("min_latency_ms", "ms", "least latency of a frame", "down"),
    _board("latency_ms", "ms", "latency of the last frame", "down"),
    _board("avg_latency_ms", "ms", "average latency of a frame", "down"),
    _board("avg_throughput_fps", "frames/s", "throughput by the average interval", "up"),
    _board("run_avg_throughput_fps", "frames/s", "frames of a run divided by its time", "up"),
    _board("min_pipeline_depth", "frames", "frames in the accelerator at once, by the least latency"),
    _board("pipeline_depth", "frames", "frames in the accelerator at once"),
)
