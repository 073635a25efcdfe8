"""Run FINN afresh for each configuration, with nothing of ours: a process that has imported FINN forks for each one.

Runs in FINN's interpreter: python fresh_finn.py RUN_FINN.py SCRATCH. Each line on stdin is a point as `run_finn.py`
takes it, with `final_model` and `shared` (all configurations in this process, one after the other, as a loop would do).
Each line on stdout is the outcome: `{"code", "seconds"}`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any


def load(path: str) -> ModuleType:
    """Import a file."""
    spec = importlib.util.spec_from_file_location("run_finn", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(by_hand: ModuleType, point: dict[str, Any]) -> int:
    """Run FINN for one configuration; its last step is ours: it saves the model that the one before returned."""
    os.environ["FINN_BUILD_DIR"] = point["build_dir"]
    Path(point["build_dir"]).mkdir(parents=True, exist_ok=True)
    importlib.import_module("finn.util.settings").initialize_dummy_settings()
    builder = importlib.import_module("finn.builder.build_dataflow")
    module = importlib.import_module("finn.builder.build_dataflow_config")

    def keep_model(model: Any, cfg: Any) -> Any:
        del cfg
        model.save(point["final_model"])
        return model

    cfg = module.DataflowBuildConfig.from_dict({**point["settings"], "output_dir": point["output_dir"]})
    steps = list(module.estimate_only_dataflow_steps)
    if point.get("stop_step"):
        steps = steps[: steps.index(point["stop_step"]) + 1]
    cfg.steps = [*steps, keep_model]
    cfg.save_intermediate_models = point["settings"].get("save_intermediate_models", False)
    code: int = builder.build_dataflow_cfg(point["model"], cfg)
    return code


def forked(by_hand: ModuleType, point: dict[str, Any], log: Path) -> int:
    """Build in a child."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        os.chdir(point["cwd"])
        code = abs(build(by_hand, point))
    except BaseException:  # noqa: BLE001 - FINN's; the log has it
        traceback.print_exc()
    os._exit(code)


def main() -> None:
    """Answer each line."""
    by_hand = load(sys.argv[1])
    scratch = Path(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    by_hand.import_finn(scratch)
    importlib.import_module("finn.builder.build_dataflow")
    answers.write(json.dumps({"ready": os.getpid()}) + "\n")
    for line in sys.stdin:
        point = json.loads(line)
        started = time.perf_counter()
        code = build(by_hand, point) if point.get("shared") else forked(by_hand, point, scratch / "fresh.log")
        answers.write(json.dumps({"code": code, "seconds": time.perf_counter() - started}) + "\n")


if __name__ == "__main__":
    main()
