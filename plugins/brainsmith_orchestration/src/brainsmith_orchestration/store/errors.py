"""Say what a database's complaint means: what, where, and what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from brainsmith_core.errors import BrainsmithError, ConfigurationError, MissingRequirementError

__all__ = ["StoreError", "explained", "shown"]


class StoreError(BrainsmithError):
    """The store can't do what was asked, through no fault of the request."""

    default_category = "environment"


def shown(location: str) -> str:
    """Return a store's location for people: a password in it is left out."""
    return make_url(location).render_as_string(hide_password=True) if "://" in location else location


@contextlib.contextmanager
def explained(location: str) -> Iterator[None]:
    """Turn the database's errors into ours.

    Args:
        location: the store's path or URL.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise _explanation(error, shown(location)) from error


def _explanation(error: SQLAlchemyError, where: str) -> BrainsmithError:
    text = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    low = text.lower()
    if "disk is full" in low or "no space left" in low:
        return StoreError(
            f"the disk of the store {where} is full", hint="free disk space; nothing stored is lost", category="disk"
        )
    if "readonly" in low or "read-only" in low:
        hint = "give one that you may write to: BRAINSMITH_STORE=PATH, or BRAINSMITH_STORE=none to store nothing"
        return ConfigurationError(f"the store {where} can't be written", hint=hint)
    if "unable to open" in low:
        hint = "check the folder and its rights, or set BRAINSMITH_STORE"
        return ConfigurationError(f"the store {where} can't be opened", hint=hint)
    if "not a database" in low or "malformed" in low:
        text = f"the store {where} is damaged or no database"
        hint = (
            "move it away: finished builds are known by their folders; `brainsmith history import` brings a copy back"
        )
        return StoreError(text, hint=hint)
    if "locked" in low:
        hint = "try again; see who holds it with: fuser -v"
        return StoreError(f"the store {where} was locked by another process for too long", hint=hint)
    if "connection" in low and ("refused" in low or "failed" in low):
        text = f"the store {where} can't be reached: {text.splitlines()[0]}"
        return MissingRequirementError(text, hint="start the server, or correct BRAINSMITH_STORE")
    return StoreError(f"the store {where} refused: {text}", hint="`brainsmith history export` saves what is readable")
