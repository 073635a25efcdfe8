"""What a build is asked to do: the model, the hardware compiler's settings, the processing steps, the output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import attrs

from .errors import ConfigurationError, did_you_mean
from .formats.json_values import JSONValue, checked_json_dict
from .formats.serialization import from_data, to_data
from .stages import OutputStage

__all__ = ["BuildConfig", "GlobalConfig", "Kernel", "OutputStage", "ProcessingStep"]

#: A kernel's name (`~` in front: optional) and the backends that may implement it, in order of preference.
Kernel = tuple[str, tuple[str, ...]]


@attrs.frozen(kw_only=True)
class ProcessingStep:
    """One preprocessing or postprocessing step of a build.

    Args:
        name: the step's registered name.
        type: at which side of the backend it runs.
        parameters: what the step declares; unknown ones are errors.
        enabled: a disabled step isn't run, and the result says so.
        on_error: `fail` or `continue`; by default a preprocessing step fails the build and a postprocessing
            step leaves a warning on the result.
    """

    name: str
    type: Literal["preprocessing", "postprocessing"]
    parameters: dict[str, JSONValue] = attrs.field(factory=dict, converter=checked_json_dict)
    enabled: bool = True
    on_error: Literal["fail", "continue"] | None = None

    @property
    def fails_build(self) -> bool:
        """Whether a failure of this step fails the build."""
        if self.on_error is None:
            return self.type == "preprocessing"
        return self.on_error == "fail"


def _step(value: str | int | None) -> str | None:
    return None if value is None else str(value)


@attrs.frozen(kw_only=True)
class GlobalConfig:
    """Settings that hold for all builds of an exploration.

    Args:
        output_stage: how far each build goes.
        working_directory: where explorations are written when no output folder is given.
        cache_results: reuse the results of builds that are already finished.
        save_artifacts: keep the backend's products; else only the reports that metrics were read from are kept.
        log_level: least severity that `build.log` records.
        max_combinations: an exploration with more combinations than this is refused.
        timeout_minutes: limit of one build, in minutes; None for no limit.
        memory_gb: limit of one build's memory, in GiB, over its whole process tree; None for no limit.
        start_step: first build step to run (name, or index from 0); the model given is the input of that step.
        stop_step: last build step to run (name, or index from 0), inclusive.
        input_type: what the model given is (`onnx`, `qonnx`, `finn`, `hwgraph`); another way to say `start_step`.
        output_type: what shall come out (`qonnx`, `finn`, `hwgraph`, `rtl`, `ip`, `bitstream`); another way to
            say `stop_step`.
    """

    output_stage: OutputStage = OutputStage.DATAFLOW_GRAPH
    working_directory: str = "./builds"
    cache_results: bool = True
    save_artifacts: bool = True
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_combinations: int | None = None
    timeout_minutes: float | None = None
    memory_gb: float | None = None
    start_step: str | None = attrs.field(default=None, converter=_step)
    stop_step: str | None = attrs.field(default=None, converter=_step)
    input_type: Literal["onnx", "qonnx", "finn", "hwgraph"] | None = None
    output_type: Literal["qonnx", "finn", "hwgraph", "rtl", "ip", "bitstream"] | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("max_combinations", "timeout_minutes", "memory_gb"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigurationError(f"{name} must be greater than 0, but is {value}")
        for step, kind in (("start_step", "input_type"), ("stop_step", "output_type")):
            if getattr(self, step) is not None and getattr(self, kind) is not None:
                raise ConfigurationError(f"{step} and {kind} say the same thing twice", hint="give one of them")


def _strings(value: object, where: str) -> tuple[str, ...]:
    """Return a list of texts; a text alone is refused, since its letters are hardly what was meant."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ConfigurationError(f"{where} must be a list of texts, but is {value!r}")
    return tuple(value)


def _build_steps(value: Iterable[str]) -> tuple[str, ...]:
    return _strings(value, "build_steps")


