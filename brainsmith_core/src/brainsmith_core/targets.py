"""Import the heavy code that a record names by its target, when it is first used."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import PluginError

__all__ = ["import_fix", "load_target"]


def load_target(target: str, owner: str) -> Any:
    """Import what `"package.module:attribute"` names.

    Args:
        target: the text in a record.
        owner: who names it, for the message.

    Raises:
        PluginError: if it can't be imported, with the reason.

    Example:
        >>> load_target("os.path:join", "an example").__name__
        'join'
    """
    module_name, _, attribute = target.partition(":")
    try:
        value: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            value = getattr(value, part)
    except (Exception, SystemExit) as error:  # foreign code: what its import raises is its fault
        text = f"{owner} can't be loaded: importing {target} failed: {type(error).__name__}: {error}"
        raise PluginError(text, hint=import_fix(error, owner)) from error
    return value


def import_fix(error: BaseException, owner: str) -> str:
    """Return what mends an import that raised `error`: the module to install, or whom to ask."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"pip install {error.name.split('.')[0].replace('_', '-')}"
    return f"mend or remove {owner}"
