from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core.config import BuildConfig, OutputStage
from brainsmith_core.errors import ConfigurationError
from brainsmith_finn_legacy.environments.records import FINNEnvironment
from brainsmith_finn_legacy.kernel_preferences import KernelPreference
from brainsmith_finn_legacy.planned_steps import PlannedStep, plan_steps
from brainsmith_finn_legacy.transformations import TransformCall

MakeConfig = Callable[..., BuildConfig]


def names(config: BuildConfig, environment: FINNEnvironment) -> list[str]:
    return [step.name for step in plan_steps(config, environment).steps]


def refusal(config: BuildConfig, environment: FINNEnvironment) -> str:
    with pytest.raises(ConfigurationError) as caught:
        plan_steps(config, environment)
    return str(caught.value)


@pytest.mark.parametrize(
    ("stage", "last"),
    [
        (OutputStage.DATAFLOW_GRAPH, "step_generate_estimate_reports"),
        (OutputStage.RTL, "step_measure_rtlsim_performance"),
        (OutputStage.STITCHED_IP, "step_measure_rtlsim_performance"),
        (OutputStage.OUT_OF_CONTEXT_SYNTH, "step_out_of_context_synthesis"),
        (OutputStage.BITFILE, "step_deployment_package"),
    ],
)
def test_without_build_steps_finns_own_flow_runs_as_far_as_the_stage_needs(
    environment: FINNEnvironment, make_config: MakeConfig, stage: OutputStage, last: str
) -> None:
    found = names(make_config(settings={"output_stage": stage}), environment)
    assert found[0] == "step_qonnx_to_finn"
    assert found[-1] == last


@pytest.mark.parametrize(
    ("flow", "last"), [("estimate_only", "reports"), ("hw_codegen", "codegen"), ("default", "package")]
)
def test_a_named_flow_stands_for_its_steps(
    environment: FINNEnvironment, make_config: MakeConfig, flow: str, last: str
) -> None:
    found = names(make_config(build_steps=[flow]), environment)
    assert tuple(found) == environment.description.flows[flow]
    assert found[-1].endswith(last)


def test_steps_are_named_with_or_without_their_prefix(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    found = names(make_config(build_steps=["step_tidy_up", "streamline"]), environment)
    assert found == ["step_tidy_up", "step_streamline"]


def test_the_users_own_steps_are_named_by_path(
    environment: FINNEnvironment, make_config: MakeConfig, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def my_step(model, cfg):\n    return model\n\nother = my_step\n")
    config = make_config(build_steps=["package.module.step_special", "mine.py:my_step", f"{file}:other"])
    special, mine, other = plan_steps(config, environment).steps
    assert special.to_task() == {"name": "step_special", "import": "package.module.step_special"}
    assert mine.to_task() == {"name": "my_step", "file": str(file), "function": "my_step"}
    assert other.to_task() == {"name": "other", "file": str(file), "function": "other"}
    assert not any(step.is_finn for step in (special, mine, other))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (["step_streamlin"], 'did you mean "step_streamline"'),
        (["streamlin"], 'did you mean "step_streamline"'),
        (["estimate_onl"], 'did you mean "estimate_only"'),
        (["estimate_only", "step_tidy_up"], "is a whole flow"),
        (["mine.py:my_step"], "names a file that doesn't exist"),
        (["a file.with a dot"], "has no step"),
    ],
)
def test_an_unknown_step_is_refused_with_the_nearest_one(
    environment: FINNEnvironment, make_config: MakeConfig, steps: list[str], message: str
) -> None:
    assert message in refusal(make_config(build_steps=steps), environment)


