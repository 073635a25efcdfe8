"""A build's configuration in the form that a future FINN-Brainsmith interface takes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from brainsmith_core.config import BuildConfig, Kernel
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue

from .settings import without_mock_flags

__all__ = ["DEFAULT_CLOCK_NS", "marshal"]

#: The clock period where no flag gives one.
DEFAULT_CLOCK_NS: Final = 10.0


def marshal(config: BuildConfig, model: Path) -> dict[str, JSONValue]:
    """Return the build as one JSON document.

    Args:
        config: the build.
        model: the model after preprocessing.

    Raises:
        ConfigurationError: for flags that contradict each other, a wrong clock, a nameless kernel.
    """
    settings = config.global_config
    return {
        "model_path": config.model_path,
        "processed_model_path": str(model),
        "output_dir": config.output_dir,
        "kernels": [_kernel(kernel) for kernel in config.kernels],
        "transform_stages": {stage: list(names) for stage, names in config.transforms.items()},
        "output_stage": settings.output_stage.value,
        "working_directory": settings.working_directory,
        "target_device": target_device(config),
        "target_clock_ns": target_clock_ns(config),
        "build_steps": list(config.build_steps),
        "start_step": settings.start_step,
        "stop_step": settings.stop_step,
        "input_type": settings.input_type,
        "output_type": settings.output_type,
        "config_flags": dict(without_mock_flags(config.config_flags)),
        "design_space_id": config.design_space_id,
        "combination_index": config.combination_index,
    }


def target_device(config: BuildConfig) -> str | None:
    """Return the board, or else the part, that the flags name; None where they name neither."""
    value = config.flag("target_device", "board")
    if value is None:
        value = config.flag("fpga_part")
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"config_flags.target_device must be a name, but is {value!r}")
    return value


def target_clock_ns(config: BuildConfig) -> float:
    """Return the clock period in ns."""
    value = config.flag("target_clock_ns", "clock_period_ns", "synth_clk_period_ns")
    if value is None:
        return DEFAULT_CLOCK_NS
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ConfigurationError(f"config_flags.target_clock_ns must be a period in ns, but is {value!r}")
    return float(value)


def _kernel(kernel: Kernel) -> dict[str, JSONValue]:
    name, backends = kernel
    plain = name.removeprefix("~").strip()
    if not plain:
        hint = 'write "~Name" for an optional kernel'
        raise ConfigurationError(f"the kernel {name!r} has no name", hint=hint)
    return {"name": plain, "backends": list(backends), "optional": name.startswith("~")}
