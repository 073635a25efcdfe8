"""The list of steps of a build: FINN's own, the user's, and ours for transformations and kernels, each at its place.

Where the transformations of a stage run:

| stage | place |
|---|---|
| `cleanup`, `default` | after `step_tidy_up` |
| `topology_opt` | after `step_streamline` |
| `kernel_opt` | after `step_specialize_layers` |
| `dataflow_opt` | after `step_apply_folding_config` |
| `before:step_x`, `after:step_x` | there |
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from brainsmith_core.config import BuildConfig, GlobalConfig, OutputStage
from brainsmith_core.errors import ConfigurationError, did_you_mean
from brainsmith_core.formats.converters import to_tuple
from brainsmith_core.formats.json_values import JSONValue

from .environments.records import FINNEnvironment
from .kernel_preferences import KernelPreference, kernel_preferences
from .transformations import FINNTransformationRegistry, TransformCall, parse_call

__all__ = ["PlannedStep", "StepPlan", "plan_steps", "resolve_step"]

_ANCHORS = {
    "cleanup": ("after", "step_tidy_up"),
    "default": ("after", "step_tidy_up"),
    "topology_opt": ("after", "step_streamline"),
    "kernel_opt": ("after", "step_specialize_layers"),
    "dataflow_opt": ("after", "step_apply_folding_config"),
}
_SPECIALISE = "step_specialize_layers"

#: The steps that make a kind of model; the last one in the list counts.
_MAKERS = {
    "finn": ("step_qonnx_to_finn",),
    "hwgraph": ("step_convert_to_hw", "step_convert_to_hls"),
    "rtl": ("step_hls_codegen", "step_hw_codegen", "step_hls_ipgen", "step_hw_ipgen", "step_generate_hardware"),
    "ip": ("step_create_stitched_ip",),
    "bitstream": ("step_synthesize_bitfile",),
}

#: The steps without which a stage isn't reached, and the last step that it needs; names differ between versions.
_STAGE_STEPS: dict[OutputStage, tuple[str, ...]] = {
    OutputStage.RTL: _MAKERS["rtl"],
    OutputStage.STITCHED_IP: _MAKERS["ip"],
    OutputStage.OUT_OF_CONTEXT_SYNTH: ("step_out_of_context_synthesis",),
    OutputStage.BITFILE: _MAKERS["bitstream"],
}
_STAGE_END: dict[OutputStage, str] = {
    OutputStage.RTL: "step_measure_rtlsim_performance",
    OutputStage.STITCHED_IP: "step_measure_rtlsim_performance",
    OutputStage.OUT_OF_CONTEXT_SYNTH: "step_out_of_context_synthesis",
}


@attrs.frozen(kw_only=True)
class PlannedStep:
    """One step of a build.

    Args:
        name: what FINN calls it; a step of the user's own is named by its function.
        path: of a step that isn't FINN's: its dotted path, or `file.py:function` with an absolute path.
        transforms: of a step of ours: what it applies.
        kernels: of a step of ours: what it prefers.
    """

    name: str
    path: str = ""
    transforms: tuple[TransformCall, ...] = attrs.field(default=(), converter=to_tuple)
    kernels: tuple[KernelPreference, ...] = attrs.field(default=(), converter=to_tuple)

    @property
    def is_finn(self) -> bool:
        """Whether it is one of FINN's own steps."""
        return not (self.path or self.transforms or self.kernels)

    def to_task(self) -> dict[str, JSONValue]:
        """Return it as the tasks in FINN's interpreter take it."""
        if self.transforms:
            return {"name": self.name, "transforms": [call.to_task() for call in self.transforms]}
        if self.kernels:
            return {"name": self.name, "kernels": [kernel.to_task() for kernel in self.kernels]}
        if ":" in self.path:
            file, _, function = self.path.rpartition(":")
            return {"name": self.name, "file": file, "function": function}
        return {"name": self.name, "import": self.path} if self.path else {"name": self.name}


@attrs.frozen(kw_only=True)
class StepPlan:
    """All steps of a build in order.

    Args:
        steps: the steps.
        warnings: what the user should know of them.
    """

    steps: tuple[PlannedStep, ...] = attrs.field(converter=to_tuple)
    warnings: tuple[str, ...] = attrs.field(default=(), converter=to_tuple)

    @property
    def finn_steps(self) -> tuple[str, ...]:
        """The names of FINN's own steps among them."""
        return tuple(step.name for step in self.steps if step.is_finn)


