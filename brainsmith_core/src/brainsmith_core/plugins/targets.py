"""Import the heavy code that a record names by its target, when it is first used."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterable
from typing import Any

from ..errors import PluginError
from .containment import call_contained, describe
from .installed import installed, normalised
from .requirements import missing_requirements

__all__ = ["build_fault", "import_fix", "load_target"]


def load_target(target: str, owner: str, *, requires: Iterable[str] = (), distribution: str = "") -> Any:
    """Import what `"package.module:attribute"` names.

    Args:
        target: the text in a record.
        owner: who names it, for the message.
        requires: what the owner's distribution requires, to say what to install.
        distribution: the owner's distribution.

    Raises:
        PluginError: if it can't be imported, with the reason.

    Example:
        >>> load_target("os.path:join", "an example").__name__
        'join'
    """
    outcome = call_contained(lambda: _resolve(target))
    if outcome.error is not None:
        text = f"{owner} can't be loaded: importing {target} failed: {describe(outcome.error)}"
        fix = import_fix(outcome.error, distribution or owner, requires)
        raise PluginError(text, hint=fix) from outcome.error
    return outcome.value


def _resolve(target: str) -> Any:
    module_name, _, attribute = target.partition(":")
    value: Any = importlib.import_module(module_name)
    for part in attribute.split("."):
        value = getattr(value, part)
    return value


def import_fix(error: BaseException, owner: str, requires: Iterable[str] = ()) -> str:
    """Return what mends an import that raised `error`: what to install, or whom to ask.

    Args:
        error: what the import raised.
        owner: the distribution or thing that is at fault.
        requires: what the owner's distribution requires; a module's name needn't be its distribution's.
    """
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return f"mend or remove {owner}"
    root = error.name.partition(".")[0]
    missing = missing_requirements(requires, installed())
    same = [text for text in missing if normalised(text).startswith(normalised(root))]
    if missing:
        return "pip install " + " ".join(f'"{text}"' for text in same[:1] or missing)
    if root in sys.modules:  # a part of something that is installed: it is damaged or of another version
        return f"pip install --force-reinstall {owner}"
    return f"pip install {normalised(root)}"


def build_fault(backend: object) -> str:
    """Return what is wrong with a backend's `build`, or "".

    Example:
        >>> build_fault(object())
        'has no method build'
    """
    build = getattr(backend, "build", None)
    if not callable(build):
        return "has no method build"
    try:
        inspect.signature(build).bind(None)
    except TypeError:
        return f"has build{inspect.signature(build)}, which doesn't take a build's context"
    except ValueError:  # compiled code may have no signature
        return ""
    return ""