def test_a_file_without_the_function_or_without_python_is_refused(
    environment: FINNEnvironment, make_config: MakeConfig, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text("def my_step(model, cfg): ...\n")
    (tmp_path / "broken.py").write_text("def my_step(model\n")
    assert 'did you mean "my_step"' in refusal(make_config(build_steps=["mine.py:my_stp"]), environment)
    assert "can't be read" in refusal(make_config(build_steps=["broken.py:my_step"]), environment)


def test_a_stage_must_be_reached_by_the_steps_that_are_given(
    environment: FINNEnvironment, make_config: MakeConfig
) -> None:
    config = make_config(build_steps=["estimate_only"], settings={"output_stage": OutputStage.STITCHED_IP})
    assert "needs step_create_stitched_ip" in refusal(config, environment)


@pytest.mark.parametrize(
    ("settings", "first", "last"),
    [
        ({"start_step": "step_tidy_up"}, "step_tidy_up", "step_generate_estimate_reports"),
        ({"start_step": "tidy_up", "stop_step": "streamline"}, "step_tidy_up", "step_streamline"),
        ({"start_step": 1, "stop_step": "2"}, "step_tidy_up", "step_streamline"),
        ({"input_type": "qonnx"}, "step_qonnx_to_finn", "step_generate_estimate_reports"),
        ({"input_type": "finn"}, "step_tidy_up", "step_generate_estimate_reports"),
        ({"input_type": "hwgraph"}, "step_minimize_bit_width_initial", "step_generate_estimate_reports"),
        ({"output_type": "finn"}, "step_qonnx_to_finn", "step_qonnx_to_finn"),
        ({"output_type": "hwgraph"}, "step_qonnx_to_finn", "step_convert_to_hw"),
        ({"output_type": "ip", "output_stage": OutputStage.BITFILE}, "step_qonnx_to_finn", "step_create_stitched_ip"),
    ],
)
def test_a_build_starts_and_stops_where_it_is_told(
    environment: FINNEnvironment, make_config: MakeConfig, settings: dict[str, Any], first: str, last: str
) -> None:
    found = names(make_config(settings=settings), environment)
    assert (found[0], found[-1]) == (first, last)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start_step": "streamlin"}, 'did you mean "step_streamline"'),
        ({"stop_step": "11"}, "no index into the 11 steps"),
        ({"stop_step": "-1"}, "no index into the 11 steps"),
        (
            {"start_step": "streamline", "stop_step": "tidy_up"},
            "no step is left between step_streamline and step_tidy_up",
        ),
        ({"input_type": "hwgraph", "output_type": "finn"}, "no step is left"),
        ({"output_type": "qonnx"}, "no FINN step makes it"),
        ({"output_type": "bitstream"}, "none of the build's steps makes it (step_synthesize_bitfile)"),
    ],
)
def test_a_start_or_stop_that_cannot_be_is_refused(
    environment: FINNEnvironment, make_config: MakeConfig, settings: dict[str, Any], message: str
) -> None:
    assert message in refusal(make_config(settings=settings), environment)


@pytest.mark.parametrize(
    ("stage", "before"),
    [
        ("cleanup", "step_tidy_up"),
        ("default", "step_tidy_up"),
        ("topology_opt", "step_streamline"),
        ("kernel_opt", "step_specialize_layers"),
        ("dataflow_opt", "step_apply_folding_config"),
        ("after:step_convert_to_hw", "step_convert_to_hw"),
        ("after:convert_to_hw", "step_convert_to_hw"),
        ("before:streamline", "step_tidy_up"),
    ],
)
def test_the_transforms_of_a_stage_run_at_its_place(
    environment: FINNEnvironment, make_config: MakeConfig, stage: str, before: str
) -> None:
    steps = plan_steps(make_config(transforms={stage: ["InferShapes"]}), environment).steps
    place = next(index for index, step in enumerate(steps) if step.transforms)
    assert steps[place - 1].name == before
    assert steps[place].name == f"transforms_{stage.replace(':', '_')}"
    assert [call.name for call in steps[place].transforms] == ["qonnx.transformation.infer_shapes.InferShapes"]


def test_stages_at_the_same_place_run_in_the_order_in_which_they_are_given(
    environment: FINNEnvironment, make_config: MakeConfig
) -> None:
    config = make_config(transforms={"default": ["InferShapes"], "cleanup": ["FoldConstants"], "topology_opt": []})
    found = names(config, environment)
    assert found[1:4] == ["step_tidy_up", "transforms_default", "transforms_cleanup"]
    assert "transforms_topology_opt" not in found


def test_an_optional_transformation_that_is_not_there_is_left_out_with_a_warning(
    environment: FINNEnvironment, make_config: MakeConfig
) -> None:
    plan = plan_steps(make_config(transforms={"cleanup": ["~Nonesuch", "~InferShapes"]}), environment)
    (step,) = (step for step in plan.steps if step.transforms)
    assert len(step.transforms) == 1
    assert plan.warnings == ("the optional transformation Nonesuch isn't in this environment and was left out",)


