"""The postprocessing steps, as plugins' records: names, parameters and where their code is."""

from __future__ import annotations

from brainsmith_core.records import StepSpec

__all__ = ["STEPS"]

STEPS: tuple[StepSpec, ...] = ()
