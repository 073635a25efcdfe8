"""A small FINN build in files: reports in FINN's format and a model with the layers' attributes."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.plugins.manager import PluginManager
from brainsmith_finn_legacy import plugin

DOMAIN = "finn.custom_op.fpgadataflow.hls"

#: Two matrix-vector layers and their thresholds: 12 -> 8 -> 4.
LAYERS: dict[str, dict[str, Any]] = {
    "Thresholding_rtl_0": {
        "NumChannels": 12,
        "PE": 1,
        "numInputVectors": [1],
        "inputDataType": "UINT8",
        "outputDataType": "INT2",
    },
    "MVAU_hls_0": {
        "MW": 12,
        "MH": 8,
        "PE": 1,
        "SIMD": 2,
        "numInputVectors": [1],
        "inputDataType": "INT2",
        "weightDataType": "INT2",
        "outputDataType": "INT2",
        "accDataType": "INT8",
        "mem_mode": "internal_decoupled",
        "ram_style": "auto",
        "resType": "lut",
        "noActivation": 0,
    },
    "MVAU_hls_1": {
        "MW": 8,
        "MH": 4,
        "PE": 1,
        "SIMD": 1,
        "numInputVectors": [1],
        "inputDataType": "INT2",
        "weightDataType": "INT2",
        "outputDataType": "INT8",
        "accDataType": "INT8",
        "mem_mode": "external",
        "ram_style": "auto",
        "resType": "lut",
        "noActivation": 1,
    },
}
CYCLES = {"Thresholding_rtl_0": 12, "MVAU_hls_0": 48, "MVAU_hls_1": 32}


def _resources(lut: float, bram: int) -> dict[str, float]:
    return {"BRAM_18K": bram, "BRAM_efficiency": 0.5, "LUT": lut, "URAM": 0, "URAM_efficiency": 1, "DSP": 0}


RESOURCES = {
    "Thresholding_rtl_0": _resources(100.0, 0),
    "MVAU_hls_0": _resources(330.0, 1),
    "MVAU_hls_1": _resources(317.0, 0),
    "total": {"BRAM_18K": 1.0, "LUT": 747.0, "URAM": 0.0, "DSP": 0.0},
}
PERFORMANCE = {
    "critical_path_cycles": 92,
    "max_cycles": 48,
    "max_cycles_node_name": "MVAU_hls_0",
    "estimated_throughput_fps": 1e8 / 48,
    "estimated_latency_ns": 920.0,
}
COUNTS = {
    "Thresholding_rtl_0": {},
    "MVAU_hls_0": {"op_mac_2bx2b": 96, "param_weight_2b": 96},
    "MVAU_hls_1": {"op_mac_2bx2b": 32, "param_weight_2b": 32},
    "total": {"op_mac_2bx2b": 128.0, "param_weight_2b": 128.0},
}
FOLDING = {
    "Defaults": {},
    **{name: {key: each[key] for key in ("PE", "SIMD") if key in each} for name, each in LAYERS.items()},
}


def varint(value: int) -> bytes:
    """Encode a number as protocol buffers do."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: Any) -> bytes:
    """Encode a field of a message: an integer, a float, or bytes and text with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def attribute(name: str, value: Any, *, packed: bool = False) -> bytes:
    """Encode an attribute of a node."""
    if isinstance(value, list):
        number = {float: 7, int: 8, str: 9}[type(value[0])]
        if packed and isinstance(value[0], int):
            return field(1, name) + field(number, b"".join(map(varint, value)))
        if packed and isinstance(value[0], float):
            return field(1, name) + field(number, struct.pack(f"<{len(value)}f", *value))
        return field(1, name) + b"".join(field(number, item) for item in value)
    number = {float: 2, int: 3, str: 4}[type(value)]
    return field(1, name) + field(number, value)


def encode_model(layers: Mapping[str, Mapping[str, Any]], *, packed: bool = False) -> bytes:
    """Encode a model whose layers are a chain."""
    nodes = b""
    for index, (name, attributes) in enumerate(layers.items()):
        node = field(1, f"t{index}") + field(2, f"t{index + 1}") + field(3, name) + field(4, name.rpartition("_")[0])
        node += b"".join(field(5, attribute(key, value, packed=packed)) for key, value in attributes.items())
        nodes += field(1, node + field(7, DOMAIN))
    graph = nodes + field(2, "graph") + field(5, b"\x00\xff" * 50)  # an initializer, which is stepped over
    return field(1, 8) + field(2, "test") + field(7, graph) + varint(8 << 3 | 1) + struct.pack("<d", 1.0)


@pytest.fixture(scope="session")
def plugins() -> PluginManager:
    """Core and FINN's parsers only, whatever else is installed."""
    manager = PluginManager()
    manager.register(plugin, "finn_legacy", "brainsmith-finn-legacy", "0.1.0")
    return manager


@pytest.fixture
def finn_output(tmp_path: Path) -> Callable[..., Path]:
    """Write a FINN output folder; `model=False` leaves the model out, other names are further reports."""

    def write(*, model: bool = True, layers: Mapping[str, Mapping[str, Any]] = LAYERS, **reports: Any) -> Path:
        root = tmp_path / "finn"
        (root / "report").mkdir(parents=True, exist_ok=True)
        found = {
            "estimate_layer_cycles": CYCLES,
            "estimate_layer_resources": RESOURCES,
            "estimate_network_performance": PERFORMANCE,
            "op_and_param_counts": COUNTS,
            "auto_folding_config": FOLDING,
            **reports,
        }
        for name, data in found.items():
            if data is not None:
                (root / "report" / f"{name}.json").write_text(json.dumps(data))
        if model:
            (root / "intermediate_models").mkdir(exist_ok=True)
            saved = root / "intermediate_models" / "step_generate_estimate_reports.onnx"
            saved.write_bytes(encode_model(layers))
        return root

    return write


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The shared folder of real reports."""
    shared = Path(os.environ.get("BRAINSMITH_SHARED") or Path(__file__).parents[4] / "shared")
    folder = shared / "corpus"
    if not folder.is_dir():
        pytest.skip(f"the corpus of real reports isn't here: {folder}")
    return folder
