"""Incremental steps: a step whose recorded reads all match isn't run again; what it made is restored.

| module | what |
|---|---|
| `values` | values of configuration fields as JSON, files by content |
| `reads` | what a step read, and whether it would read the same now |
| `configuration` | the configuration object that records its reads |
| `watch` | files, environment, processes, network, clock and random numbers, seen while a step runs |
| `folder` | what a step wrote below the output folder |
| `printed` | what it printed and logged |
| `sources` | the user's own code, by content |
| `models` | models by digest, loaded only when a step runs |
| `traces` | traces in the store |
| `engine` | all of it together, for one build |
"""

from __future__ import annotations

from .engine import Engine, StepTask, seed_random
from .models import DamagedModelError, Model

__all__ = ["DamagedModelError", "Engine", "Model", "StepTask", "seed_random"]
