"""Load, save, describe, run and compare (Q)ONNX models, whichever engine they need."""

from __future__ import annotations

from .comparison import Comparison, compare, random_inputs, tally
from .files import load_input, load_model, save_model
from .info import Array, ModelInfo, TensorInfo, describe
from .running import Runner, expose, is_custom, readable_bytes

__all__ = [
    "Array",
    "Comparison",
    "ModelInfo",
    "Runner",
    "TensorInfo",
    "compare",
    "describe",
    "expose",
    "is_custom",
    "load_input",
    "load_model",
    "random_inputs",
    "readable_bytes",
    "save_model",
    "tally",
]
