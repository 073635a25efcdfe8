"""The migrations of the store's schema, oldest first; each is a module with `upgrade(op)`.

They only go forwards, and are never changed once released: a database of any age must end up the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alembic.operations import Operations

from . import v0001_builds, v0002_queue

__all__ = ["MIGRATIONS"]

MIGRATIONS: Final[tuple[Callable[[Operations], None], ...]] = (v0001_builds.upgrade, v0002_queue.upgrade)
