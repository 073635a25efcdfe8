"""The design space: everything that may be chosen, and how the choice is searched."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from brainsmith_core.config import GlobalConfig, Kernel, ProcessingStep
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue, checked_json

from .choices import Choice, KernelChoice, TransformChoice, kernel_choices, transform_choices
from .search import SearchConfig
from .sweep import Sweep, parse_flag
from .targets import Target, check_flags, parse_targets

__all__ = ["DEFAULT_STAGE", "Axis", "DesignSpace", "HWCompilerSpace", "ProcessingSpace"]

#: The stage of transforms that are given as a plain list.
DEFAULT_STAGE = "default"


def _transforms(value: Mapping[str, Iterable[Any]] | Iterable[Any]) -> dict[str, tuple[TransformChoice, ...]]:
    stages = value if isinstance(value, Mapping) else {DEFAULT_STAGE: value}
    return {str(stage): transform_choices(items) for stage, items in stages.items()}


def _steps(value: Iterable[str] | str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _flags(value: Mapping[str, Any]) -> dict[str, Sweep]:
    found = {}
    for name, item in value.items():
        try:
            found[str(name)] = parse_flag(item)
        except ConfigurationError as error:
            raise ConfigurationError(f"config_flags.{name}: {error.message}", hint=error.hint) from None
    return found


@attrs.frozen(kw_only=True)
class HWCompilerSpace:
    """What the hardware compiler may be told.

    Args:
        kernels: choices, or what a blueprint writes for them (see `choices.parse_kernel`).
        transforms: choices by stage, or what a blueprint writes for them; a list is the stage `default`.
        build_steps: the backend's steps, or one named flow; empty for the backend's default.
        config_flags: the values of each flag, or what a blueprint writes for them (see `sweep.parse_flag`).

    Example:
        >>> space = HWCompilerSpace(kernels=["MatMul", ["Gemm", ["rtl", "hls"]]], transforms=["~streamline"])
        >>> len(space.get_kernel_combinations()), len(space.get_transform_combinations())
        (2, 2)
    """

    kernels: tuple[KernelChoice, ...] = attrs.field(default=(), converter=kernel_choices)
    transforms: dict[str, tuple[TransformChoice, ...]] = attrs.field(factory=dict, converter=_transforms)
    build_steps: tuple[str, ...] = attrs.field(default=(), converter=_steps)
    config_flags: dict[str, Sweep] = attrs.field(factory=dict, converter=_flags)

    def get_kernel_combinations(self) -> list[tuple[Kernel, ...]]:
        """Return every choice of kernels."""
        return list(_combined(self.kernels))

    def get_transform_combinations_by_stage(self) -> dict[str, list[tuple[str, ...]]]:
        """Return every choice of transforms of each stage."""
        return {stage: list(_combined(choices)) for stage, choices in self.transforms.items()}

    def get_transform_combinations(self) -> list[dict[str, tuple[str, ...]]]:
        """Return every choice of transforms of all stages together."""
        stages = self.get_transform_combinations_by_stage()
        return [dict(zip(stages, chosen, strict=True)) for chosen in itertools.product(*stages.values())]


def _combined(choices: Iterable[Choice[Any]]) -> Iterator[tuple[Any, ...]]:
    for chosen in itertools.product(*(choice.options for choice in choices)):
        yield tuple(option for option in chosen if option is not None)


def _alternatives(
    value: Iterable[ProcessingStep | Iterable[ProcessingStep]],
) -> tuple[tuple[ProcessingStep, ...], ...]:
    found = tuple((step,) if isinstance(step, ProcessingStep) else tuple(step) for step in value)
    for options in found:
        if not options:
            raise ConfigurationError("a processing step without options is an empty design space")
        for index, step in enumerate(options):
            if step in options[:index]:
                raise ConfigurationError(f'the step "{step.name}" has the same option twice')
    return found


@attrs.frozen(kw_only=True)
class ProcessingSpace:
    """The steps before and after the backend: for each step in turn, the alternatives.

    Args:
        preprocessing: a step, or a list of alternatives, for each place.
        postprocessing: the same after the backend.
    """

    preprocessing: tuple[tuple[ProcessingStep, ...], ...] = attrs.field(default=(), converter=_alternatives)
    postprocessing: tuple[tuple[ProcessingStep, ...], ...] = attrs.field(default=(), converter=_alternatives)

    def __attrs_post_init__(self) -> None:
        for kind in ("preprocessing", "postprocessing"):
            for step in itertools.chain(*getattr(self, kind)):
                if step.type != kind:
                    raise ConfigurationError(f'the step "{step.name}" in {kind} says that it is a {step.type} step')


@attrs.frozen
class Axis:
    """One thing that a design space leaves to choice.

    Args:
        name: `target`, a flag's name, `kernel 2`, `transform cleanup 1`, `preprocessing 1 cut`, ...
        options: what there is to choose from.
    """

    name: str
    options: tuple[Any, ...]

    def shown(self) -> list[JSONValue]:
        """Return the options as people read them.

        Example:
            >>> Axis("kernel 1", (("Gemm", ("rtl",)), None)).shown()
            ['Gemm (rtl)', '-']
        """
        return [_shown(option) for option in self.options]


def _shown(option: Any) -> JSONValue:
    if option is None:
        return "-"
    if isinstance(option, tuple):
        return f"{option[0]} ({', '.join(option[1])})"
    if isinstance(option, ProcessingStep):
        given = ", ".join(f"{name}={value}" for name, value in option.parameters.items())
        return (given or "on") if option.enabled else "off"
    return str(option) if isinstance(option, Target) else checked_json(option)


@attrs.frozen(kw_only=True)
class DesignSpace:
    """A model and everything that may be chosen for it.

    Args:
        model_path: the ONNX model.
        hw_compiler_space: what the hardware compiler may be told.
        processing_space: the steps before and after it.
        search_config: how the space is searched.
        global_config: settings of all builds.
        targets: boards or parts with clocks, or what a blueprint writes for them; empty: the flags say it.
        name: what people call it; the model's name by default.
        description: what it is for.
        blueprint_path: the file that it was read from, or "".

    Example:
        >>> flags = {"target_fps": {"values": [1000, 2000]}}
        >>> space = DesignSpace(
        ...     model_path="model.onnx",
        ...     hw_compiler_space=HWCompilerSpace(config_flags=flags),
        ...     targets=[{"board": ["Pynq-Z1", "Ultra96"], "clock_ns": [5, 10]}],
        ... )
        >>> space.get_total_combinations()
        8
    """

    model_path: str = attrs.field(converter=str)
    hw_compiler_space: HWCompilerSpace = attrs.field(factory=HWCompilerSpace)
    processing_space: ProcessingSpace = attrs.field(factory=ProcessingSpace)
    search_config: SearchConfig = attrs.field(factory=SearchConfig)
    global_config: GlobalConfig = attrs.field(factory=GlobalConfig)
    targets: tuple[Target, ...] = attrs.field(default=(), converter=parse_targets)
    name: str = attrs.field()
    description: str = ""
    blueprint_path: str = ""

    @name.default
    def _named_as_model(self) -> str:
        return Path(self.model_path).stem

    def __attrs_post_init__(self) -> None:
        if not self.model_path:
            raise ConfigurationError("the design space has no model", hint="give the path of an ONNX model")
        check_flags(self.hw_compiler_space.config_flags, self.targets)

    def axes(self) -> list[Axis]:
        """Return everything that is chosen, in order; what has one option only too. The last one changes fastest."""
        hardware, processing = self.hw_compiler_space, self.processing_space
        axes = [Axis("target", self.targets or (None,))]
        axes += [Axis(f"kernel {n}", choice.options) for n, choice in enumerate(hardware.kernels, start=1)]
        for stage, choices in hardware.transforms.items():
            axes += [Axis(f"transform {stage} {n}", each.options) for n, each in enumerate(choices, start=1)]
        axes += [Axis(name, sweep.values) for name, sweep in hardware.config_flags.items()]
        for kind in ("preprocessing", "postprocessing"):
            places = enumerate(getattr(processing, kind), start=1)
            axes += [Axis(f"{kind} {n} {options[0].name}", options) for n, options in places]
        return axes

    def varied_axes(self) -> list[Axis]:
        """Return the axes with more than one option."""
        return [axis for axis in self.axes() if len(axis.options) > 1]

    def choices(self, index: int) -> dict[str, JSONValue]:
        """Return what the combination `index` has chosen on each axis that has more than one option.

        Example:
            >>> flags = {"target_fps": {"values": [1000, 2000]}, "board": {"values": ["A", "B"]}}
            >>> DesignSpace(model_path="m", hw_compiler_space=HWCompilerSpace(config_flags=flags)).choices(2)
            {'target_fps': 2000, 'board': 'A'}
        """
        found: dict[str, JSONValue] = {}
        for axis in reversed(self.varied_axes()):
            index, digit = divmod(index, len(axis.options))
            found[axis.name] = _shown(axis.options[digit])
        return dict(reversed(found.items()))

    def get_total_combinations(self) -> int:
        """Return the number of combinations, which is counted and never listed."""
        return math.prod(len(axis.options) for axis in self.axes())
