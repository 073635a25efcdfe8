"""Where a project's store is; nothing heavy is imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from brainsmith_core.plugins.choices import find_project_file

__all__ = ["NONE", "PROJECT_STORE", "STORE_VARIABLE", "store_location"]

#: Environment variable: a path, a URL such as `postgresql://host/name`, or `none`.
STORE_VARIABLE: Final = "BRAINSMITH_STORE"

#: Stands for the store of the project that the working directory is part of.
PROJECT_STORE: Final = "project"

#: Says that nothing is to be stored.
NONE: Final = "none"


def store_location(folder: Path | None = None) -> str | None:
    """Return the path or URL of the project's store; None if nothing is to be stored.

    That is what `BRAINSMITH_STORE` says, else `.brainsmith/builds.db` beside the nearest `brainsmith.toml`, else in
    the working directory.

    Args:
        folder: where the project is; else the working directory.
    """
    said = os.environ.get(STORE_VARIABLE, "").strip()
    if said:
        return None if said.lower() == NONE else said
    project = find_project_file(folder)
    root = project.parent if project else (folder or Path.cwd())
    return str(root.absolute() / ".brainsmith" / "builds.db")
