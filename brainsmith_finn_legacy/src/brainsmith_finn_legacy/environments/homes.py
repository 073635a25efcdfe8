"""Where FINN environments and what is known about them live on this machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from brainsmith_core.errors import MissingRequirementError

__all__ = ["exclusive", "finn_home"]


def finn_home() -> Path:
    """Return the folder of all managed FINN environments.

    It is `$BRAINSMITH_HOME/finn`, else `$XDG_DATA_HOME/brainsmith/finn`, else `~/.local/share/brainsmith/finn`.
    """
    home = os.environ.get("BRAINSMITH_HOME", "")
    if home:
        return Path(home).expanduser().absolute() / "finn"
    data = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification says to ignore relative paths.
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "brainsmith" / "finn"


@contextlib.contextmanager
def exclusive(file: Path, waiting: Callable[[], None] | None = None) -> Iterator[int]:
    """Hold a lock; yield its file descriptor.

    A child process that is given the descriptor holds the lock too: should we be killed, it lasts until that child
    has ended.

    Args:
        file: the lock file; made if it isn't there, and never removed.
        waiting: called once if somebody else holds the lock; then it is waited for. None: give up at once.

    Raises:
        BlockingIOError: somebody else holds it, and there's no `waiting`.
        MissingRequirementError: the file can't be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        text = f"{file.parent} can't be written to: {error.strerror or error}"
        raise MissingRequirementError(text, hint="set BRAINSMITH_HOME to a folder of yours", category="disk") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is None:
                raise
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
