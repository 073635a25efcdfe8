"""Fixtures for the tests of FINN's report parsers: read one small report, find the shared folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainsmith_core.metrics.collector import Collected, MetricsCollector
from brainsmith_core.plugins.manager import PluginManager
from brainsmith_finn_legacy import plugin


@pytest.fixture(scope="session")
def collector() -> MetricsCollector:
    """A collector with core and FINN's parsers only, whatever else is installed."""
    plugins = PluginManager()
    plugins.register(plugin, "finn_legacy", "brainsmith-finn-legacy", "0.1.0")
    assert [each.reason for each in plugins.check_all() if each.reason] == []
    return MetricsCollector(plugins)


@pytest.fixture
def read(collector: MetricsCollector, tmp_path: Path) -> Callable[[str, Any], Collected]:
    """Write one report (text, bytes or JSON data) and read it."""

    def run(name: str, content: Any) -> Collected:
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
        path.write_bytes(json.dumps(content).encode() if data is None else data)
        return collector.collect([path], tmp_path)

    return run


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The shared folder of real reports."""
    shared = Path(os.environ.get("BRAINSMITH_SHARED") or Path(__file__).parents[4] / "shared")
    folder = shared / "corpus"
    if not folder.is_dir():
        pytest.skip(f"the corpus of real reports isn't here: {folder}")
    return folder
