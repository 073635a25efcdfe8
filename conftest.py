"""Settings of all tests of the workspace."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_randomly
from hypothesis import settings

ROOT = Path(__file__).parent

# qonnx offers a seeder that prints a line on stdout before each test, between what commands print.
pytest_randomly.entrypoint_reseeds = []

# The folder `brainsmith_core` holds `src/brainsmith_core` and `tests`. pytest names a test module after its
# folder (`brainsmith_core.tests.test_x`), and would make an empty package `brainsmith_core` for it if the
# real one weren't imported by then.
for folder in sorted(ROOT.glob("brainsmith_*/src/brainsmith_*")):
    importlib.import_module(folder.name)

# Explorations of tests aren't this project's builds; tests of the store say where theirs is.
os.environ["BRAINSMITH_STORE"] = "none"

# Machines differ in speed, so no example has a deadline; and no test leaves a database of examples behind.
settings.register_profile("brainsmith", deadline=None, database=None)
settings.load_profile("brainsmith")


@pytest.fixture(scope="session", autouse=True)
def _no_cache_at_home() -> Iterator[None]:
    """What is remembered between starts is remembered for this run only, also by programs that tests start."""
    # Imported late: the loop above decides how the packages are found.
    from brainsmith_core.formats.memory import CACHE_VARIABLE

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, os.environ.get(CACHE_VARIABLE) or folder)
        # Builds run whole, unless a test is about reuse: it takes BRAINSMITH_NO_CACHE away and has a store of its own.
        patch.setenv("BRAINSMITH_CACHE", os.environ.get("BRAINSMITH_CACHE") or f"{folder}/store")
        patch.setenv("BRAINSMITH_NO_CACHE", "1")
        yield
