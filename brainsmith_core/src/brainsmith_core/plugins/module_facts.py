"""What a module does when it is imported, as far as its source says so: found without importing it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from ..formats.json_values import JSONValue

__all__ = ["TRUSTED", "facts_of", "names_of"]

#: What can be imported for certain: nobody has to look.
TRUSTED = frozenset({*sys.stdlib_module_names, "brainsmith_core"})

#: Where a module uses one of these, its names can't be told from its source.
_DYNAMIC = frozenset({"__getattr__", "exec", "globals", "locals", "setattr", "vars"})


def facts_of(path: str) -> dict[str, JSONValue]:
    """Return what happens for certain when a module is imported.

    Only what stands at the top of the module counts: what is below an `if`, a `try` or in a function may never run.

    Args:
        path: the module's source.

    Returns:
        `fault`: why the import fails, or ""; `imports`: line, module (with leading dots where it is relative) and names
        of each import that is made whatever happens, but for those of Python's own library and of core.

    Raises:
        OSError: if it can't be read.
    """
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (SyntaxError, ValueError) as error:  # ValueError: null bytes
        line = getattr(error, "lineno", None)
        return {"fault": f"it is no Python: {getattr(error, 'msg', error)}" + (f", line {line}" if line else "")}
    imports: list[JSONValue] = []
    for node in tree.body:
        if isinstance(node, ast.Raise):
            raised = ast.unparse(node.exc) if node.exc else "an exception"
            return {"fault": f"it raises {raised}, line {node.lineno}", "imports": imports}
        imports += [[node.lineno, module, names] for module, names in _imports(node) if _root(module) not in TRUSTED]
    return {"fault": "", "imports": imports}


def names_of(path: str) -> list[JSONValue] | None:
    """Return the names that a module may define, rather one too many; None where that can't be told.

    Args:
        path: the module's source; what is no Python has none.

    Raises:
        OSError: if it can't be read.
    """
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (SyntaxError, ValueError):
        return []
    if any(isinstance(node, ast.Name) and node.id in _DYNAMIC for node in ast.walk(tree)):
        return None
    found = {name for statement in tree.body for name in _defined(statement)}
    return None if found & {"*", *_DYNAMIC} else [*sorted(found)]


def _root(module: str) -> str:
    return module.partition(".")[0]


def _imports(node: ast.stmt) -> Iterator[tuple[str, list[JSONValue]]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, []
    elif isinstance(node, ast.ImportFrom):
        yield "." * node.level + (node.module or ""), [alias.name for alias in node.names]


def _defined(statement: ast.stmt) -> Iterator[str]:
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if isinstance(statement, definitions):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, definitions):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