@pytest.mark.parametrize(
    ("transforms", "message"),
    [
        ({"cleanupp": ["InferShapes"]}, 'did you mean "cleanup"'),
        ({"whatever": ["InferShapes"]}, "or after:step_x, before:step_x"),
        ({"after:step_streamlin": ["InferShapes"]}, 'did you mean "step_streamline"'),
        ({"cleanup": ["InferShape"]}, 'did you mean "InferShapes"'),
        ({"cleanup": ["~InferShapes{a=1}"]}, "has no parameter a"),
    ],
)
def test_unknown_stages_and_transformations_are_refused(
    environment: FINNEnvironment, make_config: MakeConfig, transforms: dict[str, list[str]], message: str
) -> None:
    assert message in refusal(make_config(transforms=transforms), environment)


def test_transforms_need_the_step_that_they_stand_by(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    config = make_config(transforms={"dataflow_opt": ["InferShapes"]}, settings={"stop_step": "streamline"})
    assert "belong after step_apply_folding_config, which isn't among the build's steps" in refusal(config, environment)


def test_steps_are_injected_where_finns_own_flags_say(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    flags = {
        "inject_steps_before": {"step_tidy_up": ["a.first", "a.second"]},
        "inject_steps_after": {"step_tidy_up": ["a.third", "a.fourth"]},
    }
    found = names(make_config(config_flags=flags), environment)
    assert found[1:6] == ["first", "second", "step_tidy_up", "third", "fourth"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["a.first"], "must map steps to lists of steps"),
        ({"step_tidy_up": "a.first"}, "must have a list of steps"),
        ({"step_tidy": ["a.first"]}, 'did you mean "step_tidy_up"'),
        ({"step_tidy_up": ["streamlin"]}, 'did you mean "step_streamline"'),
    ],
)
def test_injections_that_make_no_sense_are_refused(
    environment: FINNEnvironment, make_config: MakeConfig, given: object, message: str
) -> None:
    assert message in refusal(make_config(config_flags={"inject_steps_after": given}), environment)


def test_kernels_are_preferred_right_before_the_layers_are_specialised(
    environment: FINNEnvironment, make_config: MakeConfig
) -> None:
    kernels = [("MVAU", ["rtl", "hls"]), ("~Thresholding", ["hls"]), ("LabelSelect", ["*"]), ("~VVAU", [])]
    steps = plan_steps(make_config(kernels=kernels), environment).steps
    place = next(index for index, step in enumerate(steps) if step.kernels)
    assert steps[place + 1].name == "step_specialize_layers"
    assert steps[place].kernels == (
        KernelPreference(name="MVAU", style="rtl", allowed=("rtl", "hls")),
        KernelPreference(name="Thresholding", style="hls", allowed=("hls",), optional=True),
        KernelPreference(name="LabelSelect", style="", allowed=("hls",)),
        KernelPreference(name="VVAU", style="", allowed=(), optional=True),
    )
    assert steps[place].to_task()["kernels"] == [kernel.to_task() for kernel in steps[place].kernels]


@pytest.mark.parametrize(
    ("kernels", "message"),
    [
        ([("MVU", ["hls"])], 'did you mean "MVAU"'),
        ([("MVAU", ["hlss"])], 'did you mean "hls"'),
        ([("LabelSelect", ["rtl"])], "has no RTL variant of LabelSelect\nit has: hls"),
        ([("MVAU", ["hls"]), ("MVAU", ["rtl"])], "is given twice"),
    ],
)
def test_unknown_kernels_and_backends_are_refused(
    environment: FINNEnvironment, make_config: MakeConfig, kernels: list[Any], message: str
) -> None:
    assert message in refusal(make_config(kernels=kernels), environment)


def test_an_optional_kernel_that_this_finn_does_not_have_is_left_out_with_a_warning(
    environment: FINNEnvironment, make_config: MakeConfig
) -> None:
    plan = plan_steps(make_config(kernels=[("~MVU", ["hls"])]), environment)
    assert not any(step.kernels for step in plan.steps)
    assert plan.warnings[0].startswith('FINN+ 1.6.1 has no kernel "MVU"; it is optional')


def test_a_finn_without_a_choice_of_kernels_refuses_them(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    old = attrs.evolve(environment, description=attrs.evolve(environment.description, kernels={}))
    assert "doesn't choose between HLS and RTL" in refusal(make_config(kernels=[("MVAU", ["hls"])]), old)


def test_a_step_of_ours_says_what_it_applies() -> None:
    step = PlannedStep(name="transforms_cleanup", transforms=[TransformCall(name="a.b.C", parameters={"n": 1})])
    assert step.to_task() == {
        "name": "transforms_cleanup",
        "transforms": [{"module": "a.b", "name": "C", "parameters": {"n": 1}}],
    }
