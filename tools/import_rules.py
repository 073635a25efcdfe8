"""Hold the walls between the packages, by reading their syntax trees; nothing is imported.

`tests/test_import_rules.py` runs it all; `.venv/bin/python tools/import_rules.py` lists what breaks a rule.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from workspace import Workspace

CORE = "brainsmith_core"
# Besides core and itself, what a package of ours may import from the workspace.
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    name: frozenset({"brainsmith_orchestration"})
    for name in ("brainsmith_dse", "brainsmith_dask", "brainsmith_analysis")
}
# The worker is started by path, as a package of this name.
WORKER_NAME = "_brainsmith_worker"
# Packages of core that run under foreign interpreters.
FOREIGN_PARTS = (f"{CORE}.processes.worker.", f"{CORE}.store.")
# What lives in a FINN environment, not in ours.
FINN_WORLD = frozenset({"brevitas", "finn", "numpy", "onnx", "onnxruntime", "qonnx", "torch", "xsi"})
HEAVY = FINN_WORLD | {
    "dask",
    "distributed",
    "matplotlib",
    "optuna",
    "pandas",
    "plotly",
    "scipy",
    "sqlalchemy",
}
LIGHT_PACKAGES = frozenset({CORE, "brainsmith_stub", "brainsmith_finn_legacy"})
FINN_PACKAGE = "brainsmith_finn_legacy"
STANDARD = sys.stdlib_module_names | {"__future__"}
BLIND = frozenset({"Exception", "BaseException"})
SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no\s*(cover|branch)|nosec)\b(?P<rest>.*)")
CODES = re.compile(r"^\s*(:\s*[A-Z]+\d+(\s*,\s*[A-Z]+\d+)*|\[[\w\-, ]+\])?")
# Written in pieces, so that this file doesn't break its own rule.
MACHINE_PATHS = re.compile(r"(?<![\w.)}$])/" + r"(work|root|opt/pypi[\w-]*|opt/wheels)/")


@dataclass(frozen=True)
class Import:
    """One name that a module imports.

    Args:
        module: the dotted name of what is imported, a relative one made absolute.
        name: what is taken from it, for `from module import name`, else "".
        line: where.
        place: "module" (done on import), "function" (done on call) or "typing" (read by checkers only).
        relative: whether the source says it relatively.
    """

    module: str
    name: str
    line: int
    place: str
    relative: bool = False

    @property
    def root(self) -> str:
        """The top-level package."""
        return self.module.partition(".")[0]

    @property
    def parts(self) -> list[str]:
        """All components of what is imported, its name too."""
        return [*self.module.split("."), *([self.name] if self.name else [])]


@dataclass(frozen=True)
class Module:
    """One source file of a package.

    Args:
        path: the file.
        name: its dotted name.
    """

    path: Path
    name: str

    @property
    def package(self) -> str:
        """The top-level package that it belongs to."""
        return self.name.partition(".")[0]

    @cached_property
    def source(self) -> str:
        """The text of the file."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def imports(self) -> list[Import]:
        """All that it imports, anywhere in it."""
        inside = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        return list(_imports(ast.parse(self.source), inside, "module"))


def modules_below(source: Path) -> list[Module]:
    """Return the modules of the packages in a `src` folder."""
    found = []
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        found.append(Module(path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts)))
    return found


def _imports(node: ast.AST, inside: str, place: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, "", child.lineno, place) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = _absolute(child, inside)
            yield from (Import(module, each.name, child.lineno, place, child.level > 0) for each in child.names)
        elif isinstance(child, ast.Call) and (named := _imported_by_call(child)):
            yield Import(named, "", child.lineno, place)
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(child, inside, "function")
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _imports(ast.Module(child.body, []), inside, "typing")
            yield from _imports(ast.Module(child.orelse, []), inside, place)
        else:
            yield from _imports(child, inside, place)


