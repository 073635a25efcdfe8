"""A limit for FINN's own log, which would take every line that a step prints."""

from __future__ import annotations

import logging
import os

__all__ = ["LOG_BYTES", "cap_finn_log"]

#: As much as the build's log may hold.
LOG_BYTES = 64 * 1024 * 1024


def cap_finn_log(limit: int = LOG_BYTES) -> None:
    """Let the handlers that write `build_dataflow.log` stop at `limit` bytes; harmless where it was done before."""
    for handler in logging.getLogger().handlers:
        name = os.path.basename(getattr(handler, "baseFilename", ""))
        if name == "build_dataflow.log" and not any(isinstance(each, _Limit) for each in handler.filters):
            handler.addFilter(_Limit(limit))


class _Limit(logging.Filter):
    """Lets records pass until they amount to a number of bytes; what comes later is only in the build's log."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._room = limit

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether there is room for the record; the last one that has says that it is the last."""
        if self._room <= 0:
            return False
        self._room -= len(record.getMessage())
        if self._room <= 0:
            record.msg, record.args = "this log's limit is reached; what follows isn't written down here", ()
        return True
