"""From a BuildConfig to the settings of FINN's DataflowBuildConfig, as plain data, checked before anything runs.

What a flag doesn't say stays as FINN has it, except for these:

- `generate_outputs` follows the output stage. (FINN+ 1.4 and later would make everything, bitfile included.)
- `synth_clk_period_ns` is 10 ns where no clock is given.
- `save_intermediate_models` is off unless the backend preserves intermediate files.
- `enable_build_pdb_debug` is always off: a build has no terminal.

How far layers are folded out comes from `target_fps`, or from `folding_config_file`; with both, the file wins for the
layers that it names. With neither, FINN's default holds: every layer at the least parallelism, which is the smallest
and slowest design.
"""

from __future__ import annotations

from pathlib import Path

import attrs

from brainsmith_core.config import BuildConfig, OutputStage, known_flag_error
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.converters import to_tuple
from brainsmith_core.formats.json_values import JSONValue, checked_json_dict

from .config_fields import checked_value, find_file, names_file
from .environments.records import ConfigField, FINNEnvironment
from .planned_steps import StepPlan, plan_steps
from .targets import Target, resolve_target
from .transformations import FINNTransformationRegistry

__all__ = ["CLOCK_FLAGS", "DataflowPlan", "plan_build", "stage_outputs"]

CLOCK_FLAGS = ("synth_clk_period_ns", "target_clock_ns", "clock_period_ns")
_DEFAULT_CLOCK_NS = 10.0
_ALIASES = {*CLOCK_FLAGS[1:], "target_device"}
_POSITIVE = ("target_fps", "synth_clk_period_ns", "hls_clk_period_ns", "mvau_wwidth_max")

#: Fields that the build itself sets, each with the place to say it instead.
_RESERVED = {
    "output_dir": "a build's products are in its own folder; set the build's output_dir",
    "config_path": "the build sets it",
    "model_path": "give the build's model_path",
    "enable_build_pdb_debug": "a build has no terminal to debug in",
    "steps": "give build_steps",
    "start_step": "give start_step in global",
    "stop_step": "give stop_step in global",
    "multi_dnn_config_path": "a build has one model",
}
_INJECTING = ("inject_steps_before", "inject_steps_after")  # they become part of the list of steps

#: Steps before the part matters.
_TARGETLESS = {
    *("step_qonnx_to_finn", "step_passes_frontend", "step_tidy_up", "step_streamline", "step_convert_to_hw"),
    *("step_convert_to_hls", "step_minimize_bit_width_initial", "step_create_dataflow_partition"),
    *("step_minimize_bit_width_datatype_only", "step_loop_rolling", "step_minimize_bit_width"),
    *("step_target_fps_parallelization", "step_apply_folding_config", "step_prepare_nodecontainer"),
}
_STAGE_OUTPUTS = {
    OutputStage.DATAFLOW_GRAPH: ("estimate_reports",),
    OutputStage.RTL: ("estimate_reports", "rtlsim_performance"),
    OutputStage.STITCHED_IP: ("estimate_reports", "rtlsim_performance", "stitched_ip"),
    OutputStage.OUT_OF_CONTEXT_SYNTH: (
        *("estimate_reports", "rtlsim_performance", "stitched_ip"),
        "out_of_context_synth",
    ),
    # Out-of-context synthesis isn't on the way to a bitfile: it would take as long again.
    OutputStage.BITFILE: (
        *("estimate_reports", "rtlsim_performance", "stitched_ip"),
        *("bitfile", "pynq_driver", "deployment_package"),
    ),
}


@attrs.frozen(kw_only=True)
class DataflowPlan:
    """All that one run of FINN's builder is given, but for the folders.

    Args:
        settings: fields of DataflowBuildConfig by name, as JSON.
        steps: the steps in order.
        files: the files that the settings name, by field.
        target: board and part.
        warnings: what the user should know.
    """

    settings: dict[str, JSONValue] = attrs.field(converter=checked_json_dict)
    steps: StepPlan
    files: dict[str, Path] = attrs.field(factory=dict)
    target: Target = attrs.field(factory=Target)
    warnings: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)


def plan_build(
    config: BuildConfig,
    environment: FINNEnvironment,
    *,
    preserve_intermediate: bool = False,
    registry: FINNTransformationRegistry | None = None,
) -> DataflowPlan:
    """Return what FINN's builder is to be given for a build; needs no FINN, only its description.

    Args:
        config: the build.
        environment: the FINN that it is for.
        preserve_intermediate: whether FINN saves the model after each step, unless a flag says it.
        registry: the environment's transformations, where they are at hand.

    Raises:
        ConfigurationError: for anything in the configuration that this FINN doesn't know or can't do.
    """
    settings, files = _from_flags(config, environment)
    target = resolve_target(config, environment)
    steps = plan_steps(config, environment, registry)
    _set_target(settings, target, environment)
    _set_defaults(settings, config, environment, preserve_intermediate)
    _check_outputs(settings, config, environment)
    _check_target(target, steps, environment)
    _check_verification(settings, files, config)
    warnings = [*steps.warnings, *([target.warning] if target.warning else [])]
    return DataflowPlan(settings=settings, steps=steps, files=files, target=target, warnings=warnings)


