"""What a build needs of Xilinx' tools, found out before it starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.formats.json_values import JSONValue

from .environments.records import FINNEnvironment

__all__ = ["check_requirements", "missing_requirements", "needs_of_step"]

_VIVADO, _HLS, _VITIS, _OH_MY_XILINX = "vivado", "hls", "vitis", "ohmyxilinx"

#: Steps that use tools whatever the settings say; code generation (`hw_codegen`) uses none.
_ALWAYS = {
    "step_hls_ipgen": (_VIVADO, _HLS),
    "step_hw_ipgen": (_VIVADO, _HLS),
    "step_generate_hardware": (_VIVADO, _HLS),
    "step_vivado_power_estimation": (_VIVADO,),
}
#: Steps that use tools if one of these products is asked for.
_FOR_OUTPUT = {
    "step_create_stitched_ip": ("stitched_ip", (_VIVADO,)),
    "step_measure_rtlsim_performance": ("rtlsim_performance", (_VIVADO,)),
    "step_out_of_context_synthesis": ("out_of_context_synth", (_VIVADO,)),
    "step_prepare_synthesis": ("bitfile", (_VIVADO,)),
    "step_synthesize_bitfile": ("bitfile", (_VIVADO,)),
}
_FOR_VERIFICATION = {
    "folded_hls_cppsim": (_HLS,),
    "node_by_node_rtlsim": (_VIVADO,),
    "stitched_ip_rtlsim": (_VIVADO,),
}


def check_requirements(
    steps: Iterable[str], settings: Mapping[str, JSONValue], environment: FINNEnvironment, stage: str
) -> None:
    """Check that the tools are here that FINN's steps use.

    Args:
        steps: names of FINN's steps.
        settings: the fields of DataflowBuildConfig.
        environment: the FINN that runs them.
        stage: the output stage, for the message.

    Raises:
        MissingRequirementError: naming the steps and everything that is missing.
    """
    users = {step: needs for step in steps if (needs := needs_of_step(step, settings, environment))}
    needed = {need for needs in users.values() for need in needs}
    missing = missing_requirements(needed, environment, os.environ)
    if missing:
        text = f"output stage {stage}: {', '.join(users)} of {environment.title} can't run: {'; '.join(missing)}"
        hint = "install the tools and source their settings64.sh first; the stage dataflow_graph (estimates) needs none"
        raise MissingRequirementError(text, hint=hint)


def needs_of_step(step: str, settings: Mapping[str, JSONValue], environment: FINNEnvironment) -> tuple[str, ...]:
    """Return which tools a step uses with these settings."""
    needs = set(_ALWAYS.get(step, ()))
    output, for_output = _FOR_OUTPUT.get(step, ("", ()))
    if output and output in _strings(settings.get("generate_outputs")):
        needs |= set(for_output)
        if step == "step_out_of_context_synthesis" and environment.flavour == "finn":
            needs.add(_OH_MY_XILINX)
        if output == "bitfile" and settings.get("shell_flow_type") == "vitis_alveo":
            needs.add(_VITIS)
    if step == "step_set_fifo_depths" and settings.get("auto_fifo_depths", True):
        needs |= {_VIVADO, _HLS}
    if step in ("step_apply_folding_config", "step_create_stitched_ip"):
        for kind in _strings(settings.get("verify_steps")):
            needs |= set(_FOR_VERIFICATION.get(kind, ()))
    return tuple(sorted(needs))


def missing_requirements(needed: Iterable[str], environment: FINNEnvironment, environ: Mapping[str, str]) -> list[str]:
    """Return what of the tools isn't here, one sentence each.

    Args:
        needed: as `needs_of_step` gives them.
        environment: the FINN that uses them.
        environ: the environment variables, PATH among them.
    """
    needs = set(needed)
    missing: list[str] = []
    path = environ.get("PATH", "")
    if _VIVADO in needs:
        missing += _missing_programs(("vivado",), path)
        missing += _missing_folders(("XILINX_VIVADO",), environ)
    if _HLS in needs:
        missing += _missing_programs(("vitis_hls", "vitis-run"), path)
    if _VITIS in needs:
        missing += _missing_programs(("v++",), path)
        missing += _missing_folders(_vitis_variables(environment), environ)
    if _OH_MY_XILINX in needs:
        missing += _missing_folders(("OHMYXILINX",), environ)
    return missing


def _vitis_variables(environment: FINNEnvironment) -> tuple[str, ...]:
    own = "VITIS_PATH" if environment.flavour == "finn" else "XILINX_VITIS"
    return own, "PLATFORM_REPO_PATHS", "XILINX_XRT"


def _missing_programs(names: tuple[str, ...], path: str) -> list[str]:
    if any(shutil.which(name, path=path) for name in names):
        return []
    return [f"{' or '.join(names)} isn't on PATH"]


def _missing_folders(variables: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    missing = []
    for name in variables:
        value = environ.get(name, "")
        if not value:
            missing.append(f"{name} isn't set")
        elif not Path(value.split(os.pathsep)[0]).is_dir():
            missing.append(f"{name} names no folder ({value})")
    return missing


def _strings(value: JSONValue) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
