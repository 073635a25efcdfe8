"""Whether anything is reused, and from where."""

from __future__ import annotations

import os
from pathlib import Path

from ...config import BuildConfig
from ...store import default_root

__all__ = ["NO_CACHE_VARIABLE", "cache_root"]

#: Set to anything but "" or "0": nothing is reused and nothing is stored.
NO_CACHE_VARIABLE = "BRAINSMITH_NO_CACHE"


def cache_root(config: BuildConfig) -> Path | None:
    """Return the folder of the store that a build uses, or None if it shall run whole."""
    if not config.global_config.cache_results or os.environ.get(NO_CACHE_VARIABLE, "") not in ("", "0"):
        return None
    return Path(default_root())
