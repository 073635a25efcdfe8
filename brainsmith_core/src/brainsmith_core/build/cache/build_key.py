"""What decides a build's result: configurations with one key give the same, wherever they are built."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from ...config import BuildConfig
from ...context import Backend
from ...formats.json_values import JSONValue, checked_json_dict
from ...plugins.manager import Plugin, PluginManager
from ...records import BackendSpec
from ..settings_used import settings_used
from ..workspace import file_digest
from .code_digest import code_digest, named_files, packages_digest

__all__ = ["build_key", "config_content", "digest_of", "plugin_code"]

#: Raise it when builds are stored in another way, or when core computes something else from the same.
_FORMAT = 1
_PLACE = ("model_path", "output_dir", "design_space_id", "combination_index", "total_combinations")
_HOUSEKEEPING = (
    *("working_directory", "cache_results", "log_level", "max_combinations", "timeout_minutes", "memory_gb"),
)
#: Plugins that implement one of these take part in every build.
_ALWAYS = {"brainsmith_metric_parsers", "brainsmith_metric_definitions", "brainsmith_devices"}


def config_content(config: BuildConfig) -> dict[str, JSONValue]:
    """Return what a configuration says of what is built, without its place, limits and housekeeping."""
    data = config.to_dict()
    settings = data["global_config"]
    assert isinstance(settings, dict)
    content = {key: value for key, value in data.items() if key not in _PLACE}
    content["global_config"] = {key: value for key, value in settings.items() if key not in _HOUSEKEEPING}
    return content


def build_key(config: BuildConfig, backend: Backend, spec: BackendSpec, plugins: PluginManager) -> str | None:
    """Return a digest of all that decides what a build gives, or None if that can't be told.

    It is made of the configuration without its place, the model's bytes, the files that settings name, the backend's
    identity, and the code and settings of core and of each plugin that takes part.

    Args:
        config: the build.
        backend: what builds it.
        spec: its record.
        plugins: where it comes from.
    """
    content = config_content(config)
    files = named_files([content[key] for key in ("config_flags", "preprocessing", "postprocessing", "build_steps")])
    code = plugin_code(_taking_part(config, spec, plugins), spec.target)
    if files is None or code is None:
        return None
    identity = getattr(backend, "identity", None)
    return digest_of(
        {
            "format": _FORMAT,
            "config": content,
            "model": file_digest(Path(config.model_path)),
            "files": dict[str, JSONValue](files),
            "backend": spec.name,
            "identity": {} if identity is None else checked_json_dict(identity(config), "identity"),
            "code": code,
            "packages": packages_digest() if config.preprocessing or config.postprocessing else "",
            **settings_used(config, spec, plugins),
        }
    )


def digest_of(data: JSONValue) -> str:
    """Return the digest of JSON data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def plugin_code(plugins: Iterable[Plugin], *targets: str) -> dict[str, JSONValue] | None:
    """Return the versions and digests of the code of core, of plugins, and of what further targets name.

    Returns:
        None if a plugin's code can't be found, such as one that a program has put together itself.
    """
    packages = {"brainsmith_core"}
    versions: dict[str, JSONValue] = {}
    for plugin in plugins:
        versions[plugin.name] = f"{plugin.distribution} {plugin.version}"
        packages.add(_package(plugin.target))
    packages |= {_package(target) for target in targets}
    digests = {package: code_digest(package) for package in sorted(packages)}
    if None in digests.values():
        return None
    return {"versions": versions, "packages": dict[str, JSONValue](digests)}


def _package(target: str) -> str:
    return target.partition(":")[0].partition(".")[0]


def _taking_part(config: BuildConfig, spec: BackendSpec, plugins: PluginManager) -> list[Plugin]:
    found = {plugin.name: plugin for plugin in plugins.plugins if plugin.is_active and _always(plugin)}
    for step in (*config.preprocessing, *config.postprocessing):
        plugin = plugins.step(step.type, step.name).plugin
        found[plugin.name] = plugin
    backend = plugins.backends().get(spec.name)
    if backend is not None:
        found[backend.plugin.name] = backend.plugin
    found.pop("core", None)  # its code counts always
    return [found[name] for name in sorted(found)]


def _always(plugin: Plugin) -> bool:
    return any(hook.name in _ALWAYS for hook in plugin.hooks)
