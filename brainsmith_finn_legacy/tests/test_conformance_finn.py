"""FINN's parsers and the backend pass the standard tests of their kinds."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from brainsmith_core.testing import BackendSuite, MetricParserSuite
from brainsmith_finn_legacy.environments import FINNEnvironment

MODEL = Path(__file__).parents[2] / "examples" / "digits" / "model.onnx"


class TestLayerCycles(MetricParserSuite):
    parser = "finn_layer_cycles"
    samples: ClassVar = {
        "estimate_layer_cycles.json": ('{"MVAU_hls_0": 60, "MVAU_hls_1": 61}', {"perf.cycles": [60, 61]})
    }


@pytest.mark.finn
@pytest.mark.slow
@pytest.mark.skipif(not MODEL.is_file(), reason="examples/digits/model.onnx isn't there")
class TestBackend(BackendSuite):
    backend = "legacy_finn"
    model = MODEL.read_bytes() if MODEL.is_file() else b""
    flags: ClassVar = {"board": "Pynq-Z1", "target_clock_ns": 10.0, "target_fps": 1000}

    @pytest.fixture(autouse=True)
    def _environment(self, finn_environment: FINNEnvironment) -> None:
        """A real FINN environment, or none of these tests."""
        del finn_environment
