"""The builder; it treats exceptions as FINN does: it swallows them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper


def build_dataflow_cfg(model_filename: str, cfg: Any) -> int:
    """Run the steps and return 0, or -1 if one of them failed."""
    Path(cfg.output_dir).mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=str(Path(cfg.output_dir) / "build_dataflow.log"), force=True, level=logging.INFO)
    log = logging.getLogger("build_dataflow")
    if cfg.board == "lets exceptions through":
        raise RuntimeError("settings are missing")
    if cfg.board == "gives up":
        return -1
    if cfg.board == "warns":
        log.warning("\nUnused HW configurations: MVAU_7")
    if cfg.board == "survives failures":
        return 0
    try:
        model: Any = ModelWrapper(model_filename)
        for number, step in enumerate(cfg.steps, start=1):
            log.info("Running step: %s [%d/%d]", step.__name__, number, len(cfg.steps))
            model = step(model, cfg)
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - as FINN does
        log.error("FINN INTERNAL COMPILER ERROR: %s", error)  # noqa: TRY400 - FINN gives no traceback
        return -1
    return 0
