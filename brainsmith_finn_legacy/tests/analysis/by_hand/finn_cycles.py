"""Ask FINN itself for the cycles and stream widths of layers. Nothing of ours is used.

Usage: python finn_cycles.py RUN_FINN LAYERS.json, where RUN_FINN is the file that imports FINN without torch, and the
layers are a list of {"op_type", "attributes"}. Prints a list of {"cycles", "input", "output"} as JSON in the last line.
"""

from __future__ import annotations

import importlib
import json
import runpy
import sys
from pathlib import Path
from typing import Any


def ask(layer: dict[str, Any]) -> dict[str, int]:
    """Return what FINN says of a layer."""
    helper = importlib.import_module("onnx.helper")
    kind = "hls" if layer["op_type"].endswith("_hls") else "rtl"
    node = helper.make_node(
        layer["op_type"], ["a", "b"], ["c"], domain=f"finn.custom_op.fpgadataflow.{kind}", backend="fpgadataflow",
        **layer["attributes"],
    )  # fmt: skip
    operator = importlib.import_module("qonnx.custom_op.registry").getCustomOp(node)
    return {
        "cycles": int(operator.get_exp_cycles()),
        "input": int(operator.get_instream_width()),
        "output": int(operator.get_outstream_width()),
    }


if __name__ == "__main__":
    path = Path(sys.argv[2])
    runpy.run_path(sys.argv[1])["import_finn"](path.parent)
    importlib.import_module("finn.util.settings").initialize_dummy_settings()
    print(json.dumps([ask(layer) for layer in json.loads(path.read_text())]))