def plan_steps(
    config: BuildConfig, environment: FINNEnvironment, registry: FINNTransformationRegistry | None = None
) -> StepPlan:
    """Return the steps of a build.

    Args:
        config: the build.
        environment: the FINN that it is for.
        registry: the environment's transformations, where they are at hand.

    Raises:
        ConfigurationError: for an unknown step, flow, stage, transformation or kernel, each with the nearest name,
            and for a place that the list of steps doesn't have.
    """
    registry = registry or FINNTransformationRegistry(environment.description.transformations, environment.title)
    stage = config.global_config.output_stage
    steps = _base_steps(config, environment)
    steps = _inject(steps, config, environment)
    steps = _between(steps, config.global_config)
    if config.build_steps:
        _check_stage(steps, stage)
    warnings: list[str] = []
    preferences = kernel_preferences(config.kernels, environment, warnings)
    if preferences:
        step = PlannedStep(name="prefer_kernels", kernels=preferences)
        steps = _insert(steps, step, ("before", _SPECIALISE), "kernels")
    for name, texts in config.transforms.items():
        calls = _calls(texts, registry, warnings)
        if calls:
            anchor = _anchor(name, steps)
            label = name.replace(":", "_")
            step = PlannedStep(name=f"transforms_{label}", transforms=calls)
            steps = _insert(steps, step, anchor, f"the transforms of stage {name}")
    return StepPlan(steps=steps, warnings=warnings)


def resolve_step(text: str, environment: FINNEnvironment, folder: Path) -> PlannedStep:
    """Return the step that a text names.

    Args:
        text: a name with or without `step_`, a dotted path, or `path/to/file.py:function`.
        environment: the FINN that it is for.
        folder: where a relative file path starts; the working directory comes after it.

    Raises:
        ConfigurationError: if there is no such step, with the nearest one.
    """
    known = {step.name for step in environment.description.steps}
    for name in (text, f"step_{text}"):
        if name in known:
            return PlannedStep(name=name)
    if ".py:" in text:
        return _file_step(text, folder)
    if "." in text and all(part.isidentifier() for part in text.split(".")):
        return PlannedStep(name=text.rpartition(".")[2], path=text)
    near = did_you_mean(text if text.startswith("step_") else f"step_{text}", known)
    raise ConfigurationError(f'{environment.title} has no step "{text}"', hint=near)


def _base_steps(config: BuildConfig, environment: FINNEnvironment) -> list[PlannedStep]:
    description = environment.description
    stage = config.global_config.output_stage
    if not config.build_steps:
        if stage is OutputStage.DATAFLOW_GRAPH:
            return _finn_steps(description.estimate_steps)
        return _finn_steps(_up_to(description.default_steps, _STAGE_END.get(stage, "")))
    if len(config.build_steps) == 1 and config.build_steps[0] in description.flows:
        return _finn_steps(description.flows[config.build_steps[0]])
    folder = Path(config.model_path).parent
    return [_resolve_in_list(text, environment, folder) for text in config.build_steps]


def _resolve_in_list(text: str, environment: FINNEnvironment, folder: Path) -> PlannedStep:
    flows = environment.description.flows
    if text in flows:
        raise ConfigurationError(f'"{text}" is a whole flow and can\'t be one step of many', hint="let it stand alone")
    try:
        return resolve_step(text, environment, folder)
    except ConfigurationError as error:
        near = did_you_mean(text, flows)
        if near.startswith("did you mean"):
            raise ConfigurationError(f'{environment.title} has no step or flow "{text}"', hint=near) from None
        raise error from None


def _finn_steps(names: Iterable[str]) -> list[PlannedStep]:
    return [PlannedStep(name=name) for name in names]


def _up_to(names: Sequence[str], last: str) -> Sequence[str]:
    return names[: names.index(last) + 1] if last in names else names


def _file_step(text: str, folder: Path) -> PlannedStep:
    file, _, function = text.rpartition(":")
    places = list(dict.fromkeys((folder.absolute() / file, Path(file).absolute())))
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        tried = " nor ".join(str(place) for place in places)
        raise ConfigurationError(f"the step {text} names a file that doesn't exist", hint=f"neither {tried} is there")
    try:
        tree = ast.parse(found.read_bytes(), filename=str(found))
    except (SyntaxError, ValueError) as error:
        raise ConfigurationError(f"the step {text} can't be read: {error}") from error
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assigned = {name.id for node in tree.body for name in ast.walk(node) if isinstance(name, ast.Name)}
    if function not in names and function not in assigned:
        raise ConfigurationError(f"{found} has no function {function}", hint=did_you_mean(function, names) or None)
    return PlannedStep(name=function, path=f"{found}:{function}")


