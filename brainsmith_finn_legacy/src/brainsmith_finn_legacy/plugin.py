"""What this package offers, through the hooks that every plugin has; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator

from brainsmith_core.hookspecs import hookimpl
from brainsmith_core.records import BackendSpec, ErrorRule

__all__ = ["brainsmith_backends", "brainsmith_error_rules"]

BRAINSMITH_API = 1


@hookimpl
def brainsmith_backends() -> Iterator[BackendSpec]:
    """Yield the backend that runs FINN."""
    from .backend_spec import LEGACY_FINN

    yield LEGACY_FINN


@hookimpl
def brainsmith_error_rules() -> Iterator[ErrorRule]:
    """Yield what FINN's messages mean."""
    from .error_rules import RULES

    yield from RULES
