"""From a name and a kind to a complete package: typed, tested, ready for pip."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path
from string import Template

from ..errors import ConfigurationError, did_you_mean
from ..hookspecs import API_VERSION
from ..plugins.installed import core_version, installed, normalised

__all__ = ["KINDS", "create_package"]

#: For each kind, the module that holds the plugin's code.
KINDS = {
    "metrics": "parser",
    "backend": "backend",
    "preprocessing": "step",
    "postprocessing": "step",
    "executor": "executor",
}

_TEMPLATES = Path(__file__).with_name("templates")
_NAME = re.compile(r"[a-z][a-z0-9_-]*\Z")


def create_package(name: str, kind: str, folder: Path) -> list[Path]:
    """Write a package and return its files.

    Args:
        name: the distribution's name; its module has underscores instead of hyphens.
        kind: a key of `KINDS`.
        folder: where it is written; must not exist, or be empty.

    Raises:
        ConfigurationError: for a name or kind that can't be, or a folder that can't be written.
    """
    module = _checked_name(name)
    if kind not in KINDS:
        raise ConfigurationError(f'there is no kind of plugin "{kind}"', hint=did_you_mean(kind, KINDS))
    _check_folder(folder)
    values = {
        "distribution": name,
        "module": module,
        "title": "".join(part.title() for part in module.split("_")),
        "kind": kind,
        "api": str(API_VERSION),
        "requirement": _requirement(core_version()),
        "code": KINDS[kind],
    }
    written = []
    for path, text in sorted(_files(kind, values).items()):
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        except OSError as error:
            raise ConfigurationError(f"{target} can't be written: {error.strerror or error}") from error
        written.append(target)
    return written


def _files(kind: str, values: dict[str, str]) -> dict[str, str]:
    module = values["module"]
    templates = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        ".gitignore": "gitignore",
        f"src/{module}/__init__.py": "init.py",
        f"src/{module}/plugin.py": f"{kind}/plugin.py",
        f"src/{module}/{KINDS[kind]}.py": f"{kind}/{KINDS[kind]}.py",
        f"tests/test_{module}.py": f"{kind}/test.py",
    }
    files = {path: _filled(name, values) for path, name in templates.items()}
    return files | {f"src/{module}/py.typed": ""}


def _filled(name: str, values: dict[str, str]) -> str:
    return Template((_TEMPLATES / f"{name}.tmpl").read_text("utf-8")).substitute(values)


def _checked_name(name: str) -> str:
    module = name.replace("-", "_")
    if not _NAME.match(name) or keyword.iskeyword(module) or not module.isidentifier():
        text = f'"{name}" can\'t be the name of a package'
        raise ConfigurationError(text, hint="start with a small letter; then small letters, digits, - and _")
    if module in sys.stdlib_module_names or module == "brainsmith_core" or module.startswith("test_"):
        raise ConfigurationError(f'"{name}" is the name of something else', hint="take another name")
    if normalised(name) in installed():
        raise ConfigurationError(f'a distribution "{name}" is installed already', hint="take another name")
    return module


def _check_folder(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is there already", hint="give an empty or a new folder with --output")


def _requirement(version: str) -> str:
    """Return the versions of core that a plugin written for this one works with.

    Example:
        >>> _requirement("0.1.3"), _requirement("2.4.0")
        ('brainsmith-core>=0.1,<0.2', 'brainsmith-core>=2.4,<3')
    """
    major, minor = (int(re.match(r"\d+", part)[0]) for part in version.split(".")[:2])  # type: ignore[index]  # PEP 440
    following = f"0.{minor + 1}" if major == 0 else f"{major + 1}"
    return f"brainsmith-core>={major}.{minor},<{following}"
