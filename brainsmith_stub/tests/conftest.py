from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.config import BuildConfig


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file that may be an ONNX model as far as a simulation can tell."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x07\x12\x04test\x80")
    return path


@pytest.fixture
def make_config(tmp_path: Path, model: Path) -> Callable[..., BuildConfig]:
    def make(**changes: Any) -> BuildConfig:
        values = {"id": "a", "model_path": str(model), "output_dir": str(tmp_path / "out"), **changes}
        return BuildConfig(**values)

    return make
