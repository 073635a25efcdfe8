from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from brainsmith_core.config import BuildConfig, OutputStage
from brainsmith_core.errors import MissingRequirementError
from brainsmith_core.formats.json_values import JSONValue
from brainsmith_finn_legacy.backend import LegacyFINNBackend
from brainsmith_finn_legacy.environments.records import FINNEnvironment
from brainsmith_finn_legacy.requirements import check_requirements, missing_requirements, needs_of_step

MakeConfig = Callable[..., BuildConfig]
TOOLS = ("vivado", "vitis_hls", "v++")


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, str]:
    """Variables of a machine on which all tools are installed."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    folders = ("XILINX_VIVADO", "XILINX_VITIS", "VITIS_PATH", "PLATFORM_REPO_PATHS", "XILINX_XRT", "OHMYXILINX")
    return {"PATH": str(programs), **dict.fromkeys(folders, str(tmp_path))}


@pytest.fixture
def no_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("XILINX_VIVADO", "XILINX_VITIS", "PLATFORM_REPO_PATHS", "XILINX_XRT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("step", "settings", "needs"),
    [
        ("step_streamline", {}, ()),
        ("step_hw_codegen", {}, ()),
        ("step_hw_ipgen", {}, ("hls", "vivado")),
        ("step_generate_hardware", {}, ("hls", "vivado")),
        ("step_set_fifo_depths", {}, ("hls", "vivado")),
        ("step_set_fifo_depths", {"auto_fifo_depths": False}, ()),
        ("step_create_stitched_ip", {"generate_outputs": ["estimate_reports"]}, ()),
        ("step_create_stitched_ip", {"generate_outputs": ["stitched_ip"]}, ("vivado",)),
        ("step_synthesize_bitfile", {"generate_outputs": ["bitfile"]}, ("vivado",)),
        (
            "step_synthesize_bitfile",
            {"generate_outputs": ["bitfile"], "shell_flow_type": "vitis_alveo"},
            ("vitis", "vivado"),
        ),
        ("step_apply_folding_config", {"verify_steps": ["folded_hls_cppsim"]}, ("hls",)),
        ("step_apply_folding_config", {"verify_steps": ["streamlined_python"]}, ()),
    ],
)
def test_each_step_says_which_tools_it_uses(
    environment: FINNEnvironment, step: str, settings: dict[str, Any], needs: tuple[str, ...]
) -> None:
    assert needs_of_step(step, settings, environment) == needs


def test_finn_itself_synthesises_out_of_context_with_oh_my_xilinx(environment: FINNEnvironment) -> None:
    settings: dict[str, JSONValue] = {"generate_outputs": ["out_of_context_synth"]}
    old = attrs.evolve(environment, flavour="finn")
    assert needs_of_step("step_out_of_context_synthesis", settings, environment) == ("vivado",)
    assert needs_of_step("step_out_of_context_synthesis", settings, old) == ("ohmyxilinx", "vivado")


def test_nothing_is_missing_where_all_tools_are(environment: FINNEnvironment, tools: dict[str, str]) -> None:
    needs = ("vivado", "hls", "vitis", "ohmyxilinx")
    assert missing_requirements(needs, environment, tools) == []
    assert missing_requirements(needs, attrs.evolve(environment, flavour="finn"), tools) == []


def test_each_missing_thing_is_named(environment: FINNEnvironment, tmp_path: Path) -> None:
    environ = {"PATH": "", "XILINX_VIVADO": str(tmp_path / "gone")}
    found = missing_requirements(("vivado", "hls", "vitis", "ohmyxilinx"), environment, environ)
    assert found[:3] == [
        "vivado isn't on PATH",
        f"XILINX_VIVADO names no folder ({tmp_path / 'gone'})",
        "vitis_hls or vitis-run isn't on PATH",
    ]
    assert "XILINX_XRT isn't set" in found
    assert "OHMYXILINX isn't set" in found


def test_the_small_environment_lacks_nothing(environment: FINNEnvironment, tools: dict[str, str]) -> None:
    small = attrs.evolve(environment, profile="small")
    assert missing_requirements((), small, {}) == []
    assert missing_requirements(("vivado", "hls"), small, tools) == []


@pytest.mark.parametrize("stage", [stage for stage in OutputStage if stage is not OutputStage.DATAFLOW_GRAPH])
def test_what_needs_vivado_is_refused_before_the_build(
    environment: FINNEnvironment, make_config: MakeConfig, no_tools: None, stage: OutputStage
) -> None:
    backend = LegacyFINNBackend(environment=environment)
    with pytest.raises(MissingRequirementError, match="vivado isn't on PATH") as caught:
        backend.validate(make_config(settings={"output_stage": stage}))
    assert stage.value in caught.value.message
    assert "step_generate_hardware" in caught.value.message
    assert "XILINX_VIVADO isn't set" in caught.value.message
    assert "settings64.sh" in str(caught.value)


def test_steps_beyond_the_estimate_are_refused_whatever_the_stage(
    environment: FINNEnvironment, make_config: MakeConfig, no_tools: None
) -> None:
    with pytest.raises(MissingRequirementError, match="step_hw_ipgen"):
        LegacyFINNBackend(environment=environment).validate(make_config(build_steps=["hw_ipgen"]))


def test_estimates_and_code_generation_need_no_tools(environment: FINNEnvironment, no_tools: None) -> None:
    check_requirements(environment.description.flows["hw_codegen"], {}, environment, "dataflow_graph")