def stage_outputs(stage: OutputStage, environment: FINNEnvironment) -> list[str]:
    """Return FINN's products for an output stage.

    Before FINN+ 1.5 the simulation needs the stitched IP.
    """
    outputs = list(_STAGE_OUTPUTS[stage])
    simulates_layers = "step_generate_hardware" in environment.description.default_steps
    if "rtlsim_performance" in outputs and "stitched_ip" not in outputs and not simulates_layers:
        outputs.append("stitched_ip")
    return outputs


def _from_flags(config: BuildConfig, environment: FINNEnvironment) -> tuple[dict[str, JSONValue], dict[str, Path]]:
    known = {field.name: field for field in environment.description.fields}
    settings: dict[str, JSONValue] = {}
    files: dict[str, Path] = {}
    for name, value in config.config_flags.items():
        if name in _RESERVED:
            raise ConfigurationError(f'the flag "{name}" can\'t be set', hint=_RESERVED[name])
        if name in _ALIASES:
            continue
        if name not in known:
            raise known_flag_error(name, {*known, *_ALIASES} - _RESERVED.keys(), environment.title)
        if name in _INJECTING:
            continue
        settings[name] = checked_value(known[name], value, environment.title)
        if value is not None and names_file(known[name]):
            files[name] = find_file(value, Path(config.model_path).parent, f'flag "{name}"')
            settings[name] = str(files[name])
    clock = config.flag(*CLOCK_FLAGS)
    settings["synth_clk_period_ns"] = checked_value(
        _field(known, "synth_clk_period_ns"), _DEFAULT_CLOCK_NS if clock is None else clock, environment.title
    )
    for name in _POSITIVE:
        number = settings.get(name)
        if isinstance(number, int | float) and number <= 0:
            raise ConfigurationError(f'flag "{name}" must be greater than 0, but is {number}')
    return settings, files


def _field(known: dict[str, ConfigField], name: str) -> ConfigField:
    return known.get(name) or ConfigField(name=name, type="float")


def _set_target(settings: dict[str, JSONValue], target: Target, environment: FINNEnvironment) -> None:
    settings.pop("board", None)
    settings.pop("fpga_part", None)
    if target.board:
        settings["board"] = target.board
    # FINN 0.10 finds a board's part only where it is also told the shell.
    if target.part and (not target.board or environment.flavour == "finn"):
        settings["fpga_part"] = target.part


def _set_defaults(
    settings: dict[str, JSONValue], config: BuildConfig, environment: FINNEnvironment, preserve: bool
) -> None:
    known = {field.name for field in environment.description.fields}
    stage = config.global_config.output_stage
    defaults: dict[str, JSONValue] = {
        "generate_outputs": list[JSONValue](stage_outputs(stage, environment)),
        "save_intermediate_models": preserve,
        "enable_build_pdb_debug": False,
        "verbose": config.global_config.log_level == "DEBUG",
    }
    for name, value in defaults.items():
        if name in known:
            settings.setdefault(name, value)
    if "bitfile" in _list(settings, "generate_outputs") and "board" in settings:
        alveo = settings["board"] in environment.description.alveo_boards
        settings.setdefault("shell_flow_type", "vitis_alveo" if alveo else "vivado_zynq")


def _check_outputs(settings: dict[str, JSONValue], config: BuildConfig, environment: FINNEnvironment) -> None:
    stage = config.global_config.output_stage
    if "generate_outputs" not in config.config_flags or config.build_steps:
        return
    reached = {*stage_outputs(stage, environment), "estimate_reports"}
    if stage is OutputStage.BITFILE:
        reached |= {"out_of_context_synth", "cpp_driver"}
    beyond = [str(output) for output in _list(settings, "generate_outputs") if output not in reached]
    if beyond:
        text = f"generate_outputs asks for {', '.join(beyond)}, but the output stage is {stage.value}"
        raise ConfigurationError(text, hint="ask for a later output_stage")


def _check_target(target: Target, steps: StepPlan, environment: FINNEnvironment) -> None:
    users = [name for name in steps.finn_steps if name not in _TARGETLESS]
    if users and not target.part:
        text = f"no target: {users[0]} of {environment.title} needs a board or an FPGA part"
        raise ConfigurationError(text, hint='set the flag "board" (such as Pynq-Z1) or "fpga_part"')


def _check_verification(settings: dict[str, JSONValue], files: dict[str, Path], config: BuildConfig) -> None:
    """Find the files that a verification compares with; FINN's own defaults are names in the working directory."""
    if not _list(settings, "verify_steps"):
        return
    defaults = {"verify_input_npy": "input.npy", "verify_expected_output_npy": "expected_output.npy"}
    for name, default in defaults.items():
        if name not in files:
            named = f'verify_steps needs the flag "{name}" (default {default}), which'
            files[name] = find_file(default, Path(config.model_path).parent, named)
            settings[name] = str(files[name])


def _list(settings: dict[str, JSONValue], name: str) -> list[JSONValue]:
    value = settings.get(name)
    return value if isinstance(value, list) else []
