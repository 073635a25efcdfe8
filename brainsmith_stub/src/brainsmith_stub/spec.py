"""The backend's record; light, since every command reads it."""

from __future__ import annotations

from typing import Final

from brainsmith_core import OutputStage
from brainsmith_core.records import BackendSpec

__all__ = ["SPEC"]

SPEC: Final = BackendSpec(
    name="future_brainsmith",
    summary="Simulated FINN-Brainsmith build: marshals the configuration, every figure is simulated.",
    target="brainsmith_stub.backend:FutureBrainsmithBackend",
    output_stages=(OutputStage.DATAFLOW_GRAPH, OutputStage.RTL, OutputStage.STITCHED_IP),
    title="FINN-Brainsmith Direct (Stub)",
    simulated=True,
)
