"""The project's store for commands: opened, and put right where a controller was killed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from brainsmith_core.errors import ConfigurationError

from .store.location import STORE_VARIABLE, store_location

if TYPE_CHECKING:
    from .store.database import Store

__all__ = ["project_store"]


@contextlib.contextmanager
def project_store() -> Iterator[Store]:
    """Give the store of the project that the working directory is part of.

    Raises:
        ConfigurationError: if the environment says that there is none.
        BrainsmithError: if it can't be used.
    """
    location = store_location()
    if location is None:
        text = f"nothing is stored: {STORE_VARIABLE} is none"
        raise ConfigurationError(text, hint=f"unset {STORE_VARIABLE}, or set it to a path or URL")
    from .store.database import Store  # the database is needed here only
    from .store.sessions import reconcile

    with Store(location) as store:
        reconcile(store)
        yield store
