"""Build something again that the store knows."""

from __future__ import annotations

from pathlib import Path

import attrs

from brainsmith_core.build.runner import create_build_runner_factory
from brainsmith_core.config import BuildConfig
from brainsmith_core.errors import ConfigurationError
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_core.result import BuildResult

from .controller import Controller
from .store.database import Store
from .store.queries import find_build

__all__ = ["retry_build"]


def retry_build(store: Store, name: str, plugins: PluginManager) -> BuildResult:
    """Build something again, with the backend that built it, and return what came of it.

    Args:
        store: what knows it, and gets the further attempt.
        name: as `find_build` takes it.
        plugins: where its backend is.

    Raises:
        ConfigurationError: if it isn't known, or runs, or is of another exploration that runs.
    """
    found = find_build(store, name)
    if found["status"] == "running":
        raise ConfigurationError(f"build {name} runs already", hint=f"brainsmith builds cancel {name} stops it")
    config = BuildConfig.from_dict(found["config"], f"build {name} in the store")
    config = attrs.evolve(
        config,
        output_dir=found["folder"],
        global_config=attrs.evolve(config.global_config, cache_results=False),
    )
    factory = create_build_runner_factory(found["backend"] or "auto", plugins)
    # The folder above is the exploration's: its lock keeps us out while the exploration runs.
    folder = Path(found["folder"]).parent
    with Controller(factory, folder=folder, store=store.location, drains=False) as controller:
        return next(iter(list(controller.run([config]))))
