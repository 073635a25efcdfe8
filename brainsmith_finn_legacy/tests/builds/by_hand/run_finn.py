"""Run FINN as its documentation says: make a DataflowBuildConfig and call build_dataflow_cfg. Nothing of ours is used.

Usage: python run_finn.py POINTS.json, a list of {"model", "output_dir", "settings", "steps": optional}
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def stand_in(name: str, *classes: str) -> None:
    """Put an empty module in place of a package that FINN imports and estimates don't use."""
    module = ModuleType(name)
    module.__path__ = []
    for each in classes:
        setattr(module, each, type(each, (), {}))
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


def import_finn(folder: Path) -> None:
    """Import FINN+ without torch and Vivado; FINN+ 1.4 looks for a file that it would else build."""
    os.environ["XILINX_VIVADO"] = "/nonexistent/Vivado/2024.2"
    os.environ["FINN_XSI"] = str(folder)
    (folder / "xsi.so").touch()
    for name, *classes in (
        ("torch", "Tensor"),
        ("torch.nn",),
        ("torch.nn.functional",),
        ("xsi", "Kernel", "Design", "Port"),
    ):
        if importlib.util.find_spec(name) is None:
            stand_in(name, *classes)
    xsi = importlib.import_module("finn.xsi")
    for name in getattr(xsi, "_LAZY_NAMES", ()):
        setattr(xsi, name, None)


def build(point: dict[str, Any]) -> int:
    """Build one point."""
    os.environ["FINN_BUILD_DIR"] = f"{point['output_dir']}.build_dir"
    Path(os.environ["FINN_BUILD_DIR"]).mkdir(parents=True)
    importlib.import_module("finn.util.settings").initialize_dummy_settings()
    builder = importlib.import_module("finn.builder.build_dataflow")
    config = importlib.import_module("finn.builder.build_dataflow_config")
    cfg = config.DataflowBuildConfig(
        output_dir=point["output_dir"],
        generate_outputs=[config.DataflowOutputType.ESTIMATE_REPORTS],
        steps=config.estimate_only_dataflow_steps,
        save_intermediate_models=False,
        **point["settings"],
    )
    code: int = builder.build_dataflow_cfg(point["model"], cfg)
    return code


if __name__ == "__main__":
    import_finn(Path(sys.argv[1]).parent)
    points = json.loads(Path(sys.argv[1]).read_text())
    sys.exit(max(abs(build(point)) for point in points))
