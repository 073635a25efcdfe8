from __future__ import annotations

from brainsmith_core.plugins.manager import PluginManager, PluginState
from brainsmith_core.records import MetricDefinition


def test_the_stub_is_an_active_plugin_with_a_simulated_backend() -> None:
    manager = PluginManager.discover()
    plugin = next(plugin for plugin in manager.plugins if plugin.name == "stub")
    assert plugin.state is PluginState.ACTIVE, plugin.reason
    assert manager.backend("future_brainsmith").record.simulated


def test_the_figures_of_a_simulation_are_in_the_vocabulary() -> None:
    offers = PluginManager.discover().offers("brainsmith_metric_definitions")
    ours: list[MetricDefinition] = [offer.record for offer in offers if offer.plugin.name == "stub"]
    assert {d.name for d in ours} == {"mock_build", "complexity_factor", "kernel_count", "transform_count"}
