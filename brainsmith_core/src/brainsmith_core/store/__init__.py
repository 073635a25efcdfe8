"""A content store: files by their digest, and entries that name them; many processes may use one at once.

It also runs inside foreign interpreters (Python 3.8 or later), where it is loaded by path, so it uses the standard
library only.
"""

from __future__ import annotations

from .content_store import ContentStore
from .entries import Entry
from .errors import DamagedEntry, StoreError
from .location import default_root, size_limit
from .upkeep import Collected, Stats

__all__ = ["Collected", "ContentStore", "DamagedEntry", "Entry", "Stats", "StoreError", "default_root", "size_limit"]