def _absolute(node: ast.ImportFrom, inside: str) -> str:
    if not node.level:
        return node.module or ""
    above = inside.split(".")[: len(inside.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _imported_by_call(node: ast.Call) -> str | None:
    """Return X of `import_module("X")` and `__import__("X")`."""
    called = ast.unparse(node.func).rpartition(".")[2]
    if called not in {"import_module", "__import__"} or not node.args:
        return None
    named = node.args[0]
    return named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else None


def workspace_names(modules: Iterable[Module]) -> frozenset[str]:
    """Return the top-level packages of the workspace."""
    return frozenset(module.package for module in modules)


def walls(modules: Iterable[Module]) -> list[str]:
    """Core imports no plugin, and a plugin imports core and what it is allowed to."""
    modules = list(modules)
    ours = workspace_names(modules) | set(MAY_IMPORT)
    found = []
    for module in modules:
        allowed = {module.package} | (MAY_IMPORT.get(module.package, frozenset()) | {CORE})
        if module.package == CORE:
            allowed = {CORE}
        found += [
            f"{module.path}:{each.line}: {module.package} may not import {each.root}"
            for each in module.imports
            if each.root in ours and each.root not in allowed
        ]
    return found


def private_parts(modules: Iterable[Module]) -> list[str]:
    """No package reaches into the private modules or names of another one of ours."""
    modules = list(modules)
    ours = workspace_names(modules)
    return [
        f"{module.path}:{each.line}: {'.'.join(each.parts)} is private to {each.root}"
        for module in modules
        for each in module.imports
        if each.root in ours and each.root != module.package
        if any(part.startswith("_") and not part.startswith("__") for part in each.parts)
    ]


def heavy_at_import(modules: Iterable[Module]) -> list[str]:
    """Importing a light package, or what a plugin registers itself with, imports nothing heavy."""
    modules = list(modules)
    start = [each for each in modules if each.package in LIGHT_PACKAGES or _registers(each)]
    return [
        f"{module.path}:{each.line}: importing {module.name} imports {each.root}"
        for module in _closure(start, modules)
        for each in module.imports
        if each.place == "module" and each.root in HEAVY
    ]


def _registers(module: Module) -> bool:
    """Tell whether a module is read when plugins are listed: a package itself and its `plugin` module."""
    return module.name in {module.package, f"{module.package}.plugin"}


def _closure(start: Iterable[Module], modules: Iterable[Module]) -> list[Module]:
    """Return modules with all modules of ours that importing them imports."""
    by_name = {module.name: module for module in modules}
    reached: dict[str, Module] = {}
    waiting = list(start)
    while waiting:
        module = waiting.pop()
        if module.name in reached:
            continue
        reached[module.name] = module
        for each in module.imports:
            if each.place == "module":
                names = {each.module, ".".join(each.parts)}
                waiting += [by_name[name] for name in names if name in by_name]
    return sorted(reached.values(), key=lambda module: module.name)


def worker_imports(modules: Iterable[Module]) -> list[str]:
    """The worker and the store run under foreign interpreters: each imports the standard library and itself."""
    foreign = [each for each in modules if f"{each.name}.".startswith(FOREIGN_PARTS)]
    return _beyond_standard(foreign, frozenset({WORKER_NAME}))


def finn_side_imports(modules: Iterable[Module]) -> list[str]:
    """What imports FINN runs in its environment: it imports FINN, the standard library, and its like."""
    own = [each for each in modules if each.package == FINN_PACKAGE]
    start = [each for each in own if any(one.root in FINN_WORLD for one in each.imports)]
    by_name = {module.name: module for module in own}
    reached: dict[str, Module] = {}
    while start:
        module = start.pop()
        reached[module.name] = module
        names = {name for one in module.imports for name in (one.module, ".".join(one.parts)) if one.relative}
        start += [by_name[name] for name in names if name in by_name and name not in reached]
    return _beyond_standard(reached.values(), FINN_WORLD)


def _beyond_standard(modules: Iterable[Module], allowed: frozenset[str]) -> list[str]:
    return [
        f"{module.path}:{each.line}: runs without our packages, so it can't import {each.module}"
        for module in modules
        for each in module.imports
        if each.place != "typing" and not each.relative
        if each.root not in STANDARD and each.root not in allowed
        if not (module.path.parent / f"{each.root}.py").exists()
    ]


def undeclared(member: Path) -> list[str]:
    """What a package imports, its own `pyproject.toml` declares."""
    project = tomllib.loads((member / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
    texts = [text for group in groups for text in group]
    declared = {canonicalize_name(Requirement(text).name) for text in texts}
    installed = packages_distributions()
    found = []
    for module in modules_below(member / "src"):
        for each in module.imports:
            exempt = (
                STANDARD | {module.package, WORKER_NAME} | (FINN_WORLD if module.package == FINN_PACKAGE else set())
            )
            distributions = {canonicalize_name(name) for name in installed.get(each.root, [each.root])}
            if each.root not in exempt and not each.relative and not distributions & declared:
                found.append(f"{module.path}:{each.line}: {each.root} isn't among the dependencies of {member.name}")
    return found


def blind_handlers(path: Path) -> list[str]:
    """A handler that catches everything raises it again, or says why in a comment on its line or the next."""
    source = path.read_text(encoding="utf-8")
    comments = _comments(source)
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type) and not _raises_again(node):
            reasons = [_reason(comments.get(line, "")) for line in (node.lineno, node.lineno + 1)]
            if not any(reasons):
                found.append(f"{path}:{node.lineno}: catches everything without a comment that says why")
    return found


def _catches_all(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(kind, ast.Name) and kind.id in BLIND for kind in kinds)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def unexplained(path: Path) -> list[str]:
    """A comment that switches a checker off says why."""
    return [
        f"{path}:{line}: switches a checker off without saying why: {comment}"
        for line, comment in _comments(path.read_text(encoding="utf-8")).items()
        if SUPPRESSION.search(comment) and not _reason(comment)
    ]


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


def _reason(comment: str) -> str:
    """Return the words of a comment, without the codes for checkers."""
    suppression = SUPPRESSION.search(comment)
    text = CODES.sub("", suppression["rest"], count=1) if suppression else comment
    return text.strip(" #-:,")


def machine_paths(path: Path) -> list[str]:
    """No file holds a path of the machine that it was written on."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        lines = path.read_bytes().decode("latin-1").splitlines()
    return [
        f"{path}:{number}: holds a path of one machine: {found.group()}"
        for number, line in enumerate(lines, start=1)
        if (found := MACHINE_PATHS.search(line))
    ]


def repository_files(root: Path) -> list[Path]:
    """Return the files that git knows or would add."""
    # The setting: who runs this need not own the folder (in a container, say).
    git = ["git", "-c", f"safe.directory={root}", "-C", str(root)]
    command = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := root / name).is_file()]


Rule = Callable[[Iterable[Module]], list[str]]
MODULE_RULES: tuple[Rule, ...] = (
    walls,
    private_parts,
    heavy_at_import,
    worker_imports,
    finn_side_imports,
)


def all_modules(workspace: Workspace) -> list[Module]:
    """Return all modules of all packages of the workspace."""
    return [module for member in workspace.members() for module in modules_below(member / "src")]


def main() -> int:
    """List all that breaks a rule; return the exit code."""
    workspace = Workspace(Path(__file__).resolve().parent.parent)
    modules = all_modules(workspace)
    found = [line for rule in MODULE_RULES for line in rule(modules)]
    found += [line for member in workspace.members() for line in undeclared(member)]
    for path in repository_files(workspace.root):
        found += machine_paths(path)
        if path.suffix == ".py":
            found += [*blind_handlers(path), *unexplained(path)]
    print("\n".join(found) or "all import rules are kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
