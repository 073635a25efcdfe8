from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core.config import BuildConfig, OutputStage
from brainsmith_core.errors import ConfigurationError
from brainsmith_finn_legacy.dataflow_config import plan_build, stage_outputs
from brainsmith_finn_legacy.environments.records import FINNEnvironment

MakeConfig = Callable[..., BuildConfig]


def refusal(config: BuildConfig, environment: FINNEnvironment) -> str:
    with pytest.raises(ConfigurationError) as caught:
        plan_build(config, environment)
    return str(caught.value)


def older(environment: FINNEnvironment, **changes: Any) -> FINNEnvironment:
    return attrs.evolve(environment, description=attrs.evolve(environment.description, **changes))


def test_what_no_flag_says_stays_as_finn_has_it(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    plan = plan_build(make_config(), environment)
    assert plan.settings == {
        "board": "Pynq-Z1",
        "synth_clk_period_ns": 10.0,
        "generate_outputs": ["estimate_reports"],
        "save_intermediate_models": False,
        "enable_build_pdb_debug": False,
        "verbose": False,
    }
    assert plan.warnings == ()


def test_flags_are_finns_own_fields(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    flags = {"board": "ZCU104", "target_fps": 1e5, "mvau_wwidth_max": 80, "save_intermediate_models": True}
    settings = plan_build(make_config(config_flags=flags), environment).settings
    assert {name: settings[name] for name in flags} == flags
    assert isinstance(settings["target_fps"], int)


@pytest.mark.parametrize("name", ["synth_clk_period_ns", "target_clock_ns", "clock_period_ns"])
def test_the_clock_has_several_names(environment: FINNEnvironment, make_config: MakeConfig, name: str) -> None:
    plan = plan_build(make_config(config_flags={"board": "Pynq-Z1", name: 5}), environment)
    assert plan.settings["synth_clk_period_ns"] == 5.0
    assert name == "synth_clk_period_ns" or name not in plan.settings


def test_the_target_may_be_a_part_or_a_device(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    part = plan_build(make_config(config_flags={"target_device": "xc7z020clg400-1"}), environment)
    assert part.settings["fpga_part"] == "xc7z020clg400-1"
    assert "board" not in part.settings
    unusual = plan_build(make_config(config_flags={"fpga_part": "xcvu9p-flga2104-2-i"}), environment)
    assert len(unusual.warnings) == 1


def test_finn_itself_is_told_the_part_of_a_board(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    plan = plan_build(make_config(), attrs.evolve(environment, flavour="finn"))
    assert plan.settings["board"] == "Pynq-Z1"
    assert plan.settings["fpga_part"] == "xc7z020clg400-1"


def test_intermediate_models_are_kept_where_the_backend_preserves_them(
    environment: FINNEnvironment, make_config: MakeConfig
) -> None:
    plan = plan_build(make_config(settings={"log_level": "DEBUG"}), environment, preserve_intermediate=True)
    assert plan.settings["save_intermediate_models"] is True
    assert plan.settings["verbose"] is True


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"target_fsp": 3}, 'FINN+ 1.6.1 has no flag "target_fsp"\ndid you mean "target_fps"?'),
        ({"target_clok_ns": 3}, 'did you mean "target_clock_ns"?'),
        ({"target_fps": "many"}, "must be a whole number"),
        ({"target_fps": 0}, "must be greater than 0"),
        ({"target_clock_ns": -1}, "must be greater than 0"),
        ({"target_clock_ns": 5, "synth_clk_period_ns": 4}, "contradict each other"),
        ({"board": "Pynq-Z3"}, "knows no board"),
        ({"board": None}, "no target: step_specialize_layers of FINN+ 1.6.1 needs a board"),
        ({"output_dir": "/tmp/x"}, "set the build's output_dir"),
        ({"steps": []}, "give build_steps"),
        ({"start_step": "step_tidy_up"}, "give start_step in global"),
        ({"enable_build_pdb_debug": True}, "no terminal"),
        ({"multi_dnn_config_path": "x.yaml"}, "a build has one model"),
        ({"folding_config_file": "folding.json"}, "names a file that doesn't exist"),
        (
            {"generate_outputs": ["estimate_reports", "bitfile"]},
            "asks for bitfile, but the output stage is dataflow_graph",
        ),
        ({"verify_steps": ["initial_python"]}, 'verify_steps needs the flag "verify_input_npy"'),
    ],
)
def test_wrong_flags_are_refused(
    environment: FINNEnvironment, make_config: MakeConfig, flags: dict[str, Any], message: str
) -> None:
    assert message in refusal(make_config(config_flags={"board": "Pynq-Z1", **flags}), environment)


