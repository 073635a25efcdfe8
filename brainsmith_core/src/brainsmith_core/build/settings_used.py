"""The settings of the plugins that take part in a build: a result depends on them."""

from __future__ import annotations

from ..config import BuildConfig
from ..formats.json_values import JSONValue
from ..plugins.manager import PluginManager
from ..records import BackendSpec

__all__ = ["settings_used"]


def settings_used(config: BuildConfig, spec: BackendSpec, plugins: PluginManager) -> dict[str, JSONValue]:
    """Return the settings of the backend's and the steps' plugins as part of a result's provenance.

    Args:
        config: the build.
        spec: the backend's record.
        plugins: where backend and steps are registered.

    Returns:
        `{"settings": {plugin: {name: value}}}`; nothing where no plugin that takes part has settings.

    Raises:
        ConfigurationError: if what the user says of one of them is wrong.
    """
    backend = plugins.backends().get(spec.name)
    taking_part = {} if backend is None else {backend.plugin.name: backend.plugin}
    for step in (*config.preprocessing, *config.postprocessing):
        plugin = plugins.step(step.type, step.name).plugin
        taking_part[plugin.name] = plugin
    found: dict[str, JSONValue] = {}
    for name in sorted(taking_part):
        values = plugins.setting_values(taking_part[name])
        if values:
            found[name] = values
    return {"settings": found} if found else {}
