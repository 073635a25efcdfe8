"""Keep stdout for what this program itself has to say: whatever else is written to descriptor 1 goes to stderr."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

__all__ = ["own_stdout"]


@contextlib.contextmanager
def own_stdout() -> Iterator[None]:
    """Make `sys.stdout` the only way to stdout while the body runs.

    Libraries in C, child processes and threads of plugins write to descriptor 1 whenever they like; a JSON document on
    stdout must stay one. If threads of others are left at the end, stdout stays closed to them. Nothing is changed
    where `sys.stdout` isn't the descriptor, or either is closed.
    """
    stream = sys.__stdout__
    if stream is None or sys.stdout is not stream:
        yield
        return
    try:
        os.fstat(2)
        stream.flush()
        kept = os.dup(stream.fileno())
    except (OSError, ValueError):
        yield
        return
    os.dup2(2, 1)
    own = os.fdopen(kept, "w", encoding=stream.encoding, errors=stream.errors)
    sys.stdout = own
    try:
        yield
    finally:
        # The reader may have gone: whoever had to hear of that has.
        with contextlib.suppress(OSError):
            own.flush()
        if threading.active_count() > 1:
            # The program ends, but waits for threads that are none of its own: what they still print is no result.
            sys.stdout = sys.stderr
        else:
            os.dup2(kept, 1)
            sys.stdout = stream
        with contextlib.suppress(OSError):
            own.close()