def test_a_flag_of_another_version_is_refused_naming_the_version(
    environment: FINNEnvironment, make_config: MakeConfig
) -> None:
    fields = [field for field in environment.description.fields if field.name != "verify_nodewise_report"]
    old = attrs.evolve(older(environment, fields=fields), version="1.5.0")
    message = refusal(make_config(config_flags={"board": "Pynq-Z1", "verify_nodewise_report": True}), old)
    assert message.startswith('FINN+ 1.5.0 has no flag "verify_nodewise_report"')


def test_without_a_target_only_steps_run_that_need_none(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    config = make_config(config_flags={}, settings={"stop_step": "step_create_dataflow_partition"})
    assert "board" not in plan_build(config, environment).settings


def test_files_are_given_to_finn_by_absolute_path(
    environment: FINNEnvironment, make_config: MakeConfig, tmp_path: Path
) -> None:
    (tmp_path / "folding.json").write_text('{"Defaults": {}}')
    plan = plan_build(
        make_config(config_flags={"board": "Pynq-Z1", "folding_config_file": "folding.json"}), environment
    )
    assert plan.files == {"folding_config_file": tmp_path / "folding.json"}
    assert plan.settings["folding_config_file"] == str(tmp_path / "folding.json")


def test_a_verification_finds_its_files_beside_the_model(
    environment: FINNEnvironment, make_config: MakeConfig, tmp_path: Path
) -> None:
    for name in ("input.npy", "wanted.npy"):
        (tmp_path / name).touch()
    flags = {"board": "Pynq-Z1", "verify_steps": ["initial_python"], "verify_expected_output_npy": "wanted.npy"}
    plan = plan_build(make_config(config_flags=flags), environment)
    assert plan.settings["verify_input_npy"] == str(tmp_path / "input.npy")
    assert plan.settings["verify_expected_output_npy"] == str(tmp_path / "wanted.npy")


@pytest.mark.parametrize(
    ("stage", "outputs"),
    [
        (OutputStage.DATAFLOW_GRAPH, {"estimate_reports"}),
        (OutputStage.RTL, {"estimate_reports", "rtlsim_performance"}),
        (OutputStage.STITCHED_IP, {"estimate_reports", "rtlsim_performance", "stitched_ip"}),
        (
            OutputStage.OUT_OF_CONTEXT_SYNTH,
            {"estimate_reports", "rtlsim_performance", "stitched_ip", "out_of_context_synth"},
        ),
    ],
)
def test_products_follow_the_output_stage(environment: FINNEnvironment, stage: OutputStage, outputs: set[str]) -> None:
    assert set(stage_outputs(stage, environment)) == outputs
    old = older(environment, default_steps=["step_hw_codegen", "step_hw_ipgen"])
    assert set(stage_outputs(stage, old)) == outputs | ({"stitched_ip"} if stage is OutputStage.RTL else set())


@pytest.mark.parametrize(("board", "shell"), [("Pynq-Z1", "vivado_zynq"), ("U250", "vitis_alveo")])
def test_a_bitfile_is_for_the_shell_of_its_board(
    environment: FINNEnvironment, make_config: MakeConfig, board: str, shell: str
) -> None:
    config = make_config(config_flags={"board": board}, settings={"output_stage": OutputStage.BITFILE})
    plan = plan_build(config, environment)
    assert plan.settings["shell_flow_type"] == shell
    assert "bitfile" in str(plan.settings["generate_outputs"])


def test_products_may_be_chosen_within_the_stage(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    flags = {"board": "Pynq-Z1", "generate_outputs": ["bitfile", "cpp_driver", "out_of_context_synth"]}
    config = make_config(config_flags=flags, settings={"output_stage": OutputStage.BITFILE})
    assert plan_build(config, environment).settings["generate_outputs"] == flags["generate_outputs"]


def test_products_are_free_where_the_steps_are_given(environment: FINNEnvironment, make_config: MakeConfig) -> None:
    flags = {"board": "Pynq-Z1", "generate_outputs": []}
    config = make_config(config_flags=flags, build_steps=["tidy_up"])
    assert plan_build(config, environment).settings["generate_outputs"] == []
