"""A plugin's own settings: what it declares, what the user says, checked.

The user says it in the project's `brainsmith.toml`, or in the environment, which counts more:

```toml
[plugins.my_plugin]
licence_server = "2100@licences"
```

```sh
BRAINSMITH_PLUGIN_MY_PLUGIN_LICENCE_SERVER=2100@licences
```
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import attrs

from ..errors import ConfigurationError, did_you_mean
from ..formats.json_values import JSONValue

if TYPE_CHECKING:
    from ..records import Parameter

__all__ = ["SETTING_PREFIX", "Setting", "checked_settings", "variable_of"]

#: How the environment variables of settings begin.
SETTING_PREFIX = "BRAINSMITH_PLUGIN_"

_OTHER = re.compile(r"[^A-Z0-9]")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@attrs.frozen(kw_only=True)
class Setting:
    """A setting of a plugin as it holds.

    Args:
        name: its name.
        value: its value.
        source: where the value comes from: the project file, an environment variable, or `default`.
        summary: what it does.
    """

    name: str
    value: JSONValue
    source: str
    summary: str


def variable_of(plugin: str, setting: str) -> str:
    """Return the environment variable of a setting.

    Example:
        >>> variable_of("my-plugin", "licence_server")
        'BRAINSMITH_PLUGIN_MY_PLUGIN_LICENCE_SERVER'
    """
    return SETTING_PREFIX + "_".join(_OTHER.sub("_", name.upper()) for name in (plugin, setting))


def checked_settings(
    plugin: str, declared: Iterable[Parameter], given: Mapping[str, JSONValue], file: str
) -> list[Setting]:
    """Return the settings of a plugin, each from where it is said nearest, else its default.

    Args:
        plugin: the plugin's name.
        declared: what it accepts.
        given: what the project file says.
        file: that file, for messages.

    Raises:
        ConfigurationError: for an unknown, missing or wrong setting, with a suggestion.
    """
    from ..build.parameters import check_value

    known = {each.name: each for each in declared}
    for name in given:
        if name not in known:
            raise ConfigurationError(
                f'{file}: [plugins.{plugin}] has no setting "{name}"', hint=did_you_mean(name, known)
            )
    _check_variables(plugin, known)
    found = []
    for name, parameter in known.items():
        variable = variable_of(plugin, name)
        value, source = parameter.default, "default"
        if variable in os.environ:
            value, source = _from_text(os.environ[variable], parameter.type, variable), variable
        elif name in given:
            value, source = given[name], file
        if source != "default":
            check_value(parameter, value, f"{source}: setting {plugin}.{name}")
        elif parameter.required:
            hint = f"{parameter.summary}; set {variable}, or {name} below [plugins.{plugin}] in brainsmith.toml"
            raise ConfigurationError(f'the plugin {plugin} needs the setting "{name}"', hint=hint)
        found.append(Setting(name=name, value=value, source=source, summary=parameter.summary))
    return found


def _check_variables(plugin: str, known: Iterable[str]) -> None:
    start = variable_of(plugin, "")
    variables = {variable_of(plugin, name) for name in known}
    for variable in os.environ if variables else ():
        if variable.startswith(start) and variable not in variables:
            text = f"{variable} is no setting of the plugin {plugin}"
            raise ConfigurationError(text, hint=did_you_mean(variable, variables))


def _from_text(
    text: str, kind: Literal["str", "int", "float", "bool", "list", "dict", "any"], variable: str
) -> JSONValue:
    """Return the value that a text means for a type; text that isn't of the type is left to the check."""
    if kind in {"str", "any"}:
        return text
    if kind == "bool":
        return True if text.lower() in _TRUE else False if text.lower() in _FALSE else text
    try:
        value: JSONValue = json.loads(text)
    except ValueError:
        raise ConfigurationError(f"{variable} must be {kind}, but is {text!r}", hint="write it as in JSON") from None
    return value
