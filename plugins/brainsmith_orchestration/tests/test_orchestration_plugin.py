from __future__ import annotations

from brainsmith_core.plugins.manager import PluginManager, load_target
from brainsmith_orchestration.local import LocalExecutor


def test_the_local_executor_is_registered() -> None:
    offer = PluginManager.discover().executor("local")
    assert load_target(offer.record.target, "the test") is LocalExecutor
