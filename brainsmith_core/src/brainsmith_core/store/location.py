"""Where the store is, and how large it may grow."""

from __future__ import annotations

import os
import re

from .errors import StoreError

__all__ = ["DEFAULT_LIMIT", "LIMIT_VARIABLE", "ROOT_VARIABLE", "default_root", "parse_size", "size_limit"]

ROOT_VARIABLE = "BRAINSMITH_CACHE"
LIMIT_VARIABLE = "BRAINSMITH_CACHE_SIZE"
#: Bytes that a store may have when nothing else is said.
DEFAULT_LIMIT = 20 * 1000**3
_UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}


def default_root() -> str:
    """Return the folder of this user's store: `$BRAINSMITH_CACHE`, else `brainsmith/store` in the cache folder."""
    given = os.environ.get(ROOT_VARIABLE, "")
    if given:
        return os.path.abspath(os.path.expanduser(given))
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(cache):  # the standard says that a relative one counts as none
        cache = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "brainsmith", "store")


def size_limit() -> int:
    """Return the bytes that the store may have: `$BRAINSMITH_CACHE_SIZE`, such as `5G`, else 20 GB.

    Raises:
        StoreError: if the variable is no size.
    """
    given = os.environ.get(LIMIT_VARIABLE, "")
    return parse_size(given) if given else DEFAULT_LIMIT


def parse_size(text: str) -> int:
    """Return bytes for a text such as `500M`, `1.5 GB` or `1000000`.

    Raises:
        StoreError: if it is no size.

    Example:
        >>> parse_size("1.5 GB"), parse_size("500m"), parse_size("12")
        (1500000000, 500000000, 12)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip().upper())
    if found is None:
        raise StoreError(f'"{text}" is no size; write it like 500M or 5G')
    return int(float(found.group(1)) * _UNITS[found.group(2)])
