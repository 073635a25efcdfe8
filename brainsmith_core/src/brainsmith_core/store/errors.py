"""What can go wrong with a store."""

from __future__ import annotations

__all__ = ["DamagedEntry", "StoreError"]


class StoreError(Exception):
    """The store can't be used as asked: a wrong name or digest, a folder that isn't a store."""


class DamagedEntry(StoreError):  # noqa: N818 - it says what is damaged, and is caught by that name
    """Something in the store isn't what was put there, or is gone; it was dropped, so make it again."""
