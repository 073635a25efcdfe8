"""The configuration, with the few fields that the tests use."""

from __future__ import annotations

import dataclasses
from typing import Any

default_build_dataflow_steps = ["step_qonnx_to_finn", "step_tidy_up"]
estimate_only_dataflow_steps = ["step_qonnx_to_finn", "step_tidy_up"]


@dataclasses.dataclass
class DataflowBuildConfig:
    """The configuration of a build."""

    output_dir: str
    synth_clk_period_ns: float = 10.0
    generate_outputs: list[str] | None = None
    target_fps: int | None = None
    folding_config_file: str | None = None
    board: str | None = None
    fpga_part: str | None = None
    save_intermediate_models: bool = True
    enable_build_pdb_debug: bool = True
    verbose: bool = False
    steps: list[Any] | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> DataflowBuildConfig:
        """Return the configuration that plain data describe."""
        return cls(**data)
