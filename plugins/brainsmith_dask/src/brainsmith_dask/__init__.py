"""Builds on many machines with Dask.

The names below are the public face; each is imported when it is first used, so that `brainsmith --help` stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainsmith_core.public_face import lazy_names

if TYPE_CHECKING:
    from .executor import DaskExecutor
    from .settings import DaskSettings, JobQueue

_HOME_OF = {"DaskExecutor": "executor", "DaskSettings": "settings", "JobQueue": "settings"}

__all__ = ["DaskExecutor", "DaskSettings", "JobQueue"]

__getattr__ = lazy_names(__name__, _HOME_OF)
