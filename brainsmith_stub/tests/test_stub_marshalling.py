from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from brainsmith_core.config import BuildConfig, GlobalConfig, OutputStage
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_stub.marshalling import marshal

MakeConfig = Callable[..., BuildConfig]


def test_all_of_a_build_is_marshalled(make_config: MakeConfig, model: Path, tmp_path: Path) -> None:
    config = make_config(
        design_space_id="dse_1",
        combination_index=4,
        kernels=[("MatMul", ["rtl", "hls"]), ("~Softmax", ["hls"])],
        transforms={"cleanup": ["RemoveIdentity"], "kernel_opt": ["SetPumped"]},
        build_steps=["step_a", "step_b"],
        config_flags={"board": "Pynq-Z1", "target_clock_ns": 5, "target_fps": 1000, "mock_seed": 3},
        global_config=GlobalConfig(output_stage=OutputStage.RTL, start_step="step_a", output_type="rtl"),
    )
    assert marshal(config, Path("processed.onnx")) == {
        "model_path": str(model),
        "processed_model_path": "processed.onnx",
        "output_dir": str(tmp_path / "out"),
        "kernels": [
            {"name": "MatMul", "backends": ["rtl", "hls"], "optional": False},
            {"name": "Softmax", "backends": ["hls"], "optional": True},
        ],
        "transform_stages": {"cleanup": ["RemoveIdentity"], "kernel_opt": ["SetPumped"]},
        "output_stage": "rtl",
        "working_directory": "./builds",
        "target_device": "Pynq-Z1",
        "target_clock_ns": 5.0,
        "build_steps": ["step_a", "step_b"],
        "start_step": "step_a",
        "stop_step": None,
        "input_type": None,
        "output_type": "rtl",
        "config_flags": {"board": "Pynq-Z1", "target_clock_ns": 5, "target_fps": 1000},
        "design_space_id": "dse_1",
        "combination_index": 4,
    }


@pytest.mark.parametrize(
    ("flags", "device"),
    [
        ({}, None),
        ({"target_device": "U250"}, "U250"),
        ({"board": "Pynq-Z1", "fpga_part": "xc7z020clg400-1"}, "Pynq-Z1"),
        ({"fpga_part": "xc7z020clg400-1"}, "xc7z020clg400-1"),
    ],
)
def test_the_device_is_the_board_or_else_the_part(
    make_config: MakeConfig, flags: dict[str, JSONValue], device: str | None
) -> None:
    assert marshal(make_config(config_flags=flags), Path("m"))["target_device"] == device


@pytest.mark.parametrize("flag", ["target_clock_ns", "clock_period_ns", "synth_clk_period_ns"])
def test_the_clock_has_three_names(make_config: MakeConfig, flag: str) -> None:
    assert marshal(make_config(config_flags={flag: 4}), Path("m"))["target_clock_ns"] == 4.0


def test_the_clock_is_10_ns_where_none_is_given(make_config: MakeConfig) -> None:
    assert marshal(make_config(), Path("m"))["target_clock_ns"] == 10.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config_flags": {"target_clock_ns": 0}}, "period in ns"),
        ({"config_flags": {"target_clock_ns": True}}, "period in ns"),
        ({"config_flags": {"target_clock_ns": "fast"}}, "period in ns"),
        ({"config_flags": {"target_device": 7}}, "must be a name"),
        ({"config_flags": {"board": "U250", "target_device": "U280"}}, "contradict"),
        ({"kernels": [("~", ["hls"])]}, "has no name"),
    ],
)
def test_what_cannot_be_marshalled_is_refused(
    make_config: MakeConfig, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        marshal(make_config(**changes), Path("m"))