def _kernels(value: Iterable[Any]) -> tuple[Kernel, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigurationError(f"kernels must be a list of pairs, but is {value!r}")
    found = []
    for index, pair in enumerate(value):
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise ConfigurationError(f'kernels[{index}] must read ("NAME", ["BACKEND", ...]), but is {pair!r}')
        found.append((pair[0], _strings(pair[1], f"kernels[{index}]: the backends")))
    return tuple(found)


def _transforms(value: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"transforms must be lists by stage, but is {value!r}")
    return {stage: _strings(items, f"transforms.{stage}") for stage, items in value.items()}


def _steps(value: Iterable[ProcessingStep]) -> tuple[ProcessingStep, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(step, ProcessingStep) for step in value):
        raise ConfigurationError(f"processing steps must be a list of ProcessingStep, but are {value!r}")
    return tuple(value)


def _check_settings(_: object, field: attrs.Attribute[GlobalConfig], value: object) -> None:
    if not isinstance(value, GlobalConfig):
        raise ConfigurationError(f"{field.name} must be a GlobalConfig, but is {value!r}")


def _flags(value: object) -> dict[str, JSONValue]:
    return checked_json_dict(value, "config_flags")


@attrs.frozen(kw_only=True)
class BuildConfig:
    """One model plus one configuration: everything that one build needs.

    Args:
        id: names this configuration; the same content has the same id.
        model_path: the ONNX model that goes in.
        output_dir: the folder that this build owns; see `brainsmith_core.build.workspace`.
        design_space_id: the design space that it is a point of, or "".
        kernels: kernel names with the backends allowed for each (`hls`, `rtl`, `*` for all).
        transforms: names of transformations by stage.
        build_steps: the backend's steps: names, dotted paths, or one named flow; empty for the backend's default.
        config_flags: the backend's flags, such as `target_fps`, `board`, `target_clock_ns`.
        preprocessing: steps before the backend, in order.
        postprocessing: steps after it, in order.
        global_config: settings of the whole exploration.
        combination_index: place in the design space, from 0.
        total_combinations: size of the design space.

    Example:
        >>> config = BuildConfig(id="a", model_path="model.onnx", output_dir="out")
        >>> BuildConfig.from_dict(config.to_dict()) == config
        True
    """

    id: str
    model_path: str
    output_dir: str
    design_space_id: str = ""
    kernels: tuple[Kernel, ...] = attrs.field(default=(), converter=_kernels)
    transforms: dict[str, tuple[str, ...]] = attrs.field(factory=dict, converter=_transforms)
    build_steps: tuple[str, ...] = attrs.field(default=(), converter=_build_steps)
    config_flags: dict[str, JSONValue] = attrs.field(factory=dict, converter=_flags)
    preprocessing: tuple[ProcessingStep, ...] = attrs.field(default=(), converter=_steps)
    postprocessing: tuple[ProcessingStep, ...] = attrs.field(default=(), converter=_steps)
    global_config: GlobalConfig = attrs.field(factory=GlobalConfig, validator=_check_settings)
    combination_index: int = 0
    total_combinations: int = 1

    def __attrs_post_init__(self) -> None:
        for name in ("id", "model_path", "output_dir"):
            if not getattr(self, name):
                raise ConfigurationError(f"the build's {name} is empty")
        for kind in ("preprocessing", "postprocessing"):
            for step in getattr(self, kind):
                if step.type != kind:
                    raise ConfigurationError(f'the step "{step.name}" in {kind} says that it is a {step.type} step')

    def to_dict(self) -> dict[str, JSONValue]:
        """Return plain JSON data that `from_dict` reads back to an equal object."""
        return to_data(self)

    @classmethod
    def from_dict(cls, data: object, where: str = "") -> BuildConfig:
        """Return the configuration that `data` describes.

        Raises:
            ConfigurationError: for an unknown or missing key or a wrong type, with a suggestion.
        """
        return from_data(cls, data, where)

    def flag(self, *names: str) -> JSONValue:
        """Return the value of a flag that has several names, or None.

        Args:
            names: the flag's names, the first being its own.

        Raises:
            ConfigurationError: if two of the names are given with different values.

        Example:
            >>> c = BuildConfig(id="a", model_path="m", output_dir="o", config_flags={"target_device": "Pynq-Z1"})
            >>> c.flag("board", "target_device")
            'Pynq-Z1'
        """
        given = {name: self.config_flags[name] for name in names if self.config_flags.get(name) is not None}
        if len({repr(value) for value in given.values()}) > 1:
            pairs = " and ".join(f"{name}={value!r}" for name, value in given.items())
            raise ConfigurationError(f"config_flags contradict each other: {pairs}", hint="give one of them")
        return next(iter(given.values()), None)


def known_flag_error(flag: str, known: Iterable[str], where: str) -> ConfigurationError:
    """Return the error for a flag that the backend doesn't know, with the nearest one that it does.

    Example:
        >>> print(known_flag_error("target_fsp", ["target_fps"], "FINN+ 1.6.1"))
        FINN+ 1.6.1 has no flag "target_fsp"
        did you mean "target_fps"?
    """
    return ConfigurationError(f'{where} has no flag "{flag}"', hint=did_you_mean(flag, known))