def _inject(steps: list[PlannedStep], config: BuildConfig, environment: FINNEnvironment) -> list[PlannedStep]:
    """Put the steps of FINN's own flags `inject_steps_before` and `inject_steps_after` in their places."""
    folder = Path(config.model_path).parent
    for where in ("before", "after"):
        flag = f"inject_steps_{where}"
        given = config.config_flags.get(flag)
        if given is None or environment.description.field(flag) is None:
            continue
        if not isinstance(given, dict):
            raise ConfigurationError(f'flag "{flag}" must map steps to lists of steps, but is {given!r}')
        for anchor, texts in given.items():
            if not isinstance(texts, list):
                raise ConfigurationError(f'flag "{flag}": {anchor} must have a list of steps, but has {texts!r}')
            ordered = texts if where == "before" else list(reversed(texts))
            for text in ordered:
                step = resolve_step(str(text), environment, folder)
                steps = _insert(steps, step, (where, anchor), f'flag "{flag}"')
    return steps


def _insert(steps: list[PlannedStep], step: PlannedStep, anchor: tuple[str, str], what: str) -> list[PlannedStep]:
    where, name = anchor
    names = [each.name for each in steps]
    if name not in names:
        text = f"{what} belong {where} {name}, which isn't among the build's steps"
        raise ConfigurationError(text, hint=did_you_mean(name, names))
    position = names.index(name)
    if where == "after":
        position += 1
        while position < len(steps) and steps[position].transforms and step.transforms:
            position += 1  # stages at the same place run in the order in which they are given
    return [*steps[:position], step, *steps[position:]]


def _anchor(stage: str, steps: list[PlannedStep]) -> tuple[str, str]:
    if stage in _ANCHORS:
        return _ANCHORS[stage]
    where, colon, name = stage.partition(":")
    names = [step.name for step in steps]
    if colon and where in ("before", "after"):
        full = next((each for each in (name, f"step_{name}") if each in names), "")
        if full:
            return where, full
        raise ConfigurationError(f"no step {name} for the transforms {stage}", hint=did_you_mean(name, names))
    near = did_you_mean(stage, _ANCHORS)
    hint = near if near.startswith("did") else f"stages are {', '.join(_ANCHORS)}, or after:step_x, before:step_x"
    raise ConfigurationError(f'there is no stage "{stage}" for transforms', hint=hint)


def _calls(texts: Iterable[str], registry: FINNTransformationRegistry, warnings: list[str]) -> list[TransformCall]:
    calls = []
    for text in texts:
        call = parse_call(text)
        if call.optional and call.name not in registry:
            warnings.append(f"the optional transformation {call.name} isn't in this environment and was left out")
        else:
            calls.append(registry.resolve(text))
    return calls


def _between(steps: list[PlannedStep], settings: GlobalConfig) -> list[PlannedStep]:
    names = [step.name for step in steps]
    start, stop = 0, len(steps)
    if settings.start_step is not None:
        start = _position(settings.start_step, names, "start_step")
    elif settings.input_type not in (None, "onnx", "qonnx"):
        start = _maker(str(settings.input_type), names, "input_type") + 1
    if settings.stop_step is not None:
        stop = _position(settings.stop_step, names, "stop_step") + 1
    elif settings.output_type is not None:
        stop = _maker(settings.output_type, names, "output_type") + 1
    if start >= stop:
        text = f"no step is left between {names[min(start, len(names) - 1)]} and {names[stop - 1]}"
        raise ConfigurationError(text, hint="the first step must come before the last one")
    return steps[start:stop]


def _position(text: str, names: list[str], key: str) -> int:
    for name in (text, f"step_{text}"):
        if name in names:
            return names.index(name)
    if text.lstrip("-").isdigit():
        if 0 <= int(text) < len(names):
            return int(text)
        raise ConfigurationError(f"{key} {text} is no index into the {len(names)} steps of the build")
    raise ConfigurationError(f"{key} \"{text}\" isn't among the build's steps", hint=did_you_mean(text, names))


def _maker(kind: str, names: list[str], key: str) -> int:
    if kind not in _MAKERS:
        raise ConfigurationError(f"{key} {kind}: no FINN step makes it", hint=f"known: {', '.join(_MAKERS)}")
    found = [names.index(maker) for maker in _MAKERS[kind] if maker in names]
    if not found:
        text = f"{key} {kind}: none of the build's steps makes it ({' or '.join(_MAKERS[kind])})"
        raise ConfigurationError(text, hint="ask for a later output_stage, or for other build_steps")
    return max(found)


def _check_stage(steps: list[PlannedStep], stage: OutputStage) -> None:
    makers = _STAGE_STEPS.get(stage, ())
    if makers and not any(step.name in makers for step in steps):
        text = f"the output stage {stage.value} needs {' or '.join(makers)}, which isn't among the build's steps"
        raise ConfigurationError(text, hint="add it to build_steps, or leave build_steps out for FINN's own flow")
