"""What the user says about plugins: which to leave out, and which of two that offer one name shall be used.

It is said on the command line (`--no-plugin NAME`), in the environment (`BRAINSMITH_DISABLE_PLUGINS=NAME,NAME`) or in
the project's `brainsmith.toml`, the nearest one from the working directory upwards. All three mean the same:

```toml
[plugins]
disable = ["slow_collector"]

[plugins.prefer.backend]
my_backend = "the_plugin_that_shall_offer_it"

[plugins.my_plugin]  # the plugin's own settings
threads = 4
```
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from ..errors import ConfigurationError, did_you_mean

__all__ = ["DISABLE_VARIABLE", "KINDS", "PROJECT_FILE", "PluginChoices", "find_project_file", "read_project_file"]

#: Environment variable: names of plugins to leave out, separated by commas.
DISABLE_VARIABLE = "BRAINSMITH_DISABLE_PLUGINS"

PROJECT_FILE = "brainsmith.toml"

#: For each registration hook, what one of its records is called; also the tables of `[plugins.prefer]`.
KINDS = {
    "brainsmith_backends": "backend",
    "brainsmith_preprocessing_steps": "preprocessing_step",
    "brainsmith_postprocessing_steps": "postprocessing_step",
    "brainsmith_metric_parsers": "metric_parser",
    "brainsmith_metric_definitions": "metric_definition",
    "brainsmith_executors": "executor",
    "brainsmith_error_rules": "error_rule",
    "brainsmith_devices": "device",
    "brainsmith_commands": "command",
    "brainsmith_validators": "validator",
    "brainsmith_settings": "setting",
}
_PREFER_TABLES = (*(kind for kind in KINDS.values() if kind != "setting"), "plugin")
_OWN_KEYS = ("disable", "prefer")


@attrs.frozen(kw_only=True)
class PluginChoices:
    """What the user says about plugins.

    Args:
        disabled: for each plugin to leave out, where that is said.
        prefer: for each kind and name, the plugin (for the kind `plugin`: the distribution) that shall offer it.
        settings: for each plugin, what the project file says of its own settings.
        file: the project file that was read, or None.
    """

    disabled: Mapping[str, str] = attrs.field(factory=dict)
    prefer: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    file: Path | None = None

    @classmethod
    def load(cls, disabled: Iterable[str] = (), folder: Path | None = None) -> PluginChoices:
        """Return what is said by the caller, the environment and the project file.

        Args:
            disabled: names given by the caller, as with `--no-plugin`.
            folder: where to look for the project file, and upwards of it; else the working directory.

        Raises:
            ConfigurationError: if the project file is wrong.
        """
        file = find_project_file(folder)
        table = read_project_file(file).get("plugins", {}) if file else {}
        said = {name: str(file) for name in table.get("disable", ())}
        given = os.environ.get(DISABLE_VARIABLE, "").split(",")
        said |= {name.strip(): DISABLE_VARIABLE for name in given if name.strip()}
        said |= dict.fromkeys(disabled, "--no-plugin")
        settings = {name: value for name, value in table.items() if name not in _OWN_KEYS}
        return cls(disabled=said, prefer=table.get("prefer", {}), settings=settings, file=file)

    def preferred(self, kind: str, name: str) -> str:
        """Return the plugin that shall offer a name, or ""."""
        return self.prefer.get(kind, {}).get(name, "")

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return a line for each plugin to leave out or to set that isn't installed: it may be a typing error."""
        known = sorted(names)
        unset = [
            f'{self.file} has settings of the plugin "{name}", which isn\'t installed; {did_you_mean(name, known)}'
            for name in self.settings
            if name not in known
        ]
        return unset + [
            f'{source} leaves out the plugin "{name}", which isn\'t installed; {did_you_mean(name, known)}'
            for name, source in self.disabled.items()
            if name not in known
        ]


def find_project_file(folder: Path | None = None) -> Path | None:
    """Return the nearest `brainsmith.toml` from a folder upwards, or None."""
    try:
        start = os.path.abspath(folder or os.getcwd())  # noqa: PTH100, PTH109 - at each start; the folder may be gone
    except FileNotFoundError:
        return None
    while True:
        candidate = os.path.join(start, PROJECT_FILE)  # noqa: PTH118 - as above
        if os.path.isfile(candidate):  # noqa: PTH113 - as above
            return Path(candidate)
        parent = os.path.dirname(start)  # noqa: PTH120 - as above
        if parent == start:
            return None
        start = parent


def read_project_file(file: Path) -> dict[str, Any]:
    """Return what a project file says, checked.

    Raises:
        ConfigurationError: if it can't be read, or says something that means nothing.
    """
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} can't be read: {error}") from error
    data = parsed(text, file)
    _check_keys(data, ("plugins",), str(file))
    table = _table(data, "plugins", str(file))
    # A table is that of a plugin's own settings, checked once it is known which plugins there are.
    _check_keys([key for key, value in table.items() if not isinstance(value, dict)], _OWN_KEYS, f"{file}: [plugins]")
    names = table.get("disable", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f'{file}: plugins.disable must read ["name", "name"], but is {names!r}')
    prefer = _table(table, "prefer", f"{file}: [plugins]")
    _check_keys(prefer, _PREFER_TABLES, f"{file}: [plugins.prefer]")
    for kind in prefer:
        for name, plugin in _table(prefer, kind, f"{file}: [plugins.prefer]").items():
            if not isinstance(plugin, str):
                raise ConfigurationError(f"{file}: plugins.prefer.{kind}.{name} must be a plugin's name in quotes")
    return data


def parsed(text: str, file: Path) -> dict[str, Any]:
    """Return TOML text as data; raises ConfigurationError with file and line."""
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} isn't TOML: {error}", hint="mend it, or take it out of the way") from None


def _table(data: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where}: {key} must be a table, but is {value!r}")
    return value


def _check_keys(data: Iterable[str], known: Iterable[str], where: str) -> None:
    for key in data:
        if key not in known:
            raise ConfigurationError(f'{where}: unknown key "{key}"', hint=did_you_mean(key, known))
