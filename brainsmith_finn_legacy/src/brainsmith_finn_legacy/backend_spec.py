"""The backend's record, apart from its code: listing backends imports nothing heavy."""

from __future__ import annotations

from brainsmith_core import OutputStage
from brainsmith_core.records import BackendSpec

__all__ = ["LEGACY_FINN"]

LEGACY_FINN = BackendSpec(
    name="legacy_finn",
    title="FINN Legacy Builder",
    summary="Real FINN builds: estimates without Vivado; RTL, stitched IP, synthesis and bitfiles with it.",
    target="brainsmith_finn_legacy.backend:LegacyFINNBackend",
    output_stages=tuple(OutputStage),
    priority=10,
)
