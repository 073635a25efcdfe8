"""The FINN environment that many builds of one moment share: it is looked at once, not once for each."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Final

from .homes import finn_home
from .records import FINNEnvironment

__all__ = ["recent_environment"]

#: To look whether an environment has changed is to look at all its files; so long a look is believed, in seconds.
#: FINN itself stays as it was imported for as long as its worker lives, which is longer.
_BELIEVED_SECONDS: Final = 2.0

_lock = threading.Lock()
_found: dict[tuple[object, ...], tuple[float, FINNEnvironment]] = {}


def recent_environment(wanted: str | Path | None) -> FINNEnvironment:
    """Return what `FINNEnvironmentManager().find(wanted)` gives or has just given.

    Raises:
        ConfigurationError: there can't be such an environment.
        MissingRequirementError: it isn't there or doesn't work.
    """
    from .manager import FINNEnvironmentManager

    told = [item for item in os.environ.items() if item[0].startswith(("BRAINSMITH_", "FINN_"))]
    key = (wanted, finn_home(), Path.cwd(), tuple(sorted(told)))
    with _lock:
        seen, environment = _found.get(key, (0.0, None))
        if environment is None or time.monotonic() - seen > _BELIEVED_SECONDS:
            environment = FINNEnvironmentManager().find(wanted)
            _found[key] = time.monotonic(), environment
        return environment
