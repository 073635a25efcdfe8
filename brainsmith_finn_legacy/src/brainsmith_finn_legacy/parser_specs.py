"""How FINN's report files are recognised, and which parser reads them.

Names may have something in front and behind, as in collections of reports (`001_x__estimate_layer_cycles.json`) and
in reports of loop bodies (`estimate_layer_cycles_FINNLoop_0.json`). So a more special name has a higher priority.
"""

from __future__ import annotations

from brainsmith_core.records import MetricParserSpec

__all__ = ["PARSERS"]

_OBJECT = r"\A\ufeff?\s*\{"
_OBJECT_OR_LIST = r"\A\ufeff?\s*[\[{]"
#: Before the general parsers of Vivado's reports, which recognise files by their content.
_PRIORITY = 20
_SPECIAL = _PRIORITY + 1


def _spec(
    name: str, summary: str, target: str, *patterns: str, sniff: str = _OBJECT, priority: int = _PRIORITY
) -> MetricParserSpec:
    return MetricParserSpec(
        name=f"finn_{name}",
        summary=f"FINN: {summary}",
        target=f"brainsmith_finn_legacy.parsers.{target}",
        patterns=patterns,
        sniff=sniff,
        priority=priority,
    )


PARSERS = (
    _spec("layer_cycles", "estimated cycles of each layer", "layers:parse_cycles", "*estimate_layer_cycles*.json"),
    _spec(
        "layer_resources",
        "estimated resources of each layer",
        "layers:parse_resources",
        "*estimate_layer_resources*.json",
    ),
    _spec(
        "layer_resources_hls",
        "resources of each layer after Vitis HLS",
        "hls:parse_hls_resources",
        "*estimate_layer_resources_hls*.json",
        priority=_SPECIAL,
    ),
    _spec(
        "layer_alternatives",
        "estimated resources of each layer in other implementations",
        "layers:parse_alternatives",
        "*estimate_layer_config_alternatives*.json",
    ),
    _spec(
        "empirical_power",
        "power of each layer by a fitted model",
        "layers:parse_empirical_power",
        "*estimate_power_empirical*.json",
    ),
    _spec(
        "network_performance",
        "estimated performance of the network",
        "network:parse_performance",
        "*estimate_network_performance*.json",
    ),
    _spec("counts", "operations and parameters by bit width", "network:parse_counts", "*op_and_param_counts*.json"),
    _spec(
        "settings",
        "folding and other settings of each layer",
        "settings:parse_settings",
        "*folding_config*.json",
        "*final_hw_config*.json",
        "*template_specialize_layers_config*.json",
    ),
    _spec("fifo_sizing", "depths and sizes of the FIFOs", "fifos:parse_fifo_sizing", "*fifo_sizing.json"),
    _spec(
        "rtlsim",
        "performance in the simulation of the accelerator",
        "rtlsim:parse_rtlsim",
        "*rtlsim_performance*.json",
        sniff=_OBJECT_OR_LIST,
    ),
    _spec(
        "out_of_context",
        "resources and timing of out-of-context synthesis",
        "synthesis:parse_out_of_context",
        "*ooc_synth_and_timing*.json",
    ),
    _spec(
        "post_synthesis",
        "resources of the implemented design and its instances",
        "synthesis:parse_post_synthesis",
        "*post_synth_resources*.json",
    ),
    _spec(
        "hierarchy",
        "Vivado's utilisation by hierarchy",
        "hierarchy:parse_hierarchy",
        "*post_synth_resources*.xml",
        "*post_synth_report*.xml",
        sniff=r"<RptDoc\b",
    ),
    _spec("power", "summary of Vivado's power estimates", "power:parse_power_summary", "*power_estimate_summary*.json"),
    _spec("step_times", "time of each build step", "bookkeeping:parse_step_times", "*time_per_step*.json"),
    _spec("metadata", "status and tool version of the build", "bookkeeping:parse_metadata", "*metadata_builder*.json"),
    _spec(
        "verification",
        "results of the verification steps",
        "bookkeeping:parse_verification",
        "*verify_*_SUCCESS.np[yz]",
        "*verify_*_FAIL.np[yz]",
        "*_SKIPPED_DSP_CONFLICT.txt",
        sniff="",
    ),
    _spec(
        "build_log",
        "steps and verdict of the build",
        "build_log:parse_build_log",
        "*build_dataflow*.log",
        sniff="",
    ),
    _spec(
        "throughput_test",
        "throughput test on the board",
        "board:parse_throughput_test",
        "*nw_metrics*.txt",
        "*report_throughput_test*.json",
    ),
    _spec(
        "instrumentation",
        "latency and interval counted on the board",
        "board:parse_instrumentation",
        "*report_experiment_instrumentation*.json",
        "*report_experiment_fifosizing*.json",
    ),
    _spec(
        "accuracy",
        "accuracy on the board",
        "board:parse_accuracy",
        "*report_dma_validate*.json",
        "*validation.json",
        sniff=r"\A\ufeff?\s*\{[^{}]*\"top-1_accuracy\"",
    ),
)
