"""Steps named as FINN's are, which do nearly nothing, and one for each thing that can go wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HARDWARE = "finn.custom_op.fpgadataflow"


def _passed(model: Any, cfg: Any) -> Any:
    del cfg
    return model


def step_qonnx_to_finn(model: Any, cfg: Any) -> Any:
    """Do nothing."""
    return _passed(model, cfg)


def step_tidy_up(model: Any, cfg: Any) -> Any:
    """Do nothing, either."""
    return _passed(model, cfg)


def step_streamline(model: Any, cfg: Any) -> Any:
    """Do nothing."""
    return _passed(model, cfg)


def step_create_dataflow_partition(model: Any, cfg: Any) -> Any:
    """Refuse a model with an operator between hardware layers."""
    kinds = [node.domain == HARDWARE for node in model.graph.node]
    for index, node in enumerate(model.graph.node):
        if not kinds[index] and any(kinds[:index]) and any(kinds[index:]):
            raise RuntimeError(f"Unsupported/unmapped layer(s) found in between, starting with node {node.name}.")
    return _passed(model, cfg)


def step_specialize_layers(model: Any, cfg: Any) -> Any:
    """Choose what is preferred, but RTL never for an MVAU."""
    for node in model.graph.node:
        if node.domain == HARDWARE:
            style = node.attributes.get("preferred_impl_style") or "hls"
            node.op_type += "_hls" if node.op_type == "MVAU" else f"_{style}"
    return _passed(model, cfg)


def step_apply_folding_config(model: Any, cfg: Any) -> Any:
    """Set what the folding file says."""
    if cfg.folding_config_file:
        folding = json.loads(Path(cfg.folding_config_file).read_text())
        for node in model.graph.node:
            node.attributes.update(folding.get(node.name, {}))
    return _passed(model, cfg)


def step_generate_estimate_reports(model: Any, cfg: Any) -> Any:
    """Write two reports."""
    report = Path(cfg.output_dir) / "report"
    report.mkdir(parents=True)
    (report / "estimate_network_performance.json").write_text(json.dumps({"estimated_throughput_fps": 500.0}))
    (report / "estimate_layer_cycles.json").write_text(json.dumps({"MVAU_hls_0": 200000}))
    return _passed(model, cfg)


def step_raises(model: Any, cfg: Any) -> Any:
    """Raise, while working on a node."""
    for node in model.graph.node:
        raise ValueError(f"this step fails for {cfg.board}, whatever {node.op_type} it is")


def step_exits(model: Any, cfg: Any) -> Any:
    """Leave Python."""
    raise SystemExit(3)


def step_gives_nothing(model: Any, cfg: Any) -> None:
    """Forget to return the model."""


def step_memory_error(model: Any, cfg: Any) -> Any:
    """Run out of memory, politely."""
    raise MemoryError


def step_eats_memory(model: Any, cfg: Any) -> Any:
    """Take all the memory there is."""
    hoard = []
    while True:
        hoard.append(b"x" * 2**24)


def step_crashes(model: Any, cfg: Any) -> Any:
    """Crash."""
    os.kill(os.getpid(), signal.SIGSEGV)


def step_hangs(model: Any, cfg: Any) -> Any:
    """Hang."""
    while True:
        time.sleep(1)


def step_floods(model: Any, cfg: Any) -> Any:
    """Print much."""
    for _ in range(80 * 1024):
        print("x" * 1023)
    return model


def step_leaves_processes(model: Any, cfg: Any) -> Any:
    """Leave processes in the background, one of them in a session of its own."""
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
    for own_session in (False, True):
        child = subprocess.Popen(sleeping, start_new_session=own_session)
        with (Path(cfg.output_dir) / "children").open("a") as file:
            file.write(f"{child.pid}\n")
    return model


def step_asks(model: Any, cfg: Any) -> Any:
    """Ask for input."""
    input("really? ")
    return model


build_dataflow_step_lookup = {name: value for name, value in globals().items() if name.startswith("step_")}
